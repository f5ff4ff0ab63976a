//! Recognises parts of the window in a screenshot.

use std::collections::HashSet;

use image::{Rgb, RgbImage};

/// The dark theme's group colours, as in `src/palette.rs`; the demo's eight groups have one each.
const GROUPS: [u32; 8] = [0xEE9557, 0x179AAE, 0xF1BEF6, 0x527300, 0xFFF142, 0x6A4DD4, 0x18FEC6, 0xEB2263];
/// The dark theme's text fields and tracks, and its strongest grey, of progress bars and the primary button.
const FIELD: u8 = 18;
const STRONG: u8 = 240;

/// The dark theme's hairlines.
const LINE: u8 = 46;

/// Heights of a bar of the ranking; marks of groups are smaller, lines of curves thinner.
const BAR: std::ops::RangeInclusive<u32> = 12..=24;
/// Rows of a bar that its interval covers, at most.
const WHISKER: u32 = 11;
/// Height of a progress bar in pixels.
const TRACK: std::ops::RangeInclusive<u32> = 4..=8;

/// A screenshot of the window.
#[derive(Clone, PartialEq)]
pub struct Screen(pub RgbImage);

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelRect {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl PixelRect {
    /// Its centre.
    pub fn centre(self) -> (i16, i16) {
        ((self.x + self.width / 2) as i16, (self.y + self.height / 2) as i16)
    }
}

/// A bar of a ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The index of the group whose colour it has.
    pub group: usize,
    /// Its rectangle.
    pub rect: PixelRect,
}

fn near(a: Rgb<u8>, b: Rgb<u8>) -> bool {
    a.0.iter().zip(b.0).all(|(a, b)| a.abs_diff(b) <= 2)
}

impl Screen {
    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    /// The number of distinct colours.
    pub fn colours(&self) -> usize {
        self.0.pixels().collect::<HashSet<_>>().len()
    }

    /// The pixels of a rectangle.
    pub fn cut(&self, rect: PixelRect) -> RgbImage {
        image::imageops::crop_imm(&self.0, rect.x, rect.y, rect.width, rect.height).to_image()
    }

    /// The rectangle where this image is shown large as the query image, each pixel as a square of the same size.
    pub fn shows(&self, image: &RgbImage) -> Option<PixelRect> {
        let native = image.width();
        let most = self.size().1 / native;
        (200 / native + 1..=most).rev().find_map(|scale| self.find(image, scale * native))
    }

    /// The rectangle where this image is shown as a tile.
    pub fn tile(&self, image: &RgbImage) -> Option<PixelRect> {
        (image.width() + 8..=130).find_map(|width| self.find(image, width))
    }

    /// The rectangle where this image is shown enlarged to this width.
    fn find(&self, image: &RgbImage, width: u32) -> Option<PixelRect> {
        let (w, h) = image.dimensions();
        let height = width * h / w;
        let (right, bottom) = (self.size().0.checked_sub(width)?, self.size().1.checked_sub(height)?);
        let middle = |x: u32, y: u32| ((2 * x + 1) * width / (2 * w), (2 * y + 1) * height / (2 * h));
        let first = |x: u32, y: u32| (x * width / w, y * height / h);
        let last = |x: u32, y: u32| ((x + 1) * width / w - 1, (y + 1) * height / h - 1);
        // Of large squares all pixels are known; of a tile's pixels only the centres.
        let samples: Vec<_> = image
            .enumerate_pixels()
            .flat_map(|(x, y, p)| {
                let corners = if width.is_multiple_of(w) { [first(x, y), last(x, y)] } else { [middle(x, y); 2] };
                corners.map(|at| (at, *p))
            })
            .collect();
        let allowed = samples.len() / 50;
        // One sample rules out most positions.
        let (one, colour) = (middle(w / 2, h / 2), *image.get_pixel(w / 2, h / 2));
        let may = |left: u32, top: u32| near(*self.0.get_pixel(left + one.0, top + one.1), colour);
        let fits = |left: u32, top: u32| {
            let wrong = samples.iter().filter(|((x, y), p)| !near(*self.0.get_pixel(left + x, top + y), *p));
            wrong.take(allowed + 1).count() <= allowed
        };
        (0..=bottom)
            .flat_map(|y| (0..=right).map(move |x| (x, y)))
            .find(|(x, y)| may(*x, *y) && fits(*x, *y))
            .map(|(x, y)| PixelRect { x, y, width, height })
    }

