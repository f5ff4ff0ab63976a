//! The table for people.

use std::fmt::Write as _;

use super::row::Kind;
use super::table::{CHOOSE_BY, Line, Table};
use crate::{Agreement, metrics};

/// Metrics of the first table, in this order.
const SHOWN: [(&str, &str); 8] = [
    ("top1", "Top-1"),
    ("top3_overlap", "Top-3"),
    ("mrr", "MRR"),
    ("ndcg@3_exp", "NDCG@3 exp"),
    ("ndcg@3_lin", "NDCG@3 lin"),
    ("rbo_0.9", "RBO"),
    ("spearman", "Spearman"),
    ("kendall_tau_b", "Kendall"),
];

/// The whole table as Markdown, below a headline of the caller's.
pub fn markdown(table: &Table) -> String {
    let mut out = String::new();
    agreement(&mut out, table);
    where_it_matters(&mut out, table);
    tests(&mut out, table);
    costs(&mut out, table);
    definitions(&mut out);
    out
}

fn number(agreement: Option<&Agreement>, metric: &str) -> String {
    agreement.and_then(|a| a.metric(metric)).map_or_else(|| "–".into(), |m| format!("{:.3}", m.value))
}

fn with_interval(agreement: Option<&Agreement>, metric: &str) -> String {
    agreement
        .and_then(|a| a.metric(metric))
        .map_or_else(|| "–".into(), |m| format!("{:.3} [{:.2}, {:.2}]", m.value, m.low_95, m.high_95))
}

fn on_split(line: &Line, split: &str, metric: &str) -> String {
    let found = line.all.as_ref().and_then(|a| a.splits.iter().find(|s| s.name == split));
    found
        .and_then(|s| s.metrics.iter().find(|m| m.name == metric))
        .map_or_else(|| "–".into(), |m| format!("{:.3}", m.value))
}

fn name(line: &Line) -> String {
    let text = line.name.replace('|', "\\|");
    if line.chosen { format!("**{text}** ✓") } else { text }
}

fn head(out: &mut String, columns: &[&str]) {
    let _ = writeln!(out, "| {} |", columns.join(" | "));
    let _ = writeln!(
        out,
        "|{}",
        columns.iter().enumerate().map(|(i, _)| if i == 0 { " --- |" } else { " ---: |" }).collect::<String>()
    );
}

/// Rows but the reference itself.
fn measured(table: &Table) -> impl Iterator<Item = &Line> {
    table.lines.iter().filter(|l| l.reported.is_some())
}

