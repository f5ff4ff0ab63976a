//! Linked hovering: the group under the pointer in one view is highlighted in all.

use egui::{Context, Id, Response, Ui};

/// The group under the pointer in the last frame, and in this one so far.
#[derive(Clone, Copy, Default)]
struct Hover {
    before: Option<usize>,
    now: Option<usize>,
}

fn id() -> Id {
    Id::unique("hovered group")
}

/// Whether to highlight a group, because the pointer is over it here or in another view. `response` is the group's widget
/// here.
pub fn hovered(ui: &Ui, response: &Response, group: usize) -> bool {
    let here = response.hovered();
    ui.data_mut(|data| {
        let hover = data.get_temp_mut_or_default::<Hover>(id());
        if here {
            hover.now = Some(group);
        }
        // Views drawn before the one under the pointer are updated in the next frame.
        hover.now.or(hover.before) == Some(group)
    })
}

/// Ends a frame, and requests another where the hovered group has changed.
pub fn end_frame(ctx: &Context) {
    let changed = ctx.data_mut(|data| {
        let hover = data.get_temp_mut_or_default::<Hover>(id());
        let changed = hover.now != hover.before;
        hover.before = hover.now.take();
        changed
    });
    if changed {
        ctx.request_repaint();
    }
}
