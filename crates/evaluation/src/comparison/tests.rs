use super::*;
use crate::agreement::Agreement;
use crate::agreement::tests::{pair, table};

const OPTIONS: Options = Options { resamples: 500, seed: 4 };

#[test]
fn differences_are_those_of_the_two_agreements() {
    let reference = table(60, 6, 1, None, 50.0);
    let a = pair(&table(60, 6, 2, Some(&reference), 20.0), &reference);
    let b = pair(&table(60, 6, 3, Some(&reference), 200.0), &reference);
    let found = compare(&a, &b, &OPTIONS).unwrap();
    let (of_a, of_b) = (Agreement::of(&a, &OPTIONS), Agreement::of(&b, &OPTIONS));
    for ((d, a), b) in found.metrics.iter().zip(&of_a.metrics).zip(&of_b.metrics) {
        assert_eq!((d.name, d.a, d.b), (a.name, a.value, b.value));
        assert!((d.difference - (a.value - b.value)).abs() < 1e-12, "{d:?}");
        assert!(d.low_95 > 0.0 && d.low_95 < d.difference && d.difference < d.high_95, "{d:?}");
        assert!(d.p_permutation < 0.01 && d.p_holm >= d.p_permutation && d.p_holm < 0.05, "{d:?}");
        assert_eq!(d.p_mcnemar.is_some(), d.name == "top1");
    }
    let back = compare(&b, &a, &OPTIONS).unwrap();
    for (d, e) in found.metrics.iter().zip(&back.metrics) {
        assert!((d.difference + e.difference).abs() < 1e-12);
        assert_eq!(d.p_mcnemar, e.p_mcnemar);
    }
    let json = serde_json::json!(found);
    assert!(json["metrics"]["top1"]["p_mcnemar"].is_number(), "{json}");
}

#[test]
fn a_method_does_not_differ_from_itself() {
    let reference = table(30, 4, 1, None, 50.0);
    let a = pair(&table(30, 4, 2, None, 50.0), &reference);
    let found = compare(&a, &a, &OPTIONS).unwrap();
    assert!(found.metrics.iter().all(|d| (d.difference, d.low_95, d.high_95) == (0.0, 0.0, 0.0)));
    assert!(found.metrics.iter().all(|d| d.p_permutation == 1.0 && d.p_holm == 1.0));
    let other = pair(&reference, &table(30, 4, 3, None, 50.0));
    assert!(compare(&a, &other, &OPTIONS).is_err(), "another reference");
}

#[test]
fn mcnemar_counts_the_queries_where_one_was_right() {
    let reference = table(9, 3, 1, None, 50.0);
    let (mut a, mut b) = (pair(&reference, &reference), pair(&reference, &reference));
    // Wrong in 2 queries, and in 5 others.
    for (wrong, pairing) in [(0..2, &mut a), (2..7, &mut b)] {
        for scores in &mut pairing.scores[wrong] {
            scores.iter_mut().for_each(|s| *s = -*s);
        }
    }
    let found = compare(&a, &b, &OPTIONS).unwrap();
    assert_eq!(found.metrics[0].p_mcnemar, Some(mcnemar_p(5, 2)));
}
