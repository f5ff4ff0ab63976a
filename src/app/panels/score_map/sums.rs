//! Sums of a map's stored terms, kept as long as they are on screen: brushing costs one sum a group, and standing still
//! nothing.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use egui::Ui;
use egui::cache::{ComputerMut, FrameCache};

use whence_diffusion::elbo::{Estimate, Region, ScoreMap};

/// What the cells of a map add to the score.
pub struct ByCell {
    /// Nats, row by row.
    pub values: Arc<[f32]>,
    /// The size that all but the strongest two hundredth part of the cells stay below.
    pub reach: f64,
    /// Keeps the map's address from being used again.
    _map: Arc<ScoreMap>,
}

/// What a region of a map adds to the score.
pub struct Part {
    /// Its score.
    pub estimate: Estimate,
    /// Timesteps from noise to image, and what each adds.
    pub course: Vec<(usize, f64)>,
    _map: Arc<ScoreMap>,
}

/// The cells of a map.
pub fn by_cell(ui: &Ui, map: &Arc<ScoreMap>) -> Arc<ByCell> {
    ui.memory_mut(|m| Arc::clone(m.caches.cache::<FrameCache<Arc<ByCell>, Cells>>().get(Known(map))))
}

/// A region of a map.
pub fn part(ui: &Ui, map: &Arc<ScoreMap>, region: Region) -> Arc<Part> {
    ui.memory_mut(|m| Arc::clone(m.caches.cache::<FrameCache<Arc<Part>, Parts>>().get((Known(map), region))))
}

/// A map that is told apart from others by where it is: maps do not change.
#[derive(Clone, Copy)]
struct Known<'a>(&'a Arc<ScoreMap>);

impl Hash for Known<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(self.0).hash(state);
    }
}

#[derive(Default)]
struct Cells;

impl ComputerMut<Known<'_>, Arc<ByCell>> for Cells {
    fn compute(&mut self, Known(map): Known<'_>) -> Arc<ByCell> {
        let values: Arc<[f32]> = map.by_cell().into_iter().map(|v| v as f32).collect();
        Arc::new(ByCell { reach: reach(&values), values, _map: Arc::clone(map) })
    }
}

#[derive(Default)]
struct Parts;

impl ComputerMut<(Known<'_>, Region), Arc<Part>> for Parts {
    fn compute(&mut self, (Known(map), region): (Known<'_>, Region)) -> Arc<Part> {
        let (estimate, by_timestep) = map.part(region);
        Arc::new(Part { estimate, course: from_noise(by_timestep), _map: Arc::clone(map) })
    }
}

/// From noise to image; what is drawn several times at a timestep counts together.
fn from_noise(mut shares: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    shares.sort_by_key(|(t, _)| std::cmp::Reverse(*t));
    shares.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    shares
}

/// The size that all but the strongest two hundredth part of values stay below.
pub fn reach(values: &[f32]) -> f64 {
    let mut sizes: Vec<f32> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    let place = sizes.len().saturating_sub(1) * 995 / 1000;
    if sizes.is_empty() {
        return 0.0;
    }
    f64::from(*sizes.select_nth_unstable_by(place, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_cells_do_not_set_the_scale() {
        let values: Vec<f32> = (0..1000).map(|i| if i == 7 { -1e9 } else { i as f32 / 1000.0 }).collect();
        assert!((0.99..1.0).contains(&reach(&values)), "{}", reach(&values));
        assert_eq!(reach(&[]), 0.0);
        assert_eq!(reach(&[-2.0]), 2.0);
        assert_eq!(reach(&[f32::NAN, 3.0]), 3.0);
    }

    #[test]
    fn timesteps_run_from_noise_to_image_and_count_once() {
        assert_eq!(from_noise(vec![(10, 1.0), (500, 2.0), (500, 3.0), (20, 4.0)]), [(500, 5.0), (20, 4.0), (10, 1.0)]);
    }
}
