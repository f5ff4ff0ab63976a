//! The advanced settings: how groups are scored and unlearned, with the names of recipe files and the command line.

use egui::{Align, Align2, Button, Checkbox, ComboBox, DragValue, Id, Layout, RichText, TextEdit, Ui, Widget, vec2};

use super::View;
use super::score::{capitalised, method_title};
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

/// A row with one control that its label names. Returns whether it was changed.
fn field(ui: &mut Ui, name: &str, hint: &str, control: impl Widget) -> bool {
    let mut changed = false;
    row(ui, name, |ui| changed = ui.add(control).accessible_name(name).on_hover_text(hint).changed());
    changed
}

/// The model and dataset that the settings apply to.
struct Context {
    /// Number of timesteps of the model.
    timesteps: usize,
    /// Number of groups of the dataset.
    groups: usize,
}

/// Draws the button, and the settings in a window of their own where they are open, so that the image keeps its size.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let changed = view.forms.settings.is_changed();
    let title = if changed { "Advanced (changed)" } else { "Advanced" };
    let text = RichText::new(title).font(theme::caption()).color(t.weak);
    let button = ui.add(Button::new(text).frame(false).selected(view.forms.advanced));
    if button.on_hover_text("How groups are scored and unlearned.").clicked() {
        view.forms.advanced = !view.forms.advanced;
    }
    if !view.forms.advanced {
        return;
    }
    let mut open = true;
    // Beside the image at first; it can be moved.
    let corner = ui.max_rect().right_top() + vec2(theme::GAP, theme::GAP);
    let height = ui.ctx().content_rect().height();
    egui::Window::new("Advanced settings")
        .id(Id::unique("advanced settings"))
        .default_pos(corner)
        .default_width(360.0)
        .max_height((height - 160.0).max(200.0))
        .resizable(false)
        .collapsible(false)
        .vscroll(true)
        .open(&mut open)
        .show(ui.ctx(), |ui| contents(ui, view, changed));
    view.forms.advanced &= open;
}

fn contents(ui: &mut Ui, view: &mut View<'_>, changed: bool) {
    let context = Context {
        timesteps: view.state.model.as_ref().map_or(1000, |m| m.timesteps),
        groups: view.state.groups().len(),
    };
    let settings = &mut view.forms.settings;
    let made = settings.counterfactual_kind();
    scoring(ui, settings, &context);
    ui.add_enabled_ui(made == Some(CounterfactualKind::Unlearned), |ui| {
        checks(ui, settings);
        unlearning(ui, settings);
    });
    if changed && ui.button("Reset").on_hover_text("Restore the project's recipe and the defaults.").clicked() {
        view.out.push(Command::ResetSettings);
    }
}

