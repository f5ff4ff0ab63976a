//! The map itself: points, queries, zoom, pan, selection and lasso.

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align2, EventFilter, Key, Modifiers, Pos2, Rect, Response, RichText, Sense, Shape, Stroke, StrokeKind, Ui, Vec2,
    WidgetInfo, vec2,
};

use crate::app::actions::Command;
use crate::app::forms::MapView;
use crate::app::panels::View;
use crate::app::state::ShownMap;
use crate::app::theme::{self, RADIUS, Tokens, tokens};
use crate::app::widgets::point_map::{self, Emphasis, PointStyle, Transform, bounds, inside, nearest};
use crate::app::widgets::{TextureKey, WHOLE, elided, star_shape};
use crate::app::{bidi, format};
use whence_data::Dataset;

/// Space between the outermost points and the edge.
const MARGIN: f32 = 18.0;

/// How far from a point the pointer still means it.
const REACH: f32 = 10.0;

/// Radius of the mark of a query.
const QUERY: f32 = 8.0;

/// Largest enlargement.
const ZOOM: f32 = 400.0;

/// Corners of a lasso at most; closer ones are joined.
const CORNERS: usize = 2000;

/// What is under the pointer.
#[derive(Clone, Copy, PartialEq)]
enum Target {
    Query(u64),
    Image(usize),
}

/// Draws the map.
pub fn show(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, map: &ShownMap, size: Vec2) {
    let t = tokens(ui);
    let (_, rect) = ui.allocate_space(size);
    let response = ui.interact(rect, point_map::id(), Sense::click_and_drag());
    ui.painter().rect_filled(rect, f32::from(RADIUS), t.mat.gamma_multiply(0.5));
    let mut bounds = bounds(&map.points);
    // A query that resembles no training image lies outside.
    for (_, [x, y]) in map.queries.iter().filter(|(_, point)| point.iter().all(|v| v.is_finite())) {
        bounds.extend_with(Pos2::new(*x, *y));
    }
    navigate(ui, view, &response, rect, bounds);
    let transform = transform(view.forms.embedding.view, rect, bounds);
    let pointer = ui.input(|i| i.pointer.hover_pos()).filter(|_| response.hovered());
    let target = pointer.and_then(|at| target(view, dataset, map, transform, at));
    lasso(ui, view, &response, dataset, map, transform);
    points(ui, view, dataset, map, transform, rect);
    queries(ui, view, map, transform, rect, t);
    outline(ui, view, map, transform, rect, t);
    draw_lasso(ui, view, rect, t);
    if response.has_focus() {
        ui.painter().rect_stroke(rect, f32::from(RADIUS), Stroke::new(1.0, t.outline), StrokeKind::Inside);
    }
    if response.clicked() {
        view.out.push(match target {
            Some(Target::Query(key)) => Command::SelectQuery(key),
            Some(Target::Image(image)) => Command::SelectImage(Some(image)),
            None => Command::SelectImage(None),
        });
    }
    let selected = view.state.image.map_or("none selected".to_owned(), |image| dataset.image_name(image).to_owned());
    let name = format!(
        "Map of {} and {}",
        format::plural(map.points.len(), "training image"),
        format::plural(map.queries.len(), "query image")
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, &name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(selected));
    if let Some(target) = target.filter(|_| view.forms.embedding.drawn.is_empty()) {
        response.on_hover_ui_at_pointer(|ui| about(ui, view, dataset, target));
    }
}

fn transform(view: MapView, area: Rect, bounds: Rect) -> Transform {
    let room = area.shrink(MARGIN);
    let scale = view.zoom * (room.width() / bounds.width()).min(room.height() / bounds.height()).max(1e-9);
    let [x, y] = view.middle;
    Transform { area, middle: [bounds.left() + x * bounds.width(), bounds.top() + y * bounds.height()], scale }
}

