//! What holds for every format: progress, hashes, open shapes, neighbours.

use super::super::{Neighbour, nearest};
use super::*;

fn folder(images: &[(&str, RgbImage)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, image) in images {
        write(root.path().join(name), &png(image.clone()));
    }
    root
}

fn load_open_shape(path: &Path) -> Dataset {
    Dataset::load(path, &LoadOptions::default(), &mut |_, _| Ok(())).unwrap()
}

#[test]
fn the_hash_covers_pixels_labels_group_names_order_and_shape_but_not_file_names() {
    let base = [("a/1.png", image(1, 8, 8)), ("b/2.png", image(2, 8, 8)), ("b/3.png", image(3, 8, 8))];
    let root = folder(&base);
    let hash = |root: &tempfile::TempDir| load(root.path(), RGB8).unwrap().hash().to_owned();
    let first = hash(&root);
    assert_eq!(first.len(), 64);
    assert_eq!(hash(&folder(&base)), first, "the same files elsewhere");
    write(root.path().join("b/notes.txt"), b"x");
    write(root.path().join("b/bad.png"), b"x");
    assert_eq!(hash(&root), first, "what is left out does not count");
    let mut renamed = base.clone();
    renamed[1].0 = "b/02 (copy).png";
    assert_eq!(hash(&folder(&renamed)), first, "a renamed image in the same place of the order");

    let mut pixel = base.clone();
    pixel[2].1.put_pixel(7, 7, Rgb([1, 2, 3]));
    let mut label = base.clone();
    label[1].0 = "a/2.png";
    let mut moved = base.clone();
    moved[1].0 = "b/4.png";
    let mut group = base.clone();
    group[0].0 = "A/1.png";
    let mut hashes: Vec<String> = [pixel, label, moved, group].iter().map(|images| hash(&folder(images))).collect();
    hashes.push(first);
    hashes.push(load(root.path(), ImageShape { width: 4, ..RGB8 }).unwrap().hash().to_owned());
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 6);
}

#[test]
fn threads_and_batches_do_not_change_the_dataset() {
    let names: Vec<String> = (0..150).map(|i| format!("{}/{i}.png", i % 7)).collect();
    let images: Vec<_> = names.iter().zip(0..).map(|(name, i)| (name.as_str(), image(i, 5 + i % 4, 8))).collect();
    let root = folder(&images);
    write(root.path().join("3/bad.png"), b"bad");
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| load(root.path(), RGB8).unwrap())
    };
    let (one, many) = (with(1), with(5));
    assert_eq!(one.hash(), many.hash());
    assert_eq!(one.skipped(), many.skipped());
    assert_eq!((one.len(), one.resized(), many.resized()), (150, 113, 113));
}

#[test]
fn progress_counts_up_and_its_error_stops_loading() {
    let names: Vec<String> = (0..300).map(|i| format!("a/{i}.png")).collect();
    let images: Vec<_> = names.iter().map(|name| (name.as_str(), image(1, 2, 2))).collect();
    let root = folder(&images);
    let mut calls = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let mut progress = |done, total| {
        calls.push((done, total));
        Ok(())
    };
    Dataset::load(root.path(), &options(RGB8), &mut progress).unwrap();
    drop(pool);
    assert_eq!(calls.last(), Some(&(300, 300)));
    assert!(calls.is_sorted());

    let mut seen = 0;
    let mut cancel = |done, _| {
        seen = done;
        if done > 0 { Err(Error::Cancelled) } else { Ok(()) }
    };
    let error = Dataset::load(root.path(), &options(RGB8), &mut cancel).unwrap_err();
    assert!(error.is_cancelled() && seen > 0);
}

#[test]
fn an_open_shape_follows_the_first_image_and_grey_datasets_have_one_channel() {
    let grey = |value: u8, width, height| RgbImage::from_pixel(width, height, Rgb([value; 3]));
    let root = folder(&[("a/1.png", grey(9, 12, 10)), ("a/2.png", grey(200, 10, 10)), ("b/1.png", grey(3, 70, 70))]);
    write(root.path().join("a/0.png"), b"bad");
    let dataset = load_open_shape(root.path());
    assert_eq!(dataset.shape(), ImageShape { channels: 1, height: 10, width: 10 });
    assert_eq!(dataset.pixels(1), [200; 100]);
    assert_eq!(dataset.resized(), 2);
    let given = load(root.path(), dataset.shape()).unwrap();
    assert_eq!(given.hash(), dataset.hash(), "an open shape gives what the same shape gives when it is set");

    // A late colour image turns all that came before into colour.
    write(root.path().join("b/2.png"), &png(image(1, 10, 10)));
    let dataset = load_open_shape(root.path());
    assert_eq!(dataset.shape(), ImageShape { channels: 3, height: 10, width: 10 });
    assert_eq!(dataset.pixels(1), [200; 300]);
    assert_eq!(dataset.pixels(3), planes(&image(1, 10, 10)));
    assert_eq!(load(root.path(), dataset.shape()).unwrap().hash(), dataset.hash());

    let large = folder(&[("a/1.png", image(1, 65, 20)), ("b/1.png", image(2, 200, 300))]);
    assert_eq!(load_open_shape(large.path()).shape(), ImageShape { channels: 3, height: 64, width: 64 });
}

