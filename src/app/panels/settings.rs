//! How groups are scored and unlearned: folded away, with the names that recipe files and the command line use.

use egui::{Align, Align2, CollapsingHeader, ComboBox, DragValue, Layout, RichText, TextEdit, Ui, vec2};

use super::View;
use crate::app::actions::Command;
use crate::app::drafts::Settings;
use crate::app::theme::{self, tokens};
use crate::attribution::{Made, methods};
use crate::unlearning::objectives;

/// A label and its control, aligned with the rows above and below.
pub fn row(ui: &mut Ui, name: &str, control: impl FnOnce(&mut Ui)) {
    row_of(ui, name, 104.0, control);
}

/// As [`row`], with a label of this width.
pub fn row_of(ui: &mut Ui, name: &str, width: f32, control: impl FnOnce(&mut Ui)) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let label = ui.allocate_ui_with_layout(vec2(width, 24.0), Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(width);
            ui.label(RichText::new(name).color(t.text)).id
        });
        ui.label_inputs_by(label.inner, control);
    });
}

/// Draws the section.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let changed = view.drafts.settings.changed();
    let title = if changed { "Advanced (changed)" } else { "Advanced" };
    let title = RichText::new(title).font(theme::caption()).color(t.weak);
    let shown = CollapsingHeader::new(title).id_salt("advanced").show(ui, |ui| {
        let settings = &mut view.drafts.settings;
        scoring(ui, settings);
        let method = methods().iter().find(|m| m.name() == settings.method);
        let needs = method.is_none_or(|m| m.counterfactuals() == Some(Made::Unlearned));
        ui.add_enabled_ui(needs, |ui| unlearning(ui, settings));
        if changed && ui.button("Reset").on_hover_text("Back to the project's recipe and the defaults").clicked() {
            view.out.push(Command::ResetSettings);
        }
    });
    view.drafts.advanced = shown.openness > 0.5;
}

fn scoring(ui: &mut Ui, settings: &mut Settings) {
    let t = tokens(ui);
    row(ui, "Method", |ui| {
        ComboBox::from_id_salt("method").selected_text(settings.method.clone()).width(140.0).show_ui(ui, |ui| {
            for method in methods() {
                ui.selectable_value(&mut settings.method, method.name().to_owned(), method.name())
                    .on_hover_text(method.about());
            }
        });
    });
    row(ui, "Timesteps", |ui| {
        ui.add(TextEdit::singleline(&mut settings.timesteps).align(Align2::LEFT_CENTER).desired_width(140.0)).on_hover_text(
            "A number of evaluations, spent where the score is decided, such as 50; or a grid such as 10../10, the published one",
        );
    });
    if let Some(error) = settings.timesteps_error() {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    row(ui, "Draws", |ui| {
        ui.add(DragValue::new(&mut settings.draws).range(1..=64).speed(0.05))
            .on_hover_text("Noise draws at each timestep");
    });
    row(ui, "Batch", |ui| {
        ui.add(DragValue::new(&mut settings.batch).range(1..=1024).speed(0.5))
            .on_hover_text("Pictures in one pass through the network. Changes the speed, not the scores");
    });
}

fn unlearning(ui: &mut Ui, settings: &mut Settings) {
    let t = tokens(ui);
    row(ui, "Objective", |ui| {
        let chosen = &mut settings.recipe.objective;
        ComboBox::from_id_salt("objective").selected_text(chosen.clone()).width(140.0).show_ui(ui, |ui| {
            for objective in objectives() {
                ui.selectable_value(chosen, objective.name().to_owned(), objective.name())
                    .on_hover_text(objective.about());
            }
        });
    });
    row(ui, "Steps", |ui| {
        ui.add(DragValue::new(&mut settings.recipe.steps).range(1..=100_000).speed(1.0))
            .on_hover_text("Optimizer steps of each group's unlearning");
    });
    row(ui, "Learning rate", |ui| {
        ui.add(
            TextEdit::singleline(&mut settings.rate)
                .align(Align2::LEFT_CENTER)
                .hint_text("default")
                .desired_width(140.0),
        )
        .on_hover_text("Empty: a tenth of the training's peak");
    });
    if let Some(error) = settings.rate_error() {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    row(ui, "Forget batch", |ui| {
        ui.add(DragValue::new(&mut settings.recipe.batch).range(1..=1024).speed(0.5))
            .on_hover_text("Pictures to forget in a step, and as many to retain");
    });
}
