use super::*;
use crate::agreement::tests::{pair, table};
use crate::agreement::{Extras, Options};
use crate::comparison::compare;
use crate::metrics::metrics;

const OPTIONS: Options = Options { resamples: 100, seed: 0 };

#[test]
fn columns_line_up_and_every_metric_is_shown_and_defined() {
    let reference = table(10, 5, 1, None, 50.0);
    let main = pair(&table(10, 5, 2, Some(&reference), 60.0), &reference);
    let plain = agreement(&Agreement::of(&main, &OPTIONS), Form::Text);
    let lines: Vec<&str> = plain.lines().collect();
    assert_eq!(lines[0], "10 queries, 5 groups");
    let width = lines[2].chars().count();
    for (metric, line) in metrics().iter().zip(&lines[3..]) {
        assert!(line.starts_with(metric.name) && line.chars().count() == width, "{line}");
        assert!(plain.contains(metric.definition));
    }
    assert!(!plain.contains("ceiling") && plain.contains("large_margin"));
    let extras = Extras { ceiling: Some(&main), looks_like: Some(&main) };
    let full = agreement(&Agreement::with(&main, extras, &OPTIONS).unwrap(), Form::Text);
    assert!(full.contains("of ceiling") && full.contains("hard"), "{full}");
}

#[test]
fn markdown_has_as_many_cells_in_each_row_as_in_the_head() {
    let reference = table(10, 5, 1, None, 50.0);
    let main = pair(&table(10, 5, 2, Some(&reference), 60.0), &reference);
    let text = agreement(&Agreement::of(&main, &OPTIONS), Form::Markdown);
    let rows: Vec<&str> = text.lines().skip_while(|l| !l.starts_with('|')).take_while(|l| l.starts_with('|')).collect();
    assert_eq!(rows.len(), metrics().len() + 2);
    assert!(rows.iter().all(|row| row.matches('|').count() == 5), "{text}");
    assert!(rows[1].contains("---:"), "{}", rows[1]);
    let both = comparison(&compare(&main, &main, &OPTIONS).unwrap(), Form::Markdown);
    assert!(both.contains("p McNemar") && both.contains("0.000 [0.000, 0.000]"), "{both}");
}

#[test]
fn what_was_left_out_or_undefined_is_said() {
    let reference = table(3, 4, 1, None, 50.0);
    let mut scores = reference.clone();
    scores.values[0] = vec![1.0; 4];
    let mut main = pair(&scores, &reference);
    main.only_in_scores = vec!["x".into()];
    let text = agreement(&Agreement::of(&main, &OPTIONS), Form::Text);
    assert!(text.contains("Left out: 1 queries that only the scores have"), "{text}");
    assert!(text.contains("spearman in 1") && text.contains("In 1 queries several groups share"), "{text}");
}

#[test]
fn small_numbers_are_not_written_as_nothing() {
    assert_eq!(
        (number(-0.0001), probability(0.00005), probability(0.05)),
        ("0.000".into(), "5e-5".into(), "0.0500".into())
    );
}
