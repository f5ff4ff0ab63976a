//! The contents of input fields, and how they become jobs.

mod appearance;
mod embedding;
mod new_project;
mod run;
mod save_as;

pub use appearance::{Appearance, Brush};
pub use embedding::{EmbeddingForm, MapView};
pub use new_project::{CostEstimate, NewProjectForm, Step as NewProjectStep};
pub use run::{Run, RunForm};
pub use save_as::SaveAsForm;

use whence_diffusion::elbo::Timesteps;
use whence_diffusion::elbo::anytime::Settings as StopSettings;
use whence_jobs::{AttributeJob, GenerateQuery, QuerySource, SampleSettings};
use whence_methods::{CounterfactualKind, ScoreSettings, methods};
use whence_training::unlearning::Recipe;

use super::export::ExportForm;
use super::library::RatingFilter;
use super::panels::WallOrder;
use super::projects::OpenChoice;
use super::state::State;

/// Nearest training images per group.
pub const NEAREST: usize = 12;

/// The contents of all fields.
#[derive(Clone, Debug, Default)]
pub struct Forms {
    /// The path field.
    pub path: String,
    /// Whether the path field shall get the cursor.
    pub focus_path: bool,
    /// Whether the path field is on screen, although nothing is typed.
    pub path_open: bool,
    /// What is wrong with the typed path.
    pub path_error: Option<String>,
    /// Text typed for a field that is about to appear.
    pub pending_text: String,
    /// Whether a system dialog is open.
    pub dialog_open: bool,
    /// Seed of the next image.
    pub seed: u64,
    /// How it is generated.
    pub sampling: SampleSettings,
    /// Class label for class-conditional models, in sampling and in scoring.
    pub class: usize,
    /// How groups are scored.
    pub settings: Settings,
    /// Whether the project's recipe is being read, which replaces the settings.
    pub reading_recipe: bool,
    /// What the export dialog holds.
    pub export: ExportForm,
    /// The dialog before a long job, while it is open.
    pub run: Option<RunForm>,
    /// What the dialog for a new project holds.
    pub new_project: NewProjectForm,
    /// What the dialog for a copy of the project holds.
    pub save_as: SaveAsForm,
    /// What to do with a path, where that is for the user to say.
    pub choice: Option<OpenChoice>,
    /// Whether the shortcuts are on screen.
    pub help: bool,
    /// Whether the list of jobs shall open, or close where it is open.
    pub toggle_jobs: bool,
    /// What the wall of redrawings is ordered by.
    pub wall_order: WallOrder,
    /// Where the scrubber through an unlearning is: query, group and step; at the end where absent.
    pub scrub: Option<(u64, usize, usize)>,
    /// Whether the settings are unfolded, so that the image leaves them room.
    pub advanced: bool,
    /// What is typed to find a group in the library's filter.
    pub group_search: String,
    /// Which query images are listed.
    pub query_filter: RatingFilter,
    /// How the embedding map is displayed.
    pub embedding: EmbeddingForm,
    /// How evidence is displayed.
    pub appearance: Appearance,
}

/// How groups are scored, as typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the method.
    pub method: String,
    /// Timesteps, as `--timesteps` takes them.
    pub timesteps: String,
    /// Noise samples per timestep.
    pub draws: usize,
    /// Batch size.
    pub batch: usize,
    /// Stop early once the ranking is clear, instead of evaluating all timesteps.
    pub stop: bool,
    /// Confidence level of that.
    pub level: f64,
    /// Number of leading groups to identify.
    pub top: usize,
    /// Most evaluations; a share of the published grid by default.
    pub budget: Option<usize>,
    /// Number of random control groups.
    pub control_groups: usize,
    /// Repeat with another seed.
    pub confirm: bool,
    /// How groups are unlearned.
    pub recipe: Recipe,
    /// Learning rate; empty for the recipe's own.
    pub learning_rate: String,
    /// The project's own recipe.
    pub project_recipe: Recipe,
}

impl Default for Settings {
    fn default() -> Self {
        Self::with_recipe(Recipe::default())
    }
}

impl Settings {
    /// The defaults with this recipe.
    pub fn with_recipe(recipe: Recipe) -> Self {
        let learning_rate = recipe.learning_rate.map_or_else(String::new, |r| r.to_string());
        let StopSettings { level, top, .. } = StopSettings::default();
        Self {
            method: "guda".into(),
            timesteps: "50".into(),
            draws: 1,
            batch: ScoreSettings::default().batch,
            // Off: unlearning takes nearly all of the time anyway, and eliminated groups keep wide intervals.
            stop: false,
            level,
            top,
            budget: None,
            control_groups: 0,
            confirm: false,
            project_recipe: recipe.clone(),
            recipe,
            learning_rate,
        }
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        *self != Self::with_recipe(self.project_recipe.clone())
    }

