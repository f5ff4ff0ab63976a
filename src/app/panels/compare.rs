//! Rankings of one image by several methods or recipes, side by side; how far methods agree over all images; and the images
//! with the largest disagreement.

mod matrix;

use egui::{Align2, Button, Label, Rect, RichText, ScrollArea, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::View;
use super::evidence::named;
use super::result::title;
use super::score::{capitalised, failure, method_title};
use crate::app::actions::{Action, Command};
use crate::app::agreement::{disagreements, same_top, spearman};
use crate::app::format;
use crate::app::state::{Explanation, Query, Row};
use crate::app::theme::{self, RADIUS, Tokens, tokens};
use crate::app::widgets::{Scale, TextureKey, Tile, elided, hover, swatch, tile, warning};
use whence_jobs::JobSpec;
use whence_methods::methods;

const ROW: f32 = 28.0;
/// Column of names.
const NAMES: f32 = 150.0;
/// Columns of bars are never narrower.
const NARROWEST: f32 = 240.0;
/// Height of the heads of the columns.
const HEAD: f32 = 84.0;

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
    let answers: Vec<&Explanation> = query.scored().collect();
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
    ScrollArea::both().id_salt("compare").auto_shrink([false, false]).show(ui, |ui| {
        table(ui, view, query, &answers);
        matrix::show(ui, view);
        largest_disagreements(ui, view);
    });
}

/// The menu that explains the image by another method, with what each costs.
fn add_method(ui: &mut Ui, view: &mut View<'_>) {
    let ready = view.state.can_explain();
    let menu = ui.add_enabled_ui(ready.is_ok(), |ui| {
        ui.menu_button("Add a method", |ui| {
            ui.set_min_width(300.0);
            for method in methods() {
                let job = view.forms.job_with(&view.forms.settings_by(method.name()), view.state);
                let job = job.ok().map(|job| JobSpec::Attribute(Box::new(job)));
                let cost = format::cost_worth_knowing(job.and_then(|job| view.state.cost(job)));
                let title = method_title(method.name());
                let mut button = Button::new(&title);
                if let Some(cost) = &cost {
                    button = button.right_text(RichText::new(cost).font(theme::caption()));
                }
                let response = ui.add(button).accessible_name(named(&title, cost));
                if response.on_hover_text(capitalised(method.info().description)).clicked() {
                    view.out.push(Command::ExplainBy(method.name()));
                    ui.close();
                }
            }
        })
    });
    if let Err(reason) = ready {
        menu.response.on_disabled_hover_text(reason);
    }
}

/// One row per group, in the order of the reference, and one column per explanation.
fn table(ui: &mut Ui, view: &mut View<'_>, query: &Query, answers: &[&Explanation]) {
    let t = tokens(ui);
    let Some(reference) = query.reference() else { return };
    let columns = answers.len() as f32;
    let width = ((ui.available_width() - NAMES) / columns).max(NARROWEST);
    let (head, _) = ui.allocate_exact_size(vec2(NAMES + columns * width, HEAD), Sense::hover());
    let scales: Vec<Scale> = answers.iter().map(|a| Scale::of(a.ranking.rows.iter().map(|r| &r.estimate))).collect();
    for (i, answer) in answers.iter().enumerate() {
        let corner = pos2(head.left() + NAMES + i as f32 * width, head.top());
        let room = Rect::from_min_size(corner, vec2(width - 16.0, HEAD));
        ui.scope_builder(UiBuilder::new().id_salt(("column", answer.job)).max_rect(room), |ui| {
            column_head(ui, view, query, reference, answer);
        });
    }
    for row in &reference.ranking.rows {
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
            bar(ui, cell, own, scale, group, t);
            let score = format::signed(own.estimate.score, scale.decimals);
            let failed =
                own.failed().map_or_else(String::new, |why| format!(" (unlearning check failed: {})", failure(why)));
            words.push(format!("{} {score} {}{failed}", method_title(&answer.method), answer.unit().label()));
        }
        response.widget_info(|| {
            WidgetInfo::selected(egui::accesskit::Role::ListBoxOption, true, selected, words.join(", "))
        });
        if response.clicked() {
            view.out.push(Command::SelectGroup(if selected { None } else { row.group }));
        }
    }
}

