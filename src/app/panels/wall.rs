//! The query image regenerated without each group, side by side.

use egui::{
    Align2, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Query, State};
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{TextureKey, content, elided, hover, show_image, swatch};
use whence_jobs::Evidence;

/// Space between images.
const SPACE: f32 = 16.0;
/// Height below each image: name and value.
const CAPTION_HEIGHT: f32 = 26.0;
/// Least side length of an image.
const MIN_SIDE: f32 = 120.0;

/// The order of the images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By score, highest first.
    #[default]
    Score,
    /// By mean pixel change, largest first.
    Change,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let state = view.state;
    let description = "The image regenerated without each group from the same noise, side by side.";
    let Some(query) = state.query() else {
        super::placeholder(ui, "Wall", &format!("{description} Generate or open an image first."), None);
        return;
    };
    let groups = state.groups().len();
    let done = query.evidence.regenerated.values().filter(|r| r.is_done()).count();
    let job = state.running_evidence(Evidence::Regenerate, None);
    if query.evidence.regenerated.is_empty() && job.is_none() {
        let ready = state.can_compute_evidence().map(|()| HINT);
        let cost = super::evidence::cost(view, Evidence::Regenerate, None);
        let text = match cost {
            Some(cost) => format!("Regenerate without each group ({cost})"),
            None => "Regenerate without each group".to_owned(),
        };
        if super::placeholder(ui, "Wall", description, Some((&text, ready))) {
            view.out.push(Command::ComputeEvidence(Evidence::Regenerate, None));
        }
        return;
    }
    ui.horizontal(|ui| {
        ui.label(RichText::new("Regenerated without each group").font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        ui.label(RichText::new("Sort:").color(t.weak));
        for (order, text) in [(Order::Score, "Score"), (Order::Change, "Visible change")] {
            ui.selectable_value(&mut view.forms.wall_order, order, text);
        }
        ui.add_space(8.0);
        match job {
            Some(_) => _ = ui.label(RichText::new(format!("{done} of {groups} regenerated")).color(t.weak)),
            None if done < groups => regenerate_remaining(ui, view),
            None => {}
        }
    });
    ui.label(RichText::new(provenance(query)).font(theme::caption()).color(t.weak));
    super::result::switch(ui, view, "wall");
    ui.add_space(8.0);
    let order = sorted(state, query, view.forms.wall_order);
    let (columns, side) = layout(ui.available_size(), order.len() + 1);
    ScrollArea::vertical().id_salt("wall").auto_shrink([false, false]).show(ui, |ui| {
        let rows = (order.len() + 1).div_ceil(columns);
        let step = vec2(side + SPACE, side + CAPTION_HEIGHT + SPACE);
        let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), rows as f32 * step.y), Sense::hover());
        let cells = std::iter::once(None).chain(order.iter().copied().map(Some));
        for (i, cell) in cells.enumerate() {
            // Leaves room for the ring around the selected image.
            let corner = area.min + vec2(2.0, 2.0) + vec2((i % columns) as f32 * step.x, (i / columns) as f32 * step.y);
            let rect = Rect::from_min_size(corner, vec2(side, side + CAPTION_HEIGHT));
            if ui.is_rect_visible(rect) {
                ui.scope_builder(UiBuilder::new().id_salt(("wall", cell)).max_rect(rect), |ui| {
                    tile(ui, view, query, cell, side);
                });
            }
        }
    });
}

/// Tooltip of the regenerate buttons.
const HINT: &str = "Generate the image from the same noise with each model without a group.";

fn regenerate_remaining(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let ready = view.state.can_compute_evidence();
    let cost = super::evidence::cost(view, Evidence::Regenerate, None);
    let text = super::evidence::named("Regenerate the remaining", cost);
    // The next step as long as images are missing.
    let (fill, ink) = if ready.is_ok() { (t.strong, t.window) } else { (t.control, t.weak) };
    let button = ui.add_enabled(ready.is_ok(), egui::Button::new(RichText::new(text).color(ink)).fill(fill));
    if button.on_hover_text(HINT).on_disabled_hover_text(ready.err().unwrap_or(HINT)).clicked() {
        view.out.push(Command::ComputeEvidence(Evidence::Regenerate, None));
    }
}

/// How these images were generated.
fn provenance(query: &Query) -> String {
    match query.sampling {
        Some(_) => "Same seed and sampler, unlearned model. Small early changes can grow large.".into(),
        None => "The seed of this image is not known: all models, including the full one, denoise the same half-noised version of it.".to_owned(),
    }
}

/// Groups in this order; those without a value come last.
fn sorted(state: &State, query: &Query, order: Order) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..state.groups().len()).collect();
    let value = |group: &usize| match order {
        Order::Score => score(query, *group),
        Order::Change => query.evidence.change(&query.image.pixels, *group),
    };
    let key = |group: &usize| value(group).unwrap_or(f64::NEG_INFINITY);
    groups.sort_by(|a, b| key(b).total_cmp(&key(a)));
    groups
}

/// Digits after the point, as in the ranking.
fn decimals(query: &Query) -> usize {
    query.explanation().map_or(1, |explanation| explanation.ranking.decimals())
}

fn score(query: &Query, group: usize) -> Option<f64> {
    let board = &query.explanation()?.ranking;
    board.rows.iter().find(|r| r.group == Some(group)).map(|r| r.estimate.score)
}

