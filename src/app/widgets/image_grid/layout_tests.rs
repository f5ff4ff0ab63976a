//! The layout against a naive one that places tiles one by one.

use super::layout::{ABOVE, HEADER, Layout, Metrics, Section, Step};

/// A pseudorandom generator with a fixed seed.
struct Rng(u64);

impl Rng {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % below
    }
}

/// A naive layout: the corner of each tile, and the tiles of each row.
struct Naive {
    tiles: Vec<[f64; 2]>,
    rows: Vec<Vec<usize>>,
    height: f64,
}

fn naive(metrics: Metrics, sections: &[Section]) -> Naive {
    let (mut tiles, mut rows, mut y) = (Vec::new(), Vec::new(), 0.0);
    for section in sections.iter().filter(|s| s.count > 0) {
        y += if section.group.is_some() { HEADER } else { ABOVE };
        let mut remaining = section.count;
        while remaining > 0 {
            let mut row = Vec::new();
            for column in 0..remaining.min(metrics.columns) {
                row.push(tiles.len());
                tiles.push([column as f64 * (metrics.tile[0] + metrics.gap), y]);
            }
            remaining -= row.len();
            rows.push(row);
            y += metrics.tile[1] + metrics.gap;
        }
        y += 12.0 - metrics.gap;
    }
    Naive { tiles, rows, height: y }
}

fn layouts() -> impl Iterator<Item = (Metrics, Vec<Section>)> {
    let mut rng = Rng(1);
    (0..60).map(move |_| {
        let metrics = Metrics {
            columns: 1 + rng.below(9),
            tile: [8.0 + rng.below(40) as f64, 8.0 + rng.below(40) as f64],
            gap: 2.0 + rng.below(5) as f64,
        };
        let headers = rng.below(3) > 0;
        let sections = (0..1 + rng.below(6))
            .map(|group| Section { group: headers.then_some(group), count: rng.below(40) })
            .collect();
        (metrics, sections)
    })
}

#[test]
fn tiles_have_the_positions_of_the_naive_layout() {
    for (metrics, sections) in layouts() {
        let (layout, naive) = (Layout::new(metrics, &sections), naive(metrics, &sections));
        assert!((layout.height() - naive.height).abs() < 1e-6);
        for (index, tile) in naive.tiles.iter().enumerate() {
            assert_eq!(layout.corner(index), Some(*tile), "{metrics:?} {sections:?} {index}");
        }
        assert_eq!(layout.corner(naive.tiles.len()), None);
    }
}

#[test]
fn points_find_the_tile_that_contains_them() {
    let mut rng = Rng(2);
    for (metrics, sections) in layouts() {
        let (layout, naive) = (Layout::new(metrics, &sections), naive(metrics, &sections));
        let width = metrics.columns as f64 * (metrics.tile[0] + metrics.gap);
        for _ in 0..300 {
            let x = rng.below((width * 10.0) as usize + 100) as f64 / 10.0 - 3.03;
            let y = rng.below((naive.height * 10.0) as usize + 200) as f64 / 10.0 - 7.03;
            let expected = naive.tiles.iter().position(|[left, top]| {
                (*left..=left + metrics.tile[0]).contains(&x) && (*top..=top + metrics.tile[1]).contains(&y)
            });
            assert_eq!(layout.index_at(x, y), expected, "{metrics:?} {sections:?} {x} {y}");
        }
    }
}

#[test]
fn a_range_contains_the_rows_that_overlap_it() {
    let mut rng = Rng(3);
    for (metrics, sections) in layouts() {
        let (layout, naive) = (Layout::new(metrics, &sections), naive(metrics, &sections));
        for _ in 0..60 {
            let top = rng.below(naive.height as usize + 50) as f64 - 20.3;
            let bottom = top + rng.below(120) as f64;
            let reach = |row: &&Vec<usize>| {
                let y = naive.tiles[row[0]][1];
                y + metrics.tile[1] >= top && y <= bottom
            };
            let expected: Vec<Vec<usize>> = naive.rows.iter().filter(reach).cloned().collect();
            let found: Vec<Vec<usize>> = layout.rows(top, bottom).map(|row| row.indices.collect()).collect();
            assert_eq!(found, expected, "{metrics:?} {sections:?} {top} {bottom}");
            for row in layout.rows(top, bottom) {
                assert_eq!(layout.corner(row.indices.start).map(|c| c[1]), Some(row.top));
            }
        }
    }
}

#[test]
fn steps_lead_to_the_tiles_beside_above_and_below() {
    for (metrics, sections) in layouts() {
        let (layout, naive) = (Layout::new(metrics, &sections), naive(metrics, &sections));
        let last = naive.tiles.len().saturating_sub(1);
        for (number, row) in naive.rows.iter().enumerate() {
            for (column, index) in row.iter().enumerate() {
                let down = |by: isize| {
                    let number = number.saturating_add_signed(by).min(naive.rows.len() - 1);
                    let row = &naive.rows[number];
                    row[column.min(row.len() - 1)]
                };
                for by in [-7, -2, -1, 1, 2, 7] {
                    assert_eq!(layout.step(*index, Step::Rows(by)), down(by), "{metrics:?} {sections:?} {index} {by}");
                }
                assert_eq!(layout.step(*index, Step::Left), index.saturating_sub(1));
                assert_eq!(layout.step(*index, Step::Right), (index + 1).min(last));
            }
        }
        assert_eq!((layout.step(3, Step::First), layout.step(3, Step::Last)), (0, last));
    }
}

#[test]
fn tiles_fill_the_width_in_whole_pixels() {
    for (width, side, pixel) in
        [(1000.0, 64.0, 1.0), (777.0, 16.0, 1.0), (1003.5, 100.0, 0.5), (640.0, 31.0, 2.0 / 3.0)]
    {
        let m = Metrics::fit(width, side, [32.0, 32.0], pixel);
        let used = m.columns as f64 * (m.tile[0] + m.gap) - m.gap;
        assert!(
            used <= width + 1e-6 && width - used < m.columns as f64 * pixel + pixel,
            "{m:?} uses {used} of {width}"
        );
        assert!(m.tile[0] > side - pixel && m.tile[0] < 2.0 * side + m.gap, "{m:?}");
        for length in [m.tile[0], m.tile[1], m.gap] {
            assert!(((length / pixel).round() - length / pixel).abs() < 1e-6, "{m:?} in pixels of {pixel}");
        }
    }
    let narrow = Metrics::fit(40.0, 256.0, [32.0, 32.0], 1.0);
    assert_eq!((narrow.columns, narrow.tile), (1, [256.0, 256.0]), "a single tile keeps its size");
    let tall = Metrics::fit(1000.0, 64.0, [32.0, 64.0], 1.0);
    assert!(tall.tile[1] >= 2.0 * tall.tile[0] - 1.0 && tall.tile[0] >= 32.0, "{tall:?}");
}

#[test]
fn positions_of_fifty_thousand_rows_are_exact() {
    let metrics = Metrics { columns: 1, tile: [256.0, 256.0], gap: 8.0 };
    let layout = Layout::new(metrics, &[Section { group: None, count: 50_000 }]);
    assert_eq!(layout.corner(49_999), Some([0.0, ABOVE + 49_999.0 * 264.0]));
    assert_eq!(layout.index_at(3.0, ABOVE + 49_999.0 * 264.0 + 0.25), Some(49_999));
}