/// A column's method, settings, unit and agreement with the reference, and what can be done with it.
fn column_head(ui: &mut Ui, view: &mut View<'_>, query: &Query, reference: &Explanation, answer: &Explanation) {
    let t = tokens(ui);
    ui.spacing_mut().item_spacing.y = 1.0;
    let name = title(answer, query);
    let shown = Some(answer.job) == query.selected;
    ui.add(Label::new(RichText::new(&name).color(t.strong)).truncate());
    let about = if answer.recipe.is_empty() {
        answer.settings.clone()
    } else {
        format!("{}; {}", answer.recipe, answer.settings)
    };
    let caption = |ui: &mut Ui, text: String, color| {
        ui.add(Label::new(RichText::new(text).font(theme::caption()).color(color)).truncate());
    };
    caption(ui, format!("{}, {about}", answer.unit().label()), t.weak);
    let is_reference = answer.job == reference.job;
    let text = match (spearman(reference, answer), same_top(reference, answer)) {
        _ if answer.complete.is_none() => format!("{} so far", format::plural(answer.ranking.rows.len(), "group")),
        _ if is_reference => "reference, sets the row order".to_owned(),
        (Some(rho), Some(same)) => {
            let top = if same { "same first group" } else { "another first group" };
            format!("Spearman ρ = {} vs. reference, {top}", correlation(rho))
        }
        _ => "no Spearman ρ: too few groups in common".to_owned(),
    };
    caption(ui, text, t.text);
    ui.horizontal(|ui| {
        ui.spacing_mut().button_padding = vec2(6.0, 1.0);
        ui.spacing_mut().interact_size.y = 20.0;
        ui.spacing_mut().item_spacing.x = 4.0;
        let small = |text: &str| Button::new(RichText::new(text).font(theme::caption()));
        let button = ui.add_enabled(!is_reference, small("Reference").selected(is_reference));
        let button = button.accessible_name(format!("Use {name} as the reference"));
        if button.on_hover_text("Order the rows by this result, and compare the others with it.").clicked() {
            view.out.push(Command::SetReference(answer.job));
        }
        let button = ui.add_enabled(!shown, small(if shown { "Shown" } else { "Show" }).selected(shown));
        let button = button.accessible_name(format!("Show {name} on all tabs"));
        if button.on_hover_text("Show this result on the other tabs and in reports.").clicked() {
            view.out.push(Command::SelectExplanation(answer.job));
        }
        let button = ui.add(small("Remove")).accessible_name(format!("Remove {name}"));
        if button.on_hover_text("Remove this result from the image. What was computed stays stored.").clicked() {
            view.out.push(Command::RemoveExplanation(answer.job));
        }
    });
}

/// A bar with its interval and score, and a warning where its model failed the unlearning check.
fn bar(ui: &Ui, cell: Rect, row: &Row, scale: &Scale, group: usize, t: &Tokens) {
    let painter = ui.painter();
    let (score, (low, high)) = (row.estimate.score, row.estimate.interval_95());
    let area = Rect::from_min_max(cell.min, pos2(cell.right() - 76.0, cell.bottom()));
    let x = |value: f64| area.left() + scale.position(value) * area.width();
    let (zero, end, middle) = (x(0.0), x(score), cell.center().y);
    painter.vline(zero, cell.y_range(), Stroke::new(1.0, t.line));
    let body = Rect::from_two_pos(pos2(zero, middle - 6.0), pos2(end, middle + 6.0));
    painter.rect_filled(body, 2.0, t.group(group));
    if low.is_finite() && high.is_finite() && high > low {
        // As in Explain: an edge keeps the interval visible on its own bar.
        for stroke in [Stroke::new(3.5, t.window), Stroke::new(1.5, t.strong)] {
            painter.hline(x(low)..=x(high), middle, stroke);
            for end in [x(low), x(high)] {
                painter.vline(end, middle - 4.0..=middle + 4.0, stroke);
            }
        }
    }
    if row.failed().is_some() {
        warning(painter, pos2(area.right() + 12.0, middle), t);
    }
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

/// The images with at least two explanations, the largest disagreement first.
fn largest_disagreements(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let found = disagreements(&view.state.queries);
    if found.is_empty() {
        return;
    }
    ui.add_space(16.0);
    ui.label(RichText::new("Largest disagreement (Spearman ρ)").color(t.strong))
        .on_hover_text("Images with at least two explanations, the lowest rank correlation between two of them first.");
    ui.horizontal(|ui| {
        for (key, rho) in found {
            let Some(query) = view.state.queries.iter().find(|q| q.key == key) else { continue };
            let q = &query.image;
            let texture = view.textures.get(ui.ctx(), TextureKey::Query(key), q.shape, &q.pixels);
            let caption = correlation(rho);
            let name = format!("{}: Spearman ρ = {caption}", q.name);
            let selected = view.state.current == Some(key);
            let shown = Tile { texture, name: &name, caption: Some(&caption), side: 84.0, selected, clickable: true };
            if tile(ui, &shown).on_hover_text(&name).clicked() {
                view.out.push(Command::SelectQuery(key));
            }
        }
    });
}
