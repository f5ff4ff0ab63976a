//! The selection by keys, while the wall has the focus.

use egui::{EventFilter, Key, Modifiers, Rect, Response, Ui};

use super::layout::{Layout, Step};
use super::{Did, Shown, Wall};

/// The place of an image in an order.
pub fn index_of(order: &[u32], image: usize) -> Option<usize> {
    order.iter().position(|o| *o as usize == image)
}

impl Wall {
    /// Moves and opens the selection by keys.
    pub(super) fn keys(
        &self,
        ui: &Ui,
        response: &Response,
        shown: &Shown<'_>,
        layout: &Layout,
        view: Rect,
        did: &mut Vec<Did>,
    ) {
        if !response.has_focus() {
            return;
        }
        // The arrows move the selection; they shall not also move the focus elsewhere.
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
        let before = shown.selected.and_then(|image| index_of(shown.order, image));
        let mut place = before;
        for (key, step) in steps.into_iter().filter(|(key, _)| pressed(*key)) {
            place = match (place, key) {
                (Some(place), _) => Some(layout.step(place, step)),
                // Nothing is selected yet: begin with what is on screen.
                (None, Key::Home | Key::End) => Some(layout.step(0, step)),
                (None, _) => layout.rows(self.top, self.top + f64::from(view.height())).next().map(|r| r.places.start),
            };
        }
        if place != before {
            did.push(Did::Select(place.and_then(|p| shown.image(p))));
        }
        if pressed(Key::Enter)
            && let Some(image) = place.and_then(|p| shown.image(p))
        {
            did.push(Did::Open(image));
        }
        if pressed(Key::Escape) {
            did.push(Did::Select(None));
            response.surrender_focus();
        }
    }
}
