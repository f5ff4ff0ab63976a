//! The reader of one folder per group, and what it leaves out.

use super::*;

#[test]
fn folders_are_groups_in_natural_order() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write(at("style 10/b.PNG"), &png(image(1, 8, 8)));
    write(at("style 2/10.jpeg"), &encoded(image(2, 8, 8), ImageFormat::Jpeg));
    write(at("style 2/9.Jpg"), &encoded(image(3, 8, 8), ImageFormat::Jpeg));
    write(at("style 2/deep/er/x.webp"), &encoded(image(4, 8, 8), ImageFormat::WebP));
    write(at("style 2/.hidden.png"), b"x");
    write(at("style 2/notes.txt"), b"x");
    write(at(".git/a.png"), b"x");
    write(at("README.md"), b"x");
    write(at("loose.png"), &png(image(5, 8, 8)));
    write(at("style 2/photo.avif"), b"x");
    fs::create_dir_all(at("empty/inside")).unwrap();

    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.groups(), ["style 2", "style 10"]);
    let names: Vec<_> = (0..dataset.len()).map(|i| dataset.image_name(i)).collect();
    assert_eq!(names, ["style 2/9.Jpg", "style 2/10.jpeg", "style 2/deep/er/x.webp", "style 10/b.PNG"]);
    assert_eq!(dataset.indices_of(0), [0, 1, 2]);
    assert_eq!(dataset.indices_of(1), [3]);
    assert!(dataset.indices_of(2).is_empty());
    assert_eq!(dataset.indices_without(0), [3]);
    assert_eq!((dataset.group_of(2), dataset.group_of(3), dataset.group_of(4)), (Some(0), Some(1), None));
    assert_eq!(dataset.pixels(3), planes(&image(1, 8, 8)));
    assert_eq!(dataset.pixels(2), planes(&image(4, 8, 8)), "lossless WebP");
    assert!(dataset.pixels(4).is_empty() && dataset.pixels(usize::MAX).is_empty());
    assert_eq!(dataset.resized(), 0);
    assert_eq!(
        reasons(&dataset),
        [
            ("empty", "no images"),
            ("loose.png", "lies outside the group folders"),
            ("style 2/photo.avif", "avif images are not read"),
        ]
    );
}

#[test]
fn unreadable_images_are_left_out_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let jpeg = encoded(image(1, 64, 64), ImageFormat::Jpeg);
    let whole = png(image(2, 8, 8));
    let mut corrupt = whole.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0x55;
    write(at("a/good.png"), &whole);
    write(at("a/corrupt.png"), &corrupt);
    write(at("a/cut.png"), &whole[..whole.len() / 2]);
    write(at("a/cut.jpg"), &jpeg[..jpeg.len() * 7 / 10]);
    write(at("a/bomb.png"), &png_header(60_000, 60_000));
    write(at("a/area.png"), &png_header(16_000, 16_000));
    write(at("a/empty.png"), b"");
    write(at("a/text.png"), b"this is no image");
    write(at("b/cut.jpg"), &jpeg[..jpeg.len() / 2]);
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.len(), 1);
    assert_eq!(dataset.image_name(0), "a/good.png");
    assert_eq!(dataset.groups(), ["a"]);
    let reasons = reasons(&dataset);
    let reason = |name: &str| reasons.iter().find(|skip| skip.0 == name).map(|skip| skip.1).unwrap_or_default();
    assert_eq!(reasons.len(), 9, "{reasons:?}");
    assert!(reason("a/bomb.png").contains("too large") && reason("a/area.png").contains("too large"), "{reasons:?}");
    assert_eq!(reason("a/cut.jpg"), "the JPEG file is cut short");
    assert_eq!(reason("a/empty.png"), "the file is empty");
    assert_eq!(reason("a/text.png"), "not a PNG, JPEG, WebP, BMP, TIFF or GIF image");
    assert!(!reason("a/corrupt.png").is_empty() && !reason("a/cut.png").is_empty());
    assert_eq!(reason("b"), "none of its images could be read");
}

#[test]
fn a_folder_without_readable_images_is_refused_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("empty/a")).unwrap();
    fs::create_dir_all(at("empty/b")).unwrap();
    assert!(message(load(&at("empty"), RGB8)).contains("no images were found"));
    write(at("loose/a.png"), &png(image(1, 8, 8)));
    assert!(message(load(&at("loose"), RGB8)).contains("1 images lie directly in it"));
    for name in ["1", "2", "3", "4", "5"] {
        write(at(&format!("bad/a/{name}.png")), b"bad");
    }
    for shape in [Some(RGB8), None] {
        let options = LoadOptions { shape, ..LoadOptions::default() };
        let text = message(Dataset::load(&at("bad"), &options, &mut |_, _| Ok(())));
        assert!(
            text.contains("a/1.png: not a PNG") && text.contains("a/3.png") && text.contains("and 2 more"),
            "{text}"
        );
        assert!(!text.contains("a/4.png"), "{text}");
    }
}

#[test]
fn other_files_are_refused_with_a_list_of_what_is_read() {
    let root = tempfile::tempdir().unwrap();
    let names = [
        ("data.zip", "archive"),
        ("data.tar", "archive"),
        ("data.tar.gz", "archive"),
        ("batch.pkl", "pickled"),
        ("x.npz", "pickled"),
        ("x.arrow", "Arrow"),
        ("metadata.csv", "table without images"),
        ("one.png", "one image"),
        ("cifar", "not a dataset"),
    ];
    for (name, what) in names {
        write(root.path().join(name), b"some bytes");
        let text = message(load(&root.path().join(name), RGB8));
        assert!(text.contains(what), "{text}");
        assert!(text.contains("parquet file") && text.contains("one subfolder of images (PNG,"), "{text}");
    }
    let missing = load(&root.path().join("missing"), RGB8).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
}

