//! The same queries and groups found in two tables, whatever the order of their rows and columns.

mod names;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use super::tables::{Group, ScoreTable, few, other_cifar10_name, with_class_order};
use whence_base::{Error, Result, Setting};

/// How tables are matched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Matching<'a> {
    /// Names of the groups in class order, for tables of which one has only ids and the other only names.
    pub group_names: Option<&'a [String]>,
    /// Compare the queries that both tables have, and count the others, where these are not the same.
    pub allow_subset: bool,
}

/// Scores and reference of the same queries and groups.
///
/// Queries are sorted by name. Groups are in class order where the reference has ids or names were given in order, else
/// sorted by name; this decides which of two equal scores comes first. Neither depends on the order of rows in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// Queries, as the reference names them.
    pub queries: Vec<String>,
    /// Groups, as the reference names them; at least two.
    pub groups: Vec<String>,
    /// One row per query, one column per group: finite.
    pub scores: Vec<Vec<f64>>,
    /// Same shape.
    pub reference: Vec<Vec<f64>>,
    /// Standard errors of the reference, same shape, where its table has them.
    pub reference_errors: Option<Vec<Vec<f64>>>,
    /// Queries that only the scores' table has: left out.
    pub only_in_scores: Vec<String>,
    /// Queries that only the reference's table has, or that another table lacks: left out.
    pub only_in_reference: Vec<String>,
}

impl Pairing {
    /// Matches queries by file name (with the folders above it where names repeat; `seed-7` is `seed-7.png`), and groups
    /// by name, or by class id where either table has no names.
    ///
    /// # Errors
    /// Where a query or group is in one table only (queries: unless a subset is allowed); where names are ambiguous;
    /// where one table has only class ids and the other only names, and no names in order are given.
    pub fn new(scores: &ScoreTable, reference: &ScoreTable, matching: &Matching<'_>) -> Result<Self> {
        let columns = match_groups(scores, reference, matching.group_names)?;
        let both = format!("{} and {}", scores.source, reference.source);
        let matched = names::match_queries(&scores.queries, &reference.queries).map_err(|what| {
            Error::input(what, both.as_str(), "name images so that file name and folders tell them apart")
        })?;
        let names = |of: &[String], wanted: &[usize]| -> Vec<String> {
            wanted.iter().filter_map(|&i| of.get(i).cloned()).collect()
        };
        let only_in_scores = names(&scores.queries, &matched.only_left);
        let only_in_reference = names(&reference.queries, &matched.only_right);
        if matched.pairs.is_empty() {
            let what = format!(
                "the tables have no query in common: one has {}, the other {}",
                few(&only_in_scores),
                few(&only_in_reference)
            );
            return Err(Error::input(what, both, "score the same images"));
        }
        let complete = only_in_scores.is_empty() && only_in_reference.is_empty();
        if !complete && !matching.allow_subset {
            let one_sided = |queries: &[String], source: &str| match queries.len() {
                0 => None,
                1 => Some(format!("1 query is only in {source}: {}", few(queries))),
                n => Some(format!("{n} queries are only in {source}: {}", few(queries))),
            };
            let sides = [one_sided(&only_in_scores, &scores.source), one_sided(&only_in_reference, &reference.source)];
            let what = sides.into_iter().flatten().collect::<Vec<_>>().join("; ");
            return Err(Error::setting(
                what,
                [Setting::CommonQueries],
                "score the same images, or compare the queries that both tables have",
            )
            .in_file(Path::new(&both)));
        }
        let mut pairs: Vec<(&String, usize, usize)> =
            matched.pairs.iter().filter_map(|&(s, r)| Some((reference.queries.get(r)?, s, r))).collect();
        pairs.sort();
        let pick = |rows: &[Vec<f64>], row: usize, column: fn(&Column) -> usize| -> Vec<f64> {
            let row = rows.get(row).map(Vec::as_slice).unwrap_or_default();
            columns.iter().filter_map(|c| row.get(column(c)).copied()).collect()
        };
        let reference_errors = reference
            .errors
            .as_ref()
            .map(|errors| pairs.iter().map(|(_, _, r)| pick(errors, *r, |c| c.reference)).collect());
        Ok(Self {
            queries: pairs.iter().map(|(name, ..)| (*name).clone()).collect(),
            groups: columns.iter().map(|c| c.label.clone()).collect(),
            scores: pairs.iter().map(|(_, s, _)| pick(&scores.values, *s, |c| c.scores)).collect(),
            reference: pairs.iter().map(|(_, _, r)| pick(&reference.values, *r, |c| c.reference)).collect(),
            reference_errors,
            only_in_scores,
            only_in_reference,
        })
    }

    /// Whether both hold the same queries and groups of the same reference.
    #[must_use]
    pub fn shares_reference(&self, other: &Self) -> bool {
        self.queries == other.queries && self.groups == other.groups && self.reference == other.reference
    }

