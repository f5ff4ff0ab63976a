//! Image folders with a metadata file.

use super::*;

/// A folder with `count` images `0.png`, `1.png` and so on, and a metadata file.
fn folder(count: u32, file: &str, content: &str) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let at = root.path().join(file);
    for seed in 0..count {
        write(at.parent().unwrap().join(format!("{seed}.png")), &png(image(seed, 8, 8)));
    }
    write(at, content.as_bytes());
    root
}

fn load_by(root: &Path, column: &str) -> Result<Dataset> {
    let options = LoadOptions { group_column: Some(column.to_owned()), ..options(RGB8) };
    Dataset::load(root, &options, &mut |_, _| Ok(()))
}

const TWO_COLUMNS: &str =
    "\u{feff}file_name,text,artist\n0.png,\"a cat, red\",Miró\n1.png,a dog,Klee\n2.png,a cow,Klee\n";

#[test]
fn the_label_column_names_the_groups_and_captions_do_not() {
    let lines = "{\"file_name\": \"0.png\", \"text\": \"a\", \"artist\": \"Miró\"}\n\n\
                 {\"text\": \"b\", \"artist\": \"Klee\", \"file_name\": \"1.png\"}\n\
                 {\"file_name\": \"2.png\", \"artist\": \"Klee\", \"text\": null}";
    for (file, content) in [("metadata.csv", TWO_COLUMNS), ("metadata.jsonl", lines)] {
        let root = folder(3, file, content);
        let dataset = load(root.path(), RGB8).unwrap();
        assert_eq!(dataset.groups(), ["Klee", "Miró"]);
        let names: Vec<_> = (0..3).map(|i| dataset.image_name(i)).collect();
        assert_eq!((names, dataset.indices_of(0)), (vec!["0.png", "1.png", "2.png"], [1, 2].as_slice()));
        assert_eq!(dataset.pixels(2), planes(&image(2, 8, 8)));
        assert!(dataset.skipped().is_empty() && dataset.notes().is_empty());
    }
}

#[test]
fn numbers_are_labels_and_other_values_are_not() {
    let lines = "{\"file_name\": \"0.png\", \"label\": 10, \"score\": 0.5, \"tags\": [1]}\n\
                 {\"file_name\": \"1.png\", \"label\": 9, \"score\": 1, \"tags\": null}";
    let root = folder(2, "metadata.jsonl", lines);
    assert_eq!(load(root.path(), RGB8).unwrap().groups(), ["9", "10"]);
    assert!(message(load_by(root.path(), "score")).contains("the column `score` holds fractions"));
    assert!(message(load_by(root.path(), "tags")).contains("the column `tags` holds lists"));
    let error = message(load_by(root.path(), "mood"));
    assert!(error.contains("no column `mood`") && error.contains("Choose one of label"), "{error}");
}

#[test]
fn a_metadata_file_without_groups_is_refused_with_the_reason() {
    let captions = "file_name,text\n0.png,a red cat\n1.png,a dog\n2.png,a cow\n";
    let root = folder(3, "metadata.csv", captions);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("`text` holds 3 different values for 3 images: captions or identifiers"), "{text}");
    assert!(text.contains("choose the group column text"), "{text}");
    assert_eq!(load_by(root.path(), "text").unwrap().groups().len(), 3, "unless it is asked for");

    let several = "file_name,genre,style\n0.png,a,b\n1.png,a,b\n";
    let text = message(load(folder(2, "metadata.csv", several).path(), RGB8));
    assert!(text.contains("several columns could hold the groups: genre, style"), "{text}");
    let text = message(load(folder(2, "metadata.csv", "name,label\n0.png,a\n").path(), RGB8));
    assert!(text.contains("metadata.csv has no column `file_name`"), "{text}");
    let text = message(load(folder(2, "metadata.jsonl", "{\"file_name\": \"0.png\"}\n{broken\n").path(), RGB8));
    assert!(text.contains("line 2 of the metadata file is no JSON object"), "{text}");
    let text = message(load(folder(2, "metadata.csv", "file_name,label\n0.png,a,b\n").path(), RGB8));
    assert!(text.contains("the metadata file is damaged") && text.contains("line: 2"), "{text}");
    let text = message(load(folder(2, "metadata.parquet", "PAR1").path(), RGB8));
    assert!(text.contains("metadata.parquet is not read"), "{text}");
}