fn agreement(out: &mut String, table: &Table) {
    let queries = table.reported.len();
    let _ =
        writeln!(out, "## Agreement with *{}*: {queries} queries, {} groups\n", table.reference, table.groups.len());
    if table.choosing.is_empty() {
        let _ = writeln!(out, "There are too few queries to choose settings on one half and report on the other.\n");
    } else {
        let _ = writeln!(
            out,
            "Every second query is reported here; a tick marks the setting of a family that has the best {CHOOSE_BY} on the \
             other {} queries, so that no row is chosen by what it is reported with. 95% intervals are bootstrapped \
             over queries.\n",
            table.choosing.len()
        );
    }
    let titles: Vec<&str> = std::iter::once("row").chain(SHOWN.map(|(_, title)| title)).collect();
    head(out, &titles);
    for line in measured(table) {
        let cells: Vec<String> = SHOWN
            .iter()
            .map(|(metric, _)| match *metric {
                "top1" | CHOOSE_BY => with_interval(line.reported.as_ref(), metric),
                _ => number(line.reported.as_ref(), metric),
            })
            .collect();
        let _ = writeln!(out, "| {} | {} |", name(line), cells.join(" | "));
    }
    if let Some(any) = measured(table).find_map(|l| l.reported.as_ref()) {
        let chance = |metric: &str| any.metric(metric).map_or_else(String::new, |m| format!("{:.3}", m.chance));
        let cells: Vec<String> = SHOWN.iter().map(|(metric, _)| chance(metric)).collect();
        let _ = writeln!(out, "| *chance* | {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn where_it_matters(out: &mut String, table: &Table) {
    let any = table.lines.iter().find_map(|l| l.all.as_ref());
    let count = |split: &str| any.and_then(|a| a.splits.iter().find(|s| s.name == split)).map_or(0, |s| s.queries);
    let _ = writeln!(out, "## Where it matters: all {} queries\n", table.choosing.len() + table.reported.len());
    let ceiling = table.ceiling.as_deref().unwrap_or("none");
    let _ = writeln!(
        out,
        "Corrected: 0 at chance, 1 at perfect agreement. Of the ceiling: 0 at chance, 1 at what a second oracle \
         (*{ceiling}*) reaches. Margin: how far the oracle's first group is ahead of its second; hard: the oracle's first \
         group is not the one whose images look most alike. Half of these queries chose the ticked settings above, so \
         nothing is ticked here.\n"
    );
    let large = format!("Top-1, large margin ({})", count("large_margin"));
    let small = format!("small margin ({})", count("small_margin"));
    let sure = format!("sure ({})", count("separated"));
    let hard = format!("hard ({})", count("hard"));
    head(
        out,
        &[
            "row",
            "Top-1",
            "corrected",
            "of the ceiling",
            &large,
            &small,
            &sure,
            &hard,
            "NDCG@3 exp, hard",
            "Top-1, mean of the oracles",
        ],
    );
    for line in measured(table) {
        let top = line.all.as_ref().and_then(|a| a.metric("top1"));
        let share = |v: Option<f64>| v.map_or_else(|| "–".into(), |v| format!("{v:.2}"));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            line.name.replace('|', "\\|"),
            with_interval(line.all.as_ref(), "top1"),
            share(top.and_then(|m| m.chance_corrected)),
            share(top.and_then(|m| m.share_of_ceiling)),
            on_split(line, "large_margin", "top1"),
            on_split(line, "small_margin", "top1"),
            on_split(line, "separated", "top1"),
            on_split(line, "hard", "top1"),
            on_split(line, "hard", CHOOSE_BY),
            number(line.with_mean.as_ref(), "top1"),
        );
    }
    out.push('\n');
}

fn tests(out: &mut String, table: &Table) {
    let compared: Vec<&Line> = table.lines.iter().filter(|l| l.versus.is_some()).collect();
    if compared.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Against *{}*: the same {} queries\n", table.versus, table.reported.len());
    head(out, &["row", "Top-1 difference", "p (McNemar)", "NDCG@3 exp difference", "p (permutation)"]);
    for line in compared {
        let Some(versus) = &line.versus else { continue };
        let of = |metric: &str| versus.metrics.iter().find(|m| m.name == metric);
        let text = |metric: &str| {
            of(metric)
                .map_or_else(String::new, |m| format!("{:+.3} [{:+.2}, {:+.2}]", m.difference, m.low_95, m.high_95))
        };
        let p = |p: Option<f64>| {
            p.map_or_else(String::new, |p| if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") })
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            name(line),
            text("top1"),
            p(of("top1").and_then(|m| m.p_mcnemar)),
            text(CHOOSE_BY),
            p(of(CHOOSE_BY).map(|m| m.p_permutation)),
        );
    }
    out.push('\n');
}

fn costs(out: &mut String, table: &Table) {
    let _ = writeln!(out, "## What it cost\n");
    let _ = writeln!(
        out,
        "CounterfactualKind: seconds to make all counterfactual models, images sent forwards and backwards for it, and bytes on disk; 0 \
         where models were given. Scored: forward passes per query, and seconds for all queries.\n"
    );
    head(out, &["row", "made, s", "images trained", "MB", "evaluations per query", "scored, s"]);
    for line in table.lines.iter().filter(|l| l.kind != Kind::Baseline) {
        let cost = &line.cost;
        let _ = writeln!(
            out,
            "| {} | {:.0} | {} | {:.1} | {} | {:.0} |",
            name(line),
            cost.make_seconds,
            cost.trained_images,
            cost.bytes as f64 / 1e6,
            cost.evaluations_per_query,
            cost.score_seconds,
        );
    }
    out.push('\n');
}

fn definitions(out: &mut String) {
    let _ = writeln!(out, "## Metrics\n");
    for metric in metrics().iter().filter(|m| SHOWN.iter().any(|(name, _)| *name == m.name)) {
        let _ = writeln!(out, "- `{}`: {}", metric.name, metric.definition);
    }
}
