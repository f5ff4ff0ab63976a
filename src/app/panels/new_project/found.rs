//! What was found of the parts of a new project.

use egui::{ComboBox, DragValue, Grid, RichText, ScrollArea, Ui};

use super::note;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::forms::{CostEstimate, NewProjectForm};
use crate::app::panels::View;
use crate::app::projects::ProjectCommand;
use crate::app::theme::{self, tokens};

/// Height of the list of groups.
const LIST: f32 = 112.0;
/// Skipped items that are named.
const NAMED: usize = 4;

/// What the model is.
pub fn model(ui: &mut Ui, form: &NewProjectForm) {
    match &form.inspection.model {
        None => note(ui, "A diffusers folder with a config.json.", false),
        Some(Err(text)) => note(ui, text, true),
        Some(Ok(facts)) => {
            let colour = if facts.shape.channels == 1 { "greyscale" } else { "colour" };
            let classes = facts.classes.map_or_else(String::new, |n| format!(", {n} classes"));
            let text = format!(
                "{}, {} × {}, {colour}, {} parameters, {} timesteps{classes}",
                facts.architecture,
                facts.shape.width,
                facts.shape.height,
                format::count(facts.parameters),
                format::count(facts.timesteps),
            );
            note(ui, &text, false);
        }
    }
}

/// What the dataset holds, or how far it is read.
pub fn dataset(ui: &mut Ui, view: &mut View<'_>) {
    let form = &view.forms.new_project;
    if let Some(look) = &form.inspecting {
        let (done, total) = look.progress;
        let text = match (form.parts().data.is_some(), total) {
            (false, _) => "Reading the model…".to_owned(),
            (true, 0) => "Reading the images…".to_owned(),
            (true, total) => format!("Reading images, {} of {}…", format::count(done), format::count(total)),
        };
        super::below(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(text).font(theme::caption()).color(tokens(ui).weak));
                if ui.small_button("Stop").on_hover_text("Stop reading these images.").clicked() {
                    view.out.push(Command::Project(ProjectCommand::StopInspecting));
                }
            });
        });
        return;
    }
    if form.is_stopped() {
        note(ui, "Reading was stopped. The images are checked when the project is made.", false);
    }
    match &form.inspection.data {
        None if form.is_stopped() => {}
        None => note(ui, "A folder with one folder of images per group, or a parquet file.", false),
        Some(Err(text)) => note(ui, text, true),
        Some(Ok(facts)) => {
            let mut text = format!(
                "{} in {}.",
                format::plural(facts.images, "image"),
                format::plural(facts.groups.len(), "group")
            );
            if facts.resized > 0
                && let Some(model) = form.model_facts()
            {
                let which = match facts.resized == facts.images {
                    true if facts.images == 1 => "It is".to_owned(),
                    true => "All are".to_owned(),
                    false if facts.resized == 1 => "1 is".to_owned(),
                    false => format!("{} are", format::count(facts.resized)),
                };
                text += &format!(" {which} cropped and resized to {} × {}.", model.shape.width, model.shape.height);
            }
            note(ui, &text, false);
            if !facts.skipped.is_empty() {
                let named: Vec<String> =
                    facts.skipped.iter().take(NAMED).map(|s| format!("{} ({})", s.name, s.reason)).collect();
                let more = facts.skipped.len().saturating_sub(NAMED);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                let what = format::plural(facts.skipped.len(), "item");
                note(ui, &format!("{what} cannot be used: {}{more}.", named.join(", ")), false);
            }
            facts.notes.iter().for_each(|text| note(ui, text, false));
            if !form.needs_classes() {
                groups(ui, &facts.groups);
            }
        }
    }
}

