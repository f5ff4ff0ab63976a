//! The reader of Hugging Face parquet: columns, labels, shards and damage.

use super::*;

const PLAIN: &str = "message t { required binary image; required binary artist (UTF8); }";

fn text(values: &[&str]) -> Column {
    Column::Bytes(values.iter().map(|value| Some(value.as_bytes().to_vec())).collect())
}

fn images(count: u32) -> Column {
    Column::Bytes((0..count).map(|seed| Some(png(image(seed, 8, 8)))).collect())
}

#[test]
fn class_labels_name_the_groups_in_their_own_order() {
    let root = tempfile::tempdir().unwrap();
    let rows = [vec![row(0, 1), row(1, 0)], vec![row(2, 1)]];
    let file = write_table(&root.path().join("t.parquet"), Some(CLASSES), &rows);
    let dataset = load(&file, RGB8).unwrap();
    assert_eq!(dataset.groups(), ["zebra", "ant"]);
    assert_eq!(dataset.indices_of(1), [0, 2]);
    assert_eq!(dataset.image_name(2), "t.parquet#2");
    assert_eq!(dataset.name(), "t");
    for i in 0..3 {
        assert_eq!(dataset.pixels(i), planes(&image(u32::try_from(i).unwrap(), 8, 8)));
    }
    assert!(dataset.skipped().is_empty());
}

#[test]
fn rows_without_image_or_label_are_named() {
    let root = tempfile::tempdir().unwrap();
    let image = Some(png(image(1, 8, 8)));
    let rows = vec![
        (image.clone(), None, Some(-1)),
        (image.clone(), None, Some(2)),
        (image.clone(), None, None),
        (None, Some("a.png"), Some(0)),
        (Some(b"broken".to_vec()), None, Some(0)),
        row(5, 0),
    ];
    let file = write_table(&root.path().join("t.parquet"), Some(CLASSES), &[rows]);
    let dataset = load(&file, RGB8).unwrap();
    assert_eq!((dataset.len(), dataset.image_name(0)), (1, "t.parquet#5"));
    assert_eq!(
        reasons(&dataset),
        [
            ("t.parquet#0", "the label -1 is none of the 2 classes"),
            ("t.parquet#1", "the label 2 is none of the 2 classes"),
            ("t.parquet#2", "the row has no label"),
            ("t.parquet#3", "the row holds no image, only the path of one"),
            ("t.parquet#4", "not a PNG, JPEG, WebP, BMP, TIFF or GIF image"),
            ("ant", "no images"),
        ]
    );
}

#[test]
fn paths_in_the_table_name_the_images_where_all_differ() {
    let root = tempfile::tempdir().unwrap();
    let named = |paths: [Option<&'static str>; 2]| {
        let rows = paths.map(|path| (Some(png(image(1, 8, 8))), path, Some(0)));
        let file = write_table(&root.path().join("t.parquet"), None, &[rows.to_vec()]);
        load(&file, RGB8).unwrap().image_name(1).to_owned()
    };
    assert_eq!(named([Some("a/1.png"), Some("a/2.png")]), "a/2.png");
    assert_eq!(named([Some("a/1.png"), Some("a/1.png")]), "t.parquet#1");
    assert_eq!(named([Some("a/1.png"), None]), "t.parquet#1");
    assert_eq!(named([Some("a/1.png"), Some("../../etc/x")]), "t.parquet#1");
    assert_eq!(named([Some("/root/1.png"), Some("b")]), "t.parquet#1");
}

#[test]
fn text_labels_and_plain_bytes_are_read() {
    let root = tempfile::tempdir().unwrap();
    let labels = ["picasso 10", "picasso 9", "", "picasso 10"];
    let file = write_parquet(&root.path().join("t.parquet"), PLAIN, None, &[vec![images(4), text(&labels)]]);
    let dataset = load(&file, RGB8).unwrap();
    assert_eq!(dataset.groups(), ["picasso 9", "picasso 10"]);
    assert_eq!(dataset.indices_of(1), [0, 2]);
    assert_eq!(reasons(&dataset), [("t.parquet#2", "the row's label is empty")]);
}

#[test]
fn integers_without_class_names_name_the_groups_themselves() {
    let root = tempfile::tempdir().unwrap();
    let rows = vec![row(0, 10), row(1, 9), row(2, 10)];
    for metadata in [None, Some("{ broken"), Some("{\"info\": 3}")] {
        let file = write_table(&root.path().join("t.parquet"), metadata, std::slice::from_ref(&rows));
        assert_eq!(load(&file, RGB8).unwrap().groups(), ["9", "10"]);
    }
}

