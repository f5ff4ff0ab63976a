//! One group's row in the ranking, and what the pointer finds there.

use egui::{RichText, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Answer, Row};
use crate::app::theme::tokens;
use crate::app::widgets::{Bar, Scale, bar};
use whence_methods::{CounterfactualKind, methods};
use whence_training::unlearning::{Forgetting, Judgement, Rest};

/// What scores of unlearned models can say.
pub const OVERSHOOTS: &str = "Unlearning removes more than retraining would: compare groups, not nats";

/// How a method's models without a group are made.
pub fn made(method: &str) -> Option<CounterfactualKind> {
    methods().iter().find(|m| m.name() == method).map_or(Some(CounterfactualKind::Unlearned), |m| m.counterfactuals())
}

/// Why a model failed its check, in a few words.
pub fn failure(judgement: &Judgement) -> &'static str {
    match (judgement.forgetting, judgement.rest) {
        (Forgetting::ForgotTooLittle, Rest::Kept) => "forgot too little",
        (Forgetting::ForgotTooLittle, Rest::Damaged) => "forgot too little and damaged the others",
        (_, Rest::Damaged) => "damaged the others",
        _ => "not passed",
    }
}

/// Draws a row. `hollow`: a preview. `busy`: what is happening to it.
pub fn line(
    ui: &mut Ui,
    view: &mut View<'_>,
    answer: &Answer,
    row: &Row,
    scale: &Scale,
    hollow: bool,
    busy: Option<&str>,
) {
    let group = row.group.unwrap_or(usize::MAX);
    let score = format::signed(row.estimate.score, scale.decimals);
    let (low, high) = row.estimate.interval_95();
    let interval = format!("{} to {}", format::signed(low, scale.decimals), format::signed(high, scale.decimals));
    let failed = row.failed().map(failure);
    let label = match hollow {
        true => format!("{}: {score} nats, closed form preview", row.name),
        false => {
            let tie = if row.tied { ", tied with the group above" } else { "" };
            let behind = if row.left_behind() { ", left behind early" } else { "" };
            let failed = failed.map_or_else(String::new, |why| format!(", model failed its check: {why}"));
            format!("{}: {score} nats, 95 % interval {interval}, rank {}{tie}{behind}{failed}", row.name, row.rank)
        }
    };
    let selected = view.state.group.is_some() && view.state.group == row.group;
    let shown = Bar {
        group,
        name: &row.name,
        estimate: row.estimate,
        tied: row.tied,
        hollow,
        dimmed: row.left_behind(),
        warned: failed.is_some(),
        selected,
        busy,
        label: &label,
    };
    let response = bar(ui, &shown, scale);
    if response.clicked() {
        view.out.push(Command::SelectGroup(row.group));
    }
    response.on_hover_ui(|ui| {
        ui.set_max_width(360.0);
        ui.strong(&row.name);
        let numel = view.state.query().map_or(1, |q| q.image.shape.numel().max(1));
        let bits = row.estimate.score / (std::f64::consts::LN_2 * numel as f64);
        ui.label(format!("{score} nats, {} bits per dimension", format::signed(bits, 5)));
        if hollow {
            ui.label("Closed form, no network: a preview");
            return;
        }
        ui.label(format!("95 % interval {interval} nats"));
        if row.tied {
            ui.label("Cannot be told apart from the group above");
        }
        if row.left_behind() {
            ui.label("Left behind early: no more evaluations");
        }
        let null = answer.board.null.as_ref();
        if let Some(more) = null.and_then(|n| n.allowances.get(&row.name)).filter(|_| !hollow) {
            let more = format::signed(*more, scale.decimals);
            ui.label(format!("Its model harms other images too: it stands out from {more} nats beyond the line on"));
        }
        if row.evaluations > 0 {
            ui.label(format!("{}, {}", format::plural(row.evaluations, "network evaluation"), answer.settings));
        }
        if let Some(judgement) = &row.gate {
            ui.separator();
            check(ui, judgement, &row.name);
        }
        if made(&answer.method) == Some(CounterfactualKind::Unlearned) {
            ui.separator();
            ui.weak(OVERSHOOTS);
        }
    });
}

/// What a group's model forgot and kept, with the numbers.
pub fn check(ui: &mut Ui, judgement: &Judgement, group: &str) {
    let t = tokens(ui);
    let (text, color) = if judgement.passed() {
        ("Its model passed its check", t.text)
    } else {
        ("Its model failed its check", t.warn)
    };
    ui.label(RichText::new(text).color(color));
    ui.label(format!("It {}", judgement.sentence(group)));
    let Judgement { forget, others, .. } = judgement;
    let error = |what: &str, before: f64, after: f64| format!("{what}: {before:.4} before, {after:.4} after");
    ui.weak(error("Error on its held-out images", forget.before, forget.after));
    if let Some(rise) = judgement.retrained_rise {
        ui.weak(error("Trained again without it", forget.before, forget.before * (1.0 + rise)));
    }
    ui.weak(error("Error on the others", others.before, others.after));
}
