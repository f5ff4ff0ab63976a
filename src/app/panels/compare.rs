//! Rankings of one image by several methods or recipes, side by side, and the images with the largest disagreement.

use egui::{Align2, Rect, RichText, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::View;
use super::score::{capitalised, method_title};
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::state::{Explanation, Query};
use crate::app::theme::{self, RADIUS, Tokens, tokens};
use crate::app::widgets::{Scale, TextureKey, Tile, elided, hover, swatch, tile};
use whence_evaluation::metrics::metrics;
use whence_methods::methods;

const ROW: f32 = 28.0;
/// Column of names.
const NAMES: f32 = 150.0;
/// Columns of bars are never narrower.
const NARROWEST: f32 = 150.0;

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let state = view.state;
    let Some(query) = state.query() else {
        super::placeholder(
            ui,
            "Compare",
            "Rankings by several methods or recipes, side by side. Generate or open an image first.",
            None,
        );
        return;
    };
    let answers: Vec<&Explanation> = query.explanations().collect();
    if answers.is_empty() {
        let text = "All explanations of an image are kept, so that methods, recipes and settings can be compared.";
        let ready = state.can_explain().map(|()| Action::Explain.tooltip());
        if super::placeholder(ui, "Compare", text, Some((Action::Explain.text(), ready))) {
            view.out.push(Command::Act(Action::Explain));
        }
        return;
    }
    ui.horizontal(|ui| {
        let title = format!("{}: {}", format::cut(&query.image.name, 30), format::plural(answers.len(), "explanation"));
        ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        add_method(ui, view);
    });
    ui.add_space(8.0);
    let below = if disagreements(&state.queries).is_empty() { 0.0 } else { 150.0 };
    let height = ui.available_height() - below;
    ScrollArea::both().id_salt("compare").auto_shrink([false, false]).max_height(height).show(ui, |ui| {
        table(ui, view, &answers);
    });
    if below > 0.0 {
        largest_disagreements(ui, view);
    }
}

/// The menu that explains the image by another method.
fn add_method(ui: &mut Ui, view: &mut View<'_>) {
    let ready = view.state.can_explain();
    let menu = ui.add_enabled_ui(ready.is_ok(), |ui| {
        ui.menu_button("Add a method", |ui| {
            for method in methods() {
                if ui
                    .button(method_title(method.name()))
                    .on_hover_text(capitalised(method.info().description))
                    .clicked()
                {
                    view.out.push(Command::ExplainBy(method.name()));
                }
            }
        })
    });
    if let Err(reason) = ready {
        menu.response.on_disabled_hover_text(reason);
    }
}

/// One row per group, in the order of the first explanation, and one column per explanation.
fn table(ui: &mut Ui, view: &mut View<'_>, answers: &[&Explanation]) {
    let t = tokens(ui);
    let Some(first) = answers.first() else { return };
    let columns = answers.len() as f32;
    let width = ((ui.available_width() - NAMES) / columns).max(NARROWEST);
    let (head, _) = ui.allocate_exact_size(vec2(NAMES + columns * width, 52.0), Sense::hover());
    let scales: Vec<Scale> = answers.iter().map(|a| Scale::of(a.ranking.rows.iter().map(|r| &r.estimate))).collect();
    for (i, answer) in answers.iter().enumerate() {
        let left = head.left() + NAMES + i as f32 * width;
        let room = width - 16.0;
        line(ui, pos2(left, head.top()), &method_title(&answer.method), theme::body(), t.strong, room);
        let about = if answer.recipe.is_empty() {
            answer.settings.clone()
        } else {
            format!("{}; {}", answer.recipe, answer.settings)
        };
        line(ui, pos2(left, head.top() + 18.0), &about, theme::caption(), t.weak, room);
        let text = match agreement(first, answer) {
            _ if answer.complete.is_none() => format!("{} so far", format::plural(answer.ranking.rows.len(), "group")),
            _ if i == 0 => "reference, sets the row order".to_owned(),
            Some(rho) => format!("Spearman ρ = {} vs. reference", correlation(rho)),
            None => "no Spearman ρ: too few groups in common".to_owned(),
        };
        line(ui, pos2(left, head.top() + 33.0), &text, theme::caption(), t.text, room);
    }
    for row in &first.ranking.rows {
        let (rect, response) = ui.allocate_exact_size(vec2(NAMES + columns * width, ROW), Sense::click());
        let selected = row.group.is_some() && view.state.group == row.group;
        let group = row.group.unwrap_or(usize::MAX);
        if hover::hovered(ui, &response, group) || selected {
            let fill = if selected { t.selected } else { t.control.gamma_multiply(0.6) };
            ui.painter().rect_filled(rect, f32::from(RADIUS), fill);
        }
        swatch(ui.painter(), pos2(rect.left() + 12.0, rect.center().y), 5.0, group, t);
        let color = if selected { t.strong } else { t.text };
        line(ui, pos2(rect.left() + 26.0, rect.center().y - 9.0), &row.name, theme::body(), color, NAMES - 36.0);
        let mut words = vec![row.name.clone()];
        for (i, (answer, scale)) in answers.iter().zip(&scales).enumerate() {
            let left = rect.left() + NAMES + i as f32 * width;
            let cell = Rect::from_min_max(pos2(left, rect.top()), pos2(left + width - 16.0, rect.bottom()));
            let Some(own) = answer.ranking.rows.iter().find(|r| r.name == row.name) else { continue };
            let (low, high) = own.estimate.interval_95();
            bar(ui, cell, own.estimate.score, (low, high), scale, group, t);
            words.push(format!(
                "{} {} {}",
                method_title(&answer.method),
                format::signed(own.estimate.score, scale.decimals),
                answer.unit().label()
            ));
        }
        response.widget_info(|| {
            WidgetInfo::selected(egui::accesskit::Role::ListBoxOption, true, selected, words.join(", "))
        });
        if response.clicked() {
            view.out.push(Command::SelectGroup(if selected { None } else { row.group }));
        }
    }
}