#[test]
fn an_open_choice_of_columns_is_refused_with_the_candidates() {
    let root = tempfile::tempdir().unwrap();
    let schema = "message t { required binary image; required binary style (UTF8); required binary artist (UTF8); }";
    let columns = vec![images(2), text(&["cubism", "pop"]), text(&["picasso", "warhol"])];
    let file = write_parquet(&root.path().join("t.parquet"), schema, None, &[columns]);
    let error = message(load(&file, RGB8));
    assert!(error.contains("style, artist") && error.contains("group column"), "{error}");
    let chosen = |name: &str| {
        let options = LoadOptions { group_column: Some(name.to_owned()), ..options(RGB8) };
        Dataset::load(&file, &options, &mut |_, _| Ok(()))
    };
    assert_eq!(chosen("artist").unwrap().groups(), ["picasso", "warhol"]);
    assert!(message(chosen("mood")).contains("no column `mood`"));
    let options = LoadOptions { image_column: Some("style".to_owned()), ..options(RGB8) };
    assert!(message(Dataset::load(&file, &options, &mut |_, _| Ok(()))).contains("no column `style` that holds"));

    let schema = "message t { required binary image; required binary mood (UTF8); }";
    let only = vec![images(2), text(&["x", "y"])];
    let file = write_parquet(&root.path().join("u.parquet"), schema, None, &[only]);
    assert_eq!(load(&file, RGB8).unwrap().groups(), ["x", "y"], "the only text column will do");
    let file =
        write_parquet(&root.path().join("v.parquet"), "message t { required binary image; }", None, &[vec![images(2)]]);
    assert!(message(load(&file, RGB8)).contains("no column that could hold the groups"));
}

#[test]
fn shards_are_read_in_order_and_only_the_train_split() {
    let root = tempfile::tempdir().unwrap();
    let data = root.path().join("data");
    write_table(&data.join("train-00001-of-00002.parquet"), Some(CLASSES), &[vec![row(2, 0)]]);
    write_table(&data.join("train-00000-of-00002.parquet"), Some(CLASSES), &[vec![row(0, 1), row(1, 0)]]);
    write_table(&data.join("test-00000-of-00001.parquet"), Some(CLASSES), &[vec![row(9, 1)]]);
    write(data.join("README.md"), b"x");
    let dataset = load(root.path(), RGB8).unwrap();
    let names: Vec<_> = (0..dataset.len()).map(|i| dataset.image_name(i)).collect();
    let (first, second) = ("train-00000-of-00002.parquet", "train-00001-of-00002.parquet");
    assert_eq!(names, [format!("{first}#0"), format!("{first}#1"), format!("{second}#0")]);
    assert_eq!(dataset.pixels(2), planes(&image(2, 8, 8)));
    assert_eq!(load(&data, RGB8).unwrap().hash(), dataset.hash());
    let test = load(&data.join("test-00000-of-00001.parquet"), RGB8).unwrap();
    assert_eq!((test.len(), test.name()), (1, "data/test"));

    assert_eq!(dataset.notes(), ["The train split was read, 2 files. Left out: test (1 files)."]);

    let nested = root.path().join("nested");
    write_table(&nested.join("plain_text/train-00000-of-00001.parquet"), Some(CLASSES), &[vec![row(2, 0)]]);
    assert_eq!(load(&nested, RGB8).unwrap().len(), 1);

    let other = CLASSES.replace("ant", "bee");
    write_table(&data.join("train-00001-of-00002.parquet"), Some(&other), &[vec![row(2, 0)]]);
    assert!(message(load(root.path(), RGB8)).contains("disagree"));
}

#[test]
fn tables_without_images_and_damaged_files_are_errors() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let schema = "message t { required binary caption (UTF8); required int64 label; }";
    let columns = vec![text(&["x"]), Column::Numbers(vec![Some(1)])];
    let error = message(load(&write_parquet(&at("no.parquet"), schema, None, &[columns]), RGB8));
    assert!(error.contains("holds no images (`caption` holds text, `label` holds integers or dates)"), "{error}");
    let error = message(load(&write_table(&at("empty.parquet"), None, &[]), RGB8));
    assert!(error.contains("no rows"), "{error}");
    let good = write_table(&at("good.parquet"), Some(CLASSES), &[vec![row(0, 0), row(1, 1)]]);
    let bytes = fs::read(good).unwrap();
    for length in [0, 3, 4, 8, 12, bytes.len() / 2, bytes.len() - 1] {
        write(at("cut.parquet"), &bytes[..length]);
        let error = load(&at("cut.parquet"), RGB8).unwrap_err();
        assert!(is_input(&error) && error.to_string().contains("cut.parquet"), "{length}: {error}");
    }
    // The head is gone and the footer's offsets point behind the end.
    write(at("cut.parquet"), &[b"PAR1", &bytes[bytes.len() * 3 / 4..]].concat());
    assert!(load(&at("cut.parquet"), RGB8).is_err());
    // A pickle named as a table, and a table under another name.
    write(at("pickle.parquet"), b"\x80\x04\x95 a pickle");
    assert!(message(load(&at("pickle.parquet"), RGB8)).contains("no whole parquet file"));
    write(at("table.bin"), &bytes);
    assert_eq!(load(&at("table.bin"), RGB8).unwrap().len(), 2);
}