#[test]
fn one_group_is_enough_and_only_1_or_3_channels_are_read() {
    let root = folder(&[("only/1.png", image(1, 8, 8))]);
    assert_eq!(load(root.path(), RGB8).unwrap().groups(), ["only"]);
    for channels in [0, 2, 4] {
        let error = load(root.path(), ImageShape { channels, ..RGB8 }).unwrap_err();
        assert!(is_input(&error), "{error}");
    }
    assert_eq!(ImageShape { channels: 3, height: usize::MAX, width: 2 }.numel(), usize::MAX);
}

#[test]
fn nearest_agrees_with_brute_force() {
    let names: Vec<String> = (0..120).map(|i| format!("{}/{i:03}.png", i % 2)).collect();
    // Every image comes twice in its group, so that ties must go to the lower index.
    let images: Vec<_> = names.iter().zip(0..).map(|(name, i)| (name.as_str(), image(i % 60, 8, 8))).collect();
    let root = folder(&images);
    let dataset = load(root.path(), RGB8).unwrap();
    let query = planes(&image(1_000, 8, 8));
    let scaled = |value: u8| f64::from(value) / 127.5 - 1.0;
    for group in 0..2 {
        let mut expected: Vec<Neighbour> = dataset
            .indices_of(group)
            .iter()
            .map(|&index| {
                let pairs = dataset.pixels(index).iter().zip(&query);
                let distance = pairs.map(|(&a, &b)| (scaled(a) - scaled(b)).powi(2)).sum::<f64>().sqrt();
                Neighbour { index, distance }
            })
            .collect();
        expected.sort_by(|a, b| {
            let gap = a.distance - b.distance;
            if gap.abs() < 1e-9 { a.index.cmp(&b.index) } else { gap.total_cmp(&0.0) }
        });
        for k in [1, 5, 7, 59, 60, 100] {
            let found = nearest(&dataset, &query, group, k);
            assert_eq!(found.len(), k.min(60));
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.index, expected.index);
                assert!((found.distance - expected.distance).abs() < 1e-9);
            }
        }
    }
    let last = dataset.indices_of(1)[59];
    let found = nearest(&dataset, dataset.pixels(last), 1, 2);
    assert_eq!(found.iter().map(|found| found.index).collect::<Vec<_>>(), [last - 30, last]);
    assert!(found.iter().all(|found| found.distance == 0.0));
    assert!(nearest(&dataset, &query, 2, 3).is_empty());
    assert!(nearest(&dataset, &query, 0, 0).is_empty());
    assert!(nearest(&dataset, &query[1..], 0, 3).is_empty());
}

#[test]
fn black_and_white_are_two_apart_in_every_pixel() {
    let flat = |value| RgbImage::from_pixel(64, 64, Rgb([value; 3]));
    let root = folder(&[("a/1.png", flat(255))]);
    let shape = ImageShape { channels: 3, height: 64, width: 64 };
    let dataset = load(root.path(), shape).unwrap();
    let found = nearest(&dataset, &vec![0; shape.numel()], 0, 1);
    assert!((found[0].distance - 2.0 * (shape.numel() as f64).sqrt()).abs() < 1e-9);
}

#[test]
fn turned_images_are_counted_and_hashed_as_they_are_read() {
    let tag = [0x12, 0x01, 3, 0, 1, 0, 0, 0, 3, 0, 0, 0];
    let exif = [b"II*\0\x08\0\0\0\x01\0".as_slice(), &tag, &[0; 4]].concat();
    let plain = png(image(1, 8, 8));
    let (head, rest) = plain.split_at(33);
    let root = folder(&[("a/2.png", image(2, 8, 8))]);
    write(root.path().join("a/1.png"), &[head, &png_chunk(b"eXIf", &exif), rest].concat());
    let dataset = load(root.path(), RGB8).unwrap();
    assert_eq!(dataset.turned(), 1);
    assert_eq!(dataset.notes(), ["1 of 2 images were turned as their EXIF orientation says."]);
    let upright = image::imageops::rotate180(&image(1, 8, 8));
    assert_eq!(dataset.pixels(0), planes(&upright));
    let same = folder(&[("a/1.png", upright), ("a/2.png", image(2, 8, 8))]);
    let same = load(same.path(), RGB8).unwrap();
    assert_eq!((same.hash(), same.turned(), same.notes().len()), (dataset.hash(), 0, 0));
}
