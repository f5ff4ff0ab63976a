//! The complete explanations of a query: their labels, and their comparison.

use crate::app::state::{Explanation, Query};
use whence_methods::Attribution;
use whence_report::Comparison;

/// Complete explanations, in the order they were computed.
pub fn complete(query: &Query) -> impl Iterator<Item = (&Explanation, &Attribution)> {
    query.scored().filter_map(|explanation| Some((explanation, explanation.complete.as_ref()?)))
}

/// The same with the selected explanation first, then the latest.
pub fn selected_first(query: &Query) -> Vec<(&Explanation, &Attribution)> {
    let mut all: Vec<_> = complete(query).collect();
    all.reverse();
    all.sort_by_key(|(explanation, _)| Some(explanation.job) != query.selected);
    all
}

/// Labels that distinguish explanations: the method's name where that suffices, else with all settings.
pub fn labels(explanations: &[&Explanation]) -> Vec<String> {
    let label = |explanation: &&Explanation| {
        let alike = explanations.iter().filter(|other| other.method == explanation.method).count();
        match (alike, explanation.recipe.is_empty()) {
            (..=1, _) => explanation.method.clone(),
            (_, true) => format!("{} ({})", explanation.method, explanation.settings),
            (_, false) => format!("{} ({}; {})", explanation.method, explanation.recipe, explanation.settings),
        }
    };
    explanations.iter().map(label).collect()
}

/// The explanations of a query side by side, groups in the order of the first; none where there are fewer than two.
pub fn comparison(query: &Query) -> Option<Comparison> {
    let (explanations, scores): (Vec<&Explanation>, Vec<&Attribution>) = complete(query).unzip();
    if explanations.len() < 2 {
        return None;
    }
    let mut groups: Vec<String> = Vec::new();
    for name in explanations.iter().flat_map(|a| a.ranking.rows.iter().map(|r| &r.name)) {
        if !groups.contains(name) {
            groups.push(name.clone());
        }
    }
    let score =
        |all: &Attribution, group: &String| all.scores.iter().find(|s| s.group == *group).map(|s| s.estimate.score);
    let row = |group: &String| scores.iter().map(|all| score(all, group)).collect();
    let scores = groups.iter().map(row).collect();
    Some(Comparison { query: query.image.name.clone(), methods: labels(&explanations), groups, scores })
}
