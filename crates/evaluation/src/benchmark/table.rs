//! Rows measured against the oracle, settings chosen on one half of the queries and reported on the other.

use serde::Serialize;

use super::row::{Cost, Kind, Row};
use crate::{Agreement, Comparison, Extras, Options, Pairing, compare};
use whence_base::{Error, Result};

/// With fewer queries than this, there are no halves: everything is reported on all.
const FEWEST_TO_SPLIT: usize = 20;

/// The metric that settings are chosen by: it moves less by chance than the first place alone.
pub const CHOOSE_BY: &str = "ndcg@3_exp";

/// A measured row.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Name in the table.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Rows of one family are settings of the same thing.
    pub family: String,
    /// Whether it is the family's best on the choosing half.
    pub chosen: bool,
    /// What it cost.
    pub cost: Cost,
    /// Agreement with the first oracle on the reported half; none for that oracle itself.
    pub reported: Option<Agreement>,
    /// On the choosing half.
    pub choosing: Option<Agreement>,
    /// On all queries.
    pub all: Option<Agreement>,
    /// Agreement with the mean of all oracles, on all queries; none for oracles, which are part of it.
    pub with_mean: Option<Agreement>,
    /// Against the row named by the plan, on the reported half.
    pub versus: Option<Comparison>,
}

/// All rows measured.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// Groups compared.
    pub groups: Vec<String>,
    /// Queries that settings were chosen on; none where there are too few.
    pub choosing: Vec<String>,
    /// Queries reported on.
    pub reported: Vec<String>,
    /// Name of the oracle that is the reference.
    pub reference: String,
    /// Name of the oracle that is the ceiling, where there are two.
    pub ceiling: Option<String>,
    /// Name of the row that others are tested against.
    pub versus: String,
    /// Rows, in the plan's order.
    pub lines: Vec<Line>,
}

/// Everything a row is measured with.
struct Measure<'a> {
    queries: &'a [String],
    groups: &'a [String],
    reference: &'a Row,
    mean: Option<Row>,
    second: Option<&'a Row>,
    looks_like: Option<&'a Row>,
    options: Options,
}

impl Measure<'_> {
    fn pairing(&self, row: &Row, reference: &Row, part: &[usize]) -> Pairing {
        let pick = |rows: &[Vec<f64>]| part.iter().filter_map(|q| rows.get(*q)).cloned().collect::<Vec<_>>();
        Pairing {
            queries: part.iter().filter_map(|q| self.queries.get(*q)).cloned().collect(),
            groups: self.groups.to_vec(),
            scores: pick(&row.scores),
            reference: pick(&reference.scores),
            reference_errors: reference.errors.as_deref().map(pick),
            only_in_scores: Vec::new(),
            only_in_reference: Vec::new(),
        }
    }

    fn agreement(&self, row: &Row, reference: &Row, part: &[usize]) -> Result<Option<Agreement>> {
        if part.is_empty() || row.name == reference.name {
            return Ok(None);
        }
        let looks_like = self.looks_like.map(|r| self.pairing(r, reference, part));
        // An oracle has no ceiling but itself.
        let ceiling = self.second.filter(|s| s.name != row.name && reference.name == self.reference.name);
        let ceiling = ceiling.map(|r| self.pairing(r, reference, part));
        let extras = Extras { looks_like: looks_like.as_ref(), ceiling: ceiling.as_ref() };
        Agreement::with(&self.pairing(row, reference, part), extras, &self.options).map(Some)
    }
}

impl Table {
    /// Measures all rows. `looks_like` names the row by which queries are called hard.
    ///
    /// # Errors
    /// No oracle among the rows, and the progress function's own.
    pub fn new(
        queries: &[String],
        groups: &[String],
        rows: &[Row],
        looks_like: &str,
        versus: &str,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Self> {
        let oracles: Vec<&Row> = rows.iter().filter(|r| r.kind == Kind::Oracle).collect();
        let [reference, others @ ..] = oracles.as_slice() else {
            return Err(Error::input("there is no oracle", "benchmark", "give one under [[oracles]]"));
        };
        let second = others.first().copied();
        let mean = second.map(|_| super::row::average("mean of the oracles", Kind::Oracle, "oracle", &oracles));
        let find = |name: &str| rows.iter().find(|r| r.name == name);
        let measure = Measure {
            queries,
            groups,
            reference,
            mean,
            second,
            looks_like: find(looks_like),
            options: Options::default(),
        };
        let all: Vec<usize> = (0..queries.len()).collect();
        let (choosing, reported): (Vec<usize>, Vec<usize>) =
            if all.len() < FEWEST_TO_SPLIT { (Vec::new(), all.clone()) } else { all.iter().partition(|q| *q % 2 == 0) };
        let base = find(versus).map(|r| measure.pairing(r, reference, &reported));
        let mut lines = Vec::with_capacity(rows.len());
        for (done, row) in rows.iter().enumerate() {
            progress(done, rows.len())?;
            let versus = match &base {
                Some(base) if row.name != versus && row.name != reference.name => {
                    let pairing = measure.pairing(row, reference, &reported);
                    Some(compare(&pairing, base, &measure.options)?)
                }
                _ => None,
            };
            let mean = measure.mean.as_ref().filter(|_| row.family != reference.family);
            lines.push(Line {
                name: row.name.clone(),
                kind: row.kind,
                family: row.family.clone(),
                chosen: false,
                cost: row.cost,
                reported: measure.agreement(row, reference, &reported)?,
                choosing: measure.agreement(row, reference, &choosing)?.map(whole),
                all: measure.agreement(row, reference, &all)?,
                with_mean: mean.map(|mean| measure.agreement(row, mean, &all)).transpose()?.flatten().map(whole),
                versus,
            });
        }
        choose(&mut lines);
        let names = |part: &[usize]| part.iter().filter_map(|q| queries.get(*q)).cloned().collect();
        Ok(Self {
            groups: groups.to_vec(),
            choosing: names(&choosing),
            reported: names(&reported),
            reference: reference.name.clone(),
            ceiling: second.map(|r| r.name.clone()),
            versus: versus.to_owned(),
            lines,
        })
    }
}

/// Without parts of the queries: nobody looks at them here, and they are most of the numbers.
fn whole(agreement: Agreement) -> Agreement {
    Agreement { splits: Vec::new(), ..agreement }
}

/// Marks the best of each family of several rows, by the choosing half alone. Single seeds of several are no settings.
fn choose(lines: &mut [Line]) {
    let families: std::collections::BTreeSet<String> = lines.iter().map(|l| l.family.clone()).collect();
    for family in families {
        let of = |l: &Line| l.choosing.as_ref().and_then(|a| a.metric(CHOOSE_BY)).map(|m| m.value);
        let values: Vec<(usize, f64)> = lines
            .iter()
            .enumerate()
            .filter(|(_, l)| l.family == family && matches!(l.kind, Kind::Method | Kind::Mean))
            .filter_map(|(i, l)| Some((i, of(l)?)))
            .collect();
        if values.len() < 2 {
            continue;
        }
        let best = values.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a });
        if let Some(line) = best.and_then(|(i, _)| lines.get_mut(i)) {
            line.chosen = true;
        }
    }
}
