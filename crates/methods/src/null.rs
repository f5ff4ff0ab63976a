//! Random control groups: the scores of random groups of images, unlearned by the same recipe, are the null
//! distribution of a group's score. A significant score means that removing the group matters more than removing random
//! images, not that the group is the cause.
//!
//! Random groups' models are damaged unequally, and one that is damaged more scores higher on every image. So a score
//! is modelled as the image's effect + the image's slope × the model's offset + a residual. The offsets are measured on
//! reference images that no unlearning used, and significance is judged by the residuals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::method::{Attribution, GroupScore};
use whence_diffusion::elbo::student::t_quantile;

/// Nominal family-wise error rate: fraction of images on which some group is significant by chance alone.
const NOMINAL: f64 = 0.05;

/// Minimum number of random groups from which a standard deviation is estimated.
pub const FEWEST: usize = 4;

/// Minimum number of reference images from which a model's offset is estimated.
const FEWEST_REFERENCES: usize = 4;

/// How much more each model harms reference images than random groups' models do on average, in units of how unequal
/// these are: images differ in scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets {
    random: Vec<f64>,
    groups: BTreeMap<String, f64>,
    references: usize,
}

impl Offsets {
    /// From the scores of reference images: under the models of `random` random groups, and behind them of the groups
    /// in question. `shown` is the group that each image is of; the image is not used for that group's own model.
    /// `None` if there are too few images.
    pub fn of(images: &[Attribution], random: usize, shown: &[String]) -> Option<Self> {
        let score = |s: &GroupScore| s.estimate.score;
        let std_devs: Vec<(f64, f64)> = images
            .iter()
            .map(|a| mean_and_std_dev(&a.scores.iter().take(random).map(score).collect::<Vec<_>>()))
            .collect();
        let offset = |number: usize| {
            let strayed: Vec<f64> = images
                .iter()
                .zip(&std_devs)
                .zip(shown)
                .filter_map(|((image, std_dev), shown)| Some((image.scores.get(number)?, *std_dev, shown)))
                .filter(|(s, (_, sd), shown)| s.group != **shown && *sd > 0.0)
                .map(|(s, (mean, sd), _)| (score(s) - mean) / sd)
                .collect();
            let offset = strayed.iter().sum::<f64>() / strayed.len() as f64;
            (strayed.len() >= FEWEST_REFERENCES && offset.is_finite()).then_some(offset)
        };
        let groups = images.first()?.scores.iter().enumerate().skip(random);
        Some(Self {
            random: (0..random).map(offset).collect::<Option<_>>()?,
            groups: groups.map(|(n, s)| Some((s.group.clone(), offset(n)?))).collect::<Option<_>>()?,
            references: images.len(),
        })
    }
}

/// What random groups score for one query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NullTest {
    /// Scores of the random groups, nats.
    pub scores: Vec<f64>,
    /// Their mean, nats.
    pub mean: f64,
    /// Their standard deviation, nats: the noise floor.
    pub sd: f64,
    /// Groups above this stand out, nats, unless they have an allowance to make up for.
    pub threshold: f64,
    /// What a group has to score beyond the threshold, nats, because its model harms other groups' images more than
    /// random groups' models do.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub allowances: BTreeMap<String, f64>,
    /// Number of reference images that measure the damage to each model; 0 if too few are held out.
    #[serde(default)]
    pub references: usize,
}

impl NullTest {
    /// The test of `groups` groups against the scores of random ones; none where these are too few.
    ///
    /// The limit is the upper prediction limit of one more random group of the same offset x, from the least squares
    /// line of the scores on the offsets, mean + b x + c s √(1 + 1/R + x² / Σx²), where s is the residual standard
    /// deviation and c Student's quantile with R - 2 degrees of freedom at 1 - nominal / groups (Bonferroni). Neither b
    /// nor x counts below 0: a model that is damaged less than random ones is not rewarded, so that what is significant is
    /// above what random groups score. Without offsets it is the same of a line without slope; then chance makes a
    /// group stand out for about one image in six.
    pub fn of(scores: Vec<f64>, groups: usize, offsets: Option<&Offsets>) -> Option<Self> {
        if scores.len() < FEWEST || groups == 0 || scores.iter().any(|s| !s.is_finite()) {
            return None;
        }
        let count = scores.len() as f64;
        let (mean, sd) = mean_and_std_dev(&scores);
        let offsets = offsets.filter(|o| o.random.len() == scores.len());
        let along: f64 = offsets.iter().flat_map(|o| &o.random).map(|x| x * x).sum();
        let offsets = offsets.filter(|_| along > 0.0);
        let (slope, residual, freedom) = match offsets {
            Some(offsets) => {
                let pairs = || scores.iter().zip(&offsets.random);
                let slope = (pairs().map(|(s, x)| (s - mean) * x).sum::<f64>() / along).max(0.0);
                let squares: f64 = pairs().map(|(s, x)| (s - mean - slope * x).powi(2)).sum();
                (slope, (squares / (count - 2.0)).sqrt(), count - 2.0)
            }
            None => (0.0, sd, count - 1.0),
        };
        let factor = t_quantile(NOMINAL / groups as f64, freedom) * residual;
        let threshold = mean + factor * (1.0 + 1.0 / count).sqrt();
        let limit = |x: f64| mean + slope * x + factor * (1.0 + 1.0 / count + x * x / along).sqrt();
        let damaged = offsets.iter().flat_map(|o| &o.groups).filter(|(_, x)| **x > 0.0);
        let allowances = damaged.map(|(group, x)| (group.clone(), limit(*x) - threshold)).collect();
        Some(Self { scores, mean, sd, threshold, allowances, references: offsets.map_or(0, |o| o.references) })
    }

