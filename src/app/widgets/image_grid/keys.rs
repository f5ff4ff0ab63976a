//! Moving the selection by keys, while the grid has the focus.

use egui::{EventFilter, Key, Modifiers, Rect, Response, Ui};

use super::layout::{Layout, Step};
use super::{GridContents, GridEvent, ImageGrid};

/// The index of an image in an order.
pub fn index_of(order: &[u32], image: usize) -> Option<usize> {
    order.iter().position(|o| *o as usize == image)
}

impl ImageGrid {
    /// Moves and opens the selection by keys.
    pub(super) fn keys(
        &self,
        ui: &Ui,
        response: &Response,
        contents: &GridContents<'_>,
        layout: &Layout,
        view: Rect,
        events: &mut Vec<GridEvent>,
    ) {
        if !response.has_focus() {
            return;
        }
        // The arrow keys move the selection and must not move the focus as well.
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, escape: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let metrics = layout.metrics();
        let page = (f64::from(view.height()) / (metrics.tile[1] + metrics.gap)).floor().max(1.0) as isize;
        let steps = [
            (Key::ArrowLeft, Step::Left),
            (Key::ArrowRight, Step::Right),
            (Key::ArrowUp, Step::Rows(-1)),
            (Key::ArrowDown, Step::Rows(1)),
            (Key::PageUp, Step::Rows(-page)),
            (Key::PageDown, Step::Rows(page)),
            (Key::Home, Step::First),
            (Key::End, Step::Last),
        ];
        let pressed = |key| ui.input_mut(|i| i.consume_key(Modifiers::NONE, key));
        let before = contents.selected.and_then(|image| index_of(contents.order, image));
        let mut index = before;
        for (key, step) in steps.into_iter().filter(|(key, _)| pressed(*key)) {
            index = match (index, key) {
                (Some(index), _) => Some(layout.step(index, step)),
                // Without a selection, start with the first visible tile.
                (None, Key::Home | Key::End) => Some(layout.step(0, step)),
                (None, _) => {
                    layout.rows(self.scroll, self.scroll + f64::from(view.height())).next().map(|r| r.indices.start)
                }
            };
        }
        if index != before {
            events.push(GridEvent::SelectImage(index.and_then(|p| contents.image(p))));
        }
        if pressed(Key::Enter)
            && let Some(image) = index.and_then(|p| contents.image(p))
        {
            events.push(GridEvent::ViewLarge(image));
        }
        if pressed(Key::Escape) {
            events.push(GridEvent::SelectImage(None));
            response.surrender_focus();
        }
    }
}
