//! The ranking of the groups by score.

use egui::{Label, RichText, ScrollArea, Ui};

use super::View;
use super::score::{self, counterfactuals_of, failure, line, method_title};
use crate::app::state::{Explanation, Job, JobStatus, Stage};
use crate::app::theme::{self, tokens};
use crate::app::widgets::{Scale, control_caption, header};
use crate::app::{bidi, format};
use whence_methods::{CounterfactualKind, NullTest, Unit, methods};

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let state = view.state;
    let Some(answer) = state.explanation().filter(|a| a.ranking.stage != Stage::Empty) else {
        placeholder(ui, view);
        return;
    };
    let job = state.job_of(answer);
    if view.shell.presenting {
        let method = RichText::new(method_title(&answer.method)).font(theme::caption());
        ui.label(method.color(tokens(ui).weak));
    } else {
        super::result::switch(ui, view, "ranking");
    }
    ui.add_space(4.0);
    // The sentence is about the groups that were asked about.
    let asked = answer.request.as_ref().map_or(0, |request| request.groups.len());
    headline(ui, view, answer, job, if asked > 0 { asked } else { state.groups().len() });
    ui.add_space(8.0);
    ScrollArea::vertical().id_salt("ranking").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let board = &answer.ranking;
        // All rows are visible where there is room, and grow where there is more.
        let headers = 24.0 * (1 + usize::from(board.null.is_some())) as f32;
        let rows = board.rows.len() + board.waiting.len();
        let split = if board.rows.is_empty() || board.waiting.is_empty() { 0.0 } else { 34.0 };
        let room = ui.available_height() - headers - split - 2.0 * rows as f32;
        if !board.rows.is_empty() {
            let head = header(ui, measure(&answer.method), answer.unit().label());
            if counterfactuals_of(&answer.method) == Some(CounterfactualKind::Unlearned) {
                head.on_hover_text(score::OVERSHOOTS);
            }
            let mut scale = Scale::of(board.rows.iter().map(|r| &r.estimate)).with_room(room, rows);
            if let Some(null) = &board.null {
                // The band is symmetric around the mean of the random control groups.
                scale = scale.with_control_range(2.0 * null.mean - null.threshold, null.threshold);
                null_threshold(ui, null, &scale);
            }
            for row in &board.rows {
                line(ui, view, answer, row, &scale, false, None);
            }
        }
        if !board.waiting.is_empty() {
            if board.rows.is_empty() {
                header(ui, PREVIEW, "nats");
            } else {
                ui.add_space(10.0);
                header(ui, &format!("{PREVIEW}; not comparable with the scores above"), "nats");
            }
            let scale = Scale::of(board.waiting.iter().map(|r| &r.estimate)).with_room(room, rows);
            for row in &board.waiting {
                let busy = job.and_then(|job| model_progress(job, row.group?));
                line(ui, view, answer, row, &scale, true, busy.as_deref());
            }
        }
    });
}

/// Caption of the rows that are scored by the closed form while the models are being computed.
const PREVIEW: &str = "Quick preview (Gaussian fit, no neural network)";

/// What the scores measure.
fn measure(method: &str) -> &'static str {
    methods().iter().find(|m| m.name() == method).map_or("", |m| m.info().caption)
}

/// The progress of a group's unlearned model: its step, or what comes after.
fn model_progress(job: &Job, group: usize) -> Option<String> {
    let last = job.curves.iter().rfind(|c| c.group == group)?.points.last()?;
    let current = job.unlearning().is_some_and(|c| c.group == group);
    match (current, last.step < last.steps) {
        (true, true) => Some(format!("step {} of {}", last.step, last.steps)),
        (true, false) => Some("scoring".into()),
        (false, false) => Some("unlearned".into()),
        (false, true) => None,
    }
}

/// The line up to which random control groups score.
fn null_threshold(ui: &mut Ui, null: &NullTest, scale: &Scale) {
    let nats = |value| format::signed(value, scale.decimals);
    let text = "random control groups score up to here";
    let label = format!("{text}: {} nats", nats(null.threshold));
    let Some(caption) = control_caption(ui, text, &label, scale) else { return };
    caption.on_hover_ui(|ui| {
        ui.set_max_width(360.0);
        ui.strong(format!("Random control groups score up to {} nats", nats(null.threshold)));
        ui.label(format!(
            "{} of randomly drawn training images were unlearned in the same way. Their scores have mean {} nats and standard \
             deviation {}.",
            format::plural(null.scores.len(), "group"),
            nats(null.mean),
            nats(null.sd).trim_start_matches('+'),
        ));
        let share = if null.references > 0 { "one image in twenty" } else { "about one image in six" };
        ui.label(format!("By chance alone, some group exceeds this line for {share}."));
    });
}

