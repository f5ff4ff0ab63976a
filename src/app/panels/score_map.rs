//! Where in the image and when in the denoising the groups' scores arise.

mod brush;
mod course;
mod over;
mod ranking;
mod sums;

pub use sums::reach;

use std::sync::Arc;

use egui::{RichText, Sense, Ui, UiBuilder, vec2};

use super::View;
use super::evidence::ask;

use crate::app::actions::Command;
use crate::app::format;
use crate::app::forms::Brush;
use crate::app::state::Slot;
use crate::app::theme::{GAP, tokens};
use crate::app::widgets::{TextureKey, show_image, swatch, work};
use whence_diffusion::elbo::ScoreMap;
use whence_jobs::Evidence;

/// Height of what is around the image: its title, legend and sliders.
const AROUND: f32 = 114.0;
/// Width that the ranking needs.
const RANKING: f32 = 400.0;

/// A group whose map is known.
#[derive(Clone, Copy)]
struct Mapped<'a> {
    group: usize,
    map: &'a Arc<ScoreMap>,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    super::notices(ui, view, &[Slot::Evidence], 120.0);
    let (state, Some(query)) = (view.state, view.state.query()) else {
        super::empty(
            ui,
            "Here you see which parts of an image a score comes from, once there is an image to ask about",
        );
        return;
    };
    let first = query.found.maps.values().next().map(|m| m.cells);
    let maps: Vec<Mapped<'_>> = query
        .found
        .maps
        .iter()
        .filter(|(_, map)| Some(map.cells) == first && map.cells.count() > 0)
        .map(|(group, map)| Mapped { group: *group, map })
        .collect();
    let room = ui.available_rect_before_wrap();
    let widest = (room.width() * 0.56).min(room.width() - RANKING);
    let left = (room.height() - AROUND).min(widest).max(200.0);
    let split = room.left() + left;
    let (one, two) = (room.with_max_x(split), room.with_min_x(split + 1.5 * GAP));
    let group = state.group.or_else(|| most(ui, &maps));
    let mut region = view.forms.looks.region(query.key);
    ui.scope_builder(UiBuilder::new().id_salt("where").max_rect(one), |ui| {
        let space = vec2(left, (room.height() - AROUND).clamp(120.0, left.max(120.0)));
        if let Some(group) = group {
            title(ui, view, group);
        }
        match group.and_then(|g| maps.iter().find(|m| m.group == g)) {
            Some(mapped) => {
                let scale = scale(ui, &maps);
                region = over::show(ui, view, query, *mapped, scale, region, space);
                view.forms.looks.brush = region.map(|region| Brush { query: query.key, region });
                over::controls(ui, view, mapped.map.cells, scale);
            }
            None => {
                let shape = query.image.shape;
                let texture = view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &query.image.pixels);
                show_image(ui, texture, shape, space, &format!("The image asked about: {}", query.image.name));
            }
        }
    });
    ui.scope_builder(UiBuilder::new().id_salt("when").max_rect(two), |ui| {
        if let Some(job) = state.looking(Evidence::Map, None) {
            let total = state.groups().len();
            work(ui, job, &format!("{} of {} mapped", maps.len(), format::plural(total, "group")));
            ui.add_space(6.0);
        } else if !maps.is_empty() && maps.len() < state.groups().len() {
            let text = format!("Map the rest ({} of {} are mapped)", maps.len(), state.groups().len());
            ask(ui, view, &text, Evidence::Map, None);
        }
        match group {
            Some(group) if !maps.is_empty() => ranking::show(ui, view, &maps, group, region),
            _ => empty(ui, view),
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
        let text = format!("What {} adds, and where", format::cut(view.state.group_name(group), 40));
        ui.label(RichText::new(text).color(t.strong));
    });
}

/// The group with the highest score among those mapped.
fn most(ui: &Ui, maps: &[Mapped<'_>]) -> Option<usize> {
    let score = |m: &Mapped<'_>| sums::part(ui, m.map, m.map.everywhere()).estimate.score;
    maps.iter().map(|m| (m.group, score(m))).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(group, _)| group)
}

/// Nothing is mapped yet: says what will be here, and offers the one thing that helps.
fn empty(ui: &mut Ui, view: &mut View<'_>) {
    let text = "A score is a sum over pixels and denoising steps. The map shows its terms, and a part of the image can be asked about by itself";
    let hint = "Find where in the image and when in the denoising each group's score arises";
    let looking = view.state.looking(Evidence::Map, None).is_some();
    let button = (!looking).then(|| ("Map this image", view.state.can_look().map(|()| hint)));
    if super::placeholder(ui, "Where and when do the scores arise?", text, button) {
        view.out.push(Command::Look(Evidence::Map, None));
    }
}

/// The scale of all maps: the same, so that groups can be compared.
fn scale(ui: &Ui, maps: &[Mapped<'_>]) -> f64 {
    maps.iter().map(|m| sums::by_cell(ui, m.map).reach).fold(0.0, f64::max)
}
