use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::*;
use crate::pairing::Matching;
use crate::tables::tests::written;
use crate::tables::{Group, ScoreTable};

const OPTIONS: Options = Options { resamples: 300, seed: 4 };

/// Random scores; `noise` is what is added to those of `base`, to two decimals so that all layouts hold them.
pub(crate) fn table(queries: usize, groups: usize, seed: u64, base: Option<&ScoreTable>, noise: f64) -> ScoreTable {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut value = |q: usize, g: usize| {
        let own = base.map_or(0.0, |b| b.values[q][g]);
        ((own + noise * (rng.random::<f64>() - 0.5)) * 100.0).round() / 100.0
    };
    ScoreTable {
        source: format!("table {seed}"),
        method: None,
        queries: (0..queries).map(|q| format!("q{q:03}.png")).collect(),
        groups: (0..groups).map(|g| Group { id: Some(g), name: Some(format!("group {g:02}")) }).collect(),
        values: (0..queries).map(|q| (0..groups).map(|g| value(q, g)).collect()).collect(),
        errors: None,
    }
}

pub(crate) fn pair(scores: &ScoreTable, reference: &ScoreTable) -> Pairing {
    Pairing::new(scores, reference, &Matching::default()).unwrap()
}

#[test]
fn a_reference_agrees_with_itself_completely() {
    let reference = table(12, 6, 1, None, 50.0);
    let found = Agreement::of(&pair(&reference, &reference), &OPTIONS);
    assert_eq!((found.queries, found.groups), (12, 6));
    for m in &found.metrics {
        assert!((m.value - m.best).abs() < 1e-12 && (m.low_95 - m.best).abs() < 1e-12, "{m:?}");
        assert!((m.chance_corrected.unwrap() - 1.0).abs() < 1e-12 && m.undefined == 0, "{m:?}");
    }
}

#[test]
fn unrelated_scores_are_near_chance_and_inside_the_interval() {
    let reference = table(400, 6, 1, None, 50.0);
    let found = Agreement::of(&pair(&table(400, 6, 2, None, 50.0), &reference), &OPTIONS);
    for m in &found.metrics {
        assert!(m.chance_corrected.unwrap().abs() < 0.1, "{m:?}");
        assert!(m.low_95 < m.value && m.value < m.high_95, "{m:?}");
    }
}

#[test]
fn the_order_of_rows_and_columns_changes_nothing() {
    let reference = table(15, 5, 1, None, 50.0);
    let scores = table(15, 5, 2, Some(&reference), 60.0);
    let expected = Agreement::of(&pair(&scores, &reference), &OPTIONS);
    let shuffled = |table: &ScoreTable, step: usize| {
        let mut other = table.clone();
        let rows: Vec<usize> = (0..15).map(|i| (i * step + 3) % 15).collect();
        let columns: Vec<usize> = (0..5).map(|i| (i * 3 + 1) % 5).collect();
        other.queries = rows.iter().map(|&q| table.queries[q].clone()).collect();
        other.groups = columns.iter().map(|&g| table.groups[g].clone()).collect();
        other.values = rows.iter().map(|&q| columns.iter().map(|&g| table.values[q][g]).collect()).collect();
        other
    };
    for (a, b) in [(2, 7), (4, 1), (11, 13)] {
        assert_eq!(Agreement::of(&pair(&shuffled(&scores, a), &shuffled(&reference, b)), &OPTIONS), expected);
    }
}

#[test]
fn all_layouts_give_the_same_agreement() {
    let reference = table(9, 4, 1, None, 50.0);
    let scores = table(9, 4, 2, Some(&reference), 60.0);
    let expected = Agreement::of(&pair(&scores, &reference), &OPTIONS);
    let (_folder, path) = written("");
    scores.write_official_sorted(&path, None).unwrap();
    let sorted = ScoreTable::read(&path, None).unwrap();
    scores.write_official_long(&path, None).unwrap();
    let long = ScoreTable::read(&path, None).unwrap();
    let lines = |sep: &str, row: &dyn Fn(usize) -> String| (0..9).map(row).collect::<Vec<_>>().join(sep);
    let text = |q: usize| scores.values[q].iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let wide = format!("image_id,0,1,2,3\n{}\n", lines("\n", &|q| format!("q{q:03},{}", text(q))));
    let (_folder, path) = written(wide);
    let wide = ScoreTable::read(&path, None).unwrap();
    let named = |q: usize| {
        let row = |g: usize| format!("x/q{q:03}.png,group {g:02},{},0.5,0,0,1,0,1,guda", scores.values[q][g]);
        [2, 0, 3, 1].map(row).join("\n")
    };
    let header = "query,group,score_nats,std_err,low_95,high_95,rank,bits_per_dim,evaluations,method\n";
    let (_folder, path) = written(format!("{header}{}\n", lines("\n", &named)));
    let ours = ScoreTable::read(&path, None).unwrap();
    for table in [sorted, long, wide, ours] {
        assert_eq!(Agreement::of(&pair(&table, &reference), &OPTIONS), expected, "{:?}", table.groups);
    }
}

