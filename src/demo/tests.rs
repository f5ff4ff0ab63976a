//! Properties of the demo: reproducible images, equal groups, and pixel distances that find the motif.

use super::*;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

/// Images per style in these tests; a multiple of the number of motifs.
const EACH: u64 = 15;

struct Painted {
    style: usize,
    motif: usize,
    pixels: Vec<u8>,
}

/// The first images of every style, painted once for all tests.
fn gallery() -> &'static [Painted] {
    static GALLERY: OnceLock<Vec<Painted>> = OnceLock::new();
    GALLERY.get_or_init(|| {
        let indices = (0..STYLES.len()).flat_map(|style| (0..EACH).map(move |index| (style, index)));
        indices
            .map(|(style, index)| Painted {
                style,
                motif: (index % MOTIFS.len() as u64) as usize,
                pixels: paint(style, index, 32, 7).into_raw(),
            })
            .collect()
    })
}

fn distance(one: &[u8], other: &[u8]) -> u64 {
    one.iter().zip(other).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum()
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for (style, name) in STYLES.iter().enumerate() {
        let again = paint(style, 3, 32, 7).into_raw();
        let first = gallery().iter().filter(|image| image.style == style).nth(3).unwrap();
        assert_eq!(again, first.pixels, "{name}");
    }
}

#[test]
fn no_image_occurs_twice() {
    let distinct: HashSet<_> = gallery().iter().map(|image| &image.pixels).collect();
    assert_eq!(distinct.len(), gallery().len());
    assert_ne!(paint(0, 0, 32, 7), paint(0, 0, 32, 8), "another seed, another image");
}

#[test]
fn every_style_shows_every_motif_equally_often() {
    let mut counts = HashMap::new();
    for image in gallery() {
        *counts.entry((image.style, image.motif)).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), STYLES.len() * MOTIFS.len());
    assert!(counts.values().all(|count| *count == EACH / MOTIFS.len() as u64));
}

#[test]
fn pixel_distance_finds_the_motif_rather_than_the_style() {
    let (mut same_motif, mut same_style) = (0, 0);
    for (index, image) in gallery().iter().enumerate() {
        let others = gallery().iter().enumerate().filter(|(other, _)| *other != index);
        let (_, nearest) = others.min_by_key(|(_, other)| distance(&image.pixels, &other.pixels)).unwrap();
        same_motif += usize::from(nearest.motif == image.motif);
        same_style += usize::from(nearest.style == image.style);
    }
    let total = gallery().len();
    assert!(same_motif * 100 >= total * 95, "{same_motif} of {total} share the motif");
    assert!(same_style * 100 <= total * 65, "{same_style} of {total} share the style");
}

#[test]
fn the_distinctive_style_is_far_away_and_the_close_pair_is_near() {
    // Mean distance between two styles over images of the same motif.
    let apart = |one: &str, other: &str| {
        let pairs = gallery().iter().flat_map(|a| gallery().iter().map(move |b| (a, b)));
        let chosen = pairs.filter(|(a, b)| STYLES[a.style] == one && STYLES[b.style] == other && a.motif == b.motif);
        let all: Vec<_> = chosen.map(|(a, b)| distance(&a.pixels, &b.pixels)).collect();
        all.iter().sum::<u64>() / all.len() as u64
    };
    for style in STYLES.iter().filter(|style| **style != "neon") {
        assert!(apart("neon", style) > 2 * apart("hatching", "woodcut"), "neon and {style}");
    }
    // The plain style is close to every style but the distinctive one, because it lies between them.
    for style in ["pointillism", "hatching", "woodcut", "mosaic", "stained-glass", "pixel-art"] {
        assert!(apart("watercolour", style) * 2 < apart("watercolour", "neon"), "watercolour and {style}");
    }
}

#[test]
fn out_of_range_arguments_are_accepted() {
    assert_eq!(paint(STYLES.len() + 2, 4, 8, 1), paint(2, 4, 8, 1));
    assert_eq!(paint(usize::MAX, u64::MAX, 0, u64::MAX).dimensions(), (1, 1));
    assert_eq!(paint(5, 1, 33, 0).dimensions(), (33, 33));
}

#[test]
fn a_larger_side_paints_the_same_image() {
    for (style, name) in STYLES.iter().enumerate() {
        let small = paint(style, 1, 16, 7).into_raw();
        let large = paint(style, 1, 32, 7);
        let halved = image::imageops::resize(&large, 16, 16, image::imageops::FilterType::Triangle).into_raw();
        let mean = distance(&small, &halved) as f64 / small.len() as f64;
        assert!(mean.sqrt() < 24.0, "{name}: {}", mean.sqrt());
    }
}
