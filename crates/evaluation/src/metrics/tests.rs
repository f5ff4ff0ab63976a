use super::*;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/metrics.json");

fn value(name: &str, scores: &[f64], reference: &[f64]) -> Option<f64> {
    let metric = metrics().iter().find(|m| m.name == name).unwrap_or_else(|| panic!("no metric {name}"));
    (metric.value)(scores, reference)
}

#[test]
fn every_value_of_the_fixture_comes_out() {
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(FIXTURE).unwrap()).unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let numbers = |name: &str| -> Vec<f64> { serde_json::from_value(case[name].clone()).unwrap() };
        let (reference, scores) = (numbers("reference"), numbers("scores"));
        let expected: Vec<_> = case.as_object().unwrap().iter().filter(|(_, v)| v.is_number()).collect();
        assert_eq!(expected.len(), 8);
        for (name, expected) in expected {
            let (found, expected) = (value(name, &scores, &reference).unwrap(), expected.as_f64().unwrap());
            assert!((found - expected).abs() < 1e-12, "{name}, K={}: {found} != {expected}", scores.len());
        }
    }
}

#[test]
fn further_published_values_come_out() {
    let g = [12.0, -3.5, 4.25, 0.0, 7.75, -1.0, 2.5, 2.0, -8.0, 5.5];
    let s = [9.0, 1.0, 6.5, -2.0, 10.5, 0.5, -4.0, 3.0, -6.0, 2.0];
    for (name, expected) in [
        ("ndcg@3_exp", 0.828006),
        ("ndcg@5_exp", 0.857954),
        ("ndcg@all_exp", 0.864642),
        ("ndcg@3_lin", 0.955836),
        ("ndcg@5_lin", 0.961753),
        ("ndcg@all_lin", 0.971999),
        ("wpra_3", 0.955224),
        ("wpra_all", 0.906404),
        ("rbo_0.9", 0.461970),
        ("rbo_0.9_norm", 0.461970 / (1.0 - 0.9_f64.powi(10))),
        ("pearson", 0.807728),
    ] {
        let found = value(name, &s, &g).unwrap();
        assert!((found - expected).abs() < 2e-6, "{name}: {found} != {expected}");
    }
    let perfect: Vec<f64> = (0..10).map(|i| -f64::from(i)).collect();
    let mut swapped = perfect.clone();
    swapped.swap(0, 1);
    assert!((value("ndcg@3_exp", &swapped, &perfect).unwrap() - 0.871521).abs() < 1e-6);
    assert!((value("ndcg@3_lin", &swapped, &perfect).unwrap() - 0.981245).abs() < 1e-6);
}

fn permutations(values: &mut Vec<f64>, from: usize, visit: &mut dyn FnMut(&[f64])) {
    if from == values.len() {
        return visit(values);
    }
    for i in from..values.len() {
        values.swap(from, i);
        permutations(values, from + 1, visit);
        values.swap(from, i);
    }
}

#[test]
fn chance_is_the_mean_over_all_orders() {
    let reference = [0.3, -1.5, 2.0, 0.3, 7.0, -4.0];
    for groups in 2..=6 {
        let reference = &reference[..groups];
        let mut sums = vec![0.0; metrics().len()];
        let mut count = 0.0;
        let mut scores: Vec<f64> = (0..groups).map(|i| (i * i) as f64 - 3.5).collect();
        permutations(&mut scores, 0, &mut |scores| {
            count += 1.0;
            for (sum, metric) in sums.iter_mut().zip(metrics()) {
                *sum += (metric.value)(scores, reference).unwrap();
            }
        });
        for (sum, metric) in sums.iter().zip(metrics()) {
            let (found, expected) = ((metric.chance)(reference), sum / count);
            assert!((found - expected).abs() < 1e-12, "{}, K={groups}: {found} != {expected}", metric.name);
        }
    }
}

