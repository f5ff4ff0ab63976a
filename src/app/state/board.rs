//! The ranking on screen: which rows, in what order, and the sentence above them.

use std::collections::BTreeMap;

use crate::attribution::{Attribution, GroupScore, rank, verdict};
use crate::elbo::Estimate;

/// How final the rows are.
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
    /// Number of the group in the dataset, where the dataset has a group of that name.
    pub group: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its score.
    pub estimate: Estimate,
    /// Its rank among its kind.
    pub rank: usize,
    /// Whether the noise leaves open which of this row and the one above comes first.
    pub tied: bool,
    /// Network evaluations spent on it.
    pub evaluations: usize,
}

/// The ranking on screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// How final it is.
    pub stage: Stage,
    /// Scored groups, highest first.
    pub rows: Vec<Row>,
    /// Groups of which only the closed form is known, highest first; on a scale of their own.
    pub waiting: Vec<Row>,
    /// The sentence that sums up; only once all groups are scored.
    pub verdict: String,
}

impl Board {
    /// The board of what is known.
    pub fn new(
        groups: &[String],
        preview: Option<&Attribution>,
        scored: &BTreeMap<usize, GroupScore>,
        complete: Option<&Attribution>,
    ) -> Self {
        if let Some(attribution) = complete {
            let rows = rows(groups, &attribution.scores);
            return Self { stage: Stage::Complete, rows, waiting: Vec::new(), verdict: verdict(attribution) };
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
        Self { stage, rows: rows(groups, &known), waiting, verdict: String::new() }
    }

    /// The group at the top.
    pub fn leader(&self) -> Option<usize> {
        self.rows.first().or_else(|| self.waiting.first()).and_then(|r| r.group)
    }
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
            })
        })
        .collect()
}
