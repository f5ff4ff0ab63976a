//! "Nothing stands out": the scores of random groups of pictures, unlearned by the same recipe, are what a group of no
//! meaning scores. It says that removing a group matters more than removing random pictures, never that it is the cause.

use serde::{Deserialize, Serialize};

use crate::elbo::student::t_quantile;

/// Nominal share of pictures for which chance alone makes some group stand out. Random groups' models are damaged
/// unequally, which one picture's scores do not show; on the digits, this and [`NullTest::widening`] gave 5 %, the plain limit at
/// a nominal 5 % gave 19 to 22 %.
const NOMINAL: f64 = 0.02;

/// Fewest random groups whose spread is worth anything.
pub const FEWEST: usize = 4;

/// What random groups score for one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NullTest {
    /// Scores of the random groups, nats.
    pub scores: Vec<f64>,
    /// Their mean, nats.
    pub mean: f64,
    /// Their standard deviation, nats: the noise floor.
    pub sd: f64,
    /// Groups above this stand out, nats.
    pub threshold: f64,
}

impl NullTest {
    /// The test of `groups` groups against the scores of random ones; none where these are too few.
    ///
    /// The threshold is the upper prediction limit of one more random group, mean + c sd √(1 + 1/R), where c is Student's
    /// quantile with R - 1 degrees of freedom at 1 - nominal / groups (Bonferroni), or `widening` where that is more.
    pub fn of(scores: Vec<f64>, groups: usize, widening: f64) -> Option<Self> {
        if scores.len() < FEWEST || groups == 0 || scores.iter().any(|s| !s.is_finite()) {
            return None;
        }
        let (mean, sd, one_more) = spread(&scores);
        let factor = t_quantile(NOMINAL / groups as f64, scores.len() as f64 - 1.0).max(widening);
        let threshold = mean + factor * sd * one_more;
        Some(Self { scores, mean, sd, threshold })
    }

