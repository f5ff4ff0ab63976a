//! The image grid: all training images as tiles, drawn by one shader with one call per atlas page.
//!
//! | module | contents |
//! | --- | --- |
//! | `layout` | positions of headers and tiles |
//! | `cache` | slots of the atlas, with eviction |
//! | `atlas` | positions of images on the graphics card, and uploads |
//! | `gpu` | pages, shader and draw calls |
//! | `thumbs`, `workers` | reducing images to the size of their cells |
//! | `header` | headers of groups |
//! | `tiles` | the visible tiles and their rings |
//! | `keys` | moving the selection by keys |
//!
//! A frame touches only what is visible. Sections are laid out again only where the order or the sizes change.

mod atlas;
mod cache;
mod gpu;
mod header;
mod keys;
mod layout;
#[cfg(test)]
mod layout_tests;
mod thumbs;
mod tiles;
mod workers;

use std::collections::BTreeMap;

use eframe::egui_wgpu::RenderState;
use egui::accesskit::Role;
use egui::{Context, Id, Rect, Response, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use atlas::Atlas;
pub use keys::index_of;
pub use layout::Section;
use layout::{Layout, Metrics};

use crate::app::format;
use crate::app::state::Rating;
use whence_data::Dataset;

/// Room for the scroll bar at the right.
const BAR: f32 = 14.0;

/// The contents of the grid.
pub struct GridContents<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Id of the dataset, so that images of an earlier one are not contents.
    pub number: u64,
    /// The images, in order.
    pub order: &'a [u32],
    /// The sections of the order.
    pub sections: &'a [Section],
    /// Whether images of several groups are mixed without headers. Rings then show their groups.
    pub mixed: bool,
    /// Changes with the order.
    pub version: u64,
    /// Least length of a tile's longer side, in points.
    pub side: f32,
    /// Ratings of images, by name.
    pub ratings: &'a BTreeMap<String, Rating>,
    /// The selected image.
    pub selected: Option<usize>,
    /// The selected group.
    pub group: Option<usize>,
}

impl GridContents<'_> {
    /// The image at an index of the order.
    pub fn image(&self, index: usize) -> Option<usize> {
        self.order.get(index).map(|image| *image as usize)
    }

    /// The name of an image and its group.
    pub fn description(&self, image: usize) -> String {
        let group = self.dataset.group_of(image).map_or("", |g| self.dataset.group_name(g));
        format!("{}, {group}", self.dataset.image_name(image))
    }
}

/// What the user did in the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GridEvent {
    /// Select an image, or none.
    SelectImage(Option<usize>),
    /// Show an image large.
    ViewLarge(usize),
    /// Select the group of a header.
    SelectGroup(usize),
}

/// The state of the grid between frames.
#[derive(Default)]
pub struct ImageGrid {
    render: Option<RenderState>,
    atlas: Option<Atlas>,
    layout: Option<(u64, Layout)>,
    /// Scroll offset, in points.
    scroll: f64,
    /// The scroll offset to go to in the next frame.
    scroll_target: Option<f64>,
    /// Whether `scroll_target` is applied for the second time.
    second_attempt: bool,
    /// The image and the group selected in the last frame.
    last_selection: (Option<usize>, Option<usize>),
    /// Whether visible images are still being loaded.
    loading: bool,
}

/// Whether the grid has the focus.
pub fn has_focus(ctx: &Context) -> bool {
    ctx.memory(|m| m.has_focus(id()))
}

/// The widget id of the grid.
pub fn id() -> Id {
    Id::unique("image grid")
}

impl ImageGrid {
    /// Sets the render state of the window. Without one, tiles stay blank.
    pub fn attach(&mut self, render: Option<&RenderState>) {
        if self.render.is_none() {
            self.render = render.cloned();
        }
    }

    /// Whether visible images are still missing and will come.
    pub fn is_loading(&self) -> bool {
        self.loading
    }

    /// The scroll offset, in points.
    pub fn scroll_offset(&self) -> f64 {
        self.scroll
    }

    /// The layout of the last frame.
    #[cfg(test)]
    pub fn layout_for_test(&self) -> Option<&Layout> {
        self.layout.as_ref().map(|(_, layout)| layout)
    }