/// The headline, and how certain it is.
fn headline(ui: &mut Ui, view: &mut View<'_>, answer: &Explanation, job: Option<&Job>, groups: usize) {
    let t = tokens(ui);
    let board = &answer.ranking;
    let (sentence, about) = match board.stage {
        Stage::Complete => (
            score::capitalised(&board.verdict),
            format!(
                "{}, {}.{}{}{}",
                method_title(&answer.method),
                answer.settings,
                text_if(answer.unit() == Unit::Nats, " At 0, removing the group makes no difference."),
                text_if(board.rows.iter().any(|r| r.tied), " Brackets mark groups that are statistically tied."),
                text_if(board.rows.iter().any(|r| r.is_eliminated()), " Dimmed groups were eliminated early."),
            ),
        ),
        Stage::Partial => {
            let known = board.rows.len();
            let first = board.rows.first().map_or("", |r| r.name.as_str());
            if known >= groups {
                let searching = board.rows.iter().any(|r| r.side.is_some());
                let about = match (job.is_some(), searching) {
                    (true, true) => "All groups are scored. Those that may still rank first are evaluated further.",
                    (true, false) => "All groups are scored. The checks of these scores follow.",
                    (false, _) => "Stopped before all scores were complete and checked.",
                };
                (format!("\u{201c}{first}\u{201d} ranks first so far"), about.to_owned())
            } else {
                let about = if job.is_some() {
                    "The order may change until all groups are scored."
                } else {
                    "Stopped: the other groups were not scored."
                };
                (
                    format!("{known} of {groups} groups scored; \u{201c}{first}\u{201d} ranks first so far"),
                    about.to_owned(),
                )
            }
        }
        Stage::Preview | Stage::Empty => {
            let about = if job.is_some() {
                "Gaussian fit, no neural network. The models' scores replace this preview one by one."
            } else {
                "Gaussian fit, no neural network. The explanation was stopped before the first group was scored."
            };
            let first = board.waiting.first().map_or("", |r| r.name.as_str());
            (format!("Preview: \u{201c}{first}\u{201d} is the best match by pixel statistics"), about.to_owned())
        }
    };
    let caption = |ui: &mut Ui, text: &str, color| {
        ui.add(Label::new(RichText::new(bidi::display(text)).font(theme::caption()).color(color)).wrap());
    };
    ui.add(Label::new(RichText::new(bidi::display(&sentence)).font(theme::lead()).color(t.strong)).wrap());
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        if let Some((row, judgement)) = board.rows.first().and_then(|r| Some((r, r.failed()?))) {
            let name = format::cut(&row.name, 40);
            caption(ui, &format!("The unlearned model of {name} failed its check: {}.", failure(judgement)), t.warn);
        }
        board.trust.iter().for_each(|sentence| caption(ui, sentence, t.text));
        if let Some(sentence) = score::little_change(view.state) {
            caption(ui, &sentence, t.text);
        }
        if !view.shell.presenting {
            caption(ui, &about, t.weak);
            // In a small window the bars need the room; the help has the same words.
            if ui.available_height() > ROOMY {
                super::glossary::questions(ui, view);
            }
        }
    });
}

/// Height below the headline from which on there is room for more than the bars, points.
const ROOMY: f32 = 260.0;

fn text_if(condition: bool, text: &'static str) -> &'static str {
    if condition { text } else { "" }
}

/// Shown before anything is known: what will be here, or what is running.
fn placeholder(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let (title, text) = match (view.state.explaining(), view.state.can_explain()) {
        (Some(job), _) if job.status == JobStatus::Paused => {
            ("Paused", "Resume the explanation below, or in the job list.")
        }
        (Some(job), _) if view.state.active().is_some_and(|active| active.id != job.id) => {
            ("In the queue", "This image is explained after the jobs before it.")
        }
        (Some(_), _) => ("Explaining…", "A quick preview comes first, then the score of each group."),
        (None, Ok(())) => (
            "Which groups shaped this image?",
            "Each group in turn is unlearned from the model. The bars show how much less likely the image becomes without it.",
        ),
        (None, Err(reason)) => ("Which groups shaped an image?", reason),
    };
    ui.label(RichText::new(title).font(theme::lead()).color(t.strong));
    super::empty(ui, text);
}
