//! The query drawn again without each group, all at once.

use egui::{
    Align2, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use super::View;
use crate::app::actions::Command;
use crate::app::format;
use crate::app::state::{Query, Slot, State};
use crate::app::theme::{self, RADIUS, tokens};
use crate::app::widgets::{TextureKey, content, elided, hover, show_image, swatch};
use whence_jobs::Evidence;

const SPACE: f32 = 16.0;
/// Below each image: name and number.
const BELOW: f32 = 26.0;
/// Images never get smaller than this.
const SMALLEST: f32 = 120.0;

/// What the images are ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The score, highest first.
    #[default]
    Score,
    /// How different the image looks, most first.
    Change,
}

/// Draws the panel.
pub fn show(ui: &mut Ui, view: &mut View<'_>) {
    let t = tokens(ui);
    let state = view.state;
    super::notices(ui, view, &[Slot::Evidence], 120.0);
    let about_wall = "The image drawn again without each group, side by side, from the same noise";
    let Some(query) = state.query() else {
        super::placeholder(ui, "The wall", &format!("{about_wall}. Draw or open an image first"), None);
        return;
    };
    let groups = state.groups().len();
    let done = query.found.redrawn.values().filter(|r| r.is_done()).count();
    let job = state.looking(Evidence::Regenerate, None);
    if query.found.redrawn.is_empty() && job.is_none() {
        let ready = state.can_look().map(|()| HINT);
        if super::placeholder(ui, "The wall", about_wall, Some(("Draw all again", ready))) {
            view.out.push(Command::Look(Evidence::Regenerate, None));
        }
        return;
    }
    ui.horizontal(|ui| {
        ui.label(RichText::new("Drawn again without each group").font(theme::lead()).color(t.strong));
        ui.add_space(8.0);
        ui.label(RichText::new("by").color(t.weak));
        for (order, text) in [(Order::Score, "Score"), (Order::Change, "Visible change")] {
            ui.selectable_value(&mut view.forms.wall_order, order, text);
        }
        ui.add_space(8.0);
        match job {
            Some(_) => _ = ui.label(RichText::new(format!("{done} of {groups} drawn")).color(t.weak)),
            None if done < groups => draw_rest(ui, view),
            None => {}
        }
    });
    ui.label(RichText::new(about(query)).font(theme::caption()).color(t.weak));
    ui.add_space(8.0);
    let order = sorted(state, query, view.forms.wall_order);
    let (columns, side) = layout(ui.available_size(), order.len() + 1);
    ScrollArea::vertical().id_salt("wall").auto_shrink([false, false]).show(ui, |ui| {
        let rows = (order.len() + 1).div_ceil(columns);
        let step = vec2(side + SPACE, side + BELOW + SPACE);
        let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), rows as f32 * step.y), Sense::hover());
        let cells = std::iter::once(None).chain(order.iter().copied().map(Some));
        for (i, cell) in cells.enumerate() {
            // Room for the ring around what is selected.
            let corner = area.min + vec2(2.0, 2.0) + vec2((i % columns) as f32 * step.x, (i / columns) as f32 * step.y);
            let rect = Rect::from_min_size(corner, vec2(side, side + BELOW));
            if ui.is_rect_visible(rect) {
                ui.scope_builder(UiBuilder::new().id_salt(("wall", cell)).max_rect(rect), |ui| {
                    tile(ui, view, query, cell, side);
                });
            }
        }
    });
}

/// What drawing again is.
const HINT: &str = "The models without each group draw the image from the same noise";

fn draw_rest(ui: &mut Ui, view: &mut View<'_>) {
    let ready = view.state.can_look();
    let button = ui.add_enabled(ready.is_ok(), egui::Button::new("Draw the rest"));
    if button.on_hover_text(HINT).on_disabled_hover_text(ready.err().unwrap_or(HINT)).clicked() {
        view.out.push(Command::Look(Evidence::Regenerate, None));
    }
}

/// What was done to get these images.
fn about(query: &Query) -> String {
    match query.draw {
        Some(_) => "From the same noise as the original, with the same sampler, by another model. Small changes early on become large ones".into(),
        None => "No seed is known of this image: all models, the full one too, draw the second half of the steps from the same noisy version of it".to_owned(),
    }
}

