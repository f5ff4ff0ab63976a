//! How values lie on an axis: evenly, or on a symmetric logarithm, which shows small and large values of either sign.

use egui_plot::{GridInput, GridMark};

/// How values lie on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scaling {
    /// Evenly.
    Linear,
    /// `sign(v) log10(1 + |v| / linear)`: even below `linear`, logarithmic above.
    SymmetricLog {
        /// The value at which the logarithm takes over.
        linear: f64,
    },
}

impl Scaling {
    /// A symmetric logarithm for these values: two decades above the part that is linear.
    pub fn symmetric_log(values: impl Iterator<Item = f64>) -> Self {
        let largest = values.filter(|v| v.is_finite()).fold(0.0f64, |m, v| m.max(v.abs()));
        let linear = if largest > 0.0 { 10f64.powf(largest.log10().floor() - 2.0) } else { 1.0 };
        Self::SymmetricLog { linear }
    }

    /// The position of a value on the axis.
    pub fn position(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::SymmetricLog { linear } => (1.0 + value.abs() / linear).log10().copysign(value),
        }
    }

    /// The value at a position.
    pub fn value(self, position: f64) -> f64 {
        match self {
            Self::Linear => position,
            Self::SymmetricLog { linear } => (linear * (10f64.powf(position.abs()) - 1.0)).copysign(position),
        }
    }

    /// Where grid lines and numbers are: at zero and at powers of ten.
    pub fn marks(self, input: &GridInput) -> Vec<GridMark> {
        let Self::SymmetricLog { linear } = self else {
            return linear_marks(input);
        };
        let (low, high) = input.bounds;
        let mut marks = vec![GridMark { value: 0.0, step_size: 1.0 }];
        for power in 0..12 {
            let value = linear * 10f64.powi(power);
            for sign in [-1.0, 1.0] {
                marks.push(GridMark { value: self.position(sign * value), step_size: 1.0 });
                // Lines without numbers between the powers.
                for factor in [2.0, 5.0] {
                    let value = self.position(sign * factor * value);
                    marks.push(GridMark { value, step_size: 0.3 });
                }
            }
        }
        marks.retain(|mark| (low..=high).contains(&mark.value));
        marks
    }
}

/// Marks at multiples of a step of 1, 2 or 5 times a power of ten; every second or fifth of them is a stronger one.
fn linear_marks(input: &GridInput) -> Vec<GridMark> {
    let (fine, coarse) = (round_step(4.0 * input.base_step_size), round_step(10.0 * input.base_step_size));
    let (low, high) = input.bounds;
    let (first, last) = ((low / fine).ceil(), (high / fine).floor());
    if !(last - first).is_finite() || last - first > 1000.0 {
        return Vec::new();
    }
    let value = |i: f64| i * fine;
    let count = (last - first).max(-1.0) as i64;
    (0..=count)
        .map(|i| value(first + i as f64))
        .map(|value| {
            let strong = (value / coarse - (value / coarse).round()).abs() < 1e-6;
            GridMark { value, step_size: if strong { coarse } else { fine } }
        })
        .collect()
}

/// The least step of 1, 2 or 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-300).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|f| f * power >= least * 0.999).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_lead_back_to_their_values_and_keep_their_order() {
        let scaling = Scaling::symmetric_log([41.2, -0.3, f64::NAN].into_iter());
        assert_eq!(scaling, Scaling::SymmetricLog { linear: 0.1 });
        let values = [-40.0, -1.0, -0.01, 0.0, 0.02, 1.0, 300.0];
        let positions = values.map(|v| scaling.position(v));
        assert!(positions.is_sorted());
        for (value, position) in values.iter().zip(positions) {
            assert!((scaling.value(position) - value).abs() < 1e-9 * value.abs().max(1.0), "{value}");
        }
        assert_eq!(scaling.position(0.0), 0.0);
        assert_eq!(Scaling::symmetric_log(std::iter::empty()), Scaling::SymmetricLog { linear: 1.0 });
    }

    #[test]
    fn linear_marks_are_round_numbers() {
        let marks = Scaling::Linear.marks(&GridInput { bounds: (0.028, 0.041), base_step_size: 0.0004 });
        let values: Vec<String> = marks.iter().map(|m| format!("{:.3}", m.value)).collect();
        assert_eq!(values, ["0.028", "0.030", "0.032", "0.034", "0.036", "0.038", "0.040"]);
        assert_eq!([0.9, 1.0, 1.4, 3.0, 7.0].map(round_step), [1.0, 1.0, 2.0, 5.0, 10.0]);
        assert!(Scaling::Linear.marks(&GridInput { bounds: (0.0, 1e9), base_step_size: 1e-9 }).is_empty());
    }

    #[test]
    fn marks_lie_at_zero_and_at_powers_of_ten_inside_the_bounds() {
        let scaling = Scaling::SymmetricLog { linear: 0.1 };
        let marks = scaling.marks(&GridInput { bounds: (-1.1, 2.1), base_step_size: 0.1 });
        let numbered: Vec<f64> = marks.iter().filter(|m| m.step_size == 1.0).map(|m| scaling.value(m.value)).collect();
        let mut rounded: Vec<f64> = numbered.iter().map(|v| (v * 1000.0).round() / 1000.0).collect();
        rounded.sort_by(f64::total_cmp);
        assert_eq!(rounded, [-1.0, -0.1, 0.0, 0.1, 1.0, 10.0]);
    }
}
