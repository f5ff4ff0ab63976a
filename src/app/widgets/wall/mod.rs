//! The wall: all training images as tiles, one shader call a frame.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `layout` | where headers and tiles lie |
//! | `cache` | which images are kept |
//! | `atlas` | where they lie on the graphics card, and how they get there |
//! | `gpu` | pages, shader, the call |
//! | `thumbs`, `workers` | images turned to the size of their cells |
//! | `header` | the line above a group |
//! | `tiles` | which tiles are on screen, and how they are marked |
//! | `keys` | the selection by keys |
//!
//! Only what is on screen is touched in a frame; where sections lie is worked out anew only where order or sizes change.

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

use eframe::egui_wgpu::RenderState;
use egui::accesskit::Role;
use egui::{Context, Id, Rect, Response, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

use atlas::Atlas;
pub use keys::index_of;
pub use layout::Section;
use layout::{Layout, Metrics};

use crate::app::format;
use whence_data::Dataset;

/// Room for the scroll bar at the right.
const BAR: f32 = 14.0;

/// What the wall shows.
pub struct Shown<'a> {
    /// The dataset.
    pub dataset: &'a Dataset,
    /// Its number, so that images of an earlier one are not shown.
    pub number: u64,
    /// The images, in order.
    pub order: &'a [u32],
    /// How the order falls into groups.
    pub sections: &'a [Section],
    /// Whether images of several groups stand side by side without headers: rings tell their groups then.
    pub mixed: bool,
    /// Another number for every other order.
    pub version: u64,
    /// Longer side of a tile at least, in points.
    pub side: f32,
    /// The selected image.
    pub selected: Option<usize>,
    /// The selected group.
    pub group: Option<usize>,
}

impl Shown<'_> {
    /// The image at a place of the order.
    pub fn image(&self, place: usize) -> Option<usize> {
        self.order.get(place).map(|image| *image as usize)
    }

    /// An image in words: its name, its group.
    pub fn words(&self, image: usize) -> String {
        let group = self.dataset.group_of(image).map_or("", |g| self.dataset.group_name(g));
        format!("{}, {group}", self.dataset.image_name(image))
    }
}

/// What the user did on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// Selected an image, or none.
    Select(Option<usize>),
    /// Wants to see an image large.
    Open(usize),
    /// Pressed the header of a group.
    Group(usize),
}

/// What the wall remembers from frame to frame.
#[derive(Default)]
pub struct Wall {
    render: Option<RenderState>,
    atlas: Option<Atlas>,
    layout: Option<(u64, Layout)>,
    /// Top of what is on screen.
    top: f64,
    /// Where to scroll in the next frame.
    go_to: Option<f64>,
    /// Whether it is asked a second time.
    again: bool,
    /// The image and the group selected in the last frame.
    last: (Option<usize>, Option<usize>),
    loading: bool,
}

/// Whether the keys belong to the wall.
pub fn has_focus(ctx: &Context) -> bool {
    ctx.memory(|m| m.has_focus(id()))
}

/// The wall's own identity, for the keys.
pub fn id() -> Id {
    Id::unique("wall")
}

impl Wall {
    /// Says what draws the window. Without it tiles stay neutral.
    pub fn attach(&mut self, render: Option<&RenderState>) {
        if self.render.is_none() {
            self.render = render.cloned();
        }
    }

    /// Whether images on screen are still missing and will come.
    pub fn is_loading(&self) -> bool {
        self.loading
    }

    /// How far it is scrolled, in points.
    pub fn top(&self) -> f64 {
        self.top
    }

    /// Where everything lies.
    #[cfg(test)]
    pub fn layout_for_test(&self) -> Option<&Layout> {
        self.layout.as_ref().map(|(_, layout)| layout)
    }

    /// Shows the wall in the room that is left.
    pub fn show(&mut self, ui: &mut Ui, shown: &Shown<'_>) -> Vec<Did> {
        let mut did = Vec::new();
        let view = ui.available_rect_before_wrap();
        let layout = self.arranged(ui, shown, view);
        self.follow_selection(shown, &layout, view);
        // Where the wall scrolls to may lie beyond what it was before: it shall not spring back from there.
        ui.spacing_mut().scroll.kinetic.rubber_band = false;
        let mut area = ScrollArea::vertical().id_salt("wall").auto_shrink([false, false]);
        let most = (layout.height() - f64::from(view.height())).max(0.0);
        let target = self.go_to.take().map(|top| top.clamp(0.0, most));
        if let Some(top) = target {
            area = area.vertical_scroll_offset(top as f32);
        }
        let again = std::mem::take(&mut self.again);
        area.show_viewport(ui, |ui, viewport| {
            ui.set_height(layout.height() as f32);
            let pixel = f64::from(ui.pixels_per_point());
            let top = target.unwrap_or(f64::from(viewport.min.y));
            if !again && target.is_some() {
                // The scroll area goes no further than its last content reached: it learns the new height now.
                (self.go_to, self.again) = (target, true);
                ui.request_repaint();
            }
            // Whole screen pixels: nothing is blurred by where it happens to lie.
            self.top = (top.clamp(0.0, most) * pixel).round() / pixel;
            let response = ui.interact(view, id(), Sense::click());
            let pointed = response.hover_pos().and_then(|at| self.at(&layout, view, at));
            self.tiles(ui, shown, &layout, view, pointed);
            header::show(ui, shown, &layout, view, self.top, &mut did);
            self.pressed(&response, shown, pointed, &mut did);
            self.keys(ui, &response, shown, &layout, view, &mut did);
            name(&response, shown);
            if let Some(image) = pointed.and_then(|place| shown.image(place)) {
                response.on_hover_text_at_pointer(shown.words(image));
            }
        });
        self.layout = Some((shown.version, layout));
        did
    }