/// A link at `link` to `target`, as it is written.
#[cfg(unix)]
fn link(target: impl AsRef<Path>, link: impl AsRef<Path>) {
    fs::create_dir_all(link.as_ref().parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(target, link).unwrap();
}

#[cfg(unix)]
#[test]
fn cyclic_links_and_pipes_do_not_hang() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write(at("a/1.png"), &png(image(1, 8, 8)));
    link(root.path(), at("a/loop"));
    link("/", at("a/everything"));
    link(at("a"), at("b"));
    link("c", at("c"));
    link(at("a/1.png"), at("a/2.png"));
    link(at("nowhere"), at("a/3.png"));
    assert!(std::process::Command::new("mkfifo").arg(at("a/pipe.png")).status().unwrap().success());
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!((dataset.len(), dataset.groups()), (2, ["a".to_owned()].as_slice()));
    let holds = "a link to a folder that holds this one is not followed";
    let reasons = reasons(&dataset);
    assert_eq!(reasons[..2], [("a/everything", holds), ("a/loop", holds)]);
    assert_eq!(reasons[2..4], [("b", "a link to a, which is read as itself"), ("c", "a link that leads nowhere")]);
    assert_eq!((reasons[4].0, reasons[5].0, reasons.len()), ("a/3.png", "a/pipe.png", 6));
}

#[cfg(unix)]
#[test]
fn links_to_group_folders_are_followed_once() {
    let store = tempfile::tempdir().unwrap();
    let root = tempfile::tempdir().unwrap();
    let (in_store, at) = (|name: &str| store.path().join(name), |name: &str| root.path().join(name));
    for name in ["cats/1.png", "cats/deep/2.png", "dogs/1.png"] {
        write(in_store(name), &png(image(1, 8, 8)));
    }
    write(at(".cache/birds/1.png"), &png(image(2, 8, 8)));
    link(in_store("cats"), at("cat"));
    link(in_store("dogs"), at("dog"));
    link(at(".cache/birds"), at("bird"));
    link(in_store("cats/deep"), at("twice"));
    link(store.path(), at("upper"));
    // A cycle within what a link leads to.
    link(in_store("cats"), in_store("cats/deep/round"));
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.groups(), ["bird", "cat", "dog"]);
    let names: Vec<_> = (0..dataset.len()).map(|i| dataset.image_name(i)).collect();
    assert_eq!(names, ["bird/1.png", "cat/1.png", "cat/deep/2.png", "dog/1.png"]);
    assert_eq!(
        reasons(&dataset),
        [
            ("cat/deep/round", "a link to a folder that was read as cat"),
            ("twice", "a link to a folder that was read as cat"),
            ("upper", "a link to a folder that holds one that was read already"),
        ]
    );
}

#[cfg(unix)]
#[test]
fn a_folder_of_links_that_are_not_followed_names_the_reason() {
    let root = tempfile::tempdir().unwrap();
    link(root.path(), root.path().join("a"));
    link("missing", root.path().join("b"));
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("2 links that were not followed (a: a link to a folder that holds this one"), "{text}");
    assert!(!text.contains("no images were found"), "{text}");
}

#[test]
fn images_in_other_formats_are_counted_in_the_refusal() {
    let root = tempfile::tempdir().unwrap();
    for name in ["a/1.avif", "a/2.avif", "b/1.heic"] {
        write(root.path().join(name), b"x");
    }
    let text = message(load(root.path(), RGB8));
    assert!(text.contains("3 images in formats that are not read (avif: 2 and heic: 1)"), "{text}");
    write(root.path().join("a/3.jfif"), &encoded(image(1, 8, 8), ImageFormat::Jpeg));
    write(root.path().join("b/2.bmp"), &encoded(image(1, 8, 8), ImageFormat::Bmp));
    write(root.path().join("b/3.tif"), &encoded(image(1, 8, 8), ImageFormat::Tiff));
    write(root.path().join("b/4.gif"), &encoded(image(1, 8, 8), ImageFormat::Gif));
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!((dataset.len(), dataset.skipped().len()), (4, 3));
}

#[cfg(unix)]
#[test]
fn an_unreadable_group_folder_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let locked = root.path().join("locked");
    write(root.path().join("a/1.png"), &png(image(1, 8, 8)));
    write(locked.join("deep/1.png"), &png(image(1, 8, 8)));
    for folder in [locked.join("deep"), locked.clone()] {
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read_dir(&folder).is_ok() {
            return; // The superuser may read everything.
        }
        let error = load(root.path(), RGB8).unwrap_err();
        assert!(matches!(&error, Error::Io { path, .. } if *path == folder), "{error}");
    }
    assert!(matches!(load(&locked, RGB8), Err(Error::Io { .. })));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(locked.join("deep"), fs::Permissions::from_mode(0o755)).unwrap();
}

/// As above, where even the superuser may not read: a path longer than the system allows.
#[cfg(target_os = "linux")]
#[test]
fn a_group_folder_that_the_system_cannot_read_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    write(root.path().join("a/1.png"), &png(image(1, 8, 8)));
    let part = "d".repeat(250);
    let deep = |levels: usize| (0..levels).map(|_| part.as_str()).collect::<PathBuf>();
    fs::create_dir_all(root.path().join("x").join(deep(12))).unwrap();
    fs::create_dir_all(root.path().join("b").join(deep(6))).unwrap();
    fs::rename(root.path().join("x"), root.path().join("b").join(deep(6)).join("x")).unwrap();
    assert!(matches!(load(root.path(), RGB8), Err(Error::Io { .. })));
    // Put back, so that the temporary folder can be removed.
    fs::rename(root.path().join("b").join(deep(6)).join("x"), root.path().join("x")).unwrap();
}