/// Moves and enlarges the map by pointer, wheel and keys.
fn navigate(ui: &Ui, view: &mut View<'_>, response: &Response, area: Rect, bounds: Rect) {
    let form = &mut view.forms.embedding;
    let shift = ui.input(|i| i.modifiers.shift);
    if response.dragged() && !form.lasso && !shift && form.drawn.is_empty() {
        let scale = transform(form.view, area, bounds).scale;
        let by = response.drag_delta() / scale;
        form.view.middle[0] -= by.x / bounds.width();
        form.view.middle[1] += by.y / bounds.height();
    }
    if response.hovered() {
        let (scroll, pinch) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = (0.005 * scroll).exp() * pinch;
        if (factor - 1.0).abs() > 1e-4 {
            let at = ui.input(|i| i.pointer.hover_pos()).unwrap_or(area.center());
            zoom(&mut form.view, factor, at, area, bounds);
        }
    }
    if response.double_clicked() {
        form.view = MapView::default();
    }
    if response.clicked() {
        response.request_focus();
    }
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    let step = 0.1 / form.view.zoom;
    for (key, x, y) in [
        (Key::ArrowLeft, -step, 0.0),
        (Key::ArrowRight, step, 0.0),
        (Key::ArrowUp, 0.0, step),
        (Key::ArrowDown, 0.0, -step),
    ] {
        if pressed(key) {
            form.view.middle[0] += x;
            form.view.middle[1] += y;
        }
    }
    for (key, factor) in [(Key::Plus, 1.4), (Key::Equals, 1.4), (Key::Minus, 1.0 / 1.4)] {
        if pressed(key) {
            zoom(&mut form.view, factor, area.center(), area, bounds);
        }
    }
    if pressed(Key::Home) {
        form.view = MapView::default();
    }
}

/// Enlarges the map around a place on screen.
fn zoom(view: &mut MapView, factor: f32, at: Pos2, area: Rect, bounds: Rect) {
    let before = transform(*view, area, bounds).to_point(at);
    view.zoom = (view.zoom * factor).clamp(0.5, ZOOM);
    let after = transform(*view, area, bounds).to_point(at);
    view.middle[0] += (before[0] - after[0]) / bounds.width();
    view.middle[1] += (before[1] - after[1]) / bounds.height();
}

fn target(view: &View<'_>, dataset: &Dataset, map: &ShownMap, transform: Transform, at: Pos2) -> Option<Target> {
    let queries = map.queries.iter().enumerate().map(|(i, (_, point))| (i, *point));
    if let Some(index) = nearest(queries, transform, at, QUERY + 2.0) {
        return map.queries.get(index).map(|(key, _)| Target::Query(*key));
    }
    let hidden = &view.forms.embedding.hidden;
    let shown = |(image, _): &(usize, &[f32; 2])| {
        hidden.is_empty() || dataset.group_of(*image).is_none_or(|group| !hidden.contains(&group))
    };
    let images = map.points.iter().enumerate().filter(shown).map(|(image, point)| (image, *point));
    nearest(images, transform, at, REACH).map(Target::Image)
}

/// The points of the training images. Those of the selected group, and those in the lasso, stand out.
fn points(ui: &Ui, view: &mut View<'_>, dataset: &Dataset, map: &ShownMap, transform: Transform, rect: Rect) {
    let t = tokens(ui);
    let selected = view.state.group;
    let lasso = view.library.options.filter.lasso.clone();
    let form = &mut view.forms.embedding;
    let hidden = form.hidden.clone();
    // A quarter of the room covered at most, and never too small to be seen.
    let room = 0.25 * rect.area() / (map.points.len().max(1) as f32 * std::f32::consts::PI);
    let radius = (room.sqrt() * form.view.zoom.sqrt()).clamp(1.6, 4.5);
    let marked = (lasso.as_ref().map(|l| Arc::as_ptr(l) as usize), selected, &hidden);
    let version = egui::util::hash((map.version, view.state.dataset_id, marked));
    let style = PointStyle { version, transform, radius, theme: t.window.to_array() };
    let look = |image: usize| {
        let group = dataset.group_of(image).unwrap_or_default();
        let inside = |lasso: &Arc<Vec<u32>>| u32::try_from(image).is_ok_and(|i| lasso.binary_search(&i).is_ok());
        let emphasis = if hidden.contains(&group) {
            Emphasis::Hidden
        } else if selected.is_some_and(|s| s != group) || !lasso.as_ref().is_none_or(inside) {
            Emphasis::Faint
        } else {
            Emphasis::Usual
        };
        (group, emphasis)
    };
    let shape = form.points.shape(ui.ctx(), t, dataset.groups().len(), &map.points, style, look);
    ui.painter().with_clip_rect(rect).add(shape);
}

