//! Positions of headers and tiles. They are computed, not stored, so that an image costs nothing until it is visible.
//!
//! Positions are 64-bit points from the top of the grid: with 32 bits, the last of 50,000 rows would jitter.

use std::ops::Range;

/// A run of images under one header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The group that the header names; no header where absent.
    pub group: Option<usize>,
    /// Number of images.
    pub count: usize,
}

/// Height of a header.
pub const HEADER: f64 = 36.0;
/// Space below a section, and above one without a header, where its rings need room.
const BELOW: f64 = 12.0;
pub const ABOVE: f64 = 4.0;

/// Sizes that all rows share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Tiles per row.
    pub columns: usize,
    /// Width and height of a tile.
    pub tile: [f64; 2],
    /// Space between tiles.
    pub gap: f64,
}

impl Metrics {
    /// Tiles with a longer side of at least `side` that fill `width`. `shape` is an image's width and height, `pixel`
    /// the size of a screen pixel. Lengths are whole screen pixels, so that all tiles look alike.
    pub fn fit(width: f64, side: f64, shape: [f64; 2], pixel: f64) -> Self {
        let whole = |v: f64| (v / pixel + 1e-6).floor().max(1.0) * pixel;
        let longest = shape[0].max(shape[1]).max(1.0);
        let gap = whole((side / 14.0).clamp(2.0, 8.0));
        let least = whole(side * shape[0] / longest);
        let columns = ((width + gap) / (least + gap) + 1e-6).floor().max(1.0);
        // The remaining width is distributed, so that both edges are flush; a single tile does not grow.
        let wide = if columns > 1.0 { whole((width - gap * (columns - 1.0)) / columns).max(least) } else { least };
        let high = whole(wide * shape[1] / shape[0].max(1.0));
        Self { columns: columns as usize, tile: [wide, high], gap }
    }

    fn pitch(&self) -> f64 {
        self.tile[1] + self.gap
    }
}

/// A section with its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SectionLayout {
    /// The group that the header names.
    pub group: Option<usize>,
    /// Index of its first image in the order.
    pub first: usize,
    /// Number of images.
    pub count: usize,
    /// Top of the header, or of the space above the first row where there is none.
    pub top: f64,
    /// Top of the first row.
    pub rows: f64,
    /// Bottom of the last row.
    pub bottom: f64,
}

/// A row of tiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its top edge.
    pub top: f64,
    /// Indices of its tiles.
    pub indices: Range<usize>,
}

/// A step from one tile to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the previous tile.
    Left,
    /// To the next tile.
    Right,
    /// By this number of rows, in the same column where the row has one; up where negative.
    Rows(isize),
    /// To the first tile.
    First,
    /// To the last tile.
    Last,
}

/// The layout of all sections.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    metrics: Metrics,
    sections: Vec<SectionLayout>,
    count: usize,
    height: f64,
}

impl Layout {
    /// Lays out sections one below the other; empty ones take no space.
    pub fn new(metrics: Metrics, sections: &[Section]) -> Self {
        let (mut first, mut top, mut placed) = (0, 0.0, Vec::with_capacity(sections.len()));
        for section in sections.iter().filter(|s| s.count > 0) {
            let rows = top + if section.group.is_some() { HEADER } else { ABOVE };
            let row_count = section.count.div_ceil(metrics.columns) as f64;
            let bottom = rows + row_count * metrics.pitch() - metrics.gap;
            placed.push(SectionLayout { group: section.group, first, count: section.count, top, rows, bottom });
            first += section.count;
            top = bottom + BELOW;
        }
        Self { metrics, sections: placed, count: first, height: top }
    }

    /// The sizes of its tiles and gaps.
    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    /// The total height.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// The sections that overlap this vertical range.
    pub fn sections(&self, top: f64, bottom: f64) -> impl Iterator<Item = &SectionLayout> {
        let start = self.sections.partition_point(|s| s.bottom < top);
        self.sections.iter().skip(start).take_while(move |s| s.top <= bottom)
    }

    /// The section of a group.
    pub fn section_of(&self, group: usize) -> Option<&SectionLayout> {
        self.sections.iter().find(|s| s.group == Some(group))
    }

