//! The ranking on screen: which rows, in what order, and the sentence above them.

use std::collections::BTreeMap;

use whence_diffusion::elbo::Estimate;
use whence_diffusion::elbo::anytime::Decision;
use whence_methods::{Attribution, GroupScore, NullTest, rank, verdict};
use whence_training::unlearning::Judgement;

/// How complete the rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing is known.
    #[default]
    Empty,
    /// Only the closed form.
    Preview,
    /// Some groups are scored.
    Partial,
    /// All groups are scored.
    Complete,
}

/// One group's bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Index of the group in the dataset, where the dataset has a group of that name.
    pub group: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its score.
    pub estimate: Estimate,
    /// Its rank among its kind.
    pub rank: usize,
    /// Whether it is statistically tied with the row above.
    pub tied: bool,
    /// Network evaluations spent on it.
    pub evaluations: usize,
    /// Whether it leads, where the ranking stops as soon as that is clear.
    pub side: Option<Decision>,
    /// The unlearning check of the model without the group, where there is one.
    pub gate: Option<Judgement>,
}

impl Row {
    /// Whether it is clearly not among the leaders, so that nothing more was spent on it.
    pub fn is_eliminated(&self) -> bool {
        self.side == Some(Decision::Eliminated)
    }

    /// The judgement on its model, where that failed.
    pub fn failed(&self) -> Option<&Judgement> {
        self.gate.as_ref().filter(|j| !j.passed())
    }
}

/// The ranking on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RankingView {
    /// How complete it is.
    pub stage: Stage,
    /// Scored groups, highest first.
    pub rows: Vec<Row>,
    /// Groups of which only the closed form is known, highest first; on a scale of their own.
    pub waiting: Vec<Row>,
    /// The sentence that sums up; only once all groups are scored.
    pub verdict: String,
    /// What speaks for it and what against it, a sentence each.
    pub trust: Vec<String>,
    /// Scores of the random control groups, where there are any.
    pub null: Option<NullTest>,
}

impl RankingView {
    /// The board of what is known.
    pub fn new(
        groups: &[String],
        preview: Option<&Attribution>,
        scored: &BTreeMap<usize, GroupScore>,
        complete: Option<&Attribution>,
    ) -> Self {
        if let Some(attribution) = complete {
            let rows = rows(groups, &attribution.scores);
            let verdict = verdict(attribution);
            let trust = trust(attribution, rows.first());
            let null = attribution.trust.as_ref().and_then(|t| t.null.clone());
            return Self { stage: Stage::Complete, rows, verdict, trust, null, ..Self::default() };
        }
        let known: Vec<GroupScore> = scored.values().cloned().collect();
        let waiting = preview.map_or_else(Vec::new, |p| {
            let rest: Vec<GroupScore> =
                p.scores.iter().filter(|s| !known.iter().any(|k| k.group == s.group)).cloned().collect();
            rows(groups, &rest)
        });
        let stage = match (known.is_empty(), preview.is_some()) {
            (true, false) => Stage::Empty,
            (true, true) => Stage::Preview,
            (false, _) => Stage::Partial,
        };
        Self { stage, rows: rows(groups, &known), waiting, ..Self::default() }
    }

    /// Digits after the point of all its scores, in every view.
    pub fn decimals(&self) -> usize {
        let scores = self.rows.iter().map(|row| row.estimate.score.abs()).filter(|score| score.is_finite());
        crate::app::format::decimals(scores.fold(0.0, f64::max))
    }

    /// The group at the top.
    pub fn leader(&self) -> Option<usize> {
        self.rows.first().or_else(|| self.waiting.first()).and_then(|r| r.group)
    }
}

/// What speaks for the sentence that sums up, and what against it.
fn trust(attribution: &Attribution, leader: Option<&Row>) -> Vec<String> {
    let (Some(trust), Some(leader)) = (&attribution.trust, leader) else { return Vec::new() };
    trust.sentences(&leader.name, leader.estimate.score)
}

fn rows(groups: &[String], scores: &[GroupScore]) -> Vec<Row> {
    let numbers: std::collections::HashMap<&str, usize> =
        groups.iter().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    rank(scores)
        .into_iter()
        .filter_map(|ranked| {
            let score = scores.get(ranked.index)?;
            Some(Row {
                group: numbers.get(score.group.as_str()).copied(),
                name: score.group.clone(),
                estimate: score.estimate,
                rank: ranked.rank,
                tied: ranked.tied_with_previous,
                evaluations: score.evaluations,
                side: score.side,
                gate: score.gate,
            })
        })
        .collect()
}
