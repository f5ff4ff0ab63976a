use super::*;

fn coins(right: usize, all: usize) -> Vec<Vec<f64>> {
    (0..all).map(|i| vec![f64::from(u8::from(i < right)), 2.0]).collect()
}

#[test]
fn the_bootstrap_of_shares_is_near_the_normal_interval() {
    let intervals = bootstrap_means(&coins(300, 400), 10_000, 1);
    let (low, high) = intervals[0];
    let half = 1.96 * (0.75_f64 * 0.25 / 400.0).sqrt();
    assert!((low - (0.75 - half)).abs() < 0.004 && (high - (0.75 + half)).abs() < 0.004, "{low} {high}");
    assert_eq!(intervals[1], (2.0, 2.0), "a constant has no spread");
}

#[test]
fn the_bootstrap_repeats_with_its_seed_and_works_for_one_query_or_none() {
    let rows = coins(3, 7);
    assert_eq!(bootstrap_means(&rows, 500, 3), bootstrap_means(&rows, 500, 3));
    assert_ne!(bootstrap_means(&coins(30, 70), 501, 3), bootstrap_means(&coins(30, 70), 501, 4));
    assert_eq!(bootstrap_means(&coins(1, 1), 100, 0), [(1.0, 1.0), (2.0, 2.0)]);
    assert_eq!(bootstrap_means(&coins(1, 1), 1, 0)[0], (1.0, 1.0));
    assert!(bootstrap_means(&[], 100, 0).is_empty());
}

#[test]
fn percentiles_are_interpolated() {
    let mut means: Vec<f64> = (0..=100).rev().map(f64::from).collect();
    let (low, high) = interval(&mut means);
    assert!((low - 2.5).abs() < 1e-12 && (high - 97.5).abs() < 1e-12, "{low} {high}");
}

#[test]
fn sign_flips_of_few_differences_are_exact() {
    // Of 8 sums of ±1 ±2 ±3, two are as far from zero as 6; two more as far as 4.
    assert_eq!(sign_flip_p(&[1.0, 2.0, 3.0], 0), 0.25);
    assert_eq!(sign_flip_p(&[-1.0, 2.0, 3.0], 0), 0.5);
    assert_eq!(sign_flip_p(&[1.0, 0.0, 2.0, 3.0, 0.0], 0), 0.25, "zeros change nothing");
    assert_eq!(sign_flip_p(&[0.0; 40], 0), 1.0);
    assert_eq!(sign_flip_p(&[], 0), 1.0);
    assert_eq!(sign_flip_p(&[0.1; 16], 0), 2.0 / 65_536.0, "sums of tenths round differently");
}

#[test]
fn sign_flips_of_many_differences_are_near_the_binomial() {
    // 40 ones of which 13 are negative: P(as far) is twice the binomial tail.
    let differences: Vec<f64> = (0..40).map(|i| if i < 13 { -1.0 } else { 1.0 }).collect();
    let expected = mcnemar_p(13, 27);
    let found = sign_flip_p(&differences, 5);
    assert!((found - expected).abs() < 0.005, "{found} {expected}");
    assert_eq!(sign_flip_p(&[1.0; 200], 5), 1.0 / 20_001.0, "never zero");
}

#[test]
fn mcnemar_is_the_binomial_tail() {
    for (a, b, expected) in
        [(0, 0, 1.0), (0, 5, 0.0625), (5, 0, 0.0625), (1, 9, 22.0 / 1024.0), (6, 6, 1.0), (13, 27, 0.038_477_308)]
    {
        let found = mcnemar_p(a, b);
        assert!((found - expected).abs() < 1e-6, "{a} {b}: {found} != {expected}");
    }
    let many = mcnemar_p(990, 1110);
    // Two-sided normal tail with continuity correction, z = 119 / sqrt(2100).
    assert!((many - 0.00941).abs() < 3e-4, "{many}");
}

#[test]
fn holm_multiplies_and_never_falls() {
    let close = |found: &[f64], expected: &[f64]| {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
    };
    close(&holm(&[0.01, 0.04, 0.03, 0.005]), &[0.03, 0.06, 0.06, 0.02]);
    close(&holm(&[0.5, 0.6]), &[1.0, 1.0]);
    close(&holm(&[]), &[]);
}
