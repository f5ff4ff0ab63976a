//! Agreement and comparison for people: plain text, or Markdown.

#[cfg(test)]
mod tests;

use super::agreement::{Agreement, Measured};
use super::comparison::Comparison;

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Columns lined up with spaces.
    Text,
    /// GitHub's tables.
    Markdown,
}

/// Metrics that splits are shown with; the others are in the JSON.
const OF_SPLITS: [&str; 4] = ["top1", "mrr", "ndcg@3_exp", "spearman"];

/// The agreement as a table, with its splits, and the definition of each metric below.
#[must_use]
pub fn agreement(agreement: &Agreement, form: Form) -> String {
    let has_ceiling = agreement.metrics.iter().any(|m| m.ceiling.is_some());
    let mut header = vec!["metric", "value [95% interval]", "chance", "corrected"];
    if has_ceiling {
        header.extend(["ceiling", "of ceiling"]);
    }
    let row = |m: &Measured| {
        let mut row = vec![m.name.to_owned(), with_interval(m), number(m.chance), optional(m.chance_corrected)];
        if has_ceiling {
            row.extend([optional(m.ceiling), optional(m.share_of_ceiling)]);
        }
        row
    };
    let mut out = format!("{} queries, {} groups\n\n", agreement.queries, agreement.groups);
    out += &table(&header, &agreement.metrics.iter().map(row).collect::<Vec<_>>(), form);
    out += &notes(agreement, form);
    if !agreement.splits.is_empty() {
        let mut header = vec!["queries", "number"];
        header.extend(OF_SPLITS);
        let row = |split: &super::agreement::Split| {
            let mut row = vec![split.name.to_owned(), split.queries.to_string()];
            let measured = |name: &str| split.metrics.iter().find(|m| m.name == name).map_or("-".into(), with_interval);
            row.extend(OF_SPLITS.iter().map(|name| measured(name)));
            row
        };
        out += "\n";
        out += &table(&header, &agreement.splits.iter().map(row).collect::<Vec<_>>(), form);
    }
    out += "\n";
    let described = agreement.metrics.iter().map(|m| (m.name, m.definition));
    out += &definitions(described.chain(agreement.splits.iter().map(|s| (s.name, s.definition))), form);
    out
}

fn notes(agreement: &Agreement, form: Form) -> String {
    let mut notes = vec![format!(
        "Means over queries; intervals by bootstrap over queries ({} resamples, seed {}). Corrected: 0 at chance, 1 at the \
         highest possible value. Equal scores rank in class order (by name where there are no class ids).",
        agreement.resamples, agreement.seed
    )];
    if agreement.only_in_scores + agreement.only_in_reference > 0 {
        notes.push(format!(
            "Left out: {} queries that only the scores have, {} that only the reference has or another table lacks.",
            agreement.only_in_scores, agreement.only_in_reference
        ));
    }
    if agreement.tied_at_top > 0 {
        notes.push(format!(
            "In {} queries several groups share the highest score: their order decides which counts as first.",
            agreement.tied_at_top
        ));
    }
    let undefined = agreement.metrics.iter().filter(|m| m.undefined > 0);
    let undefined: Vec<String> = undefined.map(|m| format!("{} in {}", m.name, m.undefined)).collect();
    if !undefined.is_empty() {
        notes.push(format!("Undefined, and counted as chance: {} queries.", undefined.join(", ")));
    }
    let gap = if form == Form::Markdown { "\n\n" } else { "\n" };
    format!("\n{}\n", notes.join(gap))
}

/// The comparison as a table.
#[must_use]
pub fn comparison(comparison: &Comparison, form: Form) -> String {
    let header = ["metric", "first", "second", "difference [95% interval]", "p", "p Holm", "p McNemar"];
    let rows: Vec<Vec<String>> = comparison
        .metrics
        .iter()
        .map(|d| {
            vec![
                d.name.to_owned(),
                number(d.a),
                number(d.b),
                format!("{} [{}, {}]", number(d.difference), number(d.low_95), number(d.high_95)),
                probability(d.p_permutation),
                probability(d.p_holm),
                d.p_mcnemar.map_or("-".into(), probability),
            ]
        })
        .collect();
    let mut out = format!("{} queries, {} groups\n\n", comparison.queries, comparison.groups);
    out += &table(&header, &rows, form);
    out += "\nDifference: first minus second, paired bootstrap over queries. p: paired permutation test (sign flips), \
            two-sided; Holm: corrected for all metrics; McNemar: exact.\n";
    out
}

fn with_interval(m: &Measured) -> String {
    format!("{} [{}, {}]", number(m.value), number(m.low_95), number(m.high_95))
}

fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" { "0.000".into() } else { text }
}

fn optional(value: Option<f64>) -> String {
    value.map_or("-".into(), number)
}

fn probability(p: f64) -> String {
    if p < 1e-4 { format!("{p:.0e}") } else { format!("{p:.4}") }
}

fn definitions<'a>(items: impl Iterator<Item = (&'a str, &'a str)>, form: Form) -> String {
    let line = |(name, definition): (&str, &str)| match form {
        Form::Text => format!("{name:<14}{definition}\n"),
        Form::Markdown => format!("- `{name}`: {definition}\n"),
    };
    items.map(line).collect()
}

fn table(header: &[&str], rows: &[Vec<String>], form: Form) -> String {
    let header: Vec<String> = header.iter().map(|&h| h.to_owned()).collect();
    let width = |column: usize| {
        let cells = std::iter::once(&header).chain(rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = |(i, (cell, width)): (usize, (&String, &usize))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        };
        let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(padded).collect();
        match form {
            Form::Text => cells.join("  ").trim_end().to_owned() + "\n",
            Form::Markdown => format!("| {} |\n", cells.join(" | ")),
        }
    };
    let mut out = line(&header);
    if form == Form::Markdown {
        let rule = |(i, width): (usize, &usize)| match i {
            0 => "-".repeat(*width),
            _ => format!("{}:", "-".repeat(width.saturating_sub(1))),
        };
        out += &format!("| {} |\n", widths.iter().enumerate().map(rule).collect::<Vec<_>>().join(" | "));
    }
    out += &rows.iter().map(line).collect::<String>();
    out
}
