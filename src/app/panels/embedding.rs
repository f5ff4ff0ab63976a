//! The embedding map: training images and queries as points; what is alike lies together.

mod legend;
mod plot;

use egui::{Align, Label, Layout, RichText, Ui, vec2};

use super::View;
use crate::app::actions::{Action, Command};
use crate::app::format;
use crate::app::panels::PanelId;
use crate::app::state::{Job, ShownMap};
use crate::app::theme::{self, GAP, tokens};
use crate::app::widgets::job_progress;
use whence_jobs::{EmbedChoice, EmbedLayout, EmbedVectors, JobEstimate};

/// Width of the legend.
const LEGEND: f32 = 190.0;

/// Draws the panel in the remaining space.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let Some(dataset) = &view.state.dataset else {
        let text = "Training images and query images as points: what is alike lies together. Open a dataset first.";
        _ = super::placeholder(ui, "Embedding map", text, None);
        return;
    };
    view.forms.embedding.follow(view.state.dataset_id);
    toolbar(ui, view);
    let choice = view.forms.embedding.choice;
    let making = view.state.embedding_job(choice).filter(|job| !job.recalls());
    let Some(map) = view.state.embeddings.map(choice) else { return missing(ui, view, choice, making) };
    match making {
        Some(job) => progress(ui, view, job),
        None => caption(ui, view, choice, map),
    }
    ui.add_space(4.0);
    let legend = if ui.available_width() > 3.0 * LEGEND { LEGEND } else { 0.0 };
    let size = ui.available_size();
    ui.horizontal_top(|ui| {
        let width = size.x - if legend > 0.0 { legend + GAP } else { 0.0 };
        plot::show(ui, view, dataset, map, vec2(width, size.y));
        if legend > 0.0 {
            ui.allocate_ui(vec2(legend, size.y), |ui| legend::show(ui, view, dataset));
        }
    });
}

/// The choice of the map, and what can be done with it.
fn toolbar(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let model = view.state.model.is_some();
    let form = &mut view.forms.embedding;
    let before = form.choice;
    ui.horizontal_wrapped(|ui| {
        let label = |ui: &mut Ui, text: &str| {
            ui.label(RichText::new(text).font(theme::caption()).color(t.weak));
        };
        label(ui, "Compare by");
        let choice = &mut form.choice;
        ui.selectable_value(&mut choice.vectors, EmbedVectors::Pixels, "Pixels")
            .on_hover_text("Images are alike where their pixels are.");
        ui.add_enabled_ui(model, |ui| ui.selectable_value(&mut choice.vectors, EmbedVectors::Bottleneck, "Features"))
            .inner
            .on_hover_text("Images are alike where the middle of the denoising network answers alike.")
            .on_disabled_hover_text("Open a model first.");
        ui.add_space(8.0);
        label(ui, "Lay out by");
        ui.selectable_value(&mut choice.layout, EmbedLayout::Pca, "PCA")
            .on_hover_text("The two directions of the largest variance. Distances can be compared.");
        ui.selectable_value(&mut choice.layout, EmbedLayout::Tsne, "t-SNE")
            .on_hover_text("Neighbours stay neighbours. Sizes of clouds and distances between them mean little.");
        ui.add_space(8.0);
        label(ui, "Drag to");
        ui.selectable_value(&mut form.lasso, false, "Move").on_hover_text("Drag moves the map, the wheel zooms.");
        ui.selectable_value(&mut form.lasso, true, "Lasso")
            .on_hover_text("Drag around points to filter the library (or hold Shift while dragging).");
        if ui.button("Reset view").on_hover_text("Show the whole map (Home, or double click).").clicked() {
            form.view = Default::default();
        }
    });
    if form.choice != before {
        form.view = Default::default();
        form.drawn.clear();
        // The new map is looked up at the beginning of the next frame.
        ui.ctx().request_repaint();
    }
}

/// Shown in place of a map that is not made.
fn missing(ui: &mut Ui, view: &mut View<'_>, choice: EmbedChoice, making: Option<&Job>) {
    if let Some(job) = making {
        return progress(ui, view, job);
    }
    let Some(estimate) = view.state.embeddings.estimate(choice) else {
        let text = "The store is searched for this map.";
        _ = super::placeholder(ui, "Embedding map", text, None);
        return;
    };
    let text = match choice.layout {
        EmbedLayout::Pca => "All training images as points, by the two directions of the largest variance.",
        EmbedLayout::Tsne => {
            "All training images as points. Neighbours stay neighbours; the layout is found step by step."
        }
    };
    let button = format!("Make the map ({})", cost(&estimate));
    let hint = "Computed once, then stored with the project. It can be cancelled.";
    if super::placeholder(ui, "Embedding map", text, Some((&button, Ok(hint)))) {
        view.out.push(Command::Embed(choice));
    }
}

/// Time and memory in words.
fn cost(estimate: &JobEstimate) -> String {
    let memory = estimate.peak_bytes.map_or_else(String::new, |bytes| format!(", {}", format::memory(bytes)));
    format!("about {}{memory}", format::roughly(estimate.seconds))
}

fn progress(ui: &mut Ui, view: &mut View<'_>, job: &Job) {
    ui.horizontal(|ui| {
        if ui.button("Cancel").on_hover_text("Stop making this map.").clicked() {
            view.out.push(Command::Cancel(job.id));
        }
        job_progress(ui, job, "Making the map");
    });
}

/// What the map shows, and what it does not.
fn caption(ui: &mut Ui, view: &mut View<'_>, choice: EmbedChoice, map: &ShownMap) {
    let t = tokens(ui);
    let by = match choice.vectors {
        EmbedVectors::Pixels => "pixels",
        EmbedVectors::Bottleneck => "features of the denoising network",
    };
    let text = match (choice.layout, map.explained) {
        (EmbedLayout::Pca, Some([first, second])) => format!(
            "Principal components of {by}: {:.0}% and {:.0}% of the variance. Similarity is not causation.",
            100.0 * first,
            100.0 * second
        ),
        (EmbedLayout::Pca, None) => format!("Principal components of {by}. Similarity is not causation."),
        (EmbedLayout::Tsne, _) => {
            format!(
                "t-SNE of {by}: neighbours are alike, distances between clouds mean little. Similarity is not causation."
            )
        }
    };
    // The lasso's controls come and go in this line, so that the map does not move.
    let line = vec2(ui.available_width(), 26.0);
    ui.allocate_ui_with_layout(line, Layout::right_to_left(Align::Center), |ui| {
        lasso(ui, view);
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(text).font(theme::caption()).color(t.weak)).truncate());
        });
    });
}

/// How many images the lasso holds, and what can be done with them; laid out from the right.
fn lasso(ui: &mut Ui, view: &mut View<'_>) {
    let Some(lasso) = view.library.options.filter.lasso.clone() else { return };
    if ui.button("Clear lasso").on_hover_text("The library shows all images again.").clicked() {
        view.library.options.filter.lasso = None;
    }
    if ui.button("Show in library").on_hover_text("The library shows these images only.").clicked() {
        view.out.push(Command::Act(Action::ShowPanel(PanelId::Library)));
    }
    let text = format!("{} in the lasso", format::plural(lasso.len(), "image"));
    ui.label(RichText::new(text).font(theme::caption()).color(tokens(ui).text));
}
