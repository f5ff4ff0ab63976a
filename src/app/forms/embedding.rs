//! How the embedding map is displayed.

use std::collections::BTreeSet;

use egui::Pos2;

use crate::app::widgets::PointMap;
use whence_jobs::EmbedChoice;

/// What of the map is on screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MapView {
    /// The point in the middle, as a share of the map's width and height.
    pub middle: [f32; 2],
    /// Enlargement; 1 shows everything.
    pub zoom: f32,
}

impl Default for MapView {
    fn default() -> Self {
        Self { middle: [0.5, 0.5], zoom: 1.0 }
    }
}

/// The controls of the map.
#[derive(Clone, Debug, Default)]
pub struct EmbeddingForm {
    /// Which map.
    pub choice: EmbedChoice,
    /// What of it is on screen.
    pub view: MapView,
    /// Whether dragging draws a lasso instead of moving the map.
    pub lasso: bool,
    /// The lasso while it is drawn, in points of the screen.
    pub drawn: Vec<Pos2>,
    /// Groups that are hidden, and the id of their dataset.
    pub hidden: BTreeSet<usize>,
    /// The dataset that the hidden groups and the view belong to.
    pub dataset: u64,
    /// What draws the points.
    pub points: PointMap,
}

impl EmbeddingForm {
    /// Another dataset is open: its groups are others.
    pub fn follow(&mut self, dataset: u64) {
        if self.dataset != dataset {
            self.dataset = dataset;
            self.hidden.clear();
            self.drawn.clear();
            self.view = MapView::default();
        }
    }
}