    /// The layout for this width; keeps what is at the top where only sizes changed.
    fn arranged(&mut self, ui: &Ui, shown: &Shown<'_>, view: Rect) -> Layout {
        let shape = shown.dataset.shape();
        let pixel = 1.0 / f64::from(ui.pixels_per_point());
        let width = f64::from((view.width() - BAR).max(1.0));
        let shape = [shape.width as f64, shape.height as f64];
        let metrics = Metrics::fit(width, f64::from(shown.side), shape, pixel);
        match self.layout.take() {
            Some((version, layout)) if version == shown.version && layout.metrics() == metrics => layout,
            Some((version, old)) if version == shown.version => {
                let layout = Layout::new(metrics, shown.sections);
                let first = old.rows(self.top, self.top + f64::from(view.height())).next();
                // The very top stays the very top, with its header.
                if let Some(row) = first.filter(|_| self.top > 0.0) {
                    let above = row.top - self.top;
                    self.go_to = layout.corner(row.places.start).map(|[_, y]| (y - above).max(0.0));
                }
                layout
            }
            _ => {
                self.go_to = Some(0.0);
                Layout::new(metrics, shown.sections)
            }
        }
    }

    /// Brings into sight what was selected elsewhere.
    fn follow_selection(&mut self, shown: &Shown<'_>, layout: &Layout, view: Rect) {
        let now = (shown.selected, shown.group);
        let before = std::mem::replace(&mut self.last, now);
        let height = f64::from(view.height());
        if let Some(image) = shown.selected.filter(|_| before.0 != now.0) {
            if let Some(place) = index_of(shown.order, image) {
                self.reveal(layout, place, height);
            }
        } else if let Some(section) = shown.group.filter(|_| before.1 != now.1).and_then(|g| layout.section_of(g))
            && (section.bottom < self.top || section.top > self.top + height)
        {
            self.go_to = Some(section.top);
        }
    }

    /// Scrolls no further than needed to see a tile whole, below the header that stays.
    fn reveal(&mut self, layout: &Layout, place: usize, height: f64) {
        let Some([_, y]) = layout.corner(place) else { return };
        let header = layout.sections(y, y).next().map_or(0.0, |s| s.rows - s.top);
        let (above, below) = (y - header - 4.0, y + layout.metrics().tile[1] + 4.0);
        if above < self.top {
            self.go_to = Some(above.max(0.0));
        } else if below > self.top + height {
            self.go_to = Some(below - height);
        }
    }

    /// The place under a point of the screen.
    fn at(&self, layout: &Layout, view: Rect, at: egui::Pos2) -> Option<usize> {
        layout.at(f64::from(at.x - view.left()), self.top + f64::from(at.y - view.top()))
    }

    fn pressed(&self, response: &Response, shown: &Shown<'_>, pointed: Option<usize>, did: &mut Vec<Did>) {
        if !response.clicked_by(egui::PointerButton::Primary) {
            return;
        }
        response.request_focus();
        let image = pointed.and_then(|place| shown.image(place));
        did.push(Did::Select(image));
        if let Some(image) = image.filter(|_| response.double_clicked()) {
            did.push(Did::Open(image));
        }
    }
}

/// The wall for people who do not see it: a list with the selected image as its value.
fn name(response: &Response, shown: &Shown<'_>) {
    let count = format::plural(shown.order.len(), "training image");
    let value = shown.selected.map_or_else(|| "none selected".to_owned(), |image| shown.words(image));
    response.widget_info(|| WidgetInfo {
        current_text_value: Some(value.clone()),
        ..WidgetInfo::labeled(Role::ListBox, true, format!("Wall of {count}"))
    });
}

/// A stretch of the wall on screen.
fn on_screen(view: Rect, top: f64, from: f64, height: f64) -> Rect {
    let y = view.top() + (from - top) as f32;
    Rect::from_min_size(pos2(view.left(), y), vec2(view.width() - BAR, height as f32))
}
