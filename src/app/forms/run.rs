//! The dialog before a long job: what it costs, cheaper settings, and which groups it is about.

use super::Settings;
use whence_jobs::Evidence;
use whence_methods::CounterfactualKind;

/// Fewest evaluations per model that a cheaper setting offers, and how many times fewer they are.
const FEWEST: usize = 8;
const FEWER: usize = 5;

/// What the dialog is about to start.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// An explanation with these settings, of those in [`RunForm::choices`].
    Explanation(Box<Settings>),
    /// Evidence of a group, or of all.
    Evidence(Evidence, Option<usize>),
}

/// What the dialog holds.
#[derive(Clone, Debug, PartialEq)]
pub struct RunForm {
    /// What Start starts.
    pub run: Run,
    /// The settings that can be chosen: those asked for first, then cheaper ones. None for evidence.
    pub choices: Vec<Settings>,
    /// Letters that the listed groups have in their names.
    pub search: String,
    /// Whether the job starts by itself once its cost is known and small.
    pub awaits_cost: bool,
    /// Key of the query it is about: the dialog closes where another one is shown.
    pub query: Option<u64>,
}

impl RunForm {
    /// A dialog about an explanation.
    pub fn explanation(settings: Settings, query: Option<u64>) -> Self {
        let mut choices = vec![settings.clone()];
        choices.extend(settings.cheaper());
        Self { run: Run::Explanation(Box::new(settings)), choices, search: String::new(), awaits_cost: false, query }
    }

    /// A dialog about evidence.
    pub fn evidence(what: Evidence, group: Option<usize>, query: Option<u64>) -> Self {
        Self { run: Run::Evidence(what, group), choices: Vec::new(), search: String::new(), awaits_cost: false, query }
    }
}

impl Settings {
    /// Settings that take less time, the most similar first.
    fn cheaper(&self) -> Vec<Self> {
        let mut cheaper = Vec::new();
        let kind = self.counterfactual_kind();
        if kind == Some(CounterfactualKind::Retrained) {
            cheaper.push(Self { method: "guda".into(), ..self.clone() });
        }
        let evaluations = self.timesteps.trim().parse::<usize>().ok().filter(|n| n / FEWER >= FEWEST);
        if let Some(evaluations) = evaluations.filter(|_| kind.is_some() && !self.stop) {
            cheaper.push(Self { timesteps: (evaluations / FEWER).to_string(), ..self.clone() });
        }
        if self.control_groups > 0 || self.confirm {
            cheaper.push(Self { control_groups: 0, confirm: false, ..self.clone() });
        }
        if kind.is_some() {
            cheaper.push(Self { method: "gaussian".into(), control_groups: 0, confirm: false, ..self.clone() });
        }
        cheaper
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cheaper_settings_keep_everything_else() {
        let settings = Settings { method: "logo".into(), ..Settings::default() };
        let form = RunForm::explanation(settings.clone(), None);
        let names: Vec<(&str, &str)> = form.choices.iter().map(|s| (s.method.as_str(), s.timesteps.as_str())).collect();
        assert_eq!(names, [("logo", "50"), ("guda", "50"), ("logo", "10"), ("gaussian", "50")]);
        assert_eq!(form.run, Run::Explanation(Box::new(settings)));
        let checked = Settings { control_groups: 3, ..Settings::default() };
        assert!(checked.cheaper().iter().any(|s| s.control_groups == 0 && s.method == "guda"));
        assert!(Settings { method: "gaussian".into(), ..Settings::default() }.cheaper().is_empty());
    }
}
