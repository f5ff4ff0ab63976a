//! The image of the window that is taken at the start, for `--screenshot`.

use egui::Context;

use super::WhenceApp;
use crate::app::background_tasks::Message;
use whence_base::Error;

/// Frames between the last change and the image of the window.
const SETTLED: u32 = 8;

/// How the image of the window is coming along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screenshot {
    /// Not requested, or done.
    None,
    /// Waits for the window to settle; frames without a change.
    Waiting(u32),
    /// Requested.
    Requested,
}

impl WhenceApp {
    /// Takes the image of the window once nothing changes any more; closes the window where something could not be opened.
    pub(super) fn take_screenshot(&mut self, ctx: &Context, changed: bool) {
        let Screenshot::Waiting(still) = self.shot else { return };
        let failed = self.first_failure();
        let state = &self.state;
        let idle = self.opened
            && !state.opening
            && state.jobs.is_empty()
            && state.restore_queue.is_empty()
            && !self.explain_soon
            && self.nearest_lookup.is_none()
            && self.reopening.is_none();
        // A window that has not begun to open anything is not settled.
        let asks = self.shell.welcome || self.forms.new_project.open || self.forms.choice.is_some();
        let begun = asks || !state.history.is_empty() || !state.notifications.is_empty() || failed.is_some();
        let still = if idle && begun && !changed { still + 1 } else { 0 };
        if still < SETTLED {
            self.shot = Screenshot::Waiting(still);
            if still > 0 || (idle && begun) {
                ctx.request_repaint();
            }
            return;
        }
        if let Some(text) = failed {
            self.shot = Screenshot::None;
            *self.failure.lock() = Some(Error::Job(text.into()));
            return ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        self.shot = Screenshot::Requested;
        let post = self.background_tasks.post();
        ctx.request_screenshot(move |image| post(Message::Screenshot(image)));
    }

    /// What could not be opened or done.
    fn first_failure(&self) -> Option<String> {
        let notice = self.state.notifications.iter().find(|n| n.failed).map(|n| n.text.clone());
        self.forms.path_error.clone().or(notice)
    }
}
