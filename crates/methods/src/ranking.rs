//! From scores to a ranking with ties, and to a one-sentence summary.

use serde::{Deserialize, Serialize};

use super::method::{Attribution, GroupScore, Unit};
use whence_diffusion::elbo::anytime::Decision;
use whence_diffusion::elbo::{Estimate, Term};

/// A group's position in a ranking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// Position in [`Attribution::scores`].
    pub index: usize,
    /// 1 for the highest score; equal scores share a rank.
    pub rank: usize,
    /// Whether this group is statistically tied with the previous one.
    pub tied_with_previous: bool,
}

/// Groups from the highest score to the lowest; equal scores in the dataset's order.
pub fn rank(scores: &[GroupScore]) -> Vec<Ranked> {
    let mut order: Vec<(usize, &GroupScore)> = scores.iter().enumerate().collect();
    // A ranking that stopped early has decided which groups are at the top and which are eliminated.
    let tier = |s: &GroupScore| s.side.map_or(0, Decision::tier);
    order.sort_by(|(i, a), (j, b)| {
        tier(a).cmp(&tier(b)).then(b.estimate.score.total_cmp(&a.estimate.score)).then(i.cmp(j))
    });
    let mut ranked: Vec<Ranked> = Vec::with_capacity(order.len());
    let mut previous: Option<(&GroupScore, usize)> = None;
    for (position, (index, score)) in order.into_iter().enumerate() {
        let (rank, tied) = match previous {
            Some((before, rank)) if before.estimate.score == score.estimate.score => (rank, true),
            Some((before, _)) => (position + 1, tied(before, score)),
            None => (1, false),
        };
        ranked.push(Ranked { index, rank, tied_with_previous: tied });
        previous = Some((score, rank));
    }
    ranked
}

/// Whether the noise leaves open which of two groups, in the order of the ranking, comes first.
fn tied(higher: &GroupScore, lower: &GroupScore) -> bool {
    if higher.side != lower.side {
        return false;
    }
    // Undecided after early stopping is another word for tied.
    lower.side == Some(Decision::Undecided) || !difference(higher, lower).is_separated()
}

/// The difference of two groups' scores. They share their noise, so the terms are subtracted one by one first.
pub fn difference(a: &GroupScore, b: &GroupScore) -> Estimate {
    if a.terms.len() == b.terms.len() && !a.terms.is_empty() {
        let terms: Vec<Term> = a.terms.iter().zip(&b.terms).map(|(a, b)| *a - *b).collect();
        return Estimate::from_terms(&terms, a.draws);
    }
    let std_err = a.estimate.std_err.hypot(b.estimate.std_err);
    Estimate::new(a.estimate.score - b.estimate.score, std_err)
}

