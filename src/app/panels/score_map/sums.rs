//! Sums of a map's stored terms, cached while they are on screen: changing the selection costs one sum per group, and a
//! frame without a change costs nothing.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use egui::Ui;
use egui::cache::{ComputerMut, FrameCache};

use whence_diffusion::elbo::{Estimate, Region, ScoreMap};

/// The contributions of a map's cells to the score.
pub struct CellScores {
    /// Nats, row by row.
    pub values: Arc<[f32]>,
    /// The 99.5th percentile of their absolute values.
    pub reach: f64,
    /// Keeps the map alive, so that its address, the key of the cache, is not reused.
    _map: Arc<ScoreMap>,
}

/// The score of a region of a map.
pub struct RegionScore {
    /// The score.
    pub estimate: Estimate,
    /// Timesteps from noise to image, with the contribution of each in nats.
    pub by_timestep: Vec<(usize, f64)>,
    _map: Arc<ScoreMap>,
}

/// The contributions of a map's cells.
pub fn by_cell(ui: &Ui, map: &Arc<ScoreMap>) -> Arc<CellScores> {
    ui.memory_mut(|m| Arc::clone(m.caches.cache::<FrameCache<Arc<CellScores>, ComputeCells>>().get(MapByAddress(map))))
}

/// The score of a region of a map.
pub fn region_score(ui: &Ui, map: &Arc<ScoreMap>, region: Region) -> Arc<RegionScore> {
    ui.memory_mut(|m| {
        Arc::clone(m.caches.cache::<FrameCache<Arc<RegionScore>, ComputeRegion>>().get((MapByAddress(map), region)))
    })
}

/// A map identified by its address, which is valid because maps do not change.
#[derive(Clone, Copy)]
struct MapByAddress<'a>(&'a Arc<ScoreMap>);

impl Hash for MapByAddress<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(self.0).hash(state);
    }
}

#[derive(Default)]
struct ComputeCells;

impl ComputerMut<MapByAddress<'_>, Arc<CellScores>> for ComputeCells {
    fn compute(&mut self, MapByAddress(map): MapByAddress<'_>) -> Arc<CellScores> {
        let values: Arc<[f32]> = map.by_cell().into_iter().map(|v| v as f32).collect();
        Arc::new(CellScores { reach: reach(&values), values, _map: Arc::clone(map) })
    }
}

#[derive(Default)]
struct ComputeRegion;

impl ComputerMut<(MapByAddress<'_>, Region), Arc<RegionScore>> for ComputeRegion {
    fn compute(&mut self, (MapByAddress(map), region): (MapByAddress<'_>, Region)) -> Arc<RegionScore> {
        let (estimate, by_timestep) = map.part(region);
        Arc::new(RegionScore { estimate, by_timestep: from_noise(by_timestep), _map: Arc::clone(map) })
    }
}

/// Sorts contributions from noise to image, and sums those of the same timestep.
fn from_noise(mut shares: Vec<(usize, f64)>) -> Vec<(usize, f64)> {
    shares.sort_by_key(|(t, _)| std::cmp::Reverse(*t));
    let mut summed: Vec<(usize, f64)> = Vec::with_capacity(shares.len());
    for (timestep, share) in shares {
        match summed.last_mut() {
            Some((last, sum)) if *last == timestep => *sum += share,
            _ => summed.push((timestep, share)),
        }
    }
    summed
}

/// The 99.5th percentile of the absolute values, 0 without any. Non-finite values are ignored.
pub fn reach(values: &[f32]) -> f64 {
    let mut sizes: Vec<f32> = values.iter().map(|v| v.abs()).filter(|v| v.is_finite()).collect();
    let index = sizes.len().saturating_sub(1) * 995 / 1000;
    if sizes.is_empty() {
        return 0.0;
    }
    f64::from(*sizes.select_nth_unstable_by(index, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlier_cells_do_not_set_the_scale() {
        let values: Vec<f32> = (0..1000).map(|i| if i == 7 { -1e9 } else { i as f32 / 1000.0 }).collect();
        assert!((0.99..1.0).contains(&reach(&values)), "{}", reach(&values));
        assert_eq!(reach(&[]), 0.0);
        assert_eq!(reach(&[-2.0]), 2.0);
        assert_eq!(reach(&[f32::NAN, 3.0]), 3.0);
    }

    #[test]
    fn timesteps_are_sorted_from_noise_to_image_and_merged() {
        assert_eq!(from_noise(vec![(10, 1.0), (500, 2.0), (500, 3.0), (20, 4.0)]), [(500, 5.0), (20, 4.0), (10, 1.0)]);
    }
}
