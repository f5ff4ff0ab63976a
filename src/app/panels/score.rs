//! One group's row in the ranking, and its tooltip.

use egui::{Rect, RectAlign, Response, RichText, Tooltip, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::state::{Explanation, Row, State};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Bar, Scale, bar};
use crate::app::{bidi, format};
use whence_methods::{CounterfactualKind, Unit, methods};
use whence_training::unlearning::{Forgetting, Judgement, Retention};

/// Caveat of scores of unlearned models.
pub const OVERSHOOTS: &str = "Unlearning overshoots retraining: trust the order, not the absolute values.";

/// How the counterfactual models of a method are created; none where it needs none.
pub fn counterfactuals_of(method: &str) -> Option<CounterfactualKind> {
    methods().iter().find(|m| m.name() == method).map_or(Some(CounterfactualKind::Unlearned), |m| m.counterfactuals())
}

/// A method's name on screen; the name itself for one that has no title here.
pub fn method_title(name: &str) -> String {
    methods().iter().find(|m| m.name() == name).map_or_else(|| name.to_owned(), |m| m.info().title.to_owned())
}

/// A text with a capital first letter.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// The unlearning check in a phrase: by how much the errors rose on the group and on the others, and whether it passed.
pub fn check_summary(judgement: &Judgement, group: &str) -> String {
    let percent = |rise: f64| {
        let digits = if rise.abs() < 0.095 { 1 } else { 0 };
        format!("{}%", format::signed(100.0 * rise, digits))
    };
    let retrained =
        judgement.retrained_rise.map_or_else(String::new, |rise| format!(" (retrained: {})", percent(rise)));
    let verdict =
        if judgement.passed() { "check passed".to_owned() } else { format!("check failed: {}", failure(judgement)) };
    let (own, others) = (percent(judgement.forget.rise), percent(judgement.others.rise));
    let group = bidi::isolate(group);
    format!("error on {group} {own}{retrained}, on other groups {others} ({verdict})")
}

/// Share of the pixel range below which an image counts as hardly changed.
const LITTLE: f64 = 0.06;

/// What it means where the selected group has a high score and the image regenerated without it looks much the same; none
/// elsewhere. Readers take the two for a contradiction.
pub fn little_change(state: &State) -> Option<String> {
    let (query, group) = (state.query()?, state.group?);
    let ranking = &query.explanation()?.ranking;
    let row = ranking.rows.iter().find(|r| r.group == Some(group))?;
    let top = ranking.rows.first()?.estimate.score;
    let high = row.estimate.score > 0.0 && row.estimate.score >= 0.5 * top && row.estimate.interval_95().0 > 0.0;
    let change = query.evidence.change(&query.image.pixels, group).filter(|c| high && *c < LITTLE)?;
    Some(format!(
        "The score of {} is high, but the image changed little when it was regenerated without the group ({:.0}% pixel \
         change): the group made this image more likely, and other groups can produce much of the same look.",
        bidi::isolate(&row.name),
        100.0 * change
    ))
}

/// Why a model failed the unlearning check, in a few words.
pub fn failure(judgement: &Judgement) -> &'static str {
    match (judgement.forgetting, judgement.retention) {
        (Forgetting::ForgotTooLittle, Retention::Retained) => "forgot too little",
        (Forgetting::ForgotTooLittle, Retention::Damaged) => "forgot too little and also harmed other groups",
        (_, Retention::Damaged) => "also harmed other groups",
        _ => "not passed",
    }
}