    /// How the chosen method makes counterfactual models; none where it needs none.
    pub fn counterfactual_kind(&self) -> Option<CounterfactualKind> {
        methods().iter().find(|m| m.name() == self.method).and_then(|m| m.counterfactuals())
    }

    /// Whether the scoring stops early. A single group cannot lead others.
    pub fn stops_early(&self, groups: usize) -> bool {
        self.stop && groups > 1 && self.counterfactual_kind().is_some()
    }

    /// Most evaluations over all models, and the fewest that can rank them.
    pub fn budget(&self, timesteps: usize, groups: usize) -> (usize, usize) {
        let least = 4 * (groups + 1);
        let usual = StopSettings::quarter(timesteps / 10, groups).budget;
        (self.budget.unwrap_or(usual).max(least), least)
    }

    /// What is wrong with the timesteps.
    pub fn timesteps_error(&self) -> Option<String> {
        self.timesteps.trim().parse::<Timesteps>().err()
    }

    /// What is wrong with the learning rate.
    pub fn learning_rate_error(&self) -> Option<&'static str> {
        self.parse_learning_rate().err()
    }

    fn parse_learning_rate(&self) -> Result<Option<f64>, &'static str> {
        match self.learning_rate.trim() {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Some(rate)),
                _ => Err("A learning rate is a positive number such as 2e-4. Leave it empty for the default."),
            },
        }
    }
}

impl Forms {
    /// The job that generates an image.
    pub fn generate_job(&self, state: &State) -> GenerateQuery {
        let class = state.model.as_ref().and_then(|m| m.classes).map(|n| self.class.min(n.saturating_sub(1)));
        GenerateQuery { seed: self.seed, sampling: SampleSettings { class, ..self.sampling } }
    }

    /// The settings on screen as a job, whether another one runs or not.
    pub(super) fn current_job(&self, state: &State) -> Result<AttributeJob, String> {
        self.job_with(&self.settings, state)
    }

    /// The settings on screen, by another method.
    pub fn settings_by(&self, method: &str) -> Settings {
        Settings { method: method.to_owned(), ..self.settings.clone() }
    }

    /// These settings as a job, for the chosen groups.
    ///
    /// # Errors
    /// What is missing, and what is typed wrong.
    pub fn job_with(&self, settings: &Settings, state: &State) -> Result<AttributeJob, String> {
        let (Some(model), Some(dataset), Some(query)) = (&state.model, &state.dataset, state.query()) else {
            return Err("Open a model and a dataset first".into());
        };
        let chosen = state.chosen_groups()?;
        let groups = if chosen.is_empty() { dataset.groups().len() } else { chosen.len() };
        let stop = settings.stops_early(groups).then(|| StopSettings {
            level: settings.level,
            top: settings.top.clamp(1, groups.saturating_sub(1).max(1)),
            budget: settings.budget(model.timesteps, groups).0,
            ..StopSettings::default()
        });
        // Early stopping estimates the sum over the published grid.
        let timesteps = if stop.is_some() { Timesteps::OFFICIAL } else { settings.timesteps.trim().parse()? };
        let unlearns = settings.counterfactual_kind() == Some(CounterfactualKind::Unlearned);
        let mut recipe = settings.recipe.clone();
        recipe.learning_rate = settings.parse_learning_rate()?;
        recipe.check().map_err(|e| e.to_string())?;
        let class = model.classes.map(|n| {
            let class = query.sampling.and_then(|d| d.class).unwrap_or(self.class);
            class.min(n.saturating_sub(1))
        });
        Ok(AttributeJob {
            model: model.path.clone(),
            data: dataset.path().to_owned(),
            group_column: state.group_column(),
            class_map: state.class_map(),
            // The pixels on screen are scored: generating them again would cost time without need.
            queries: vec![QuerySource::Image { name: query.image.name.clone(), pixels: query.image.pixels.clone() }],
            sampling: query.sampling.unwrap_or_default(),
            null: if unlearns { settings.control_groups } else { 0 },
            confirm: unlearns && settings.confirm,
            method: settings.method.clone(),
            groups: chosen,
            settings: ScoreSettings {
                timesteps,
                draws: settings.draws.max(1),
                seed: ScoreSettings::default().seed,
                batch: settings.batch.max(1),
                class,
                stop,
                ..ScoreSettings::default()
            },
            recipe,
            counterfactuals: None,
            keep_in: state.store(),
            out: None,
            neighbours: NEAREST,
            live: true,
            dry_run: false,
            known_only: false,
        })
    }
}