/// A bar with its interval and score.
fn bar(ui: &Ui, cell: Rect, score: f64, interval: (f64, f64), scale: &Scale, group: usize, t: &Tokens) {
    let painter = ui.painter();
    let area = Rect::from_min_max(cell.min, pos2(cell.right() - 56.0, cell.bottom()));
    let x = |value: f64| area.left() + scale.position(value) * area.width();
    let (zero, end, middle) = (x(0.0), x(score), cell.center().y);
    painter.vline(zero, cell.y_range(), Stroke::new(1.0, t.line));
    let body = Rect::from_two_pos(pos2(zero, middle - 6.0), pos2(end, middle + 6.0));
    painter.rect_filled(body, 2.0, t.group(group));
    painter.hline(x(interval.0)..=x(interval.1), middle, Stroke::new(1.0, t.strong));
    let value = format::signed(score, scale.decimals);
    painter.text(pos2(cell.right(), middle), Align2::RIGHT_CENTER, value, theme::caption(), t.text);
}

fn line(ui: &Ui, at: egui::Pos2, text: &str, font: egui::FontId, color: egui::Color32, room: f32) {
    ui.painter().galley(at, elided(ui.painter(), text, font, color, room.max(20.0)), color);
}

/// A correlation with two decimals and a typographic minus.
fn correlation(rho: f64) -> String {
    format!("{rho:.2}").replace('-', "\u{2212}")
}

/// Spearman's rank correlation of two complete explanations over their common groups; none below two groups.
fn agreement(a: &Explanation, b: &Explanation) -> Option<f64> {
    if a.complete.is_none() || b.complete.is_none() {
        return None;
    }
    let pair = |row: &crate::app::state::Row| {
        let other = b.ranking.rows.iter().find(|r| r.name == row.name)?;
        Some((row.estimate.score, other.estimate.score))
    };
    let (a, b): (Vec<f64>, Vec<f64>) = a.ranking.rows.iter().filter_map(pair).unzip();
    let spearman = metrics().iter().find(|m| m.name == "spearman")?;
    if a.len() < 2 { None } else { (spearman.value)(&a, &b) }
}

/// Queries with at least two explanations: their key and their lowest rank correlation, lowest first.
fn disagreements(queries: &[Query]) -> Vec<(u64, f64)> {
    let lowest = |query: &Query| {
        let answers: Vec<&Explanation> = query.explanations().collect();
        let pairs = answers.iter().enumerate().flat_map(|(i, a)| answers.iter().skip(i + 1).map(move |b| (a, b)));
        pairs.filter_map(|(a, b)| agreement(a, b)).min_by(f64::total_cmp)
    };
    let mut found: Vec<(u64, f64)> = queries.iter().filter_map(|q| Some((q.key, lowest(q)?))).collect();
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    found
}

/// The images with at least two explanations, the largest disagreement first.
fn largest_disagreements(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    ui.add_space(8.0);
    ui.label(RichText::new("Largest disagreement (Spearman ρ)").color(t.strong))
        .on_hover_text("Images with at least two explanations, the lowest rank correlation between two of them first.");
    ScrollArea::horizontal().id_salt("disagreements").show(ui, |ui| {
        ui.horizontal(|ui| {
            for (key, rho) in disagreements(&view.state.queries) {
                let Some(query) = view.state.queries.iter().find(|q| q.key == key) else { continue };
                let q = &query.image;
                let texture = view.textures.get(ui.ctx(), TextureKey::Query(key), q.shape, &q.pixels);
                let caption = correlation(rho);
                let name = format!("{}: Spearman ρ = {caption}", q.name);
                let selected = view.state.current == Some(key);
                let shown =
                    Tile { texture, name: &name, caption: Some(&caption), side: 84.0, selected, clickable: true };
                if tile(ui, &shown).on_hover_text(&name).clicked() {
                    view.out.push(Command::SelectQuery(key));
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::state::{RankingView, Row};
    use whence_diffusion::elbo::Estimate;

    fn answer(scores: &[(&str, f64)]) -> Explanation {
        let row = |(name, score): &(&str, f64)| Row {
            group: None,
            name: (*name).to_owned(),
            estimate: Estimate::exact(*score),
            rank: 0,
            tied: false,
            evaluations: 0,
            side: None,
            gate: None,
        };
        let ranking = RankingView { rows: scores.iter().map(row).collect(), ..RankingView::default() };
        let complete = Some(whence_methods::Attribution::new("q", "guda", Vec::new()));
        Explanation { ranking, complete, ..Explanation::default() }
    }

    #[test]
    fn agreement_is_spearmans_rho_over_the_common_groups() {
        let a = answer(&[("ink", 3.0), ("oil", 2.0), ("wash", 1.0), ("lost", 9.0)]);
        let b = answer(&[("oil", 20.0), ("ink", 10.0), ("wash", -5.0)]);
        // Ranks 3, 2, 1 against 2, 3, 1: 1 - 6 * 2 / (3 * 8).
        assert!((agreement(&a, &b).unwrap() - 0.5).abs() < 1e-12);
        assert_eq!(agreement(&a, &answer(&[("lost", 1.0)])), None);
        assert_eq!(agreement(&a, &Explanation { complete: None, ..b }), None, "not all groups are scored yet");
    }
}