/// The queries: stars with a ring around the one on screen, and its name.
fn queries(ui: &Ui, view: &View<'_>, map: &ShownMap, transform: Transform, rect: Rect, t: &Tokens) {
    let painter = ui.painter().with_clip_rect(rect);
    for (key, point) in &map.queries {
        let at = transform.to_screen(*point);
        if !rect.expand(QUERY).contains(at) {
            continue;
        }
        painter.circle_filled(at, QUERY + 2.0, t.window);
        star_shape(&painter, at, QUERY, t.strong);
        if view.state.current == Some(*key) {
            painter.circle_stroke(at, QUERY + 4.0, Stroke::new(2.0, t.strong));
            let name = view.state.query().map_or("", |q| q.image.name.as_str());
            let galley = elided(&painter, name, theme::caption(), t.strong, 160.0);
            let left = Align2::LEFT_CENTER.align_size_within_rect(
                galley.size(),
                Rect::from_min_size(at + vec2(QUERY + 8.0, -10.0), galley.size().max(vec2(1.0, 20.0))),
            );
            painter.rect_filled(left.expand2(vec2(4.0, 2.0)), 3.0, t.window.gamma_multiply(0.8));
            painter.galley(left.min, galley, t.strong);
        }
    }
}

/// A ring around the selected training image.
fn outline(ui: &Ui, view: &View<'_>, map: &ShownMap, transform: Transform, rect: Rect, t: &Tokens) {
    if let Some(point) = view.state.image.and_then(|image| map.points.get(image)) {
        let painter = ui.painter().with_clip_rect(rect);
        painter.circle_stroke(transform.to_screen(*point), 8.0, Stroke::new(2.0, t.strong));
    }
}

/// Draws and closes the lasso. What is inside filters the library.
fn lasso(ui: &Ui, view: &mut View<'_>, response: &Response, dataset: &Dataset, map: &ShownMap, transform: Transform) {
    let form = &mut view.forms.embedding;
    let wanted = form.lasso || ui.input(|i| i.modifiers.shift);
    if response.drag_started() && wanted {
        form.drawn = ui.input(|i| i.pointer.press_origin()).into_iter().collect();
    }
    if form.drawn.is_empty() {
        return;
    }
    if response.dragged()
        && let Some(at) = response.interact_pointer_pos()
        && form.drawn.last().is_none_or(|last| last.distance(at) > 3.0)
        && form.drawn.len() < CORNERS
    {
        form.drawn.push(at);
    }
    if !ui.input(|i| i.pointer.primary_down()) {
        let polygon: Vec<[f32; 2]> = std::mem::take(&mut form.drawn).iter().map(|at| transform.to_point(*at)).collect();
        if polygon.len() < 3 {
            return;
        }
        let around = bounds(&polygon);
        let caught = |(image, point): &(usize, &[f32; 2])| {
            let shown = dataset.group_of(*image).is_none_or(|group| !form.hidden.contains(&group));
            shown && around.contains(Pos2::new(point[0], point[1])) && inside(&polygon, **point)
        };
        let images = map.points.iter().enumerate().filter(caught);
        let images: Vec<u32> = images.filter_map(|(image, _)| u32::try_from(image).ok()).collect();
        view.library.options.filter.lasso = (!images.is_empty()).then(|| Arc::new(images));
        ui.ctx().request_repaint();
    }
}

fn draw_lasso(ui: &Ui, view: &View<'_>, rect: Rect, t: &Tokens) {
    let drawn = &view.forms.embedding.drawn;
    if drawn.len() > 1 {
        let painter = ui.painter().with_clip_rect(rect);
        painter.add(Shape::closed_line(drawn.clone(), Stroke::new(1.5, t.strong)));
    }
}

/// The image under the pointer: what it looks like, its name and its group.
fn about(ui: &mut Ui, view: &mut View<'_>, dataset: &Dataset, target: Target) {
    let t = tokens(ui);
    let (key, shape, pixels, name, group) = match target {
        Target::Image(image) => {
            let group = dataset.group_of(image).map_or("", |g| dataset.group_name(g));
            let key = TextureKey::TrainingImage(view.state.dataset_id, image);
            (key, dataset.shape(), dataset.pixels(image), dataset.image_name(image), group)
        }
        Target::Query(key) => {
            let Some(query) = view.state.queries.iter().find(|q| q.key == key) else { return };
            let q = &query.image;
            (TextureKey::Query(key), q.shape, q.pixels.as_slice(), q.name.as_str(), "query image")
        }
    };
    if let Some(texture) = view.textures.get(ui.ctx(), key, shape, pixels) {
        let longer = shape.width.max(shape.height).max(1) as f32;
        let (rect, _) =
            ui.allocate_exact_size(96.0 / longer * vec2(shape.width as f32, shape.height as f32), Sense::hover());
        ui.painter().image(texture, rect, WHOLE, egui::Color32::WHITE);
    }
    ui.label(RichText::new(bidi::display(&format::cut(name, 40))).color(t.strong));
    ui.label(RichText::new(bidi::display(&format::cut(group, 40))).font(theme::caption()).color(t.weak));
}
