//! The dialog before a long job: what it costs, cheaper settings, and which groups are scored.

use std::collections::BTreeSet;

use egui::{Button, Checkbox, Id, Label, Modal, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::View;
use super::score::method_title;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::forms::{Run, RunForm, Settings};
use crate::app::state::{ASK_ABOVE, Cost};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::swatch;
use whence_jobs::{Evidence, JobSpec};
use whence_methods::CounterfactualKind;

/// Width of the dialog, and height of the list of groups.
const WIDTH: f32 = 520.0;
const LIST_HEIGHT: f32 = 8.0 * ROW;
const ROW: f32 = 26.0;

/// Groups from which on the list can be searched.
const MANY: usize = 12;

/// Draws the dialog where it is open.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(mut form) = view.forms.run.take() else { return };
    let frame = egui::Frame::popup(ui.style()).inner_margin(24.0).corner_radius(10);
    let shown = Modal::new(Id::unique("run")).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(WIDTH);
        ui.label(RichText::new(title(view, &form.run)).font(theme::lead()).color(tokens(ui).strong));
        ui.add_space(GAP / 2.0);
        if !form.awaits_cost && is_long(view, &form.run) {
            let text = "This takes more than 5 minutes. Start it, or choose less below.";
            ui.add(Label::new(RichText::new(text).color(tokens(ui).text)).wrap());
            ui.add_space(GAP / 2.0);
        }
        match form.run {
            Run::Explanation(_) => {
                choices(ui, view, &mut form);
                ui.add_space(GAP / 2.0);
                groups(ui, view, &mut form);
            }
            Run::Evidence(..) => cost_line(ui, view, &form.run),
        }
        ui.add_space(GAP);
        buttons(ui, view, &form)
    });
    if shown.inner || shown.should_close() {
        view.out.push(Command::CloseRun);
    }
    view.forms.run = Some(form);
}

fn title(view: &View<'_>, run: &Run) -> String {
    let image = view.state.query().map_or("this image", |query| query.image.name.as_str());
    match run {
        Run::Explanation(_) => format!("Explain {}", format::cut(image, 40)),
        Run::Evidence(Evidence::Regenerate, _) => format!("Regenerate {}", format::cut(image, 40)),
        Run::Evidence(Evidence::Map, _) => format!("Map {}", format::cut(image, 40)),
        Run::Evidence(Evidence::MostAffected, _) => "Find the most affected images".into(),
        Run::Evidence(Evidence::Watch | Evidence::Known, _) => "Watch the unlearning".into(),
    }
}

/// The job's description; none where it cannot be done.
fn spec(view: &View<'_>, run: &Run) -> Option<JobSpec> {
    match run {
        Run::Explanation(settings) => {
            view.forms.job_with(settings, view.state).ok().map(|job| JobSpec::Attribute(Box::new(job)))
        }
        Run::Evidence(what, group) => {
            let job = view.forms.build_evidence_job(view.state, *what, *group).ok()?;
            Some(JobSpec::Evidence(Box::new(job)))
        }
    }
}

/// Whether the job would start only after this dialog.
fn is_long(view: &View<'_>, run: &Run) -> bool {
    let cost = spec(view, run).and_then(|spec| view.state.cost(spec));
    cost.is_some_and(|estimate| estimate.seconds > ASK_ABOVE)
}

/// The cost of a job in words.
fn cost_text(view: &View<'_>, run: &Run) -> String {
    let Some(spec) = spec(view, run) else { return "cannot be done now".into() };
    let known: Option<&Cost> = view.state.costs.of(spec);
    match known {
        Some(Ok(estimate)) if estimate.seconds < 0.5 => "results exist already".into(),
        Some(Ok(estimate)) => format::cost(estimate),
        Some(Err(_)) => "time not known".into(),
        None if view.state.active().is_some() => "time not known while another job runs".into(),
        None => "estimating…".into(),
    }
}

/// The settings in words.
fn settings_text(settings: &Settings) -> String {
    let mut text = method_title(&settings.method);
    if settings.counterfactual_kind().is_some() {
        text += &match settings.timesteps.trim().parse::<usize>() {
            _ if settings.stop => ", until the ranking is clear".to_owned(),
            Ok(evaluations) => format!(", {} per model", format::plural(evaluations, "evaluation")),
            Err(_) => format!(", timesteps {}", settings.timesteps.trim()),
        };
    }
    if settings.control_groups > 0 {
        text += &format!(", {}", format::plural(settings.control_groups, "random control group"));
    }
    if settings.confirm {
        text += ", repeated with another seed";
    }
    text
}

