//! Folders with splits, and datasets of other programs.

use super::*;

/// A folder with images of these names.
fn folder(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, seed) in names.iter().zip(0..) {
        write(root.path().join(name), &png(image(seed, 8, 8)));
    }
    root
}

fn image_names(dataset: &Dataset) -> Vec<&str> {
    (0..dataset.len()).map(|i| dataset.image_name(i)).collect()
}

#[test]
fn of_several_splits_the_train_split_is_read() {
    let root = folder(&["train/cat/1.png", "train/dog/1.png", "test/cat/2.png", "val/dog/2.png"]);
    fs::create_dir(root.path().join("docs")).unwrap();
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.groups(), ["cat", "dog"]);
    assert_eq!(image_names(&dataset), ["train/cat/1.png", "train/dog/1.png"]);
    assert_eq!(dataset.notes(), ["The train split was read, from train/. Left out: test/ and val/."]);
    let test = load(&root.path().join("test"), RGB8).unwrap();
    assert_eq!((test.groups(), test.notes().len()), (["cat".to_owned()].as_slice(), 0));
}

#[test]
fn splits_have_many_names() {
    for (train, test) in
        [("training_set", "test_set"), ("train2017", "val2017"), ("seg_train", "seg_test"), ("Train", "dev")]
    {
        let root = folder(&[&format!("{train}/cat/1.png"), &format!("{test}/cat/1.png")]);
        let dataset = load(root.path(), RGB8).unwrap();
        assert_eq!(image_names(&dataset), [format!("{train}/cat/1.png")]);
        assert_eq!(dataset.notes(), [format!("The train split was read, from {train}/. Left out: {test}/.")]);
    }
    // As Kaggle packs them, and below a folder that holds nothing else.
    let root = folder(&[
        "intel/seg_train/seg_train/sea/1.png",
        "intel/seg_test/seg_test/sea/1.png",
        "intel/seg_train/seg_train/ice/1.png",
    ]);
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.groups(), ["ice", "sea"]);
    assert_eq!(image_names(&dataset), ["intel/seg_train/seg_train/ice/1.png", "intel/seg_train/seg_train/sea/1.png"]);
}

#[test]
fn a_lone_split_is_no_group() {
    for split in ["train", "test", "validation"] {
        let root = folder(&[&format!("{split}/cat/1.png"), &format!("{split}/dog/1.png")]);
        let dataset = load(root.path(), RGB8).unwrap();
        assert_eq!(dataset.groups(), ["cat", "dog"]);
        assert_eq!(dataset.notes(), [format!("The groups were read from {split}/.")]);
    }
}

#[test]
fn groups_may_have_the_words_of_splits_in_their_names() {
    for groups in [["bullet train", "steam train"], ["train", "truck"], ["contest", "devil"], ["test tube", "train"]] {
        let names: Vec<String> = groups.iter().map(|group| format!("{group}/1.png")).collect();
        let root = folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let dataset = load(root.path(), RGB8).unwrap();
        assert_eq!(dataset.groups(), groups);
        assert!(dataset.notes().is_empty());
    }
}

#[test]
fn an_open_choice_of_splits_is_refused_with_the_reason() {
    let root = folder(&["val/cat/1.png", "test/cat/1.png"]);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("the splits test and val, but no train split"), "{text}");
    let root = folder(&["train/cat/1.png", "test/cat/1.png", "extra/cat/1.png"]);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("the splits test and train, and other folders of images beside them: extra"), "{text}");
    let root = folder(&["train/1.png", "train/2.png", "test/1.png"]);
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("2 images lie directly in it") && text.contains("rename their folders"), "{text}");
    assert!(text.contains("train)"), "the place is the split's folder: {text}");
}

#[test]
fn datasets_of_other_programs_are_refused_by_name() {
    let layouts: [(&[&str], &str, &str); 10] = [
        (&["train/data-00000-of-00001.arrow", "train/state.json", "dataset_dict.json"], "save_to_disk", "to_parquet"),
        (&["data-00000-of-00001.arrow", "dataset_info.json", "state.json"], "save_to_disk", "load_from_disk"),
        (&["shard-0000.tar", "shard-0001.tar"], "WebDataset", "unpack"),
        (&["cifar-10-batches-py/data_batch_1", "cifar-10-batches-py/batches.meta"], "pickles", "torchvision"),
        (&["train", "test", "meta"], "pickles", "torchvision"),
        (&["cifar-10-batches-bin/data_batch_1.bin"], "binary version", "torchvision"),
        (&["raw/train-images-idx3-ubyte"], "MNIST", "torchvision"),
        (&["train.npz"], "NumPy", "PNG"),
        (&["cifar10-train.tfrecord-00000-of-00001"], "TensorFlow", "PNG"),
        (&["images.zip", "README.md"], "archives", "Unpack"),
    ];
    for (names, what, remedy) in layouts {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            write(root.path().join(name), b"x");
        }
        let text = message(load(root.path(), RGB8));
        assert!(text.contains(what) && text.contains(remedy) && text.contains("parquet file"), "{names:?}: {text}");
    }
    // Beside images they do not matter.
    let root = folder(&["a/1.png"]);
    write(root.path().join("copy.zip"), b"x");
    assert_eq!(load(root.path(), RGB8).unwrap().len(), 1);
}
