//! How groups are scored and unlearned: folded away, with the names that recipe files and the command line use.

use egui::{
    Align, Align2, Checkbox, CollapsingHeader, ComboBox, DragValue, Layout, RichText, TextEdit, Ui, Widget, vec2,
};

use super::View;
use crate::app::actions::Command;
use crate::app::forms::Settings;
use crate::app::theme::{self, tokens};
use whence_methods::{CounterfactualKind, NullTest, methods};
use whence_training::unlearning::objectives;

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

/// A row of one control that its label names. True where it was changed.
fn field(ui: &mut Ui, name: &str, hint: &str, control: impl Widget) -> bool {
    let mut changed = false;
    row(ui, name, |ui| changed = ui.add(control).accessible_name(name).on_hover_text(hint).changed());
    changed
}

/// What the settings are for.
struct About {
    /// Timesteps of the model.
    timesteps: usize,
    /// Groups of the dataset.
    groups: usize,
}

/// Draws the section.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let changed = view.forms.settings.changed();
    let title = if changed { "Advanced (changed)" } else { "Advanced" };
    let title = RichText::new(title).font(theme::caption()).color(t.weak);
    let about =
        About { timesteps: view.state.model.as_ref().map_or(1000, |m| m.timesteps), groups: view.state.groups().len() };
    let shown = CollapsingHeader::new(title).id_salt("advanced").show(ui, |ui| {
        let settings = &mut view.forms.settings;
        let made = settings.made();
        scoring(ui, settings, &about);
        ui.add_enabled_ui(made == Some(CounterfactualKind::Unlearned), |ui| {
            trust(ui, settings);
            unlearning(ui, settings);
        });
        if changed && ui.button("Reset").on_hover_text("Back to the project's recipe and the defaults").clicked() {
            view.out.push(Command::ResetSettings);
        }
    });
    view.forms.advanced = shown.openness > 0.5;
}

fn scoring(ui: &mut Ui, settings: &mut Settings, about: &About) {
    let t = tokens(ui);
    row(ui, "Method", |ui| {
        ComboBox::from_id_salt("method").selected_text(settings.method.clone()).width(140.0).show_ui(ui, |ui| {
            for method in methods() {
                ui.selectable_value(&mut settings.method, method.name().to_owned(), method.name())
                    .on_hover_text(method.info().description);
            }
        });
    });
    let searches = about.groups > 1 && settings.made().is_some();
    ui.add_enabled(searches, Checkbox::new(&mut settings.stop, "Stop when the leader is clear"))
        .on_hover_text(
            "Measures all groups a little, then only those that may still lead. Quick where the models are kept; the \
             groups that are left behind keep wide intervals",
        )
        .on_disabled_hover_text("For methods with a network, and two groups at least");
    let stops = settings.stops(about.groups);
    if stops {
        early(ui, settings, about);
    }
    row(ui, "Timesteps", |ui| {
        let text = TextEdit::singleline(&mut settings.timesteps).align(Align2::LEFT_CENTER).desired_width(140.0);
        ui.add_enabled(!stops, text)
            .accessible_name("Timesteps")
            .on_hover_text(
                "A number of evaluations, spent where the score is decided, such as 50; or a grid such as 10../10, the published one",
            )
            .on_disabled_hover_text(CHOSEN);
    });
    if let Some(error) = settings.timesteps_error().filter(|_| !stops) {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    row(ui, "Draws", |ui| {
        ui.add_enabled(!stops, DragValue::new(&mut settings.draws).range(1..=64).speed(0.05))
            .accessible_name("Draws")
            .on_hover_text("Noise draws at each timestep")
            .on_disabled_hover_text(CHOSEN);
        if stops {
            ui.label(RichText::new("both are chosen as it goes").font(theme::caption()).color(t.weak));
        }
    });
    let hint = "Images in one pass through the network. Changes the speed, not the scores";
    field(ui, "Batch", hint, DragValue::new(&mut settings.batch).range(1..=1024).speed(0.5));
}

/// Why a control is off.
const CHOSEN: &str = "Chosen as it goes, until the leader is clear";

/// When the leader is clear.
fn early(ui: &mut Ui, settings: &mut Settings, about: &About) {
    let mut percent = 100.0 * settings.level;
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let value = DragValue::new(&mut percent)
        .range(80.0..=99.9)
        .speed(0.1)
        .custom_formatter(|value, _| tenths(value).to_string())
        .suffix(" %");
    if field(ui, "Certainty", "Chance that the right groups lead once the search stops", value) {
        settings.level = tenths(percent) / 100.0;
    }
    let hint = "How many groups are to be told apart from the rest; their order among themselves stays open";
    let most = about.groups.saturating_sub(1).max(1);
    field(ui, "Leaders", hint, DragValue::new(&mut settings.top).range(1..=most).speed(0.05));
    let (mut budget, least) = settings.budget(about.timesteps, about.groups);
    let hint = "Network evaluations for an image at most, over all models. As given: a quarter of the published grid's";
    if field(ui, "Budget", hint, DragValue::new(&mut budget).range(least..=1_000_000).speed(2.0)) {
        settings.budget = Some(budget);
    }
}

/// What can be asked for besides the scores.
fn trust(ui: &mut Ui, settings: &mut Settings) {
    let t = tokens(ui);
    row(ui, "Random groups", |ui| {
        let number = DragValue::new(&mut settings.null).range(0..=64).speed(0.05);
        ui.add(number).accessible_name("Random groups").on_hover_text(
            "So many groups of images taken at random are unlearned too: what a group of no meaning scores, and where \
             the noise ends. Costs as many more unlearnings, once a project. 0: none; 16 is a good number",
        );
        // Asked of the test itself, which knows how many it needs.
        if settings.null > 0 && NullTest::of(vec![0.0; settings.null], 1, None).is_none() {
            ui.label(RichText::new("too few to tell anything").font(theme::caption()).color(t.warn));
        }
    });
    ui.add(Checkbox::new(&mut settings.confirm, "Check with a second seed")).on_hover_text(
        "Unlearns every group once more with another seed, to see whether the same one leads. Doubles the unlearnings, \
         once a project",
    );
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
    let hint = "Optimizer steps of each group's unlearning";
    field(ui, "Steps", hint, DragValue::new(&mut settings.recipe.steps).range(1..=100_000).speed(1.0));
    let rate = TextEdit::singleline(&mut settings.rate).align(Align2::LEFT_CENTER).hint_text("default");
    field(ui, "Learning rate", "Empty: a tenth of the training's peak", rate.desired_width(140.0));
    if let Some(error) = settings.rate_error() {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    let hint = "Images to forget in a step, and as many to retain";
    field(ui, "Forget batch", hint, DragValue::new(&mut settings.recipe.batch).range(1..=1024).speed(0.5));
    let hint = "Order and noise of the unlearning. Models are kept: another seed unlearns every group anew, to be watched again";
    field(ui, "Unlearning seed", hint, DragValue::new(&mut settings.recipe.seed).speed(0.05));
}
