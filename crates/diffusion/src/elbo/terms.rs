//! Unweighted terms, stored by timestep and noise draw: other grids, weightings and curves of them need no network
//! pass.

use std::collections::BTreeMap;

use super::estimate::Term;
use super::grid::Plan;

/// One term without its weight: a difference of squared errors, summed over the pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawTerm {
    /// |noise - other's prediction|² - |noise - full model's prediction|².
    pub value: f64,
    /// Euclidean norm over the pixels' products; see [`Term::pixel_norm`].
    pub pixel_norm: f64,
}

impl RawTerm {
    /// The term with this weight in a sum.
    pub fn weighted(self, weight: f64) -> Term {
        Term { value: weight * self.value, weight, pixel_norm: self.pixel_norm }
    }
}

/// The known terms of one query and one pair of models, by timestep and draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TermTable {
    terms: BTreeMap<(u32, u32), RawTerm>,
}

/// Bytes of one entry: timestep, draw, value, norm.
const ENTRY: usize = 4 + 4 + 8 + 8;

impl TermTable {
    /// The term at a timestep and draw.
    pub fn get(&self, t: usize, draw: usize) -> Option<RawTerm> {
        self.terms.get(&key(t, draw)?).copied()
    }

    /// Adds a term.
    pub fn insert(&mut self, t: usize, draw: usize, term: RawTerm) {
        let key = key(t, draw);
        debug_assert!(key.is_some(), "timestep {t}, draw {draw}: beyond 32 bits");
        if let Some(key) = key {
            self.terms.insert(key, term);
        }
    }

    /// Number of terms.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The plan's terms with its weights, if all are known.
    pub fn weighted(&self, plan: &Plan) -> Option<Vec<Term>> {
        plan.points.iter().map(|p| Some(self.get(p.t, p.draw)?.weighted(p.weight))).collect()
    }

    /// Little-endian entries, by timestep and draw.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.terms.len() * ENTRY);
        for ((t, draw), term) in &self.terms {
            out.extend(t.to_le_bytes());
            out.extend(draw.to_le_bytes());
            out.extend(term.value.to_le_bytes());
            out.extend(term.pixel_norm.to_le_bytes());
        }
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; `None` if an entry is incomplete or a value is not finite.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        let mut table = Self::default();
        for entry in entries {
            let (t, entry) = entry.split_first_chunk::<4>()?;
            let (draw, entry) = entry.split_first_chunk::<4>()?;
            let (value, entry) = entry.split_first_chunk::<8>()?;
            let (norm, _) = entry.split_first_chunk::<8>()?;
            let term = RawTerm { value: f64::from_le_bytes(*value), pixel_norm: f64::from_le_bytes(*norm) };
            if !(term.value.is_finite() && term.pixel_norm.is_finite()) {
                return None;
            }
            table.terms.insert((u32::from_le_bytes(*t), u32::from_le_bytes(*draw)), term);
        }
        rest.is_empty().then_some(table)
    }
}

fn key(t: usize, draw: usize) -> Option<(u32, u32)> {
    Some((u32::try_from(t).ok()?, u32::try_from(draw).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elbo::Point;

    #[test]
    fn tables_are_read_back_from_their_bytes() {
        let mut table = TermTable::default();
        for (i, (t, draw)) in [(990, 0), (10, 1), (10, 0)].into_iter().enumerate() {
            table.insert(t, draw, RawTerm { value: i as f64 * -0.1, pixel_norm: 1.0 / (i as f64 + 3.0) });
        }
        let bytes = table.to_bytes();
        assert_eq!(TermTable::from_bytes(&bytes).as_ref(), Some(&table));
        assert_eq!(TermTable::from_bytes(&bytes[..bytes.len() - 1]), None, "a cut entry");
        let mut nan = bytes;
        nan[8..16].copy_from_slice(&f64::NAN.to_le_bytes());
        assert_eq!(TermTable::from_bytes(&nan), None, "not finite");
    }

    #[test]
    fn a_plan_has_weighted_terms_where_all_its_points_are_known() {
        let mut table = TermTable::default();
        table.insert(10, 0, RawTerm { value: 3.0, pixel_norm: 2.0 });
        let mut plan = Plan { points: vec![Point { t: 10, draw: 0, weight: 0.5 }], draws: 1 };
        assert_eq!(table.weighted(&plan), Some(vec![Term { value: 1.5, weight: 0.5, pixel_norm: 2.0 }]));
        plan.points.push(Point { t: 20, draw: 0, weight: 1.0 });
        assert_eq!(table.weighted(&plan), None);
    }
}