#[test]
fn class_folders_name_the_groups_where_the_metadata_file_holds_captions() {
    let root = tempfile::tempdir().unwrap();
    for (name, seed) in ["cat/0.png", "dog/1.png"].iter().zip(0..) {
        write(root.path().join(name), &png(image(seed, 8, 8)));
    }
    write(root.path().join("metadata.csv"), b"file_name,text\ncat/0.png,a cat\ndog/1.png,a dog\n");
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.groups(), ["cat", "dog"]);
    assert_eq!(dataset.notes(), ["The groups were read from the folders, because metadata.csv names none."]);
    // A table of another kind does not matter.
    write(root.path().join("metadata.csv"), b"class,wikipedia\ncat,x\n");
    assert_eq!(load(root.path(), RGB8).unwrap().notes().len(), 0);
}

#[test]
fn the_train_split_is_read_wherever_it_is_named() {
    // One metadata file per split.
    let root = folder(3, "train/metadata.csv", TWO_COLUMNS);
    write(root.path().join("test/metadata.csv"), TWO_COLUMNS.as_bytes());
    write(root.path().join("test/0.png"), &png(image(9, 8, 8)));
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!((dataset.len(), dataset.image_name(0)), (3, "train/0.png"));
    assert_eq!(dataset.notes(), ["The train split was read, from train/. Left out: test/."]);
    // One for all, with splits in its paths or in a column.
    let by_path = "file_name,label\ntrain/0.png,a\ntest/0.png,b\ntrain/1.png,b\n";
    let by_column = "file_name,split,label\ntrain/0.png,train,a\ntest/0.png,test,b\ntrain/1.png,train,b\n";
    for content in [by_path, by_column] {
        let root = folder(2, "train/x.txt", "");
        write(root.path().join("test/0.png"), &png(image(9, 8, 8)));
        write(root.path().join("metadata.csv"), content.as_bytes());
        let dataset = load(root.path(), RGB8).unwrap();
        let names: Vec<_> = (0..dataset.len()).map(|i| dataset.image_name(i)).collect();
        assert_eq!(names, ["train/0.png", "train/1.png"]);
        assert_eq!(dataset.notes(), ["Of metadata.csv the train split was read. Left out: test."]);
    }
    let root = folder(1, "metadata.csv", "file_name,label\nval/0.png,a\ntest/0.png,b\n");
    assert!(message(load(root.path(), RGB8)).contains("lists the splits test and val, but no train split"));
}

#[test]
fn rows_and_images_without_their_counterpart_are_named() {
    let content = "file_name,label\n0.png,a\n0.png,b\n../x.png,a\n/etc/x.png,a\n1.png,\nmissing.png,a\n,a\n";
    let root = folder(3, "metadata.csv", content);
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!((dataset.len(), dataset.groups()), (1, ["a".to_owned()].as_slice()));
    let reasons = reasons(&dataset);
    assert_eq!(
        reasons[..6],
        [
            ("0.png", "listed more than once in metadata.csv; the first row counts"),
            ("../x.png", "its path leads out of the dataset's folder"),
            ("/etc/x.png", "its path leads out of the dataset's folder"),
            ("1.png", "no value in the column `label`"),
            ("metadata.csv row 7", "no file_name"),
            ("2.png", "not listed in metadata.csv"),
        ]
    );
    assert!(reasons[6].0 == "missing.png" && reasons[6].1.contains("could not be read"), "{reasons:?}");
}