#[test]
fn undefined_values_count_as_chance_and_are_counted() {
    let reference = table(4, 5, 1, None, 50.0);
    let mut scores = reference.clone();
    scores.values[2] = vec![0.1; 5];
    let found = Agreement::of(&pair(&scores, &reference), &OPTIONS);
    let spearman = found.metric("spearman").unwrap();
    assert_eq!((spearman.undefined, found.tied_at_top), (1, 1));
    assert!((spearman.value - 0.75).abs() < 1e-12, "three of one, one of nought: {}", spearman.value);
    assert_eq!(found.metric("top1").unwrap().undefined, 0);
    let mut flat = reference.clone();
    flat.values[2] = vec![0.1; 5];
    let found = Agreement::of(&pair(&reference, &flat), &OPTIONS);
    let pairs = found.metric("wpra_all").unwrap();
    assert_eq!((pairs.undefined, pairs.value), (1, 0.875), "three of one, one of a half");
}

#[test]
fn splits_hold_the_queries_that_they_name() {
    let mut reference = table(5, 3, 1, None, 0.0);
    for (q, margin) in [1.0, 5.0, 2.0, 4.0, 3.0].into_iter().enumerate() {
        reference.values[q] = vec![10.0, 10.0 - margin, 0.0];
    }
    // The standard error of the difference is 1.5.
    reference.errors = Some(vec![vec![0.9, 1.2, 90.0]; 5]);
    let mut scores = reference.clone();
    scores.values[1] = vec![0.0, 1.0, 2.0];
    let mut looks_like = reference.clone();
    looks_like.values[0] = vec![0.0, 1.0, 2.0];
    looks_like.values[1] = vec![0.0, 1.0, 2.0];
    let (main, looks) = (pair(&scores, &reference), pair(&looks_like, &reference));
    let extras = Extras { looks_like: Some(&looks), ceiling: None };
    let found = Agreement::with(&main, extras, &OPTIONS).unwrap();
    let of = |name: &str| {
        let split = found.splits.iter().find(|s| s.name == name).unwrap();
        (split.queries, split.metrics.first().map(|m| m.value))
    };
    assert_eq!(of("large_margin"), (2, Some(0.5)));
    assert_eq!(of("small_margin"), (3, Some(1.0)));
    assert_eq!(of("separated"), (3, Some(2.0 / 3.0)), "margins above 2.94: 5, 4, 3");
    assert_eq!(of("hard"), (2, Some(0.5)));
    assert_eq!(of("easy"), (3, Some(1.0)));
    assert_eq!(Agreement::of(&main, &OPTIONS).splits.len(), 3);
}

#[test]
fn a_second_oracle_is_the_ceiling() {
    let reference = table(40, 6, 1, None, 50.0);
    let (oracle, scores) = (table(40, 6, 2, Some(&reference), 20.0), table(40, 6, 3, Some(&reference), 60.0));
    let (main, ceiling) = (pair(&scores, &reference), pair(&oracle, &reference));
    let extras = Extras { looks_like: None, ceiling: Some(&ceiling) };
    let found = Agreement::with(&main, extras, &OPTIONS).unwrap();
    let alone = Agreement::of(&ceiling, &OPTIONS);
    for (m, c) in found.metrics.iter().zip(&alone.metrics) {
        assert_eq!(m.ceiling, Some(c.value));
        let expected = (m.value - m.chance) / (c.value - m.chance);
        assert!((m.share_of_ceiling.unwrap() - expected).abs() < 1e-12, "{m:?}");
    }
    let at_its_own = Agreement::with(&ceiling, extras, &OPTIONS).unwrap();
    assert!(at_its_own.metrics.iter().all(|m| (m.share_of_ceiling.unwrap() - 1.0).abs() < 1e-12));
    let other = pair(&oracle, &oracle);
    assert!(Agreement::with(&other, extras, &OPTIONS).is_err(), "another reference");
}

#[test]
fn a_metric_that_chance_already_fills_has_no_corrected_value() {
    let reference = table(3, 2, 1, None, 50.0);
    let found = Agreement::of(&pair(&reference, &reference), &OPTIONS);
    let overlap = found.metric("top3_overlap").unwrap();
    assert_eq!((overlap.chance, overlap.chance_corrected), (1.0, None));
}

#[test]
fn the_json_has_the_promised_names() {
    let reference = table(1, 3, 1, None, 50.0);
    let json = Agreement::of(&pair(&reference, &reference), &OPTIONS).to_json();
    assert_eq!((&json["queries"], &json["groups"]), (&serde_json::json!(1), &serde_json::json!(3)));
    for name in ["top1", "top3_overlap", "mrr", "ndcg@3_exp", "ndcg@3_lin", "rbo_0.9", "spearman", "kendall_tau_b"] {
        for field in ["value", "low_95", "high_95", "chance"] {
            assert!(json["metrics"][name][field].is_number(), "{name} {field}");
        }
        assert!(json["metrics"][name].get("chance_corrected").is_some(), "{name}");
    }
    assert_eq!(json["splits"]["large_margin"]["queries"], 0);
    assert_eq!(json["splits"]["small_margin"]["metrics"]["top1"]["value"], 1.0);
}
