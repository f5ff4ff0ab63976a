//! How much each group made the image more likely.

use egui::{Label, RichText, ScrollArea, Ui};

use super::View;
use super::score::{self, failure, line, made};
use crate::app::format;
use crate::app::state::{Answer, Job, JobStatus, Slot, Stage};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Scale, floor, header};
use whence_methods::{CounterfactualKind, NullTest, methods};

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
            let head = header(ui, measure(&answer.method), "nats");
            if made(&answer.method) == Some(CounterfactualKind::Unlearned) {
                head.on_hover_text(score::OVERSHOOTS);
            }
            let mut scale = Scale::of(board.rows.iter().map(|r| &r.estimate));
            if let Some(null) = &board.null {
                // As far below the random groups' mean as above.
                scale = scale.with_floor(2.0 * null.mean - null.threshold, null.threshold);
                reach(ui, null, &scale);
            }
            board.rows.iter().for_each(|row| line(ui, view, answer, row, &scale, false, None));
        }
        if !board.waiting.is_empty() {
            if !board.rows.is_empty() {
                ui.add_space(10.0);
            }
            header(ui, "Closed form, no network: a preview, on its own scale", "nats");
            let scale = Scale::of(board.waiting.iter().map(|r| &r.estimate));
            for row in &board.waiting {
                let busy = job.and_then(|job| course(job, row.group?));
                line(ui, view, answer, row, &scale, true, busy.as_deref());
            }
        }
    });
}

/// What the numbers are.
fn measure(method: &str) -> &'static str {
    methods().iter().find(|m| m.name() == method).map_or("", |m| m.info().caption)
}

/// What is happening to a group's model, or has happened.
fn course(job: &Job, group: usize) -> Option<String> {
    let last = job.curves.iter().rfind(|c| c.group == group)?.points.last()?;
    let current = job.unlearning().is_some_and(|c| c.group == group);
    match (current, last.step < last.steps) {
        (true, true) => Some(format!("step {} of {}", last.step, last.steps)),
        (true, false) => Some("scoring".into()),
        (false, false) => Some("unlearned".into()),
        (false, true) => None,
    }
}

/// How far random groups reach.
fn reach(ui: &mut Ui, null: &NullTest, scale: &Scale) {
    let nats = |value| format::signed(value, scale.decimals);
    let text = "random groups could reach up to here";
    let label = format!("{text}: {} nats", nats(null.threshold));
    let Some(caption) = floor(ui, text, &label, scale) else { return };
    caption.on_hover_ui(|ui| {
        ui.set_max_width(360.0);
        ui.strong(format!("Random groups could reach up to {} nats", nats(null.threshold)));
        ui.label(format!(
            "{} of images taken at random were unlearned in the same way. They score {} nats on average, {} give or take",
            format::plural(null.scores.len(), "group"),
            nats(null.mean),
            nats(null.sd).trim_start_matches('+'),
        ));
        let share = if null.references > 0 { "one image in twenty" } else { "about one image in six" };
        ui.label(format!("By chance alone, some group passes this line for {share}"));
    });
}

/// The sentence that sums up, and how sure it is.
fn lead(ui: &mut Ui, answer: &Answer, job: Option<&Job>, groups: usize) {
    let t = tokens(ui);
    let board = &answer.board;
    let (sentence, about) = match board.stage {
        Stage::Complete => (
            board.verdict.clone(),
            format!(
                "By {}, {}. Zero: without the group the image is as likely as before{}{}",
                answer.method,
                answer.settings,
                said(board.rows.iter().any(|r| r.tied), ". A bracket joins groups that cannot be told apart"),
                said(board.rows.iter().any(|r| r.left_behind()), ". Dim: left behind early"),
            ),
        ),
        Stage::Partial => {
            let known = board.rows.len();
            let first = board.rows.first().map_or("", |r| r.name.as_str());
            if known >= groups {
                let searching = board.rows.iter().any(|r| r.side.is_some());
                let about = match (job.is_some(), searching) {
                    (true, true) => "All groups are unlearned. Those that may still lead are measured further",
                    (true, false) => "All groups are scored. What follows are checks of these scores",
                    (false, _) => "Stopped before all was measured and checked",
                };
                (format!("{first} leads so far"), about.to_owned())
            } else {
                let about = if job.is_some() {
                    "The order may change until all groups are unlearned"
                } else {
                    "Stopped: the other groups were not unlearned"
                };
                (format!("{known} of {groups} groups unlearned; {first} leads so far"), about.to_owned())
            }
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
    let caption = |ui: &mut Ui, text: &str, color| {
        ui.add(Label::new(RichText::new(text).font(theme::caption()).color(color)).wrap());
    };
    ui.add(Label::new(RichText::new(sentence).font(theme::lead()).color(t.strong)).wrap());
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        if let Some((row, judgement)) = board.rows.first().and_then(|r| Some((r, r.failed()?))) {
            let name = format::cut(&row.name, 40);
            caption(ui, &format!("The model without {name} failed its check: {}", failure(judgement)), t.warn);
        }
        board.trust.iter().for_each(|sentence| caption(ui, sentence, t.text));
        caption(ui, &about, t.weak);
    });
}

fn said(is: bool, words: &'static str) -> &'static str {
    if is { words } else { "" }
}

/// Nothing is known yet: says what will be here, or what is under way.
fn waiting(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (title, text) = match (view.state.explaining(), view.state.can_explain()) {
        (Some(job), _) if job.status == JobStatus::Paused => {
            ("Paused", "Resume the explanation below, or in the list of jobs")
        }
        (Some(job), _) if view.state.active().is_some_and(|active| active.id != job.id) => {
            ("In the queue", "This image's turn comes after the jobs before it")
        }
        (Some(_), _) => ("Explaining…", "The closed form's preview comes first, then one group after the other"),
        (None, Ok(())) => (
            "Which groups shaped this image?",
            "Each group is unlearned from the model in turn. The bars show how much less likely the image is without it",
        ),
        (None, Err(reason)) => ("Which groups shaped an image?", reason),
    };
    ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
    super::empty(ui, text);
}