    /// The bars of the ranking, from the top.
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars: Vec<Bar> = Vec::new();
        for x in 0..self.size().0 {
            for (group, top, bottom) in self.columns(x) {
                let height = bottom - top + 1;
                let grown = bars.iter_mut().find(|b| {
                    b.group == group && b.rect.x + b.rect.width == x && (b.rect.y, b.rect.height) == (top, height)
                });
                match grown {
                    Some(bar) => bar.rect.width += 1,
                    None => bars.push(Bar { group, rect: PixelRect { x, y: top, width: 1, height } }),
                }
            }
        }
        bars.retain(|b| b.rect.width >= 6);
        bars.sort_by_key(|b| b.rect.y);
        bars
    }

    /// The runs in a column of pixels that may belong to bars: group, top and bottom.
    fn columns(&self, x: u32) -> Vec<(usize, u32, u32)> {
        let mut runs: Vec<(usize, u32, u32)> = Vec::new();
        for y in 0..self.size().1 {
            let pixel = *self.0.get_pixel(x, y);
            let colour = |hex: u32| Rgb([(hex >> 16) as u8, (hex >> 8) as u8, hex as u8]);
            let Some(group) = GROUPS.iter().position(|g| near(pixel, colour(*g))) else { continue };
            match runs.iter_mut().rev().find(|(g, _, bottom)| *g == group && y - *bottom <= WHISKER) {
                Some(run) => run.2 = y,
                None => runs.push((group, y, y)),
            }
        }
        runs.retain(|(_, top, bottom)| BAR.contains(&(bottom - top + 1)));
        runs
    }

    /// The progress bar of the running job: a thin track in the lower part of the window.
    pub fn progress(&self) -> Option<PixelRect> {
        let (width, height) = self.size();
        let on_track = |x: u32, y: u32| {
            let pixel = *self.0.get_pixel(x, y);
            near(pixel, Rgb([FIELD; 3])) || near(pixel, Rgb([STRONG; 3]))
        };
        for y in height * 3 / 4..height {
            let mut start = 0;
            for x in 0..width {
                if on_track(x, y) {
                    continue;
                }
                let (from, long) = (start, x - start);
                start = x + 1;
                if long < 60 {
                    continue;
                }
                let middle = from + long / 2;
                let thick = (y..height).take_while(|y| on_track(middle, *y)).count() as u32;
                if TRACK.contains(&thick) && !on_track(middle, y - 1) {
                    return Some(PixelRect { x: from, y, width: long, height: thick });
                }
            }
        }
        None
    }

    /// The right edge of the side panel: the first vertical hairline, which is brighter under the pointer.
    pub fn edge(&self) -> Option<u32> {
        let (width, height) = self.size();
        let line = |x: u32, y: u32| [LINE, STRONG].iter().any(|grey| self.0.get_pixel(x, y).0 == [*grey; 3]);
        let long = |x: &u32| (0..height).filter(|y| line(*x, *y)).count() as u32;
        (0..width).find(|x| long(x) > height / 2)
    }

    /// The one primary button: the first large rectangle of the strongest grey.
    pub fn primary(&self) -> Option<PixelRect> {
        let (width, height) = self.size();
        let strong = |x: u32, y: u32| near(*self.0.get_pixel(x, y), Rgb([STRONG; 3]));
        (0..height).find_map(|y| {
            let x = (0..width.checked_sub(150)?).find(|x| (*x..x + 150).all(|x| strong(x, y)))?;
            let long = (x..width).take_while(|x| strong(*x, y)).count() as u32;
            let high = (y..height).take_while(|y| strong(x + 1, *y)).count() as u32;
            (high > 20).then_some(PixelRect { x, y, width: long, height: high })
        })
    }

    /// The button beside the progress bar that cancels, at the right edge.
    pub fn cancel_button(&self) -> Option<PixelRect> {
        let track = self.progress()?;
        Some(PixelRect {
            x: self.size().0 - 92,
            y: (track.y + track.height / 2).saturating_sub(13),
            width: 92,
            height: 26,
        })
    }
}