/// Groups in the order asked for; those without a number come last.
fn sorted(state: &State, query: &Query, order: Order) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..state.groups().len()).collect();
    let value = |group: &usize| match order {
        Order::Score => score(query, *group),
        Order::Change => query.found.change(&query.image.pixels, *group),
    };
    let key = |group: &usize| value(group).unwrap_or(f64::NEG_INFINITY);
    groups.sort_by(|a, b| key(b).total_cmp(&key(a)));
    groups
}

fn score(query: &Query, group: usize) -> Option<f64> {
    let board = &query.answer.as_ref()?.board;
    board.rows.iter().find(|r| r.group == Some(group)).map(|r| r.estimate.score)
}

/// Columns and side of the images: as large as all fit, down to where scrolling is better.
fn layout(room: Vec2, count: usize) -> (usize, f32) {
    let side = |columns: usize| {
        let rows = count.div_ceil(columns) as f32;
        let wide = (room.x - 4.0 + SPACE) / columns as f32 - SPACE;
        let tall = room.y / rows - BELOW - SPACE;
        wide.min(tall).floor()
    };
    let best = (1..=count.max(1)).max_by(|a, b| side(*a).total_cmp(&side(*b))).unwrap_or(1);
    if side(best) >= SMALLEST {
        return (best, side(best));
    }
    let columns = (((room.x + SPACE) / (SMALLEST + SPACE)).floor() as usize).max(1);
    (columns, ((room.x + SPACE) / columns as f32 - SPACE).floor())
}

/// The original, or the image without a group.
fn tile(ui: &mut Ui, view: &mut View<'_>, query: &Query, group: Option<usize>, side: f32) {
    let t = tokens(ui);
    let shape = query.image.shape;
    let drawn = match group {
        Some(group) => query.found.redrawn.get(&group),
        None => query.found.reference.as_ref(),
    };
    let name = match group {
        Some(group) => view.state.group_name(group).to_owned(),
        None if query.draw.is_some() => "the original".into(),
        None => "all groups".into(),
    };
    let texture = match (group, drawn) {
        (_, Some(drawn)) => {
            let key = TextureKey::Regenerated(content(&drawn.pixels), drawn.is_done());
            view.textures.get(ui.ctx(), key, shape, &drawn.pixels)
        }
        (None, None) => view.textures.get(ui.ctx(), TextureKey::Query(query.key), shape, &query.image.pixels),
        (Some(_), None) => None,
    };
    let label = match group {
        Some(_) => format!("Without {name}"),
        None => format!("The image with {name}"),
    };
    let shown = show_image(ui, texture, shape, Vec2::splat(side), &label);
    let text = Rect::from_min_max(shown.rect.left_bottom(), shown.rect.right_bottom() + vec2(0.0, BELOW));
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
    let number = match (group, drawn, view.forms.wall_order) {
        (Some(_), Some(drawn), _) if !drawn.is_done() => format!("step {} of {}", drawn.step, drawn.steps),
        (Some(group), _, Order::Score) => {
            score(query, group).map_or_else(String::new, |s| format::signed(s, format::decimals(s)))
        }
        (Some(group), _, Order::Change) => query
            .found
            .change(&query.image.pixels, group)
            .map_or_else(String::new, |c| format!("differs by {:.0} %", 100.0 * c)),
        (None, ..) => String::new(),
    };
    let number = painter.text(pos2(text.right() - 2.0, middle), Align2::RIGHT_CENTER, number, theme::caption(), t.weak);
    let color = if selected { t.strong } else { t.text };
    let galley = elided(ui.painter(), &name, theme::body(), color, (number.left() - left - 8.0).max(20.0));
    ui.painter().galley(pos2(left, middle - galley.size().y / 2.0), galley, color);
    if response.clicked() && group.is_some() {
        view.out.push(Command::SelectGroup(if selected { None } else { group }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_images_fit_while_they_stay_large_enough() {
        for (room, count) in [(vec2(960.0, 560.0), 9), (vec2(960.0, 560.0), 3), (vec2(2000.0, 1200.0), 13)] {
            let (columns, side) = layout(room, count);
            let rows = count.div_ceil(columns) as f32;
            assert!(side >= SMALLEST);
            assert!(columns as f32 * (side + SPACE) - SPACE <= room.x && rows * (side + BELOW + SPACE) <= room.y);
        }
        let (columns, side) = layout(vec2(960.0, 560.0), 61);
        assert!(side >= SMALLEST && columns as f32 * (side + SPACE) - SPACE <= 960.0);
    }
}