fn scoring(ui: &mut Ui, settings: &mut Settings, context: &Context) {
    let t = tokens(ui);
    row(ui, "Method", |ui| {
        ComboBox::from_id_salt("method").selected_text(method_title(&settings.method)).width(140.0).show_ui(ui, |ui| {
            for method in methods() {
                ui.selectable_value(&mut settings.method, method.name().to_owned(), method_title(method.name()))
                    .on_hover_text(capitalised(method.info().description));
            }
        });
    });
    let searches = context.groups > 1 && settings.counterfactual_kind().is_some();
    ui.add_enabled(searches, Checkbox::new(&mut settings.stop, "Stop early once the ranking is clear"))
        .on_hover_text(
            "Evaluates all groups briefly, then only those that may still rank first. Fast where the models already exist. \
             Groups that are eliminated early keep wide intervals.",
        )
        .on_disabled_hover_text("Only for methods that use the neural network, with at least two groups.");
    let stops = settings.stops_early(context.groups);
    if stops {
        early_stopping(ui, settings, context);
    }
    row(ui, "Timesteps", |ui| {
        let text = TextEdit::singleline(&mut settings.timesteps).align(Align2::LEFT_CENTER).desired_width(140.0);
        ui.add_enabled(!stops, text)
            .accessible_name("Timesteps")
            .on_hover_text(
                "The number of evaluations per model, such as 50, sampled by importance; or a grid of timesteps such as 10../10, the published one.",
            )
            .on_disabled_hover_text(ADAPTIVE);
    });
    if let Some(error) = settings.timesteps_error().filter(|_| !stops) {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    row(ui, "Noise samples", |ui| {
        ui.add_enabled(!stops, DragValue::new(&mut settings.draws).range(1..=64).speed(0.05))
            .accessible_name("Noise samples")
            .on_hover_text("Noise samples per timestep.")
            .on_disabled_hover_text(ADAPTIVE);
        if stops {
            ui.label(RichText::new("both are chosen adaptively").font(theme::caption()).color(t.weak));
        }
    });
    let hint = "Images per forward pass. Affects the speed, not the scores.";
    field(ui, "Batch size", hint, DragValue::new(&mut settings.batch).range(1..=1024).speed(0.5));
}

/// Why a control is disabled.
const ADAPTIVE: &str = "Chosen adaptively until the ranking is clear.";

/// When the ranking counts as clear.
fn early_stopping(ui: &mut Ui, settings: &mut Settings, context: &Context) {
    let mut percent = 100.0 * settings.level;
    let tenths = |value: f64| (value * 10.0).round() / 10.0;
    let value = DragValue::new(&mut percent)
        .range(80.0..=99.9)
        .speed(0.1)
        .custom_formatter(|value, _| tenths(value).to_string())
        .suffix("%");
    if field(
        ui,
        "Confidence level",
        "Probability that the top groups are the right ones when the evaluation stops.",
        value,
    ) {
        settings.level = tenths(percent) / 100.0;
    }
    let hint = "Number of top groups to separate from the others. Their order among themselves is left open.";
    let most = context.groups.saturating_sub(1).max(1);
    field(ui, "Top groups", hint, DragValue::new(&mut settings.top).range(1..=most).speed(0.05));
    let (mut budget, least) = settings.budget(context.timesteps, context.groups);
    let hint =
        "At most this many network evaluations per image, over all models. Default: a quarter of the published grid.";
    if field(ui, "Budget", hint, DragValue::new(&mut budget).range(least..=1_000_000).speed(2.0)) {
        settings.budget = Some(budget);
    }
}

/// The optional checks of the scores.
fn checks(ui: &mut Ui, settings: &mut Settings) {
    let t = tokens(ui);
    row(ui, "Random control groups", |ui| {
        let count = DragValue::new(&mut settings.control_groups).range(0..=64).speed(0.05);
        ui.add(count).accessible_name("Random control groups").on_hover_text(
            "Unlearns this many groups of randomly drawn training images too. Their scores show what a meaningless group \
             reaches, and so which scores are significant. Costs as many more unlearnings, once per project. 0: none; 16 is \
             a good choice.",
        );
        // The test itself defines how many it needs.
        if settings.control_groups > 0 && NullTest::of(vec![0.0; settings.control_groups], 1, None).is_none() {
            ui.label(RichText::new("too few for a test").font(theme::caption()).color(t.warn));
        }
    });
    ui.add(Checkbox::new(&mut settings.confirm, "Repeat with another seed")).on_hover_text(
        "Unlearns every group again with another seed, to check that the same group ranks first. Doubles the \
         unlearnings, once per project.",
    );
}

fn unlearning(ui: &mut Ui, settings: &mut Settings) {
    let t = tokens(ui);
    row(ui, "Objective", |ui| {
        let chosen = &mut settings.recipe.objective;
        ComboBox::from_id_salt("objective").selected_text(chosen.clone()).width(140.0).show_ui(ui, |ui| {
            for objective in objectives() {
                ui.selectable_value(chosen, objective.name().to_owned(), objective.name())
                    .on_hover_text(capitalised(objective.about()));
            }
        });
    });
    let hint = "Optimizer steps per unlearned group.";
    field(ui, "Steps", hint, DragValue::new(&mut settings.recipe.steps).range(1..=100_000).speed(1.0));
    let rate = TextEdit::singleline(&mut settings.learning_rate).align(Align2::LEFT_CENTER).hint_text("default");
    field(ui, "Learning rate", "Empty: a tenth of the peak learning rate of the training.", rate.desired_width(140.0));
    if let Some(error) = settings.learning_rate_error() {
        ui.label(RichText::new(error).font(theme::caption()).color(t.error));
    }
    let hint = "Images to forget per step, and as many to retain.";
    field(ui, "Batch size (forget)", hint, DragValue::new(&mut settings.recipe.batch).range(1..=1024).speed(0.5));
    let hint = "Seed of the batches and noise. Models are cached per seed: another seed unlearns every group again.";
    field(ui, "Unlearning seed", hint, DragValue::new(&mut settings.recipe.seed).speed(0.05));
}
