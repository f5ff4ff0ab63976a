//! What crosses between the window or the command line and the engine: plain data only.

mod estimate;
mod events;
mod evidence;
mod priority;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use estimate::JobEstimate;
pub use events::{Event, EventKind, Progress, UnlearningPoint};
pub use evidence::{Evidence, EvidenceJob, Moved, Regenerated};
pub use priority::Priority;
use whence_data::{ImageShape, Neighbour};
pub use whence_diffusion::SampleSettings;
use whence_evaluation::benchmark::Plan;
use whence_methods::ScoreSettings;
use whence_training::TrainingConfig;
use whence_training::unlearning::Recipe;

/// Number of a job, unique while the program runs.
pub type JobId = u64;

/// A job's whole description: what the window starts, what the command line starts, what is written beside results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSpec {
    /// Opens a project folder; gives [`Event::ProjectOpened`].
    OpenProject(#[serde(serialize_with = "whence_base::lossy::path")] PathBuf),
    /// Opens a model folder; gives [`Event::ModelLoaded`].
    LoadModel(#[serde(serialize_with = "whence_base::lossy::path")] PathBuf),
    /// Reads a dataset at the size of the model that is open; gives [`Event::DatasetLoaded`].
    LoadDataset(#[serde(serialize_with = "whence_base::lossy::path")] PathBuf),
    /// Reads an image at the size of the model that is open; gives [`Event::QueryReady`].
    LoadQuery(#[serde(serialize_with = "whence_base::lossy::path")] PathBuf),
    /// Draws one image from the model that is open; gives [`Event::Preview`]s and [`Event::QueryReady`].
    GenerateQuery(GenerateQuery),
    /// Scores groups.
    Attribute(Box<AttributeJob>),
    /// InterimAnalyses at one query through models without groups.
    Evidence(Box<EvidenceJob>),
    /// Draws images into files.
    Sample(SampleJob),
    /// Trains a model.
    Train(Box<TrainJob>),
    /// Makes counterfactual models by unlearning.
    Unlearn(Box<UnlearnJob>),
    /// Compares methods with retraining.
    Benchmark(Box<BenchmarkJob>),
    /// Trains again without what an attribution names.
    Removal(Box<RemovalJob>),
    /// Makes counterfactual models by training again.
    Retrain(Box<RetrainJob>),
}

/// One image from a seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerateQuery {
    /// Seed of the starting noise.
    pub seed: u64,
    /// How.
    pub draw: SampleSettings,
}

/// An image asked about, before it is read or drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuerySource {
    /// An image file.
    File(#[serde(serialize_with = "whence_base::lossy::path")] PathBuf),
    /// An image drawn from the model.
    Seed(u64),
    /// An image in memory, at the model's size.
    #[serde(alias = "picture")]
    Image {
        /// Its name.
        name: String,
        /// Planar bytes.
        #[serde(skip)]
        pixels: Vec<u8>,
    },
}

/// Settings of `whence attribute`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributeJob {
    /// Model folder.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub model: PathBuf,
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
    /// Images asked about.
    pub queries: Vec<QuerySource>,
    /// How queries from seeds are drawn.
    pub draw: SampleSettings,
    /// Name of the method.
    pub method: String,
    /// Groups to score, by name; all where empty.
    pub groups: Vec<String>,
    /// How the ELBO is evaluated.
    pub settings: ScoreSettings,
    /// Random groups of images that are unlearned too: the null that a group has to beat.
    #[serde(default)]
    pub null: usize,
    /// Unlearn all groups once more with another seed, to see whether the same one leads.
    #[serde(default)]
    pub confirm: bool,
    /// How groups are unlearned.
    pub recipe: Recipe,
    /// Ready counterfactual models, one folder a group.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub counterfactuals: Option<PathBuf>,
    /// Where models unlearned on the way are kept.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub keep_in: PathBuf,
    /// Where results are written; nowhere where absent.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub out: Option<PathBuf>,
    /// Nearest training images a group.
    pub neighbours: usize,
    /// Score the first query now and then while a group is unlearned.
    pub live: bool,
    /// Only tell what the job would take.
    #[serde(default)]
    pub dry_run: bool,
    /// Only take up what is kept: gives no scores where something would have to be computed.
    #[serde(default)]
    pub known_only: bool,
}

/// Settings of `whence sample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleJob {
    /// Model folder.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub model: PathBuf,
    /// One image a seed.
    pub seeds: Vec<u64>,
    /// How.
    pub draw: SampleSettings,
    /// Images drawn together.
    pub batch: usize,
    /// Write the starting noise, the added noise and the unrounded image too, for replay elsewhere.
    pub tensors: bool,
    /// Folder of the PNG files.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// Settings of `whence train`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainJob {
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Settings.
    pub config: TrainingConfig,
    /// Group to leave out, by name.
    pub exclude_group: Option<String>,
    /// Folder of the model.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// Settings of `whence unlearn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnlearnJob {
    /// Model folder.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub model: PathBuf,
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
    /// Groups to unlearn, by name; all where empty.
    pub groups: Vec<String>,
    /// How.
    pub recipe: Recipe,
    /// Folder of the counterfactual models, one folder a group.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// Settings of `whence retrain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrainJob {
    /// Folder of the full model.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub model: PathBuf,
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
    /// Groups to leave out, by name; all where empty.
    pub groups: Vec<String>,
    /// Training settings; those the model remembers where absent.
    pub config: Option<TrainingConfig>,
    /// Another seed than theirs: another oracle.
    pub seed: Option<u64>,
    /// Folder of the models, one folder a group.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// What `whence removal` leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remove {
    /// So many groups, the highest scores first.
    Groups(usize),
    /// So many images, the nearest first.
    #[serde(alias = "pictures")]
    Images(usize),
}