/// Draws a row. `hollow` marks a preview; `busy` replaces the score while the model is being created.
pub fn line(
    ui: &mut Ui,
    view: &mut View<'_>,
    explanation: &Explanation,
    row: &Row,
    scale: &Scale,
    hollow: bool,
    busy: Option<&str>,
) {
    let group = row.group.unwrap_or(usize::MAX);
    let score = format::signed(row.estimate.score, scale.decimals);
    let (low, high) = row.estimate.interval_95();
    let interval = format!("{} to {}", format::signed(low, scale.decimals), format::signed(high, scale.decimals));
    // The preview is by the closed form, whatever the method.
    let unit = if hollow { Unit::Nats } else { explanation.unit() };
    let failed = row.failed().map(failure);
    let label = match hollow {
        true => format!("{}: {score} nats, preview", row.name),
        false => {
            let tie = if row.tied { ", tied with the group above" } else { "" };
            let behind = if row.is_eliminated() { ", eliminated early" } else { "" };
            let failed = failed.map_or_else(String::new, |why| format!(", unlearning check failed: {why}"));
            format!(
                "{}: {score} {}, 95% confidence interval {interval}, rank {}{tie}{behind}{failed}",
                row.name,
                unit.label(),
                row.rank
            )
        }
    };
    let selected = view.state.group.is_some() && view.state.group == row.group;
    let shown = Bar {
        group,
        name: &row.name,
        estimate: row.estimate,
        tied: row.tied,
        hollow,
        dimmed: row.is_eliminated(),
        warned: failed.is_some(),
        selected,
        busy,
        label: &label,
    };
    let response = bar(ui, &shown, scale);
    if response.clicked() {
        view.out.push(Command::SelectGroup(row.group));
    }
    beside(ui, &response, |ui| {
        ui.set_max_width(300.0);
        ui.strong(bidi::display(&row.name));
        if unit == Unit::Nats {
            let numel = view.state.query().map_or(1, |q| q.image.shape.numel().max(1));
            let bits = row.estimate.score / (std::f64::consts::LN_2 * numel as f64);
            ui.label(format!("{score} nats, {} bits per dimension", format::signed(bits, 5)));
        } else {
            ui.label(format!("{score} {}", unit.label()));
        }
        if hollow {
            ui.label("Quick preview: Gaussian fit, no neural network.");
            return;
        }
        ui.label(format!("95% confidence interval {interval} {}", unit.label()));
        if row.tied {
            ui.label("Statistically tied with the group above");
        }
        if row.is_eliminated() {
            ui.label("Eliminated early: no further evaluations");
        }
        let null = explanation.ranking.null.as_ref();
        if let Some(more) = null.and_then(|n| n.allowances.get(&row.name)).filter(|_| !hollow) {
            let more = format::signed(*more, scale.decimals);
            ui.label(format!("Its unlearned model also harms other images: its score is significant only {more} nats beyond the line."));
        }
        if row.evaluations > 0 {
            ui.label(format::plural(row.evaluations, "network evaluation"));
        }
        if let Some(judgement) = &row.gate {
            ui.separator();
            check(ui, judgement, &row.name);
        }
        if counterfactuals_of(&explanation.method) == Some(CounterfactualKind::Unlearned) {
            ui.separator();
            ui.weak(OVERSHOOTS);
        }
    });
}

/// Shows a tooltip beside the panel that the widget is in, where it covers no other row.
pub fn beside(ui: &Ui, response: &Response, content: impl FnOnce(&mut Ui)) {
    let row = response.rect;
    // At the left of the whole panel, or at its right where the window has no room there.
    let panel = Rect::from_x_y_ranges(ui.clip_rect().x_range(), row.y_range());
    let mut tooltip = Tooltip::for_enabled(response).gap(theme::GAP);
    tooltip.popup = tooltip.popup.anchor(panel).align(RectAlign::LEFT_START).align_alternatives(&[
        RectAlign::LEFT_END,
        RectAlign::RIGHT_START,
        RectAlign::RIGHT_END,
    ]);
    tooltip.show(content);
}

/// The unlearning check of a group's model, with the errors before and after.
pub fn check(ui: &mut Ui, judgement: &Judgement, group: &str) {
    let t = tokens(ui);
    let (text, color) =
        if judgement.passed() { ("Unlearning check: passed", t.text) } else { ("Unlearning check: failed", t.warn) };
    ui.label(RichText::new(text).color(color));
    ui.label(bidi::display(&format!("{}.", capitalised(&check_summary(judgement, group)))));
    let Judgement { forget, others, .. } = judgement;
    let error = |what: &str, before: f64, after: f64| format!("{what}: {before:.4} before, {after:.4} after");
    ui.weak(error("Error on held-out images of the group", forget.before, forget.after));
    if let Some(rise) = judgement.retrained_rise {
        ui.weak(error("Retrained without the group", forget.before, forget.before * (1.0 + rise)));
    }
    ui.weak(error("Error on other groups", others.before, others.after));
}
