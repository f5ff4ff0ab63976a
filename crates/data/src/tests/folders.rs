//! The reader of one folder a group, and what it leaves out.

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
    write(at("style 2/movie.gif"), b"GIF89a");
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
            ("style 2/movie.gif", "only PNG, JPEG and WebP images are read"),
        ]
    );
}

#[test]
fn bad_images_are_named_and_left_out() {
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
    assert_eq!(reason("a/text.png"), "not a PNG, JPEG or WebP image");
    assert!(!reason("a/corrupt.png").is_empty() && !reason("a/cut.png").is_empty());
    assert_eq!(reason("b"), "none of its images could be read");
}

#[test]
fn nothing_to_read_is_an_error_that_says_why() {
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
fn other_files_are_refused_with_the_forms_that_are_readable() {
    let root = tempfile::tempdir().unwrap();
    let names = [
        ("data.zip", "archive"),
        ("data.tar", "archive"),
        ("data.tar.gz", "archive"),
        ("batch.pkl", "pickled"),
        ("x.npz", "pickled"),
        ("one.png", "one image"),
        ("cifar", "not a dataset"),
    ];
    for (name, what) in names {
        write(root.path().join(name), b"some bytes");
        let text = message(load(&root.path().join(name), RGB8));
        assert!(text.contains(what), "{text}");
        assert!(text.contains("parquet file") && text.contains("subfolder of PNG, JPEG or WebP"), "{text}");
    }
    let missing = load(&root.path().join("missing"), RGB8).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }), "{missing}");
}

#[cfg(unix)]
#[test]
fn links_to_folders_and_pipes_do_not_hang() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    write(at("a/1.png"), &png(image(1, 8, 8)));
    std::os::unix::fs::symlink(root.path(), at("a/loop")).unwrap();
    std::os::unix::fs::symlink(at("a"), at("b")).unwrap();
    std::os::unix::fs::symlink(at("a/1.png"), at("a/2.png")).unwrap();
    std::os::unix::fs::symlink(at("nowhere"), at("a/3.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("a/pipe.png")).status().unwrap().success());
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.len(), 2);
    let names: Vec<_> = dataset.skipped().iter().map(|skip| skip.name.as_str()).collect();
    assert_eq!(names, ["a/loop", "b", "a/3.png", "a/pipe.png"]);
}

#[cfg(unix)]
#[test]
fn unreadable_folders_are_errors_or_named() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let locked = root.path().join("locked");
    write(root.path().join("a/1.png"), &png(image(1, 8, 8)));
    write(locked.join("1.png"), &png(image(1, 8, 8)));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&locked).is_ok() {
        return; // The superuser may read everything.
    }
    assert!(matches!(load(&locked, RGB8), Err(Error::Io { .. })));
    let dataset = load(root.path(), RGB8).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(dataset.skipped()[0].reason.contains("could not be read"));
}