/// The groups with their numbers of images, in two columns.
fn groups(ui: &mut Ui, groups: &[(String, usize)]) {
    let t = tokens(ui);
    super::below(ui, |ui| {
        ScrollArea::vertical()
            .id_salt("groups of the new project")
            .max_height(LIST)
            .min_scrolled_height(LIST)
            .show_rows(ui, 18.0, groups.len().div_ceil(2), |ui, rows| {
                Grid::new("groups of the new project").num_columns(4).min_row_height(18.0).striped(false).show(
                    ui,
                    |ui| {
                        for pair in groups.chunks(2).skip(rows.start).take(rows.len()) {
                            for (name, images) in pair {
                                ui.label(RichText::new(format::cut(name, 30)).font(theme::caption()).color(t.text));
                                let count = RichText::new(format::count(*images)).font(theme::caption()).color(t.weak);
                                ui.label(count);
                            }
                            ui.end_row();
                        }
                    },
                );
            });
    });
}

/// The class of each group, where nothing says it.
pub fn classes(ui: &mut Ui, form: &mut NewProjectForm) {
    if !form.needs_classes() {
        return;
    }
    let (Some(model), Some(data)) = (form.model_facts().cloned(), form.data_facts().cloned()) else { return };
    let last = model.classes.unwrap_or(1).saturating_sub(1);
    let text = format!("The model knows classes 0 to {last}, and its files do not say which class each group is.");
    note(ui, &text, false);
    super::below(ui, |ui| {
        let hint =
            "Class 0 for the first group, 1 for the second, and so on. Check that the model was trained like that.";
        if ui.small_button("Number them in order").on_hover_text(hint).clicked() {
            form.number_classes();
        }
    });
    super::below(ui, |ui| {
        ScrollArea::vertical().id_salt("classes of the new project").max_height(LIST).min_scrolled_height(LIST).show(
            ui,
            |ui| {
                Grid::new("classes of the new project").num_columns(3).show(ui, |ui| {
                    for (name, images) in &data.groups {
                        class(ui, form, &model, name, last);
                        let text = format!("{}, {}", format::cut(name, 30), format::plural(*images, "image"));
                        ui.label(RichText::new(text).font(theme::caption()));
                        ui.end_row();
                    }
                });
            },
        );
    });
}

fn class(ui: &mut Ui, form: &mut NewProjectForm, model: &whence_engine::ModelFacts, group: &str, last: usize) {
    let chosen = form.classes.get(group).copied().or_else(|| model.known_class(group));
    let label = format!("Class of {group}");
    match (&model.class_names, chosen) {
        (Some(names), _) => {
            let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| class.to_string());
            let text = chosen.map_or_else(|| "choose…".to_owned(), name);
            let mut now = chosen;
            let combo = ComboBox::from_id_salt(("class of", group)).selected_text(format::cut(&text, 24)).width(150.0);
            let shown = combo.show_ui(ui, |ui| {
                for class in 0..=last {
                    ui.selectable_value(&mut now, Some(class), name(class));
                }
            });
            shown.response.accessible_name(label);
            if now != chosen
                && let Some(class) = now
            {
                form.classes.insert(group.to_owned(), class);
            }
        }
        (None, Some(mut class)) => {
            if ui.add(DragValue::new(&mut class).range(0..=last).speed(0.05)).accessible_name(label).changed() {
                form.classes.insert(group.to_owned(), class);
            }
        }
        (None, None) => {
            if ui.button("choose…").accessible_name(label).clicked() {
                form.classes.insert(group.to_owned(), 0);
            }
        }
    }
}

/// What explaining an image takes.
pub fn cost(ui: &mut Ui, view: &View<'_>) {
    let form = &view.forms.new_project;
    if form.model_facts().is_none() || form.data_facts().is_none() {
        return;
    }
    let text = match &form.cost {
        CostEstimate::None => return,
        CostEstimate::Running(_) => {
            let busy = !view.state.jobs.is_empty();
            let wait = if busy { " This waits for the job that runs." } else { "" };
            format!("Measuring what an explanation takes…{wait}")
        }
        CostEstimate::Failed(text) => return note(ui, text, true),
        CostEstimate::Known(cost) => {
            let memory = cost.peak_bytes.map_or_else(String::new, |b| format!(" and {} of memory", format::memory(b)));
            let groups = form.data_facts().map_or(cost.models, |facts| facts.groups.len());
            format!(
                "Explaining the first image takes about {}{memory}: {groups} models are made, one without each group. Later images \
                 reuse them.",
                format::roughly(cost.seconds)
            )
        }
    };
    note(ui, &text, false);
}