/// One-sentence summary of the ranking.
pub fn verdict(attribution: &Attribution) -> String {
    let ranked = rank(&attribution.scores);
    let name = |r: &Ranked| attribution.scores.get(r.index).map_or("", |s| s.group.as_str());
    let Some(first) = ranked.first() else { return "No groups were scored".into() };
    let Some(leader) = attribution.scores.get(first.index) else { return String::new() };
    // Similarities are no likelihoods: their sign says nothing, and being similar is not being influential.
    if matches!(attribution.unit, Unit::Cosine | Unit::NegativeDistance) {
        return match ranked.iter().skip(1).take_while(|r| r.tied_with_previous).count() {
            0 => format!("{} has the most similar training images", name(first)),
            others => format!("{} and {others} others have equally similar training images", name(first)),
        };
    }
    if leader.estimate.interval_95().0 <= 0.0 {
        return "No group made this image more likely beyond the noise".into();
    }
    let null = attribution.trust.as_ref().and_then(|t| t.null.as_ref());
    if let Some(null) = null.filter(|n| !n.stands_out(&leader.group, leader.estimate.score)) {
        // The leader's model may be damaged so much that it has more to beat than those below it.
        let mut others = ranked.iter().filter_map(|r| attribution.scores.get(r.index));
        return match others.find(|s| null.stands_out(&s.group, s.estimate.score)) {
            Some(other) => format!(
                "{} ranks first; {} scores more, but its model harms other images too",
                other.group, leader.group
            ),
            None => format!("No group is significant: random control groups could score as much as {}", leader.group),
        };
    }
    // Each is compared with the leader: a chain of neighbours that are tied one by one may span a clear difference.
    let is_tied = |r: &&Ranked| attribution.scores.get(r.index).is_some_and(|s| tied(leader, s));
    let tied: Vec<&str> = ranked.iter().skip(1).filter(is_tied).map(name).collect();
    if !tied.is_empty() {
        return match tied.as_slice() {
            [one] => format!("{} and {one} are statistically tied at the top", name(first)),
            many => format!("{} and {} others are statistically tied at the top", name(first), many.len()),
        };
    }
    let followers: Vec<&Ranked> = ranked.iter().skip(1).take(2).collect();
    match followers.as_slice() {
        [second, third] if third.tied_with_previous => {
            format!("{} ranks first; {} and {} are statistically tied", name(first), name(second), name(third))
        }
        [second, ..] => format!("{} ranks first; {} is second", name(first), name(second)),
        [] => format!("{} was the only group scored", name(first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(group: &str, values: &[f64]) -> GroupScore {
        let terms: Vec<Term> = values.iter().map(|&value| Term { value, weight: 1.0, pixel_norm: 1.0 }).collect();
        GroupScore {
            group: group.into(),
            estimate: Estimate::from_terms(&terms, 1),
            evaluations: terms.len(),
            terms,
            draws: 1,
            side: None,
            gate: None,
        }
    }

    #[test]
    fn a_similarity_is_neither_likely_nor_unlikely() {
        let scores = vec![GroupScore::exact("ink", -3.0), GroupScore::exact("oil", -2.0)];
        let distances =
            Attribution { unit: Unit::NegativeDistance, ..Attribution::new("q", "pixel-similarity", scores) };
        assert_eq!(verdict(&distances), "oil has the most similar training images");
    }

    fn shaky(mean: f64, size: f64, seed: u64) -> Vec<f64> {
        whence_base::random::epsilon(seed, b"ranking", 1, 0, 50).iter().map(|e| mean + size * f64::from(*e)).collect()
    }

    #[test]
    fn highest_first_and_equal_scores_share_a_rank() {
        let scores = [score("a", &[1.0; 9]), score("b", &[3.0; 9]), score("c", &[1.0; 9]), score("d", &[-1.0; 9])];
        let ranked = rank(&scores);
        let order: Vec<_> = ranked.iter().map(|r| (r.index, r.rank, r.tied_with_previous)).collect();
        assert_eq!(order, [(1, 1, false), (0, 2, false), (2, 2, true), (3, 4, false)]);
    }

    #[test]
    fn shared_noise_separates_what_separate_intervals_cannot() {
        let common = shaky(1.0, 5.0, 1);
        let above: Vec<f64> = common.iter().map(|v| v + 0.1).collect();
        let (a, b) = (score("a", &above), score("b", &common));
        assert!(a.estimate.interval_95().0 < b.estimate.interval_95().1, "the intervals overlap");
        assert!(!rank(&[a.clone(), b])[1].tied_with_previous, "the paired difference does not contain zero");
        let other = score("c", &shaky(1.0, 5.0, 2));
        assert!(rank(&[a, other])[1].tied_with_previous);
    }

    #[test]
    fn only_groups_that_are_tied_with_the_leader_are_called_so() {
        // Each is tied with the one before it, and the last is clearly below the first.
        let shared = shaky(0.0, 1.0, 6);
        let at = |mean: f64, size: f64, seed: u64| {
            let own = shaky(0.0, size, seed);
            shared.iter().zip(own).map(|(s, o)| s + mean + o).collect::<Vec<f64>>()
        };
        let scores = vec![score("a", &at(9.0, 0.1, 7)), score("b", &at(8.9, 3.0, 8)), score("c", &at(8.4, 0.1, 9))];
        assert!(rank(&scores).iter().skip(1).all(|r| r.tied_with_previous), "a chain");
        let said = verdict(&Attribution::new("q", "guda", scores));
        assert_eq!(said, "a and b are statistically tied at the top");
    }

    #[test]
    fn the_sentence_names_the_leader_or_says_that_there_is_none() {
        let make = |scores: Vec<GroupScore>| Attribution::new("q", "guda", scores);
        let clear =
            make(vec![score("ink", &[9.0; 50]), score("wash", &shaky(1.0, 2.0, 3)), score("oil", &shaky(1.0, 2.0, 4))]);
        assert_eq!(verdict(&clear).split(';').next(), Some("ink ranks first"));
        let none = make(vec![score("ink", &shaky(0.0, 2.0, 5)), score("wash", &[-1.0; 50])]);
        assert!(verdict(&none).starts_with("No group"), "{}", verdict(&none));
    }

    #[test]
    fn a_leader_whose_model_is_damaged_does_not_hide_a_significant_group() {
        let exact = [GroupScore::exact("ink", 9.0), GroupScore::exact("oil", 8.0), GroupScore::exact("wash", 0.5)];
        let mut all = Attribution::new("q", "guda", exact.to_vec());
        let mut null = crate::NullTest::of(vec![0.0, 1.0, 2.0, 3.0, 2.0, 1.0], 3, None).unwrap();
        assert!(null.threshold < 8.0, "{}", null.threshold);
        let trust = |null| crate::Trust { null: Some(null), lead: None, closed_form: None, second_seed: None };
        null.allowances.insert("ink".into(), 20.0);
        all.trust = Some(trust(null.clone()));
        assert!(verdict(&all).starts_with("oil ranks first; ink scores more"), "{}", verdict(&all));
        null.allowances.insert("oil".into(), 20.0);
        all.trust = Some(trust(null));
        assert!(verdict(&all).starts_with("No group is significant"), "{}", verdict(&all));
    }
}