#[test]
fn chance_is_the_published_one() {
    for (groups, name, expected) in [
        (10, "ndcg@3_exp", 0.293),
        (10, "ndcg@3_lin", 0.596),
        (10, "rbo_0.9", 0.303),
        (10, "mrr", 0.293),
        (10, "top1", 0.10),
        (16, "ndcg@3_lin", 0.555),
        (16, "ndcg@3_exp", 0.184),
        (16, "rbo_0.9", 0.323),
        (16, "mrr", 0.211),
        (16, "top1", 0.0625),
    ] {
        let metric = metrics().iter().find(|m| m.name == name).unwrap();
        let found = (metric.chance)(&vec![0.0; groups]);
        // The published ones are of 20,000 random orders.
        assert!((found - expected).abs() < 0.004, "{name}, K={groups}: {found} != {expected}");
    }
}

#[test]
fn best_is_reached_by_the_reference_itself_and_nothing_is_above() {
    for groups in [2, 3, 7, 60, 2000] {
        let reference: Vec<f64> = (0..groups).map(|i| ((i * 7919) % groups) as f64 + 0.25 * i as f64).collect();
        let scores: Vec<f64> = reference.iter().map(|r| 3.0 * r - 5.0).collect();
        let backwards: Vec<f64> = reference.iter().map(|r| -r).collect();
        for metric in metrics() {
            let best = (metric.best)(groups);
            let found = (metric.value)(&scores, &reference).unwrap();
            assert!((found - best).abs() < 1e-12, "{}, K={groups}: {found} != {best}", metric.name);
            let worst = (metric.value)(&backwards, &reference).unwrap();
            assert!(worst.is_finite() && worst <= best, "{}, K={groups}: {worst}", metric.name);
            let chance = (metric.chance)(&reference);
            assert!(chance.is_finite() && chance <= best + 1e-12, "{}, K={groups}: {chance}", metric.name);
        }
    }
}

#[test]
fn equal_values_come_in_the_order_of_the_groups() {
    assert_eq!(ranks(&[1.0, 3.0, 1.0, 3.0]), [2, 0, 3, 1]);
    assert_eq!(ranks(&[-0.0, 0.0]), [0, 1], "zeros are equal");
    assert_eq!(value("top1", &[1.0, 1.0, 0.0], &[2.0, 3.0, 1.0]), Some(0.0));
    assert_eq!(value("top1", &[1.0, 1.0, 0.0], &[3.0, 3.0, 1.0]), Some(1.0));
}

#[test]
fn correlations_of_constants_are_undefined() {
    // Three times a tenth does not have a tenth as its mean.
    let (constant, other) = ([0.1; 3], [1.0, 2.0, 3.0]);
    for name in ["spearman", "kendall_tau_b", "pearson"] {
        assert_eq!(value(name, &constant, &other), None, "{name}");
        assert_eq!(value(name, &[0.0; 3], &other), None, "{name}");
        assert_eq!(value(name, &other, &constant), None, "{name}");
    }
    assert_eq!(value("wpra_all", &other, &constant), None);
    assert_eq!(value("wpra_all", &constant, &other), Some(0.0), "equal scores are wrong");
    assert_eq!(value("wpra_3", &[1.0, 0.0], &[1.0, 1.0 - 1e-13]), None, "a difference within the tolerance");
}

#[test]
fn ties_and_extreme_values_in_correlations() {
    // By hand: 4 concordant, 0 discordant, one tie on each side of 6 pairs.
    let tau = value("kendall_tau_b", &[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 3.0]).unwrap();
    assert!((tau - 0.8).abs() < 1e-12, "{tau}");
    // Ranks 1.5 1.5 3 4 and 1 2 3.5 3.5: covariance 4, variances 4.5.
    let rho = value("spearman", &[1.0, 1.0, 2.0, 3.0], &[1.0, 2.0, 3.0, 3.0]).unwrap();
    assert!((rho - 4.0 / 4.5).abs() < 1e-12, "{rho}");
    for scale in [1e-200, 1e200] {
        let r = value("pearson", &[scale, 2.0 * scale, 3.0 * scale], &[1.0, 2.0, 3.0]).unwrap();
        assert!((r - 1.0).abs() < 1e-12, "{scale}: {r}");
    }
}
