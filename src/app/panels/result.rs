//! Which explanation of the image is shown: its name, the switch between them, and what was completed meanwhile.

use egui::{Button, ComboBox, Label, RichText, Ui};

use super::View;
use super::score::method_title;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Explanation, Query, State};
use crate::app::theme::{self, tokens};

/// Widest name of a result in the switch, points.
const WIDTH: f32 = 240.0;

/// An explanation's name among the others of its image: its method, and what sets it apart from those by the same method.
pub fn title(explanation: &Explanation, query: &Query) -> String {
    let mut name = method_title(&explanation.method);
    let alike = |a: &&Explanation| a.method == explanation.method && a.job != explanation.job;
    if query.explanations.iter().any(|a| alike(&a)) {
        let recipe = if explanation.recipe.is_empty() { String::new() } else { format!("{}; ", explanation.recipe) };
        name += &format!(", {recipe}{}", explanation.settings);
    }
    let groups = explanation.request.as_ref().map_or(0, |request| request.groups.len());
    if groups > 0 {
        name += &format!(", {}", format::plural(groups, "group"));
    }
    name
}

/// The switch between the results of the image on screen, and the latest that was completed behind another. Always takes
/// its height, so that nothing moves with what is ready.
pub fn switch(ui: &mut Ui, view: &mut View<'_>, id: &str) {
    let t = tokens(ui);
    let state = view.state;
    let (Some(query), Some(selected)) = (state.query(), state.explanation()) else { return };
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        let label = ui.label(RichText::new("Result").font(theme::caption()).color(t.weak)).id;
        let width = (ui.available_width() - 12.0).clamp(80.0, WIDTH);
        let shown = ComboBox::from_id_salt(("result", id))
            .selected_text(RichText::new(title(selected, query)).color(t.strong))
            .width(width)
            .truncate()
            .show_ui(ui, |ui| {
                for explanation in &query.explanations {
                    let text = format!("{}{}", title(explanation, query), progress(state, explanation));
                    if ui.selectable_label(Some(explanation.job) == query.selected, text).clicked() {
                        view.out.push(Command::SelectExplanation(explanation.job));
                    }
                }
            });
        let hint = "Which explanation of this image is shown, here and on the other tabs.";
        shown.response.labelled_by(label).on_hover_text(hint);
        if let Some(ready) = query.explanations.iter().find(|a| Some(a.job) == query.ready) {
            let text = format!("{} is ready.", title(ready, query));
            let button = Button::new(RichText::new("Show it").font(theme::caption()));
            if ui.add(button).on_hover_text("Show this result. The present one stays in the list.").clicked() {
                view.out.push(Command::SelectExplanation(ready.job));
            }
            ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.text)).truncate());
        }
    });
}

/// How complete a result is, behind its name.
fn progress(state: &State, explanation: &Explanation) -> String {
    let known = explanation.ranking.rows.len();
    match (&explanation.complete, state.job_of(explanation)) {
        (Some(_), _) => String::new(),
        (None, Some(_)) => format!(" (running, {} so far)", format::plural(known, "group")),
        (None, None) => format!(" (stopped, {})", format::plural(known, "group")),
    }
}