    /// The score above which this group is significant, nats.
    pub fn limit(&self, group: &str) -> f64 {
        self.threshold + self.allowances.get(group).copied().unwrap_or_default()
    }

    /// Whether this group is significant with this score.
    pub fn stands_out(&self, group: &str, score: f64) -> bool {
        score > self.limit(group)
    }
}

/// Mean and standard deviation.
fn mean_and_std_dev(scores: &[f64]) -> (f64, f64) {
    let count = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / count;
    (mean, (scores.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt())
}

/// Checks of the leading group, besides its interval.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// Random groups' scores, if requested.
    pub null: Option<NullTest>,
    /// The leader's lead over the runner-up in units of the null's standard deviation.
    pub lead: Option<f64>,
    /// The group that the closed form ranks first.
    pub closed_form: Option<String>,
    /// The group that a second unlearning with another seed ranks first.
    pub second_seed: Option<String>,
}

impl Trust {
    /// Sentences about the checks of the given leader: which agree and which do not; empty without checks.
    pub fn sentences(&self, leader: &str, score: f64) -> Vec<String> {
        let mut sentences = Vec::new();
        if let Some(null) = &self.null {
            let (count, limit) = (null.scores.len(), null.limit(leader));
            let alike = if limit > null.threshold { " where their models are damaged as much" } else { "" };
            sentences.push(if null.stands_out(leader, score) {
                format!(
                    "Removing {leader} matters more than removing random images ({score:.2} nats; {count} random control groups: \
                     below {limit:.2}{alike})"
                )
            } else {
                format!("{count} random control groups could reach {limit:.2} nats as well{alike}")
            });
        }
        for (what, named) in
            [("The closed form", &self.closed_form), ("A second unlearning with another seed", &self.second_seed)]
        {
            if let Some(named) = named {
                sentences.push(if named == leader {
                    format!("{what} ranks {leader} first too")
                } else {
                    format!("{what} ranks {named} first instead")
                });
            }
        }
        sentences
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_base::random::epsilon;

    /// Scores of one image under models, by name.
    fn scored(models: &[(String, f64)]) -> Attribution {
        Attribution::new("image", "guda", models.iter().map(|(name, score)| GroupScore::exact(name, *score)).collect())
    }

    /// Share of simulated images on which one of `groups` null groups is significant, by the plain standard deviation
    /// and with reference images. Each trial has models of its own, whose offsets are skewed as the digits' are: one in
    /// so many is damaged far more than the others.
    fn false_alarms(random: usize, groups: usize, damage: f64) -> (f64, f64) {
        let (trials, references) = (2000, 16);
        let (mut plain, mut referred) = (0, 0);
        let shown: Vec<String> = (0..references).map(|r| format!("other {r}")).collect();
        for trial in 0..trials {
            let normals = |what: &[u8], row: usize| -> Vec<f64> {
                epsilon(trial, what, 1, row, random + groups).iter().map(|v| f64::from(*v)).collect()
            };
            let offsets: Vec<f64> = normals(b"offset", 0).iter().map(|v| damage * (0.7 * v).exp()).collect();
            let image = |what: &[u8], row: usize| -> Vec<f64> {
                normals(what, row).iter().zip(&offsets).map(|(v, offset)| 3.0 + offset + 0.5 * v).collect()
            };
            let images: Vec<Vec<f64>> = (0..references).map(|r| image(b"reference", r)).collect();
            let name = |i: usize| i.checked_sub(random).map_or(format!("random {i}"), |g| format!("group {g}"));
            let models = |p: &Vec<f64>| scored(&p.iter().enumerate().map(|(i, s)| (name(i), *s)).collect::<Vec<_>>());
            let images: Vec<Attribution> = images.iter().map(models).collect();
            let found = Offsets::of(&images, random, &shown).unwrap();
            let query = image(b"query", 0);
            let (null, real) = query.split_at(random);
            let alarm = |offsets: Option<&Offsets>| {
                let test = NullTest::of(null.to_vec(), groups, offsets).unwrap();
                real.iter().enumerate().any(|(g, score)| test.stands_out(&format!("group {g}"), *score))
            };
            plain += usize::from(alarm(None));
            referred += usize::from(alarm(Some(&found)));
        }
        (plain as f64 / trials as f64, referred as f64 / trials as f64)
    }

    #[test]
    fn chance_alone_stands_out_as_rarely_as_promised_where_all_models_are_alike() {
        for (random, groups) in [(8, 3), (16, 8), (24, 10)] {
            let (plain, referred) = false_alarms(random, groups, 0.0);
            // Bonferroni spends a little less than the level; the random groups are shared by all comparisons.
            assert!((0.02..0.06).contains(&plain), "{random} random groups, {groups} groups: {plain}");
            assert!((0.005..0.06).contains(&referred), "{random} random groups, {groups} groups: {referred}");
        }
    }

    #[test]
    fn references_keep_the_promise_for_one_image_where_models_are_damaged_unequally() {
        for (random, groups) in [(8, 8), (16, 8), (24, 10)] {
            let (plain, referred) = false_alarms(random, groups, 0.6);
            assert!(plain > 0.09, "{random} random groups, {groups} groups: the plain limit gives only {plain}");
            assert!((0.005..0.05).contains(&referred), "{random} random groups, {groups} groups: {referred}");
        }
    }

    #[test]
    fn a_damaged_model_has_more_to_beat_and_a_spared_one_no_less() {
        // Random models score 1 on average on every reference; ink's scores 3 on others' images, and oil's 0.
        let random = [0.8, 1.2, 0.9, 1.1, 1.0];
        let shown: Vec<String> = ["ink", "oil", "ink", "oil", "wax", "wax", "wax"].map(String::from).to_vec();
        let models = |shown: &String| {
            let own = |name: &str, apart| (name.to_owned(), if shown == name { 50.0 } else { apart });
            let random = random.iter().enumerate().map(|(i, s)| (format!("random {i}"), *s));
            scored(&random.chain([own("ink", 3.0), own("oil", 0.0)]).collect::<Vec<_>>())
        };
        let images: Vec<Attribution> = shown.iter().map(models).collect();
        let offsets = Offsets::of(&images, 5, &shown).unwrap();
        // The random groups' offsets explain their scores completely, so the residuals are 0.
        let test = NullTest::of(random.iter().map(|r| r + 4.0).collect(), 2, Some(&offsets)).unwrap();
        assert!((test.threshold - 5.0).abs() < 1e-9 && test.references == 7, "{test:?}");
        assert!((test.limit("ink") - 7.0).abs() < 1e-9 && test.limit("oil") == test.threshold, "{test:?}");
        assert!(test.stands_out("oil", 5.1) && !test.stands_out("ink", 6.9) && test.stands_out("ink", 7.1));
        let plain = NullTest::of(random.iter().map(|r| r + 4.0).collect(), 2, None).unwrap();
        assert!(plain.threshold > 5.1 && plain.references == 0 && plain.allowances.is_empty());
        // Two images of other groups are too few to estimate ink's offset.
        assert_eq!(Offsets::of(&images[..4], 5, &shown[..4]), None);
        assert_eq!(Offsets::of(&[], 5, &[]), None);
    }

    #[test]
    fn too_few_random_groups_test_nothing() {
        assert_eq!(NullTest::of(vec![1.0, 2.0, 3.0], 5, None), None);
        assert_eq!(NullTest::of(vec![1.0, 2.0, 3.0, f64::NAN], 5, None), None);
    }

    #[test]
    fn the_words_name_what_agrees_and_what_does_not() {
        let trust = Trust {
            null: NullTest::of(vec![0.1, 0.2, 0.3, 0.2], 3, None),
            closed_form: Some("ink".into()),
            second_seed: Some("oil".into()),
            ..Trust::default()
        };
        let sentences = trust.sentences("ink", 5.0).join(". ");
        assert!(
            sentences.contains("matters more than removing random")
                && sentences.contains("The closed form ranks ink first too"),
            "{sentences}"
        );
        assert!(sentences.contains("ranks oil first instead"), "{sentences}");
        assert!(trust.sentences("ink", 0.2)[0].starts_with("4 random control groups could reach"));
        let mut damaged = trust.clone();
        damaged.null.as_mut().unwrap().allowances.insert("ink".into(), 9.0);
        let sentences = damaged.sentences("ink", 5.0).join(". ");
        assert!(
            sentences.starts_with("4 random control groups could") && sentences.contains("damaged as much"),
            "{sentences}"
        );
        assert!(!damaged.sentences("oil", 5.0)[0].contains("damaged"), "oil has nothing to make up for");
        assert!(Trust::default().sentences("ink", 1.0).is_empty());
    }
}