#[test]
fn too_many_groups_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let rows: Vec<Row> = (0..5).map(|seed| row(seed, i64::from(seed))).collect();
    let file = write_table(&root.path().join("t.parquet"), None, &[rows]);
    let mut options = options(RGB8);
    options.limits.max_groups = 4;
    assert!(message(Dataset::load(&file, &options, &mut |_, _| Ok(()))).contains("more than 4 different values"));
    options.limits.max_groups = 5;
    options.limits.max_dataset_bytes = 4 * RGB8.numel();
    assert!(message(Dataset::load(&file, &options, &mut |_, _| Ok(()))).contains("takes more than"));
}

#[test]
fn damaged_tables_never_panic() {
    let root = tempfile::tempdir().unwrap();
    let file = write_table(&root.path().join("t.parquet"), Some(CLASSES), &[vec![row(0, 0), row(1, 1)]]);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        for mask in [1 << (at % 8), 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            write(&file, &bytes);
            let _ = load(&file, RGB8);
        }
    }
}

/// A folder of tables of one row each, with these names.
fn tables(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, seed) in names.iter().zip(0..) {
        write_table(&root.path().join(name), Some(CLASSES), &[vec![row(seed, 0)]]);
    }
    root
}

#[test]
fn of_several_splits_only_the_train_split_is_read() {
    for names in [
        ["cifar10_test.parquet", "cifar10_train.parquet"],
        ["test.parquet", "train.parquet"],
        ["data/validation-00000-of-00001.parquet", "data/train-00000-of-00001.parquet"],
        ["plain_text/test/0000.parquet", "plain_text/train/0000.parquet"],
        ["default/partial-test/0000.parquet", "default/partial-train/0000.parquet"],
        ["val/a.parquet", "train/a.parquet"],
    ] {
        let root = tables(&names);
        let dataset = load(root.path(), RGB8).unwrap();
        assert_eq!(dataset.len(), 1, "{names:?}");
        assert_eq!(dataset.pixels(0), planes(&image(1, 8, 8)), "{names:?}");
        let [note] = dataset.notes() else { panic!("{names:?}: {:?}", dataset.notes()) };
        assert!(note.contains("The train split was read, 1 files. Left out: "), "{note}");
    }
}

#[test]
fn an_open_choice_of_splits_or_configurations_is_refused() {
    let root = tables(&["data/validation-0.parquet", "data/test-0.parquet"]);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("validation (validation-0.parquet) and test (test-0.parquet), but no train split"), "{text}");
    let root = tables(&["cifar10.parquet", "cifar10_test.parquet"]);
    assert!(message(load(root.path(), RGB8)).contains("files of no split (cifar10.parquet) and test"));
    let root = tables(&["large/train/0000.parquet", "small/train/0000.parquet", "small/test/0000.parquet"]);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("several datasets (configurations): large and small"), "{text}");
    assert_eq!(load(&root.path().join("small"), RGB8).unwrap().pixels(0), planes(&image(1, 8, 8)));
    assert_eq!(load(&root.path().join("small/test"), RGB8).unwrap().pixels(0), planes(&image(2, 8, 8)));
    // Shards of no split are one dataset, and so is one split alone.
    assert_eq!(load(tables(&["a.parquet", "b.parquet"]).path(), RGB8).unwrap().len(), 2);
    assert_eq!(load(tables(&["data/test-0.parquet", "data/test-1.parquet"]).path(), RGB8).unwrap().len(), 2);
}

#[test]
fn tables_among_image_folders_are_not_the_dataset() {
    let root = tables(&["notes/index.parquet"]);
    write(root.path().join("a/1.png"), &png(image(7, 8, 8)));
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(
        (dataset.groups(), dataset.pixels(0)),
        (["a".to_owned()].as_slice(), planes(&image(7, 8, 8)).as_slice())
    );
}

#[cfg(unix)]
#[test]
fn a_missing_shard_behind_a_link_is_an_error() {
    let root = tables(&["data/train-0.parquet"]);
    let link = root.path().join("data/train-1.parquet");
    std::os::unix::fs::symlink("../../blobs/0123", &link).unwrap();
    let error = load(root.path(), RGB8).unwrap_err();
    assert!(matches!(&error, Error::Io { path, .. } if *path == link), "{error}");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("train-0.parquet", &link).unwrap();
    assert_eq!(load(root.path(), RGB8).unwrap().len(), 2, "links to tables are read, as in the cache of `datasets`");
}