    /// How far random groups really stray, in the units of [`of`](Self::of)'s factor: each is set against the other random
    /// ones of the same picture, over all pictures at hand, and the quantile at 1 - nominal / groups is taken. A group whose
    /// model is damaged more than others strays on every picture, so many pictures show it and one does not.
    pub fn widening(pictures: &[Vec<f64>], groups: usize) -> f64 {
        let mut strayed: Vec<f64> = Vec::new();
        for scores in pictures.iter().filter(|s| s.len() > FEWEST) {
            for (left_out, score) in scores.iter().enumerate() {
                let rest: Vec<f64> =
                    scores.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, s)| *s).collect();
                let (mean, sd, one_more) = spread(&rest);
                if sd > 0.0 {
                    strayed.push((score - mean) / (sd * one_more));
                }
            }
        }
        strayed.sort_by(f64::total_cmp);
        let place = (strayed.len() as f64 * (1.0 - NOMINAL / groups.max(1) as f64)).floor() as usize;
        strayed.get(place.min(strayed.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// Whether a group of this score stands out.
    pub fn stands_out(&self, score: f64) -> bool {
        score > self.threshold
    }
}

/// Mean and standard deviation of some scores, and by how much one more strays further than they do: √(1 + 1/R).
fn spread(scores: &[f64]) -> (f64, f64, f64) {
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let sd = (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    (mean, sd, (1.0 + 1.0 / count).sqrt())
}

/// What speaks for the leader, besides its interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Random groups' scores, where they were asked for.
    pub null: Option<NullTest>,
    /// The leader's lead over the runner-up in units of the null's spread.
    pub lead: Option<f64>,
    /// The group that the closed form names.
    pub closed_form: Option<String>,
    /// The group that a second unlearning with another seed names.
    pub second_seed: Option<String>,
}

impl Trust {
    /// In words, given the leader: what agrees and what does not; nothing where nothing is known.
    pub fn sentences(&self, leader: &str, score: f64) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(null) = &self.null {
            said.push(if null.stands_out(score) {
                format!(
                    "Removing {leader} matters more than removing random pictures ({score:.2} nats; {} random groups: below {:.2})",
                    null.scores.len(),
                    null.threshold
                )
            } else {
                format!(
                    "Nothing stands out: {} random groups reach {:.2} nats as well",
                    null.scores.len(),
                    null.threshold
                )
            });
        }
        for (what, named) in
            [("the closed form", &self.closed_form), ("a second unlearning with another seed", &self.second_seed)]
        {
            if let Some(named) = named {
                said.push(if named == leader {
                    format!("{leader} is named by {what} too")
                } else {
                    format!("{what} names {named} instead")
                });
            }
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elbo::noise::epsilon;

    /// Share of simulated pictures on which one of `groups` groups of no meaning stands out.
    fn false_alarms(random: usize, groups: usize) -> f64 {
        let trials = 4000;
        let alarms = (0..trials)
            .filter(|&trial| {
                let scores: Vec<f64> =
                    epsilon(trial, b"null", 1, 0, random + groups).iter().map(|v| 3.0 + 0.2 * f64::from(*v)).collect();
                let (random, real) = scores.split_at(random);
                let test = NullTest::of(random.to_vec(), groups, 0.0).unwrap();
                real.iter().any(|s| test.stands_out(*s))
            })
            .count();
        alarms as f64 / trials as f64
    }

    #[test]
    fn chance_alone_stands_out_as_rarely_as_promised() {
        for (random, groups) in [(8, 3), (16, 8), (16, 10), (32, 8)] {
            let share = false_alarms(random, groups);
            // Bonferroni spends a little less than the level; the random groups are shared by all comparisons.
            assert!((0.008..0.026).contains(&share), "{random} random groups, {groups} groups: {share}");
        }
    }

    /// One random group of sixteen is damaged more than the others, on every picture.
    #[test]
    fn a_random_group_that_always_strays_widens_the_test() {
        let picture = |seed: u64, damage: f64| {
            let mut scores: Vec<f64> = epsilon(seed, b"damage", 1, 0, 16).iter().map(|v| f64::from(*v)).collect();
            scores[5] += damage;
            scores
        };
        let even: Vec<Vec<f64>> = (0..200).map(|q| picture(q, 0.0)).collect();
        let uneven: Vec<Vec<f64>> = (0..200).map(|q| picture(q, 6.0)).collect();
        let (even, uneven) = (NullTest::widening(&even, 8), NullTest::widening(&uneven, 8));
        assert!((2.0..5.0).contains(&even) && uneven > even + 2.0, "{even} {uneven}");
        let scores = picture(1000, 0.0);
        let of = |widening| NullTest::of(scores.clone(), 8, widening).unwrap().threshold;
        assert!(of(uneven) > of(0.0));
        assert_eq!(NullTest::widening(&[], 8), 0.0);
    }

    #[test]
    fn too_few_random_groups_test_nothing() {
        assert_eq!(NullTest::of(vec![1.0, 2.0, 3.0], 5, 0.0), None);
        assert_eq!(NullTest::of(vec![1.0, 2.0, 3.0, f64::NAN], 5, 0.0), None);
    }

    #[test]
    fn the_words_name_what_agrees_and_what_does_not() {
        let trust = Trust {
            null: NullTest::of(vec![0.1, 0.2, 0.3, 0.2], 3, 0.0),
            closed_form: Some("ink".into()),
            second_seed: Some("oil".into()),
            ..Trust::default()
        };
        let said = trust.sentences("ink", 5.0).join(". ");
        assert!(said.contains("matters more than removing random") && said.contains("closed form too"), "{said}");
        assert!(said.contains("names oil instead"), "{said}");
        assert!(trust.sentences("ink", 0.2)[0].starts_with("Nothing stands out"));
        assert!(Trust::default().sentences("ink", 1.0).is_empty());
    }
}
