//! Evidence for a report: an image drawn again without the groups that lead, and the map of the first of them.

use std::sync::Arc;

use crate::app::panels::reach;
use crate::app::state::Query;
use crate::app::widgets::{grey, shade};
use whence_data::ImageShape;
use whence_diffusion::elbo::ScoreMap;
use whence_jobs::Regenerated;
use whence_methods::{Attribution, rank};
use whence_report::{ReportImage, ReportQuery};

/// Redrawings of an image at most: two rows on paper.
const REDRAWN: usize = 12;

/// How strongly a map covers the image.
const OPACITY: f32 = 0.85;

/// The maps of an image that was explained, and whose map is drawn.
pub struct Maps {
    name: String,
    leader: Arc<ScoreMap>,
    all: Vec<Arc<ScoreMap>>,
}

/// Numbers and names of the groups in a ranking's order.
fn ranked<'a>(attribution: &'a Attribution, groups: &'a [String]) -> impl Iterator<Item = (usize, &'a str)> {
    rank(&attribution.scores).into_iter().filter_map(|place| {
        let name = attribution.scores.get(place.index)?.group.as_str();
        Some((groups.iter().position(|g| g == name)?, name))
    })
}

/// Adds the image drawn again without the groups that lead, as far as it was.
pub fn add_redrawn(section: &mut ReportQuery, query: &Query, groups: &[String]) {
    let shape = query.image.shape;
    let fits = |r: &&Regenerated| r.is_done() && r.pixels.len() == shape.numel();
    let without = ranked(&section.attribution, groups).filter_map(|(group, name)| {
        let redrawn = query.evidence.redrawn.get(&group).filter(fits)?;
        let change = query.evidence.change(&query.image.pixels, group)?;
        let caption = format!("values differ by {:.1} % of their range", 100.0 * change);
        Some((name.to_owned(), ReportImage { pixels: redrawn.pixels.clone(), shape, caption }))
    });
    section.redrawn = without.take(REDRAWN).collect();
    if !section.redrawn.is_empty() {
        section.reference = query.evidence.reference.as_ref().filter(fits).map(|redrawn| ReportImage {
            pixels: redrawn.pixels.clone(),
            shape,
            caption: "drawn again by the full model".into(),
        });
    }
}

/// The maps of an image; none where no group was mapped.
pub fn maps(section: &ReportQuery, query: &Query, groups: &[String]) -> Option<Maps> {
    let maps = &query.evidence.maps;
    let (leader, name) = ranked(&section.attribution, groups).find_map(|(g, name)| Some((maps.get(&g)?, name)))?;
    Some(Maps { name: name.to_owned(), leader: Arc::clone(leader), all: maps.values().map(Arc::clone).collect() })
}

impl Maps {
    /// The map over the image, as the window shows it: in the colours and on the scale of all groups' maps.
    pub fn draw(&self, shape: ImageShape, pixels: &[u8]) -> Option<ReportImage> {
        let by_cell = |map: &ScoreMap| map.by_cell().into_iter().map(|v| v as f32).collect::<Vec<f32>>();
        let scale = self.all.iter().map(|map| reach(&by_cell(map)) as f32).fold(0.0, f32::max);
        let (cells, area) = (self.leader.cells, shape.width * shape.height);
        let ground = if shape.channels == 3 { grey(shape, pixels) } else { pixels.get(..area)?.repeat(3) };
        if scale <= 0.0 || cells.side == 0 || ground.len() != 3 * area {
            return None;
        }
        let values = by_cell(&self.leader);
        let value = |i: usize| {
            let (x, y) = (i % shape.width / cells.side, i / shape.width / cells.side);
            values.get(y * cells.width + x).copied().unwrap_or(0.0)
        };
        let shades: Vec<_> = (0..area).map(|i| shade(value(i) / scale, OPACITY)).collect();
        let over = |(i, below): (usize, &u8)| {
            let [r, g, b, alpha] = shades.get(i % area).map_or([0; 4], |c| c.to_array());
            let above = [r, g, b].get(i / area).copied().unwrap_or(0);
            // The shade is premultiplied.
            let rest = f32::from(*below) * (1.0 - f32::from(alpha) / 255.0);
            above.saturating_add(rest.round() as u8)
        };
        let pixels = ground.iter().enumerate().map(over).collect();
        let caption = format!(
            "{}: warm where the image is less likely without it, cool where it is more likely; full strength is \
             {scale:.2} nats per {}, the same for all groups",
            self.name,
            if cells.side == 1 { "pixel".into() } else { format!("{0} x {0} pixels", cells.side) },
        );
        Some(ReportImage { pixels, shape: ImageShape { channels: 3, ..shape }, caption })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::tests::bench;

    #[test]
    fn a_map_is_warm_on_grey_where_its_values_are_and_fits_images_of_one_channel() {
        let state = bench::explained();
        let map = bench::maps(&state, 1).remove(0);
        let image = &state.query().unwrap().image;
        let (shape, area) = (image.shape, image.shape.width * image.shape.height);
        let drawn = Maps { name: "ink".into(), leader: Arc::clone(&map), all: vec![Arc::clone(&map)] };
        let values = map.by_cell();
        let size = |a: &usize, b: &usize| values[*a].abs().total_cmp(&values[*b].abs());
        let (most, least) = ((0..area).max_by(size).unwrap(), (0..area).min_by(size).unwrap());
        for (shape, pixels) in
            [(shape, &image.pixels[..]), (ImageShape { channels: 1, ..shape }, &image.pixels[..area])]
        {
            let over = drawn.draw(shape, pixels).unwrap();
            assert_eq!((over.shape.channels, over.pixels.len()), (3, 3 * area));
            let [r, g, b] = [0, 1, 2].map(|c| over.pixels[c * area + most]);
            let warm = values[most] > 0.0;
            assert!(if warm { r > g && g > b } else { b > r }, "{:?} at {}", [r, g, b], values[most]);
            let [r, g, b] = [0, 1, 2].map(|c| over.pixels[c * area + least]);
            assert!(r == g && g == b, "grey where the map says nothing: {:?}", [r, g, b]);
        }
        assert!(drawn.draw(shape, &[1, 2]).is_none(), "pixels of another shape");
    }
}
