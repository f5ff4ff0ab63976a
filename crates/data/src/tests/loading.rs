//! What holds for every format: progress, hashes, free sizes, neighbours.

use super::super::{Neighbour, nearest};
use super::*;

fn folder(images: &[(&str, RgbImage)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, image) in images {
        write(root.path().join(name), &png(image.clone()));
    }
    root
}

fn free(path: &Path) -> Dataset {
    Dataset::load(path, &LoadOptions::default(), &mut |_, _| Ok(())).unwrap()
}

#[test]
fn the_hash_changes_with_pixels_labels_names_and_shape() {
    let base = [("a/1.png", image(1, 8, 8)), ("b/2.png", image(2, 8, 8)), ("b/3.png", image(3, 8, 8))];
    let root = folder(&base);
    let hash = |root: &tempfile::TempDir| load(root.path(), RGB8).unwrap().hash().to_owned();
    let first = hash(&root);
    assert_eq!(first.len(), 64);
    assert_eq!(hash(&folder(&base)), first, "the same files elsewhere");
    write(root.path().join("b/notes.txt"), b"x");
    write(root.path().join("b/bad.png"), b"x");
    assert_eq!(hash(&root), first, "what is left out does not count");

    let mut pixel = base.clone();
    pixel[2].1.put_pixel(7, 7, Rgb([1, 2, 3]));
    let mut label = base.clone();
    label[1].0 = "a/2.png";
    let mut name = base.clone();
    name[1].0 = "b/02.png";
    let mut group = base.clone();
    group[0].0 = "A/1.png";
    let mut hashes: Vec<String> = [pixel, label, name, group].iter().map(|images| hash(&folder(images))).collect();
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
fn progress_counts_up_and_stops_where_told() {
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
fn a_free_size_follows_the_first_image_and_grey_datasets_have_one_channel() {
    let grey = |value: u8, width, height| RgbImage::from_pixel(width, height, Rgb([value; 3]));
    let root = folder(&[("a/1.png", grey(9, 12, 10)), ("a/2.png", grey(200, 10, 10)), ("b/1.png", grey(3, 70, 70))]);
    write(root.path().join("a/0.png"), b"bad");
    let dataset = free(root.path());
    assert_eq!(dataset.shape(), ImageShape { channels: 1, height: 10, width: 10 });
    assert_eq!(dataset.pixels(1), [200; 100]);
    assert_eq!(dataset.resized(), 2);
    let told = load(root.path(), dataset.shape()).unwrap();
    assert_eq!(told.hash(), dataset.hash(), "a free size gives what the same size gives when told");

    // A late colour image turns all that came before into colour.
    write(root.path().join("b/2.png"), &png(image(1, 10, 10)));
    let dataset = free(root.path());
    assert_eq!(dataset.shape(), ImageShape { channels: 3, height: 10, width: 10 });
    assert_eq!(dataset.pixels(1), [200; 300]);
    assert_eq!(dataset.pixels(3), planes(&image(1, 10, 10)));
    assert_eq!(load(root.path(), dataset.shape()).unwrap().hash(), dataset.hash());

    let large = folder(&[("a/1.png", image(1, 65, 20)), ("b/1.png", image(2, 200, 300))]);
    assert_eq!(free(large.path()).shape(), ImageShape { channels: 3, height: 64, width: 64 });
}

#[test]
fn one_group_loads_and_other_channel_counts_do_not() {
    let root = folder(&[("only/1.png", image(1, 8, 8))]);
    assert_eq!(load(root.path(), RGB8).unwrap().groups(), ["only"]);
    for channels in [0, 2, 4] {
        let error = load(root.path(), ImageShape { channels, ..RGB8 }).unwrap_err();
        assert!(is_input(&error), "{error}");
    }
    assert_eq!(ImageShape { channels: 3, height: usize::MAX, width: 2 }.numel(), usize::MAX);
}

#[test]
fn nearest_agrees_with_a_brute_force_twin() {
    let names: Vec<String> = (0..120).map(|i| format!("{}/{i:03}.png", i % 2)).collect();
    // Every image comes twice in its group, so that ties must go to the lower index.
    let images: Vec<_> = names.iter().zip(0..).map(|(name, i)| (name.as_str(), image(i % 60, 8, 8))).collect();
    let root = folder(&images);
    let dataset = load(root.path(), RGB8).unwrap();
    let query = planes(&image(1_000, 8, 8));
    let scaled = |value: u8| f64::from(value) / 127.5 - 1.0;
    for group in 0..2 {
        let mut twin: Vec<Neighbour> = dataset
            .indices_of(group)
            .iter()
            .map(|&index| {
                let pairs = dataset.pixels(index).iter().zip(&query);
                let distance = pairs.map(|(&a, &b)| (scaled(a) - scaled(b)).powi(2)).sum::<f64>().sqrt();
                Neighbour { index, distance }
            })
            .collect();
        twin.sort_by(|a, b| {
            let gap = a.distance - b.distance;
            if gap.abs() < 1e-9 { a.index.cmp(&b.index) } else { gap.total_cmp(&0.0) }
        });
        for k in [1, 5, 7, 59, 60, 100] {
            let found = nearest(&dataset, &query, group, k);
            assert_eq!(found.len(), k.min(60));
            for (found, twin) in found.iter().zip(&twin) {
                assert_eq!(found.index, twin.index);
                assert!((found.distance - twin.distance).abs() < 1e-9);
            }
        }
    }
    let last = dataset.indices_of(1)[59];
    let twins = nearest(&dataset, dataset.pixels(last), 1, 2);
    assert_eq!(twins.iter().map(|twin| twin.index).collect::<Vec<_>>(), [last - 30, last]);
    assert!(twins.iter().all(|twin| twin.distance == 0.0));
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