mod tests {
    use super::*;

    fn blank() -> Screen {
        Screen(RgbImage::from_pixel(640, 400, Rgb([23; 3])))
    }

    fn fill(screen: &mut Screen, rect: PixelRect, colour: [u8; 3]) {
        for y in rect.y..rect.y + rect.height {
            for x in rect.x..rect.x + rect.width {
                screen.0.put_pixel(x, y, Rgb(colour));
            }
        }
    }

    const ORANGE: [u8; 3] = [0xEE, 0x95, 0x57];

    #[test]
    fn bars_are_told_from_marks_lines_and_hollow_bars() {
        let mut screen = blank();
        let bar = PixelRect { x: 300, y: 100, width: 80, height: 14 };
        fill(&mut screen, bar, ORANGE);
        // Its whisker, with the light edge.
        fill(&mut screen, PixelRect { x: 360, y: 102, width: 40, height: 10 }, [240; 3]);
        // A mark, a line of a curve, and a preview's outline.
        fill(&mut screen, PixelRect { x: 200, y: 102, width: 10, height: 10 }, ORANGE);
        fill(&mut screen, PixelRect { x: 300, y: 300, width: 200, height: 2 }, ORANGE);
        fill(&mut screen, PixelRect { x: 300, y: 150, width: 80, height: 14 }, [0x8A, 0x60, 0x00]);
        assert_eq!(screen.bars(), [Bar { group: 0, rect: bar }]);
    }

    #[test]
    fn an_image_is_found_at_its_size_and_not_confused_with_another() {
        let of = |shift: u32| RgbImage::from_fn(8, 8, |x, y| Rgb([(x * 30) as u8, (y * 30) as u8, (shift * 90) as u8]));
        let (query, tile) = (of(0), of(1));
        let mut screen = blank();
        let mut show = |image: &RgbImage, rect: PixelRect| {
            let shown = image::imageops::resize(image, rect.width, rect.height, image::imageops::Nearest);
            image::imageops::replace(&mut screen.0, &shown, rect.x.into(), rect.y.into());
        };
        let (large, small) =
            (PixelRect { x: 300, y: 20, width: 264, height: 264 }, PixelRect { x: 20, y: 40, width: 62, height: 62 });
        show(&query, large);
        show(&tile, small);
        assert_eq!((screen.shows(&query), screen.tile(&query)), (Some(large), None));
        assert_eq!((screen.shows(&tile), screen.tile(&tile).map(PixelRect::centre)), (None, Some(small.centre())));
        assert_eq!((screen.shows(&of(2)), screen.tile(&of(2))), (None, None));
    }

    #[test]
    fn progress_is_a_thin_track_and_the_primary_button_is_not() {
        let mut screen = blank();
        let button = PixelRect { x: 100, y: 330, width: 300, height: 36 };
        fill(&mut screen, button, [STRONG; 3]);
        assert_eq!((screen.primary(), screen.progress(), screen.cancel_button()), (Some(button), None, None));
        let track = PixelRect { x: 200, y: 380, width: 200, height: 6 };
        fill(&mut screen, track, [FIELD; 3]);
        fill(&mut screen, PixelRect { width: 50, ..track }, [STRONG; 3]);
        assert_eq!(screen.progress(), Some(track));
        assert!(screen.cancel_button().is_some_and(|b| b.x + b.width == 640 && b.y < 380 && b.y + b.height > 386));
    }

    #[test]
    fn the_side_panel_ends_at_the_first_long_line() {
        let mut screen = blank();
        assert_eq!(screen.edge(), None);
        fill(&mut screen, PixelRect { x: 100, y: 0, width: 1, height: 100 }, [LINE; 3]);
        for grey in [LINE, STRONG] {
            fill(&mut screen, PixelRect { x: 243, y: 45, width: 1, height: 300 }, [grey; 3]);
            assert_eq!(screen.edge(), Some(243));
        }
    }
}