    /// Shows the grid in the remaining space.
    pub fn show(&mut self, ui: &mut Ui, contents: &GridContents<'_>) -> Vec<GridEvent> {
        let mut events = Vec::new();
        let view = ui.available_rect_before_wrap();
        let layout = self.update_layout(ui, contents, view);
        self.follow_selection(contents, &layout, view);
        // The target may lie beyond the previous height, from which the area must not spring back.
        ui.spacing_mut().scroll.kinetic.rubber_band = false;
        let mut area = ScrollArea::vertical().id_salt("image grid").auto_shrink([false, false]);
        let max_scroll = (layout.height() - f64::from(view.height())).max(0.0);
        let target = self.scroll_target.take().map(|top| top.clamp(0.0, max_scroll));
        if let Some(top) = target {
            area = area.vertical_scroll_offset(top as f32);
        }
        let second_attempt = std::mem::take(&mut self.second_attempt);
        area.show_viewport(ui, |ui, viewport| {
            ui.set_height(layout.height() as f32);
            let pixel = f64::from(ui.pixels_per_point());
            let top = target.unwrap_or(f64::from(viewport.min.y));
            if !second_attempt && target.is_some() {
                // The scroll area is limited to the height of the last frame and learns the new one only now: try once more.
                (self.scroll_target, self.second_attempt) = (target, true);
                ui.request_repaint();
            }
            // Rounded to whole screen pixels, so that nothing is blurred.
            self.scroll = (top.clamp(0.0, max_scroll) * pixel).round() / pixel;
            let response = ui.interact(view, id(), Sense::click());
            let hovered = response.hover_pos().and_then(|at| self.index_at(&layout, view, at));
            self.tiles(ui, contents, &layout, view, hovered);
            header::show(ui, contents, &layout, view, self.scroll, &mut events);
            self.handle_click(&response, contents, hovered, &mut events);
            self.keys(ui, &response, contents, &layout, view, &mut events);
            describe(&response, contents);
            if let Some(image) = hovered.and_then(|index| contents.image(index)) {
                response.on_hover_text_at_pointer(contents.description(image));
            }
        });
        self.layout = Some((contents.version, layout));
        events
    }

    /// The layout for this width. Where only sizes changed, the topmost row stays at the top.
    fn update_layout(&mut self, ui: &Ui, contents: &GridContents<'_>, view: Rect) -> Layout {
        let shape = contents.dataset.shape();
        let pixel = 1.0 / f64::from(ui.pixels_per_point());
        let width = f64::from((view.width() - BAR).max(1.0));
        let shape = [shape.width as f64, shape.height as f64];
        let metrics = Metrics::fit(width, f64::from(contents.side), shape, pixel);
        match self.layout.take() {
            Some((version, layout)) if version == contents.version && layout.metrics() == metrics => layout,
            Some((version, old)) if version == contents.version => {
                let layout = Layout::new(metrics, contents.sections);
                let first = old.rows(self.scroll, self.scroll + f64::from(view.height())).next();
                // A grid at its very top stays there, with the header.
                if let Some(row) = first.filter(|_| self.scroll > 0.0) {
                    let above = row.top - self.scroll;
                    self.scroll_target = layout.corner(row.indices.start).map(|[_, y]| (y - above).max(0.0));
                }
                layout
            }
            _ => {
                self.scroll_target = Some(0.0);
                Layout::new(metrics, contents.sections)
            }
        }
    }

    /// Scrolls to what was selected in another view.
    fn follow_selection(&mut self, contents: &GridContents<'_>, layout: &Layout, view: Rect) {
        let now = (contents.selected, contents.group);
        let before = std::mem::replace(&mut self.last_selection, now);
        let height = f64::from(view.height());
        if let Some(image) = contents.selected.filter(|_| before.0 != now.0) {
            if let Some(index) = index_of(contents.order, image) {
                self.scroll_to(layout, index, height);
            }
        } else if let Some(section) = contents.group.filter(|_| before.1 != now.1).and_then(|g| layout.section_of(g))
            && (section.bottom < self.scroll || section.top > self.scroll + height)
        {
            self.scroll_target = Some(section.top);
        }
    }

    /// Scrolls as little as possible to make a tile fully visible below the sticky header.
    fn scroll_to(&mut self, layout: &Layout, index: usize, height: f64) {
        let Some([_, y]) = layout.corner(index) else { return };
        let header = layout.sections(y, y).next().map_or(0.0, |s| s.rows - s.top);
        let (above, below) = (y - header - 4.0, y + layout.metrics().tile[1] + 4.0);
        if above < self.scroll {
            self.scroll_target = Some(above.max(0.0));
        } else if below > self.scroll + height {
            self.scroll_target = Some(below - height);
        }
    }

    /// The index of the tile under a point of the screen.
    fn index_at(&self, layout: &Layout, view: Rect, at: egui::Pos2) -> Option<usize> {
        layout.index_at(f64::from(at.x - view.left()), self.scroll + f64::from(at.y - view.top()))
    }

    fn handle_click(
        &self,
        response: &Response,
        contents: &GridContents<'_>,
        hovered: Option<usize>,
        events: &mut Vec<GridEvent>,
    ) {
        if !response.clicked_by(egui::PointerButton::Primary) {
            return;
        }
        response.request_focus();
        let image = hovered.and_then(|index| contents.image(index));
        events.push(GridEvent::SelectImage(image));
        if let Some(image) = image.filter(|_| response.double_clicked()) {
            events.push(GridEvent::ViewLarge(image));
        }
    }
}

/// The accessible description: a list with the selected image as its value.
fn describe(response: &Response, contents: &GridContents<'_>) {
    let count = format::plural(contents.order.len(), "training image");
    let value = contents.selected.map_or_else(|| "none selected".to_owned(), |image| contents.description(image));
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(value.clone()),
        ..WidgetInfo::labeled(Role::ListBox, true, format!("Grid of {count}"))
    });
}

/// The screen rectangle of a vertical range of the grid.
fn on_screen(view: Rect, top: f64, from: f64, height: f64) -> Rect {
    let y = view.top() + (from - top) as f32;
    Rect::from_min_size(pos2(view.left(), y), vec2(view.width() - BAR, height as f32))
}
