//! Where in the image and at which timesteps the groups' scores arise.

mod brush;
mod overlay;
mod ranking;
mod sums;
mod timeline;

pub use sums::reach;

use std::sync::Arc;

use egui::{RichText, Sense, Ui, UiBuilder, vec2};

use super::View;
use super::evidence::request_button;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::forms::Brush;
use crate::app::theme::{GAP, tokens};
use crate::app::widgets::{TextureKey, job_progress, show_image, swatch};
use whence_diffusion::elbo::ScoreMap;
use whence_jobs::Evidence;

/// Height of the title, legend and sliders around the image.
const CONTROLS_HEIGHT: f32 = 114.0;
/// Least width of the ranking.
const RANKING_WIDTH: f32 = 400.0;

/// A group with its score map.
#[derive(Clone, Copy)]
struct GroupMap<'a> {
    group: usize,
    map: &'a Arc<ScoreMap>,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let (state, Some(query)) = (view.state, view.state.query()) else {
        super::empty(ui, "Maps of the parts of an image that a score comes from appear here once you choose an image.");
        return;
    };
    let first = query.evidence.maps.values().next().map(|m| m.cells);
    let maps: Vec<GroupMap<'_>> = query
        .evidence
        .maps
        .iter()
        .filter(|(_, map)| Some(map.cells) == first && map.cells.count() > 0)
        .map(|(group, map)| GroupMap { group: *group, map })
        .collect();
    let room = ui.available_rect_before_wrap();
    let widest = (room.width() * 0.56).min(room.width() - RANKING_WIDTH);
    let left = (room.height() - CONTROLS_HEIGHT).min(widest).max(200.0);
    let split = room.left() + left;
    let (one, two) = (room.with_max_x(split), room.with_min_x(split + 1.5 * GAP));
    let group = state.group.or_else(|| highest_score(ui, &maps));
    let mut region = view.forms.appearance.region(query.key);
    ui.scope_builder(UiBuilder::new().id_salt("where").max_rect(one), |ui| {
        let space = vec2(left, (room.height() - CONTROLS_HEIGHT).clamp(120.0, left.max(120.0)));
        if let Some(group) = group {
            title(ui, view, group);
        }
        match group.and_then(|g| maps.iter().find(|m| m.group == g)) {
            Some(group_map) => {
                let scale = scale(ui, &maps);
                region = overlay::show(ui, view, query, *group_map, scale, region, space);
                view.forms.appearance.brush = region.map(|region| Brush { query: query.key, region });
                overlay::controls(ui, view, group_map.map.cells, scale);
            }
            None => {
                let shape = query.image.shape;
                let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &query.image.pixels);
                show_image(ui, texture, shape, space, &format!("Query image {}", query.image.name));
            }
        }
    });
    ui.scope_builder(UiBuilder::new().id_salt("when").max_rect(two), |ui| {
        if let Some(job) = state.running_evidence(Evidence::Map, None) {
            let total = state.groups().len();
            job_progress(ui, job, &format!("{} of {} mapped", maps.len(), format::plural(total, "group")));
            ui.add_space(6.0);
        } else if !maps.is_empty() && maps.len() < state.groups().len() {
            let text = format!("Map the remaining groups ({} of {} mapped)", maps.len(), state.groups().len());
            request_button(ui, view, &text, Evidence::Map, None);
        }
        match group {
            Some(group) if !maps.is_empty() => ranking::show(ui, view, &maps, group, region),
            _ => placeholder(ui, view),
        }
    });
    ui.advance_cursor_after_rect(room);
}

/// Whose map it is.
fn title(ui: &mut Ui, view: &View<'_>, group: usize) {
    let t = tokens(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 18.0), Sense::hover());
        swatch(ui.painter(), rect.center(), 5.0, group, t);
        let text = format!("Contribution of {}", format::cut(view.state.group_name(group), 40));
        ui.label(RichText::new(text).color(t.strong));
        if let Some((query, explanation)) = view.state.query().zip(view.state.explanation()) {
            let text = RichText::new(super::result::title(explanation, query));
            ui.add(egui::Label::new(text.font(crate::app::theme::caption()).color(t.weak)).truncate());
        }
    });
}

/// The group with the highest score among those mapped.
fn highest_score(ui: &Ui, maps: &[GroupMap<'_>]) -> Option<usize> {
    let score = |m: &GroupMap<'_>| sums::region_score(ui, m.map, m.map.everywhere()).estimate.score;
    maps.iter().map(|m| (m.group, score(m))).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(group, _)| group)
}

/// Shown before anything is mapped: what will be here, and the button that computes it.
fn placeholder(ui: &mut Ui, view: &mut View<'_>) {
    let text = "A score is a sum over pixels and timesteps, and the map shows its terms. Drag a rectangle to score part of the image.";
    let hint = "Compute where in the image and at which timesteps each group's score arises.";
    let looking = view.state.running_evidence(Evidence::Map, None).is_some();
    let words = match super::evidence::cost(view, Evidence::Map, None) {
        Some(cost) => format!("Map this image ({cost})"),
        None => "Map this image".to_owned(),
    };
    let button = (!looking).then(|| (words.as_str(), view.state.can_compute_evidence().map(|()| hint)));
    if super::placeholder(ui, "Where and when does the score come from?", text, button) {
        view.out.push(Command::ComputeEvidence(Evidence::Map, None));
    }
}

/// The common scale of all maps, so that groups can be compared.
fn scale(ui: &Ui, maps: &[GroupMap<'_>]) -> f64 {
    maps.iter().map(|m| sums::by_cell(ui, m.map).reach).fold(0.0, f64::max)
}
