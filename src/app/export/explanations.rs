//! The complete answers of an image: which of them stand for it, what they are called, and how they compare.

use crate::app::state::{Explanation, Query};
use whence_methods::Attribution;
use whence_report::Comparison;

/// Complete answers, in the order they were found; the one on screen is the last.
pub fn complete(query: &Query) -> impl Iterator<Item = (&Explanation, &Attribution)> {
    query.explanations().filter_map(|answer| Some((answer, answer.complete.as_ref()?)))
}

/// What tells answers apart: the method's name where that does, else all that was asked for.
pub fn labels(answers: &[&Explanation]) -> Vec<String> {
    let label = |answer: &&Explanation| {
        let alike = answers.iter().filter(|other| other.method == answer.method).count();
        match (alike, answer.recipe.is_empty()) {
            (..=1, _) => answer.method.clone(),
            (_, true) => format!("{} ({})", answer.method, answer.settings),
            (_, false) => format!("{} ({}; {})", answer.method, answer.recipe, answer.settings),
        }
    };
    answers.iter().map(label).collect()
}

/// The answers of an image side by side, groups in the order of the first; none where there are not two.
pub fn comparison(query: &Query) -> Option<Comparison> {
    let (answers, scores): (Vec<&Explanation>, Vec<&Attribution>) = complete(query).unzip();
    if answers.len() < 2 {
        return None;
    }
    let mut groups: Vec<String> = Vec::new();
    for name in answers.iter().flat_map(|a| a.ranking.rows.iter().map(|r| &r.name)) {
        if !groups.contains(name) {
            groups.push(name.clone());
        }
    }
    let score =
        |all: &Attribution, group: &String| all.scores.iter().find(|s| s.group == *group).map(|s| s.estimate.score);
    let row = |group: &String| scores.iter().map(|all| score(all, group)).collect();
    let scores = groups.iter().map(row).collect();
    Some(Comparison { query: query.image.name.clone(), methods: labels(&answers), groups, scores })
}
