//! The embedding map: training images and queries as points on a plane.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::QuerySource;

/// What images are compared by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedVectors {
    /// Their pixels.
    #[default]
    Pixels,
    /// The output of the middle of the denoising network.
    Bottleneck,
}

/// How they are laid out on the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmbedLayout {
    /// The first two principal components.
    #[default]
    Pca,
    /// t-SNE.
    Tsne,
}

/// Which map: two choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EmbedChoice {
    /// What images are compared by.
    pub vectors: EmbedVectors,
    /// How they are laid out.
    pub layout: EmbedLayout,
}

/// A request for a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EmbedJob {
    /// Model folder; features need one, and it sets the size of the images.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub model: Option<PathBuf>,
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a Parquet dataset that names the group; detected automatically if absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
    /// Query images to place on the map.
    pub queries: Vec<QuerySource>,
    /// Which map.
    pub choice: EmbedChoice,
    /// Seed: the same seed gives the same points.
    pub seed: u64,
    /// Store of the map and of the features.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub keep_in: PathBuf,
    /// Only return a stored map, or else the estimated cost of making it.
    #[serde(default)]
    pub known_only: bool,
}

/// A map, finished or in progress.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedding {
    /// Which map.
    pub choice: EmbedChoice,
    /// blake3 of the dataset.
    pub dataset: String,
    /// A point per training image.
    pub points: Vec<[f32; 2]>,
    /// A point per query of the job; empty while in progress.
    pub queries: Vec<[f32; 2]>,
    /// Share of the variance along both axes, for principal components.
    pub explained: Option<[f32; 2]>,
    /// Whether it is finished.
    pub finished: bool,
}