    /// Leaves out the queries that not all of the pairings have. All must be with the same reference.
    ///
    /// # Errors
    /// Where no query is left.
    pub fn keep_common(pairings: &mut [&mut Self]) -> Result<()> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for query in pairings.iter().flat_map(|p| &p.queries) {
            *counts.entry(query.clone()).or_default() += 1;
        }
        let all = pairings.len();
        for pairing in pairings.iter_mut() {
            let kept: Vec<bool> = pairing.queries.iter().map(|q| counts.get(q) == Some(&all)).collect();
            if !kept.contains(&true) {
                return Err(Error::setting(
                    "the tables have no query in common",
                    [Setting::CommonQueries],
                    "score the same images",
                ));
            }
            let dropped = pairing.queries.iter().zip(&kept).filter(|(_, kept)| !**kept).map(|(q, _)| q.clone());
            pairing.only_in_reference.extend(dropped);
            retain(&mut pairing.queries, &kept);
            retain(&mut pairing.scores, &kept);
            retain(&mut pairing.reference, &kept);
            if let Some(errors) = &mut pairing.reference_errors {
                retain(errors, &kept);
            }
        }
        Ok(())
    }
}

fn retain<T>(things: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    things.retain(|_| kept.next().copied().unwrap_or_default());
}

struct Column {
    label: String,
    scores: usize,
    reference: usize,
}

fn match_groups(scores: &ScoreTable, reference: &ScoreTable, order: Option<&[String]>) -> Result<Vec<Column>> {
    let left = with_class_order(&scores.groups, order, &scores.source)?;
    let right = with_class_order(&reference.groups, order, &reference.source)?;
    let named = |groups: &[Group]| groups.iter().all(|g| g.name.is_some());
    let numbered = |groups: &[Group]| groups.iter().all(|g| g.id.is_some());
    let both = format!("{} and {}", scores.source, reference.source);
    // A key of each group that both tables can give. CIFAR-10's second class has two names in published files.
    let has = |groups: &[Group], name: &str| groups.iter().any(|g| g.name.as_deref() == Some(name));
    let by_name = |g: &Group| {
        let name = g.name.as_deref()?;
        let other = other_cifar10_name(name);
        let one_each = other.is_some_and(|other| {
            let (a, b) = (has(&left, name) && !has(&left, other), has(&right, name) && !has(&right, other));
            a != b && (has(&left, other) || has(&right, other))
        });
        Some(if one_each { "automobile".to_owned() } else { name.to_owned() })
    };
    let by_id = |g: &Group| g.id.map(|id| id.to_string());
    let key: &dyn Fn(&Group) -> Option<String> = if named(&left) && named(&right) {
        &by_name
    } else if numbered(&left) && numbered(&right) {
        &by_id
    } else if names_are_numbers(&left) && names_are_numbers(&right) {
        &|g: &Group| g.name.clone().or_else(|| by_id(g))
    } else {
        let (ids, names) = if named(&right) { (scores, reference) } else { (reference, scores) };
        let what = format!("{} has only class ids of the groups, {} only names", ids.source, names.source);
        let remedy = "list the names of the groups in class order, or use the sorted layout, which has both";
        return Err(Error::setting(what, [Setting::GroupOrder], remedy).in_file(Path::new(&both)));
    };
    let index = |groups: &[Group]| -> HashMap<String, usize> {
        groups.iter().enumerate().filter_map(|(i, g)| Some((key(g)?, i))).collect()
    };
    let (in_scores, in_reference) = (index(&left), index(&right));
    if in_scores.len() < left.len() || in_reference.len() < right.len() {
        return Err(Error::input("two classes have the same name", both, "give each group its own name"));
    }
    let missing = |groups: &[Group], from: &HashMap<String, usize>| -> Vec<String> {
        groups.iter().filter(|g| key(g).is_none_or(|k| !from.contains_key(&k))).map(Group::label).collect()
    };
    let (no_reference, no_scores) = (missing(&left, &in_reference), missing(&right, &in_scores));
    if !(no_reference.is_empty() && no_scores.is_empty()) {
        let side = |groups: &[String], source: &str| {
            (!groups.is_empty()).then(|| format!("{source} has no scores for {}", few(groups)))
        };
        let sides = [side(&no_reference, &reference.source), side(&no_scores, &scores.source)];
        let what = sides.into_iter().flatten().collect::<Vec<_>>().join("; ");
        return Err(Error::input(what, both, "score the same groups: leaving some out would change every rank"));
    }
    let mut columns: Vec<(Option<usize>, String, Column)> = Vec::with_capacity(right.len());
    let reference_is_numbered = numbered(&right);
    for (position, group) in right.iter().enumerate() {
        let Some(key) = key(group) else { continue };
        let Some(&in_scores) = in_scores.get(&key) else { continue };
        let id = if reference_is_numbered { group.id } else { key.parse().ok() };
        columns.push((id, key, Column { label: group.label(), scores: in_scores, reference: position }));
    }
    // Numbers only order the groups where each of them has one.
    if columns.iter().any(|(id, ..)| id.is_none()) {
        columns.sort_by(|a, b| a.1.cmp(&b.1));
    } else {
        columns.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    }
    Ok(columns.into_iter().map(|(.., column)| column).collect())
}

/// Whether ids, or names that are the numbers from 0 on: then a name is its own id, however a dataset is sorted.
fn names_are_numbers(groups: &[Group]) -> bool {
    let number = |g: &Group| match &g.name {
        Some(name) => name.parse::<usize>().ok().filter(|n| n.to_string() == *name),
        None => g.id,
    };
    let mut numbers: Vec<Option<usize>> = groups.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.iter().enumerate().all(|(i, n)| *n == Some(i))
}
