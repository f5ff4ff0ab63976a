//! The settings that a person chooses, by neutral names: what an error is about, whichever front door it is shown in.

use std::fmt;

/// A setting. The command line words it as its option, the window as a field's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Images in one pass through the network.
    Batch,
    /// Most network evaluations per query.
    Budget,
    /// A second, independent reference.
    Ceiling,
    /// The class of a class-conditional model.
    ClassLabel,
    /// Comparison of the queries that all tables have.
    CommonQueries,
    /// Unlearning once more with a second seed.
    Confirm,
    /// A folder of ready counterfactual models.
    Counterfactuals,
    /// Where to compute.
    Device,
    /// Noise draws at each timestep.
    Draws,
    /// Noise that DDIM adds.
    Eta,
    /// A group that is left out of training.
    ExcludeGroup,
    /// The column of a table that names the groups.
    GroupColumn,
    /// Names of the groups in class order.
    GroupOrder,
    /// The groups to work on.
    Groups,
    /// Confidence level of separated leaders.
    Level,
    /// A table of similarity scores.
    LooksLike,
    /// How groups are scored.
    Method,
    /// Random control groups.
    Null,
    /// Where results are written.
    Out,
    /// An image file to explain.
    Query,
    /// Settings of unlearning.
    Recipe,
    /// The method of the reference table.
    ReferenceMethod,
    /// Number of groups that a removal leaves out.
    RemoveGroups,
    /// Number of images that a removal leaves out.
    RemoveImages,
    /// Bootstrap resamples.
    Resamples,
    /// How images are sampled.
    Sampler,
    /// A table of scores.
    Scores,
    /// Seeds of images to generate.
    Seeds,
    /// Sampling steps.
    Steps,
    /// The timesteps at which the ELBO is evaluated.
    Timesteps,
    /// Number of leaders to separate.
    Top,
    /// Settings of training.
    Training,
    /// A second method's table of scores.
    Versus,
    /// The method of that table.
    VersusMethod,
}

impl Setting {
    /// A neutral name in lower case, such as `noise draws`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch size",
            Self::Budget => "evaluation budget",
            Self::Ceiling => "second reference",
            Self::ClassLabel => "class label",
            Self::CommonQueries => "common queries only",
            Self::Confirm => "second seed",
            Self::Counterfactuals => "ready counterfactual models",
            Self::Device => "device",
            Self::Draws => "noise draws",
            Self::Eta => "eta",
            Self::ExcludeGroup => "excluded group",
            Self::GroupColumn => "group column",
            Self::GroupOrder => "groups in class order",
            Self::Groups => "groups",
            Self::Level => "confidence level",
            Self::LooksLike => "similarity scores",
            Self::Method => "method",
            Self::Null => "random control groups",
            Self::Out => "output",
            Self::Query => "query image",
            Self::Recipe => "recipe",
            Self::ReferenceMethod => "method of the reference",
            Self::RemoveGroups => "groups to remove",
            Self::RemoveImages => "images to remove",
            Self::Resamples => "bootstrap resamples",
            Self::Sampler => "sampler",
            Self::Scores => "scores",
            Self::Seeds => "seeds",
            Self::Steps => "sampling steps",
            Self::Timesteps => "timesteps",
            Self::Top => "leaders to separate",
            Self::Training => "training settings",
            Self::Versus => "second table of scores",
            Self::VersusMethod => "method of the second table",
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An error as it leaves the thread that met it: its sentences, and the settings they are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    sentences: String,
    place: String,
    settings: Vec<Setting>,
}

impl Failure {
    pub(crate) fn new(sentences: String, place: String, settings: Vec<Setting>) -> Self {
        Self { sentences, place, settings }
    }

    /// What happened and what to do, without the path and the system's own words.
    pub fn summary(&self) -> String {
        let settings: Vec<&str> = self.settings.iter().map(|s| s.name()).collect();
        if settings.is_empty() {
            self.sentences.clone()
        } else {
            format!("{} ({})", self.sentences, settings.join(", "))
        }
    }

    /// The file or field it is about, or the system's own words; empty where there is neither.
    pub fn details(&self) -> &str {
        &self.place
    }

    /// The sentences, with each setting in the words of a front door.
    pub fn worded(&self, name: &dyn Fn(Setting) -> String) -> String {
        let place = (!self.place.is_empty()).then(|| self.place.clone());
        let places: Vec<String> = place.into_iter().chain(self.settings.iter().map(|s| name(*s))).collect();
        if places.is_empty() { self.sentences.clone() } else { format!("{} ({})", self.sentences, places.join(", ")) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.worded(&|setting| setting.name().to_owned()))
    }
}

impl From<String> for Failure {
    fn from(sentences: String) -> Self {
        Self::new(sentences, String::new(), Vec::new())
    }
}

impl From<&str> for Failure {
    fn from(sentences: &str) -> Self {
        sentences.to_owned().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn a_front_door_words_the_settings_of_an_error() {
        let error = Error::setting("there are no noise draws", [Setting::Draws], "give 1 or more");
        assert_eq!(error.to_string(), "there are no noise draws. Give 1 or more. (noise draws)");
        let option = |setting: Setting| format!("<{}>", setting.name());
        assert_eq!(error.worded(&option), "there are no noise draws. Give 1 or more. (<noise draws>)");
        let failure = Error::Job(error.failure());
        assert_eq!(failure.to_string(), error.to_string());
        assert_eq!(failure.worded(&option), error.worded(&option));
    }

    #[test]
    fn a_setting_can_have_a_file_beside_it() {
        let error = Error::setting("several columns could hold the groups", [Setting::GroupColumn], "choose one");
        let error = error.in_file(std::path::Path::new("a.parquet"));
        let text = "several columns could hold the groups. Choose one. (a.parquet, group column)";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn errors_without_settings_read_the_same_everywhere() {
        let error = Error::input("it is cut short", "a.png", "copy it again");
        assert_eq!(error.worded(&|_| "--x".into()), error.to_string());
        assert_eq!(error.failure().to_string(), error.to_string());
    }
}
