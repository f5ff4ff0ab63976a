//! When the data are looked at, and how small a p-value must be at each look.

use super::student::normal_tail;

/// The sizes at which the ranking is examined: evaluations of every group still open, fixed before the first one.
#[derive(Clone, Debug, PartialEq)]
pub struct InterimAnalyses {
    sizes: Vec<usize>,
}

/// Size of a look in units of the one before.
const GROWTH: f64 = 1.5;

impl InterimAnalyses {
    /// From `first` in steps of a half to `last`.
    ///
    /// Where a ranking is decided nobody knows in advance, so sizes grow in proportion: at most a third of what a
    /// decision needed is spent beyond it.
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

    /// Size of look `number`, from 0; `None` beyond the last.
    pub fn size(&self, number: usize) -> Option<usize> {
        self.sizes.get(number).copied()
    }

    /// How many.
    /// Size of the last look.
    pub fn last(&self) -> usize {
        self.sizes.last().copied().unwrap_or_default()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.sizes.len()
    }

    /// The p-value that may be called significant at every look when the chance that one ever is, without a difference,
    /// shall be `alpha`: a constant boundary as Pocock's (1977), for unequal looks.
    ///
    /// The chance is bounded by Σ P(E_r) - Σ P(E_r and E_r+1), E_r: look r crosses (Worsley 1982); successive means of the
    /// same evaluations correlate by √(n_r / n_r+1). With small samples p-values of Student's distribution are compared
    /// with it, the significance-level approach of Jennison and Turnbull (2000, 3.8).
    pub fn nominal(&self, alpha: f64) -> f64 {
        let chance = |boundary: f64| {
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
            if chance(middle) > alpha { low = middle } else { high = middle }
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
    fn one_look_needs_no_correction() {
        let looks = InterimAnalyses::planned(8, 8);
        assert_eq!((looks.count(), looks.size(0), looks.size(1)), (1, Some(8), None));
        assert!((looks.nominal(0.05) - 0.05).abs() < 1e-6);
    }

    #[test]
    fn sizes_grow_by_a_half() {
        assert_eq!(InterimAnalyses::planned(6, 50).sizes, [6, 9, 14, 20, 30, 46]);
    }

    #[test]
    fn equal_looks_are_near_pococks_table() {
        // Pocock 1977, one-sided 0.025: nominal two-sided levels 0.0294 for 2 looks, 0.0158 for 5.
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