#[test]
fn a_column_of_captions_does_not_name_the_groups() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("t.parquet");
    let captions: Vec<String> = (0..24).map(|i| format!("image no. {i}")).collect();
    let captions: Vec<&str> = captions.iter().map(String::as_str).collect();
    let schema = "message t { required binary image; required binary words (UTF8); }";
    let halves = |range: std::ops::Range<usize>| vec![images(12), text(&captions[range])];
    write_parquet(&file, schema, None, &[halves(0..12), halves(12..24)]);
    let error = message(load(&file, RGB8));
    assert!(error.contains("`words` holds 24 different values for 24 images: captions or identifiers"), "{error}");
    assert!(error.contains("choose the group column words"), "{error}");
    let options = LoadOptions { group_column: Some("words".to_owned()), ..options(RGB8) };
    assert_eq!(
        Dataset::load(&file, &options, &mut |_, _| Ok(())).unwrap().groups().len(),
        24,
        "unless it is asked for"
    );

    // Few values are groups, unless the column is called a caption.
    write_parquet(&file, schema, None, &[halves(0..12)]);
    assert_eq!(load(&file, RGB8).unwrap().groups().len(), 12);
    write_parquet(&file, &schema.replace("words", "caption"), None, &[halves(0..12)]);
    assert!(message(load(&file, RGB8)).contains("`caption` holds 12 different values for 12 images"));

    // Beside captions and identifiers the column of groups is found.
    let schema = "message t { required binary image; required binary text (UTF8); required int64 id; \
                  required binary painter (UTF8); }";
    let painters: Vec<&str> = (0..24).map(|i| if i % 3 == 0 { "klee" } else { "miro" }).collect();
    let ids = Column::Numbers((0..24).map(Some).collect());
    write_parquet(&file, schema, None, &[vec![images(24), text(&captions), ids, text(&painters)]]);
    assert_eq!(load(&file, RGB8).unwrap().groups(), ["klee", "miro"]);
}

#[test]
fn captions_are_counted_over_all_shards() {
    let root = tempfile::tempdir().unwrap();
    let schema = "message t { required binary image; required binary words (UTF8); }";
    let captions: Vec<String> = (0..24).map(|i| format!("image no. {i}")).collect();
    for shard in 0..2 {
        let values: Vec<&str> = captions.iter().skip(12 * shard).take(12).map(String::as_str).collect();
        let file = root.path().join(format!("train-{shard}.parquet"));
        write_parquet(&file, schema, None, &[vec![images(12), text(&values)]]);
    }
    assert!(message(load(root.path(), RGB8)).contains("`words` holds 24 different values for 24 images"));
    let other = "message t { required binary image; required int64 words; }";
    let values = Column::Numbers((0..12).map(Some).collect());
    write_parquet(&root.path().join("train-1.parquet"), other, None, &[vec![images(12), values]]);
    assert!(message(load(root.path(), RGB8)).contains("other columns than the dataset's first one"));
}

/// What a table of these columns is refused for; it has no rows.
fn refusal(columns: &str) -> String {
    let root = tempfile::tempdir().unwrap();
    message(load(
        &write_parquet(&root.path().join("t.parquet"), &format!("message t {{ {columns} }}"), None, &[]),
        RGB8,
    ))
}

#[test]
fn labels_and_images_of_other_types_are_named_in_the_refusal() {
    let list = |name: &str, of: &str| {
        format!("optional group {name} (LIST) {{ repeated group list {{ optional {of} element; }} }}")
    };
    let bytes = "required binary image;";
    let label = |columns: &str| refusal(&format!("{bytes} {columns}"));
    assert!(label(&list("label", "int64")).contains("could hold the groups: `label` holds lists"));
    assert!(label("required boolean label;").contains("`label` holds true and false"));
    assert!(label("required double label;").contains("`label` holds fractions"));
    assert!(label("required binary split (UTF8);").contains("`split` names the splits"));
    let two = label("required float label; required group meta { required int32 x; }");
    assert!(two.contains("`label` holds fractions and `meta` holds nested values"), "{two}");
    assert_eq!(label("").matches("could hold the groups").count(), 1);

    let paths = refusal("required binary image (UTF8); required int64 label;");
    assert!(paths.contains("the column `image` holds paths or addresses of images, not the images"), "{paths}");
    assert!(paths.contains("metadata.csv"), "{paths}");
    let pixels = refusal(&format!("{} required int64 label;", list("img", "int32")));
    assert!(pixels.contains("the column `img` holds lists of pixels, not image files"), "{pixels}");
}
