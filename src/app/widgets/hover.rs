//! The group under the pointer: what is hovered in one view is drawn hovered in all.

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

/// Whether a group is drawn as hovered: because it is under the pointer here, or because it is elsewhere. `response` is
/// what stands for the group here.
pub fn hovered(ui: &Ui, response: &Response, group: usize) -> bool {
    let here = response.hovered();
    ui.data_mut(|data| {
        let hover = data.get_temp_mut_or_default::<Hover>(id());
        if here {
            hover.now = Some(group);
        }
        // Views drawn before the one under the pointer know of it in the next frame.
        hover.now.or(hover.before) == Some(group)
    })
}

/// Ends a frame: asks for one more where another group is under the pointer than was drawn, or none any more.
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