/// Number of columns and side length of the images: the largest at which all fit, or the least with scrolling.
fn layout(room: Vec2, count: usize) -> (usize, f32) {
    let side = |columns: usize| {
        let rows = count.div_ceil(columns) as f32;
        let wide = (room.x - 4.0 + SPACE) / columns as f32 - SPACE;
        let tall = room.y / rows - CAPTION_HEIGHT - SPACE;
        wide.min(tall).floor()
    };
    let best = (1..=count.max(1)).max_by(|a, b| side(*a).total_cmp(&side(*b))).unwrap_or(1);
    if side(best) >= MIN_SIDE {
        return (best, side(best));
    }
    let columns = (((room.x + SPACE) / (MIN_SIDE + SPACE)).floor() as usize).max(1);
    (columns, ((room.x + SPACE) / columns as f32 - SPACE).floor())
}

/// The original, or the image without a group.
fn tile(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: Option<usize>, side: f32) {
    let t = tokens(ui);
    let shape = query.image.shape;
    let regenerated = match group {
        Some(group) => query.evidence.regenerated.get(&group),
        None => query.evidence.reference.as_ref(),
    };
    let name = match group {
        Some(group) => view.state.group_name(group).to_owned(),
        None if query.sampling.is_some() => "Original".into(),
        None => "Full model".into(),
    };
    let texture = match (group, regenerated) {
        (_, Some(regenerated)) => {
            let key = TextureKey::Regenerated(content(&regenerated.pixels), regenerated.is_done());
            view.textures.get(ui.ctx(), key, shape, &regenerated.pixels)
        }
        (None, None) => view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &query.image.pixels),
        (Some(_), None) => None,
    };
    let label = match group {
        Some(_) => format!("Without {name}"),
        None => name.clone(),
    };
    let shown = show_image(ui, texture, shape, Vec2::splat(side), &label);
    if texture.is_none() && regenerated.is_none() {
        // An empty tile says what it will show.
        let font = theme::caption();
        let text = format!("not regenerated\nwithout {}", format::cut(&name, 16));
        ui.painter().text(shown.rect.center(), Align2::CENTER_CENTER, text, font, t.weak);
    }
    let text = Rect::from_min_max(shown.rect.left_bottom(), shown.rect.right_bottom() + vec2(0.0, CAPTION_HEIGHT));
    let whole = shown.rect.union(text);
    let response = ui.interact(whole, ui.scope_id().with(group), Sense::click());
    let selected = group.is_some() && view.state.group == group;
    response.widget_info(|| {
        WidgetInfo::selected(egui::accesskit::Role::ListBoxOption, true, selected, format!("Show {label}"))
    });
    let hovered = group.map_or(response.hovered(), |group| hover::hovered(ui, &response, group));
    let painter = ui.painter();
    let ring = match (selected || response.has_focus(), hovered) {
        (true, _) => Some(Stroke::new(2.0, t.strong)),
        (false, true) => Some(Stroke::new(1.0, t.outline)),
        _ => None,
    };
    if let Some(stroke) = ring {
        painter.rect_stroke(shown.rect, f32::from(RADIUS), stroke, StrokeKind::Outside);
    }
    let middle = text.center().y;
    let mut left = text.left() + 2.0;
    if let Some(group) = group {
        swatch(painter, pos2(left + 6.0, middle), 5.0, group, t);
        left += 18.0;
    }
    // The name comes first: where it would be cut, the value does without words.
    let words = side > 190.0;
    let value = match (group, regenerated, view.forms.wall_order) {
        (Some(_), Some(image), _) if !image.is_done() => format!("step {} of {}", image.step, image.steps),
        (Some(group), _, Order::Score) => {
            score(query, group).map_or_else(String::new, |s| format::signed(s, decimals(query)))
        }
        (Some(group), _, Order::Change) => query
            .evidence
            .change(&query.image.pixels, group)
            .map_or_else(String::new, |c| format!("{:.0}%{}", 100.0 * c, if words { " pixel change" } else { "" })),
        (None, ..) => String::new(),
    };
    let value = painter.text(pos2(text.right() - 2.0, middle), Align2::RIGHT_CENTER, value, theme::caption(), t.weak);
    let color = if selected { t.strong } else { t.text };
    let galley = elided(ui.painter(), &name, theme::body(), color, (value.left() - left - 8.0).max(20.0));
    ui.painter().galley(pos2(left, middle - galley.size().y / 2.0), galley, color);
    if response.clicked() && group.is_some() {
        view.out.push(Command::SelectGroup(if selected { None } else { group }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_images_fit_unless_they_would_become_too_small() {
        for (room, count) in [(vec2(960.0, 560.0), 9), (vec2(960.0, 560.0), 3), (vec2(2000.0, 1200.0), 13)] {
            let (columns, side) = layout(room, count);
            let rows = count.div_ceil(columns) as f32;
            assert!(side >= MIN_SIDE);
            assert!(
                columns as f32 * (side + SPACE) - SPACE <= room.x && rows * (side + CAPTION_HEIGHT + SPACE) <= room.y
            );
        }
        let (columns, side) = layout(vec2(960.0, 560.0), 61);
        assert!(side >= MIN_SIDE && columns as f32 * (side + SPACE) - SPACE <= 960.0);
    }
}
