//! Drawings of what is on screen, as plain data: bars, tables and curves.

use crate::app::format;
use crate::app::panels::{method_title, result_title};
use crate::app::state::{Explanation, Query, Row, State};
use crate::palette::group_colours;
use whence_report::svg::{Bars, Cell, Column, Curves, Figure, Line, Plot, Table};

/// Which drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drawing {
    /// The bars of the selected result.
    #[default]
    Ranking,
    /// The bars of all results of the image, side by side.
    Comparison,
    /// The numbers of all results of the image.
    Table,
    /// The unlearning of the selected group, step by step.
    Unlearning,
}

/// The drawing of what is on screen.
///
/// # Errors
/// What is missing.
pub fn figure(state: &State, drawing: Drawing) -> Result<Figure, &'static str> {
    let query = state.query().ok_or("No query image yet")?;
    let selected =
        || state.explanation().filter(|a| a.complete.is_some()).ok_or("The image on screen is not explained yet");
    match drawing {
        Drawing::Ranking => {
            let own = selected()?;
            let mut bars = bars(state, query, &[own]);
            bars.title = if own.ranking.verdict.is_empty() { bars.title } else { own.ranking.verdict.clone() };
            Ok(Figure::Bars(bars))
        }
        Drawing::Comparison | Drawing::Table => {
            let own = selected()?;
            let all: Vec<&Explanation> = query.scored().filter(|a| a.complete.is_some()).collect();
            let all = if all.is_empty() { vec![own] } else { all };
            let bars = bars(state, query, &all);
            Ok(if drawing == Drawing::Comparison { Figure::Bars(bars) } else { Figure::Table(table(bars)) })
        }
        Drawing::Unlearning => unlearning(state, query).ok_or("Select a group whose unlearning was watched"),
    }
}

fn bars(state: &State, query: &Query, explanations: &[&Explanation]) -> Bars {
    // The rows of the reference, then groups that only others scored.
    let mut rows: Vec<&Row> = Vec::new();
    let reference = query.reference().filter(|a| explanations.iter().any(|own| own.job == a.job));
    for row in reference.into_iter().chain(explanations.iter().copied()).flat_map(|a| &a.ranking.rows) {
        if !rows.iter().any(|known| known.name == row.name) {
            rows.push(row);
        }
    }
    let colours = group_colours(state.groups().len());
    let colour =
        |row: &&Row| row.group.and_then(|g| colours.get(g)).map_or_else(String::new, |[light, _]| light.clone());
    let column = |explanation: &&Explanation| Column {
        title: result_title(explanation, query),
        caption: format!("{}, {}", explanation.unit().label(), explanation.settings),
        cells: rows.iter().map(|row| cell(explanation, &row.name)).collect(),
    };
    Bars {
        title: query.image.name.clone(),
        caption: format!("{}. Bars start at 0; lines are 95% confidence intervals.", query.image.name),
        columns: explanations.iter().map(column).collect(),
        rows: rows.iter().map(|row| (row.name.clone(), colour(row))).collect(),
    }
}

fn cell(explanation: &Explanation, group: &str) -> Option<Cell> {
    let row = explanation.ranking.rows.iter().find(|row| row.name == group)?;
    let (low, high) = row.estimate.interval_95();
    Some(Cell {
        value: row.estimate.score,
        interval: (high > low).then_some((low, high)),
        text: format::signed(row.estimate.score, explanation.ranking.decimals()),
        warned: row.failed().is_some(),
    })
}

/// The numbers of the same rows and columns.
fn table(bars: Bars) -> Table {
    let head = std::iter::once("Group".to_owned()).chain(bars.columns.iter().map(|c| c.title.clone())).collect();
    let row = |(i, (name, _)): (usize, &(String, String))| {
        let cells = bars.columns.iter().map(|c| c.cells.get(i).cloned().flatten().map_or_else(String::new, |c| c.text));
        std::iter::once(name.clone()).chain(cells).collect()
    };
    let rows = bars.rows.iter().enumerate().map(row).collect();
    let units: Vec<String> = bars.columns.iter().map(|c| format!("{}: {}", c.title, c.caption)).collect();
    Table { title: bars.title, caption: units.join("; "), head, rows }
}

fn unlearning(state: &State, query: &Query) -> Option<Figure> {
    let group = state.group?;
    let points = &query.evidence.curves.get(&group).filter(|c| !c.points.is_empty())?.points;
    let colours = group_colours(state.groups().len());
    let own = colours.get(group).map_or_else(String::new, |[light, _]| light.clone());
    let line =
        |name: &str, colour: &str, points: Vec<[f64; 2]>| Line { name: name.into(), colour: colour.into(), points };
    let losses = |of: fn(&whence_jobs::UnlearningPoint) -> f32| {
        points.iter().map(|p| [p.step as f64, f64::from(of(p))]).collect::<Vec<_>>()
    };
    let scores = points.iter().filter_map(|p| Some([p.step as f64, p.query_score?]));
    let score: Vec<[f64; 2]> = std::iter::once([0.0, 0.0]).chain(scores).collect();
    Some(Figure::Curves(Curves {
        title: format!("Unlearning {}", state.group_name(group)),
        x: "unlearning step".into(),
        plots: vec![
            Plot {
                title: "Loss (mean squared error)".into(),
                lines: vec![
                    line("forget loss", &own, losses(|p| p.forget_loss)),
                    line("retain loss", "#777777", losses(|p| p.retain_loss)),
                ],
            },
            Plot {
                title: format!("Score of {} (nats, coarse estimate)", query.image.name),
                lines: vec![line("score", &own, score)],
            },
        ],
    }))
}

/// The table that is copied to the clipboard: separated by tabs, so that spreadsheets take it apart.
///
/// # Errors
/// Where nothing is explained.
pub fn copied_table(state: &State, all: bool) -> Result<String, &'static str> {
    let mut lines = vec!["image\tmethod\tgroup\tscore\tlow_95\thigh_95\tunit".to_owned()];
    let plain = |text: &str| text.replace(['\t', '\n', '\r'], " ");
    let queries = state.queries.iter().filter(|q| all || Some(q.key) == state.current);
    for query in queries {
        let Some(explanation) = query.explanation().filter(|a| a.complete.is_some()) else { continue };
        for row in &explanation.ranking.rows {
            let (low, high) = row.estimate.interval_95();
            lines.push(format!(
                "{}\t{}\t{}\t{}\t{low}\t{high}\t{}",
                plain(&query.image.name),
                plain(&method_title(&explanation.method)),
                plain(&row.name),
                row.estimate.score,
                explanation.unit().name()
            ));
        }
    }
    if lines.len() > 1 { Ok(lines.join("\n") + "\n") } else { Err("The image on screen is not explained yet") }
}
