//! Every case against a brute-force reference that compares each image with each.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bytes::CHECKSUM;
use super::*;

type Images = Vec<Vec<u8>>;

fn flip(image: &[u8], width: usize) -> Vec<u8> {
    image.chunks(width).flat_map(|line| line.iter().rev().copied()).collect()
}

/// The reference.
fn brute_force(
    images: &Images,
    shape: ImageShape,
    groups: &[usize],
    k: usize,
    mirrored: bool,
) -> Vec<Vec<OutsideNeighbour>> {
    let square = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)).pow(2)).sum::<u64>();
    let flips: Images = images.iter().map(|image| flip(image, shape.width)).collect();
    let of = |i: usize| {
        let mut near = Vec::new();
        for j in (0..images.len()).filter(|&j| groups[j] != groups[i]) {
            near.push((square(&images[i], &images[j]), j as u32, false));
            if mirrored {
                near.push((square(&images[i], &flips[j]), j as u32, true));
            }
        }
        near.sort_unstable();
        near.truncate(k);
        near.into_iter()
            .map(|(squared_distance, index, mirrored)| OutsideNeighbour { index, mirrored, squared_distance })
            .collect()
    };
    (0..images.len()).map(of).collect()
}

fn shape(channels: usize, height: usize, width: usize) -> ImageShape {
    ImageShape { channels, height, width }
}

fn images(rng: &mut ChaCha8Rng, n: usize, shape: ImageShape, levels: u8) -> Images {
    let step = if levels > 1 { 255 / (levels - 1) } else { 0 };
    (0..n).map(|_| (0..shape.numel()).map(|_| rng.random_range(0..levels) * step).collect()).collect()
}

fn found(images: &Images, shape: ImageShape, groups: &[usize], k: usize, mirrored: bool) -> OutsideNeighbours {
    outside_neighbours(|i| images[i].as_slice(), shape, groups, k, mirrored, &mut |_, _| Ok::<(), ()>(())).unwrap()
}

/// With tiles of `size`.
fn tiled(
    size: usize,
    images: &Images,
    shape: ImageShape,
    groups: &[usize],
    k: usize,
    mirrored: bool,
) -> Vec<Vec<OutsideNeighbour>> {
    let encoding = Encoding::new(shape, mirrored);
    let all = search_all(&|i| images[i].as_slice(), &encoding, size, groups, k, &mut |_, _| Ok::<(), ()>(())).unwrap();
    all.into_iter().map(|nearest| nearest.neighbours).collect()
}

#[test]
fn every_tile_size_agrees_with_brute_force() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for case in 0..120 {
        let shape = shape([1, 3][case % 2], rng.random_range(1..6), rng.random_range(1..8));
        let n = rng.random_range(0..60);
        // Few grey levels make many equal distances, one level nothing else.
        let levels = [1, 2, 3, 255][case / 2 % 4];
        let images = images(&mut rng, n, shape, levels);
        let many = rng.random_range(1..8_usize);
        // Squared, so that the groups differ in size; the last image has one to itself.
        let mut groups: Vec<usize> = (0..n).map(|_| rng.random_range(0..many * many).isqrt()).collect();
        groups.iter_mut().last().into_iter().for_each(|last| *last = 99);
        let k = [0, 1, 3, 10, 1000][case % 5];
        for mirrored in [false, true] {
            let expected = brute_force(&images, shape, &groups, k, mirrored);
            for size in [1, 7, 16, 64] {
                assert_eq!(tiled(size, &images, shape, &groups, k, mirrored), expected, "case {case}, tiles of {size}");
            }
            let all = found(&images, shape, &groups, k, mirrored);
            assert_eq!((all.k(), all.len(), all.mirrored(), all.is_empty()), (k, n, mirrored, n == 0));
            assert!((0..n).all(|i| all.of(i) == expected[i]));
            assert_eq!(OutsideNeighbours::from_bytes(&all.to_bytes()).unwrap(), all);
        }
    }
}

#[test]
fn several_tiles_of_the_default_size_agree_with_brute_force() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let shape = shape(1, 3, 5);
    let mut images = images(&mut rng, 700, shape, 200);
    for i in (0..700).step_by(9) {
        images[i] = images[(i * 31 + 5) % 700].clone();
    }
    let groups: Vec<usize> = (0..700).map(|i| i % 10).collect();
    for mirrored in [false, true] {
        let all = found(&images, shape, &groups, 12, mirrored);
        let expected = brute_force(&images, shape, &groups, 12, mirrored);
        assert!((0..700).all(|i| all.of(i) == expected[i]));
    }
}