    /// The rows that overlap this vertical range.
    pub fn rows(&self, top: f64, bottom: f64) -> impl Iterator<Item = Row> {
        let (columns, pitch, tile) = (self.metrics.columns, self.metrics.pitch(), self.metrics.tile[1]);
        self.sections(top, bottom).flat_map(move |s| {
            let row_count = s.count.div_ceil(columns);
            let from = ((top - s.rows - tile) / pitch).ceil().max(0.0) as usize;
            let to = (((bottom - s.rows) / pitch).floor() + 1.0).max(0.0) as usize;
            (from..to.min(row_count)).map(move |row| {
                let start = row * columns;
                let end = (start + columns).min(s.count);
                Row { top: s.rows + row as f64 * pitch, indices: s.first + start..s.first + end }
            })
        })
    }

    /// The left edge of a column.
    pub fn left(&self, column: usize) -> f64 {
        column as f64 * (self.metrics.tile[0] + self.metrics.gap)
    }

    /// The top left corner of a tile.
    pub fn corner(&self, index: usize) -> Option<[f64; 2]> {
        let s = self.section_at(index)?;
        let (row, column) = (self.row(s, index), self.column(s, index));
        Some([self.left(column), s.rows + row as f64 * self.metrics.pitch()])
    }

    /// The index of the tile under a point; none between tiles.
    pub fn index_at(&self, x: f64, y: f64) -> Option<usize> {
        let s = self.sections.get(self.sections.partition_point(|s| s.bottom < y))?;
        let [wide, high] = self.metrics.tile;
        let (row, column) = ((y - s.rows) / self.metrics.pitch(), x / (wide + self.metrics.gap));
        if row < 0.0 || column < 0.0 || column as usize >= self.metrics.columns {
            return None;
        }
        let (row, column) = (row as usize, column as usize);
        let inside = x - self.left(column) <= wide && y - s.rows - row as f64 * self.metrics.pitch() <= high;
        let within = row * self.metrics.columns + column;
        (inside && within < s.count).then_some(s.first + within)
    }

    /// The index one step from `index`; the same where there is no tile.
    pub fn step(&self, index: usize, step: Step) -> usize {
        let last = self.count.saturating_sub(1);
        match step {
            Step::Left => index.saturating_sub(1),
            Step::Right => index.saturating_add(1).min(last),
            Step::First => 0,
            Step::Last => last,
            Step::Rows(rows) => self.down(index, rows),
        }
    }

    fn down(&self, index: usize, rows: isize) -> usize {
        let Some(section) = self.sections.partition_point(|s| s.first <= index).checked_sub(1) else { return index };
        let Some(mut s) = self.sections.get(section) else { return index };
        let (column, mut section) = (self.column(s, index), section);
        let mut row = (self.row(s, index) as isize).saturating_add(rows);
        loop {
            let own = s.count.div_ceil(self.metrics.columns) as isize;
            let next = if row < 0 { section.checked_sub(1) } else { (row >= own).then_some(section + 1) };
            let Some(next) = next else {
                row = row.max(0);
                if row < own {
                    break;
                }
                continue;
            };
            let Some(other) = self.sections.get(next) else {
                // Beyond the last row: stay in it.
                row = own - 1;
                break;
            };
            row = if row < 0 { row + other.count.div_ceil(self.metrics.columns) as isize } else { row - own };
            (s, section) = (other, next);
        }
        s.first + (row as usize * self.metrics.columns + column).min(s.count.saturating_sub(1))
    }

    fn section_at(&self, index: usize) -> Option<&SectionLayout> {
        let section = self.sections.partition_point(|s| s.first <= index).checked_sub(1)?;
        self.sections.get(section).filter(|s| index < s.first + s.count)
    }

    fn row(&self, s: &SectionLayout, index: usize) -> usize {
        index.saturating_sub(s.first) / self.metrics.columns
    }

    fn column(&self, s: &SectionLayout, index: usize) -> usize {
        index.saturating_sub(s.first) % self.metrics.columns
    }
}