/// The settings that were asked for and cheaper ones, each with its cost.
fn choices(ui: &mut Ui, view: &View<'_>, form: &mut RunForm) {
    let t = tokens(ui);
    for settings in &form.choices {
        let run = Run::Explanation(Box::new(settings.clone()));
        let (text, cost) = (settings_text(settings), cost_text(view, &run));
        let chosen = form.run == run;
        ui.horizontal(|ui| {
            let radio = ui.radio(chosen, &text).accessible_name(format!("{text}: {cost}"));
            if radio.clicked() {
                form.awaits_cost = false;
                form.run = run.clone();
            }
            ui.add(Label::new(RichText::new(&cost).font(theme::caption()).color(t.weak)).truncate());
        });
    }
    let kind = match &form.run {
        Run::Explanation(settings) => settings.counterfactual_kind(),
        Run::Evidence(..) => None,
    };
    let about = match kind {
        Some(CounterfactualKind::Retrained) => "A model is trained without each group, from the start.",
        Some(CounterfactualKind::Unlearned) => "Each group is unlearned from the model; models that exist are used.",
        _ => "No model is made.",
    };
    ui.label(RichText::new(about).font(theme::caption()).color(t.weak));
    if let Some(Err(why)) = spec(view, &form.run).and_then(|spec| view.state.costs.of(spec)) {
        ui.add(Label::new(RichText::new(why).font(theme::caption()).color(t.warn)).wrap());
    }
}

fn cost_line(ui: &mut Ui, view: &View<'_>, run: &Run) {
    let text = format!("This takes {}. It can be paused and cancelled.", cost_text(view, run));
    ui.add(Label::new(RichText::new(text).color(tokens(ui).text)).wrap());
}

/// A checkbox per group, with All, None and a search.
fn groups(ui: &mut Ui, view: &mut View<'_>, form: &mut RunForm) {
    let t = tokens(ui);
    let names = view.state.groups();
    let excluded = &view.state.excluded_groups;
    let chosen = names.iter().filter(|name| !excluded.contains(*name)).count();
    ui.horizontal(|ui| {
        let text = format!("{} of {} groups", format::count(chosen), format::count(names.len()));
        ui.label(RichText::new(text).color(t.strong));
        if ui.button("All").on_hover_text("Score every group.").clicked() {
            view.out.push(Command::ExcludeGroups(BTreeSet::new()));
        }
        if ui.button("None").on_hover_text("Clear all checkboxes, to choose a few groups.").clicked() {
            view.out.push(Command::ExcludeGroups(names.iter().cloned().collect()));
        }
        if names.len() > MANY {
            let field = TextEdit::singleline(&mut form.search).hint_text("Search groups").desired_width(160.0);
            ui.add(field).accessible_name("Search groups");
        }
    });
    let letters = form.search.trim().to_lowercase();
    let found: Vec<usize> = names
        .iter()
        .enumerate()
        .filter(|(_, name)| letters.is_empty() || name.to_lowercase().contains(&letters))
        .map(|(index, _)| index)
        .collect();
    if found.is_empty() {
        ui.label(RichText::new("No matches").color(t.weak));
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    ScrollArea::vertical().id_salt("groups to score").max_height(LIST_HEIGHT).auto_shrink([false, true]).show_rows(
        ui,
        ROW,
        found.len(),
        |ui, range| {
            for group in found.get(range).unwrap_or_default() {
                let Some(name) = names.get(*group) else { continue };
                let mut on = !excluded.contains(name);
                ui.horizontal(|ui| {
                    ui.set_min_height(ROW);
                    let (rect, _) = ui.allocate_exact_size(vec2(14.0, 18.0), egui::Sense::hover());
                    swatch(ui.painter(), rect.center(), 5.0, *group, t);
                    let response = ui.add(Checkbox::new(&mut on, format::cut(name, 60)));
                    if response.accessible_name(format!("Score {name}")).changed() {
                        let mut excluded = excluded.clone();
                        if on {
                            excluded.remove(name)
                        } else {
                            excluded.insert(name.clone())
                        };
                        view.out.push(Command::ExcludeGroups(excluded));
                    }
                });
            }
        },
    );
    ui.add_space(4.0);
    ui.label(
        RichText::new("Scores of the chosen groups do not depend on the others.").font(theme::caption()).color(t.weak),
    );
}

/// Start and Cancel. Returns whether the dialog is to close.
fn buttons(ui: &mut Ui, view: &mut View<'_>, form: &RunForm) -> bool {
    let t = tokens(ui);
    let ready = match form.run {
        Run::Explanation(_) => view.state.can_explain(),
        Run::Evidence(..) => view.state.can_compute_evidence(),
    };
    let mut close = false;
    ui.horizontal(|ui| {
        let (fill, ink) = if ready.is_ok() { (t.strong, t.window) } else { (t.control, t.weak) };
        let button = Button::new(RichText::new("Start").color(ink)).fill(fill).min_size(vec2(160.0, 30.0));
        let start = ui.add_enabled(ready.is_ok(), button);
        if start.on_disabled_hover_text(ready.err().unwrap_or_default()).clicked() {
            view.out.push(Command::StartRun);
        }
        close = ui.button("Cancel").on_hover_text("Start nothing. The chosen groups stay chosen.").clicked();
        if let Err(reason) = ready {
            ui.label(RichText::new(reason).font(theme::caption()).color(t.weak));
        } else if form.awaits_cost {
            let text = "Starts by itself where it takes less than 5 minutes.";
            ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
        }
    });
    close
}
