//! How much each group made the picture more likely.

use egui::{Label, RichText, ScrollArea, Ui};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Answer, Job, Row, Slot, Stage};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Bar, Scale, bar, header};
use crate::attribution::{Made, methods};

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    super::notices(ui, view, &[Slot::Explain], 180.0);
    let state = view.state;
    let job = state.explaining();
    let Some(answer) = state.answer().filter(|a| a.board.stage != Stage::Empty) else {
        waiting(ui, view);
        return;
    };
    lead(ui, answer, job, state.groups().len());
    ui.add_space(8.0);
    ScrollArea::vertical().id_salt("ranking").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let board = &answer.board;
        if !board.rows.is_empty() {
            header(ui, measure(&answer.method), "nats");
            let scale = Scale::of(board.rows.iter().map(|r| &r.estimate));
            board.rows.iter().for_each(|row| line(ui, view, answer, row, &scale, false, None));
        }
        if !board.waiting.is_empty() {
            if !board.rows.is_empty() {
                ui.add_space(10.0);
            }
            header(ui, "Closed form, no network: a preview, on its own scale", "nats");
            let scale = Scale::of(board.waiting.iter().map(|r| &r.estimate));
            let curve = job.and_then(Job::unlearning);
            for row in &board.waiting {
                let busy = curve.filter(|c| row.group == Some(c.group)).and_then(|c| c.points.last()).map(|p| {
                    if p.step < p.steps { format!("step {} of {}", p.step, p.steps) } else { "scoring".into() }
                });
                line(ui, view, answer, row, &scale, true, busy.as_deref());
            }
        }
    });
}

/// What the numbers are.
fn measure(method: &str) -> &'static str {
    let made = methods().iter().find(|m| m.name() == method).map_or(Some(Made::Unlearned), |m| m.counterfactuals());
    match made {
        Some(Made::Unlearned) => "ELBO difference, unlearned (approximate), 95 % intervals",
        Some(Made::Retrained) => "ELBO difference, trained again (exact), 95 % intervals",
        None => "Likelihood difference, closed form, no network",
    }
}

/// The sentence that sums up, and how sure it is.
fn lead(ui: &mut Ui, answer: &Answer, job: Option<&Job>, groups: usize) {
    let t = tokens(ui);
    let board = &answer.board;
    let (sentence, about) = match board.stage {
        Stage::Complete => (
            board.verdict.clone(),
            format!(
                "By {}, {}. Zero: without the group the picture is as likely as before{}",
                answer.method,
                answer.settings,
                if board.rows.iter().any(|r| r.tied) {
                    ". A bracket joins groups that cannot be told apart"
                } else {
                    ""
                },
            ),
        ),
        Stage::Partial => {
            let known = board.rows.len();
            let first = board.rows.first().map_or("", |r| r.name.as_str());
            let about = if job.is_some() {
                "The order may change until all groups are unlearned"
            } else {
                "Stopped: the other groups were not unlearned"
            };
            (format!("{known} of {groups} groups unlearned; {first} leads so far"), about.to_owned())
        }
        Stage::Preview | Stage::Empty => {
            let about = if job.is_some() {
                "Closed form, no network: a preview. The unlearned models' scores replace it as they come"
            } else {
                "Closed form, no network: a preview. The explanation was stopped before the first group was unlearned"
            };
            let first = board.waiting.first().map_or("", |r| r.name.as_str());
            (format!("{first} is closest by pixel statistics"), about.to_owned())
        }
    };
    ui.add(Label::new(RichText::new(sentence).font(theme::lead()).color(t.strong)).wrap());
    ui.add(Label::new(RichText::new(about).font(theme::caption()).color(t.weak)).wrap());
}

fn line(ui: &mut Ui, view: &mut View<'_>, answer: &Answer, row: &Row, scale: &Scale, hollow: bool, busy: Option<&str>) {
    let group = row.group.unwrap_or(usize::MAX);
    let score = format::signed(row.estimate.score, scale.decimals);
    let (low, high) = row.estimate.interval_95();
    let interval = format!("{} to {}", format::signed(low, scale.decimals), format::signed(high, scale.decimals));
    let label = match hollow {
        true => format!("{}: {score} nats, closed form preview", row.name),
        false => {
            let tie = if row.tied { ", tied with the group above" } else { "" };
            format!("{}: {score} nats, 95 % interval {interval}, rank {}{tie}", row.name, row.rank)
        }
    };
    let selected = view.state.group.is_some() && view.state.group == row.group;
    let response = bar(
        ui,
        &Bar { group, name: &row.name, estimate: row.estimate, tied: row.tied, hollow, selected, busy, label: &label },
        scale,
    );
    if response.clicked() {
        view.out.push(Command::SelectGroup(row.group));
    }
    response.on_hover_ui(|ui| {
        ui.set_max_width(360.0);
        ui.strong(&row.name);
        let numel = view.state.query().map_or(1, |q| q.picture.shape.numel().max(1));
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
        if row.evaluations > 0 {
            ui.label(format!("{}, {}", format::plural(row.evaluations, "network evaluation"), answer.settings));
        }
    });
}

/// Nothing is known yet: says what will be here, or what is under way.
fn waiting(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (title, text) = match (view.state.explaining(), view.state.can_explain()) {
        (Some(_), _) => ("Explaining…", "The closed form's preview comes first, then one group after the other"),
        (None, Ok(())) => (
            "Which groups shaped this picture?",
            "Each group is unlearned from the model in turn. The bars show how much less likely the picture is without it",
        ),
        (None, Err(reason)) => ("Which groups shaped a picture?", reason),
    };
    ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
    super::empty(ui, text);
}
