//! Interim analyses of a group-sequential design: when the data are examined, and which p-value is significant then.

use super::student::normal_tail;

/// The sample sizes of the interim analyses (evaluations of every undecided group), fixed before the first one.
#[derive(Clone, Debug, PartialEq)]
pub struct InterimAnalyses {
    sizes: Vec<usize>,
}

/// Ratio of the sample sizes of successive analyses.
const GROWTH: f64 = 1.5;

impl InterimAnalyses {
    /// Sizes from `first` to at most `last`, each 1.5 times the previous one.
    ///
    /// The size at which a ranking is decided is not known in advance, so sizes grow in proportion: at most a third of
    /// the evaluations are spent after the decision was possible.
    pub fn planned(first: usize, last: usize) -> Self {
        let mut sizes = vec![first];
        let mut size = first as f64;
        loop {
            size *= GROWTH;
            if size.round() as usize > last {
                break;
            }
            sizes.push(size.round() as usize);
        }
        Self { sizes }
    }

    /// Sample size of the analysis with this index; none beyond the last.
    pub fn size(&self, index: usize) -> Option<usize> {
        self.sizes.get(index).copied()
    }

    /// Sample size of the last analysis.
    pub fn last(&self) -> usize {
        debug_assert!(!self.sizes.is_empty(), "no analyses are planned");
        self.sizes.last().copied().unwrap_or(0)
    }

    /// Number of analyses.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// The nominal significance level of each analysis with which the probability of a false positive in any of them is
    /// at most `alpha`: a constant boundary as Pocock's (1977), for unequal group sizes.
    ///
    /// That probability is bounded by Σ P(E_r) - Σ P(E_r and E_r+1), where E_r is the event that analysis r crosses the
    /// boundary (Worsley 1982); successive means of the same evaluations correlate by √(n_r / n_r+1). With small
    /// samples, p-values of Student's distribution are compared with the level: the significance-level approach of
    /// Jennison and Turnbull (2000, 3.8).
    pub fn nominal(&self, alpha: f64) -> f64 {
        let probability = |boundary: f64| {
            let joint: f64 = self
                .sizes
                .iter()
                .zip(self.sizes.iter().skip(1))
                .map(|(&a, &b)| both_exceed(boundary, (a as f64 / b as f64).sqrt()))
                .sum();
            self.count() as f64 * normal_tail(boundary) - joint
        };
        let (mut low, mut high) = (0.0f64, 8.0f64);
        for _ in 0..26 {
            let middle = 0.5 * (low + high);
            if probability(middle) > alpha { low = middle } else { high = middle }
        }
        normal_tail(high)
    }
}

/// Probability that two standard normals with correlation `rho` < 1 both exceed `c`: ∫ over x > c of φ(x) P(Y > c | x),
/// by Simpson's rule up to 7 beyond c.
fn both_exceed(c: f64, rho: f64) -> f64 {
    const STEPS: u32 = 32;
    let width = 7.0 / f64::from(STEPS);
    let rest = (1.0 - rho * rho).sqrt().max(1e-9);
    let sum: f64 = (0..=STEPS)
        .map(|i| {
            let x = c + f64::from(i) * width;
            let simpson = if i == 0 || i == STEPS { 1.0 } else { f64::from(2 + 2 * (i % 2)) };
            simpson * (-0.5 * x * x).exp() * normal_tail((c - rho * x) / rest)
        })
        .sum();
    sum * width / 3.0 / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_analysis_needs_no_correction() {
        let analyses = InterimAnalyses::planned(8, 8);
        assert_eq!((analyses.count(), analyses.size(0), analyses.size(1)), (1, Some(8), None));
        assert!((analyses.nominal(0.05) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn sizes_grow_by_a_half() {
        assert_eq!(InterimAnalyses::planned(6, 50).sizes, [6, 9, 14, 20, 30, 46]);
    }

    #[test]
    fn equal_group_sizes_are_close_to_pococks_table() {
        // Pocock 1977, one-sided 0.025: nominal two-sided levels 0.0294 for 2 analyses, 0.0158 for 5.
        for (sizes, pocock) in [(vec![1, 2], 0.0294), (vec![1, 2, 3, 4, 5], 0.0158)] {
            let nominal = 2.0 * InterimAnalyses { sizes }.nominal(0.025);
            assert!(nominal <= pocock * 1.005 && nominal > 0.9 * pocock, "{nominal} {pocock}");
        }
    }

    #[test]
    fn independent_and_equal_pairs() {
        assert!((both_exceed(1.0, 0.0) - normal_tail(1.0).powi(2)).abs() < 1e-6);
        assert!((both_exceed(2.0, 0.9) - 0.013_0).abs() < 2e-3);
    }
}