/// Settings of `whence removal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalJob {
    /// Folder of the full model.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub model: PathBuf,
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// Class of each group, for class-conditional models whose own files do not name their classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_map: Option<BTreeMap<String, usize>>,
    /// Images asked about; those from seeds are drawn again without what is removed.
    pub queries: Vec<QuerySource>,
    /// How.
    pub draw: SampleSettings,
    /// Ready models without a group each, in place of training them.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub counterfactuals: Option<PathBuf>,
    /// Table of scores that orders the groups.
    #[serde(serialize_with = "whence_base::lossy::option")]
    pub scores: Option<PathBuf>,
    /// What is left out.
    pub remove: Remove,
    /// Random choices of the same size a query.
    pub random: usize,
    /// Training settings; those the model remembers where absent.
    pub config: Option<TrainingConfig>,
    /// How the ELBO is evaluated.
    pub settings: ScoreSettings,
    /// Folder of models and results.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// Settings of `whence benchmark`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkJob {
    /// Dataset.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub data: PathBuf,
    /// Column of a parquet dataset that names the group; found by itself where absent.
    #[serde(default)]
    pub group_column: Option<String>,
    /// What is compared.
    pub plan: Plan,
    /// The command that makes the same again, for the results.
    pub command: String,
    /// Folder of models, scores and tables.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub out: PathBuf,
}

/// What is told of an opened model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its folder.
    #[serde(serialize_with = "whence_base::lossy::path")]
    pub path: PathBuf,
    /// Last part of the folder's name.
    pub name: String,
    /// Shape of its images.
    pub shape: ImageShape,
    /// Number of parameters.
    pub parameters: usize,
    /// Number of timesteps T.
    pub timesteps: usize,
    /// Number of classes of a class-conditional model.
    pub classes: Option<usize>,
    /// blake3 of settings and weights.
    pub hash: String,
    /// Name of the device it is on.
    pub device: String,
}

/// An image asked about, at the model's size.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryImage {
    /// Name: of its file, or `seed-7`.
    pub name: String,
    /// Where it came from.
    pub origin: QueryOrigin,
    /// Its shape.
    pub shape: ImageShape,
    /// Planar bytes.
    pub pixels: Vec<u8>,
    /// Seed and settings it was drawn from by the model that is open; none where that is not known.
    pub drawn: Option<GenerateQuery>,
    /// What was done to it ("resized from 640x480 to 32x32, ...").
    pub notes: Vec<String>,
}

/// Where a query came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryOrigin {
    /// A file.
    File(PathBuf),
    /// A seed.
    Seed(u64),
}

/// Nearest training images of one group to one query.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupNeighbours {
    /// Number of the group in the dataset.
    pub group: usize,
    /// Nearest first.
    pub nearest: Vec<Neighbour>,
}