#[test]
fn the_largest_distances_stay_exact() {
    // Blocks of products as large as they can be, of both signs; sums far above 2^24; odd and even widths.
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    for shape in [shape(3, 32, 32), shape(3, 41, 33), shape(3, 1, 1500)] {
        let mut images = images(&mut rng, 12, shape, 2);
        images.extend([vec![0; shape.numel()], vec![255; shape.numel()], vec![0; shape.numel()]]);
        images.extend((0..6).map(|_| (0..shape.numel()).map(|_| rng.random_range(0..3)).collect::<Vec<u8>>()));
        images.extend((0..6).map(|_| (0..shape.numel()).map(|_| rng.random()).collect::<Vec<u8>>()));
        let mut half = flip(&images[0], shape.width);
        half[0] ^= 1;
        images.push(half);
        let groups: Vec<usize> = (0..images.len()).collect();
        for mirrored in [false, true] {
            let all = found(&images, shape, &groups, 99, mirrored);
            let expected = brute_force(&images, shape, &groups, 99, mirrored);
            assert!((0..images.len()).all(|i| all.of(i) == expected[i]));
        }
    }
}

#[test]
fn images_of_the_wrong_length_have_no_neighbours() {
    let shape = shape(1, 2, 2);
    let images = vec![vec![1, 2, 3, 4], vec![1], vec![4, 3, 2, 1], vec![]];
    for mirrored in [false, true] {
        let all = found(&images, shape, &[0, 1, 2, 3], 5, mirrored);
        assert!(all.of(0).iter().chain(all.of(2)).all(|near| near.index % 2 == 0));
        assert_eq!((all.of(0).len(), all.of(1).len()), (1 + usize::from(mirrored), 0));
        assert_eq!((all.of(3), all.of(4)), (&[][..], &[][..]));
        // One group leaves nothing outside; no pixels leave every distance at 0.
        assert!(found(&images, shape, &[5; 4], 5, mirrored).of(0).is_empty());
        let empty = ImageShape { width: 0, ..shape };
        let none = found(&vec![vec![]; 3], empty, &[0, 1, 1], 1, mirrored);
        assert_eq!(none.of(0), [OutsideNeighbour { index: 1, mirrored: false, squared_distance: 0 }]);
    }
}

#[test]
fn progress_reports_pairs_of_tiles_and_its_error_stops_the_search() {
    let images = vec![vec![0; 4]; 3000];
    let groups: Vec<usize> = (0..3000).map(|i| i % 3).collect();
    let run = |stop: usize| {
        let mut seen = Vec::new();
        let here = std::thread::current().id();
        let result =
            outside_neighbours(|i| images[i].as_slice(), shape(1, 2, 2), &groups, 2, false, &mut |done, total| {
                assert_eq!(std::thread::current().id(), here);
                seen.push((done, total));
                if seen.len() > stop { Err("enough") } else { Ok(()) }
            });
        (result, seen)
    };
    let (result, seen) = run(usize::MAX);
    assert!(result.is_ok());
    assert_eq!((seen[0], *seen.last().unwrap()), ((0, 78), (78, 78)));
    assert!(seen.windows(2).all(|pair| pair[0].0 < pair[1].0));
    for stop in 0..3 {
        let (result, seen) = run(stop);
        assert_eq!((result, seen.len()), (Err("enough"), stop + 1));
    }
}

fn small() -> OutsideNeighbours {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let shape = shape(1, 2, 3);
    found(&images(&mut rng, 5, shape, 9), shape, &[0, 0, 1, 2, 2], 2, true)
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = small().to_bytes();
    assert_eq!(OutsideNeighbours::from_bytes(&bytes), Ok(small()));
    for end in 0..bytes.len() {
        assert!(OutsideNeighbours::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(OutsideNeighbours::from_bytes(&damaged).is_err(), "bit {bit}");
    }
    assert!(OutsideNeighbours::from_bytes(&[bytes, vec![0]].concat()).is_err());
}

#[test]
fn contradictory_bytes_with_a_valid_checksum_are_refused() {
    let bytes = small().to_bytes();
    let content = &bytes[..bytes.len() - CHECKSUM];
    let forged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut content = content.to_vec();
        change(&mut content);
        let sum = blake3::hash(&content);
        content.extend(sum.as_bytes());
        OutsideNeighbours::from_bytes(&content)
    };
    assert!(forged(&|_| ()).is_ok());
    let set = |at: usize, to: &'static [u8]| forged(&move |bytes| bytes[at..at + to.len()].copy_from_slice(to));
    assert!(set(12, &[2]).is_err(), "an unknown flag");
    assert!(set(12, &[0]).is_err(), "mirrored where none may be");
    assert!(set(16, &[255; 8]).is_err(), "more images than bytes");
    assert!(set(16, &[4]).is_err(), "too few images");
    assert!(set(24, &[1]).is_err(), "more neighbours than k");
    assert!(set(32, &[255; 4]).is_err(), "more neighbours than bytes");
    assert!(set(36, &[0, 0, 0, 0]).is_err(), "its own neighbour");
    assert!(set(36, &[5, 0, 0, 0]).is_err(), "no such image");
    assert!(set(40, &[2]).is_err(), "mirrored twice");
    assert!(set(41, &[255; 8]).is_err(), "out of order");
    assert!(forged(&|bytes| bytes.push(0)).is_err(), "more bytes");
    for end in 0..content.len() {
        assert!(forged(&|bytes| bytes.truncate(end)).is_err(), "cut at {end}");
    }
}
