//! BackgroundTasks that panicked: whoever waits for one is told, and what it held up goes on.

use egui::Context;

use super::background_tasks::Message;
use super::export::Unsaved;
use super::state::Slot;
use super::window::WhenceApp;

impl WhenceApp {
    /// The errand of this name panicked.
    pub(super) fn errand_failed(&mut self, ctx: &Context, name: &str) {
        tracing::error!("the thread whence-{name} panicked: this is a fault in Whence");
        let (slot, text) = match name {
            "dialog" => {
                self.forms.dialog_open = false;
                (Slot::Other, "The system's dialog broke down. Type or drop the path instead")
            }
            "recipe" => {
                self.forms.reading_recipe = false;
                (
                    Slot::Explain,
                    "The project's recipe cannot be read, by a fault in Whence. The settings stay as they are",
                )
            }
            "nearest" => {
                self.give_up_nearest();
                (Slot::Other, "The nearest training images cannot be found, by a fault in Whence. All else goes on")
            }
            "arrange" => {
                self.library.give_up();
                (Slot::Dataset, "The library cannot be put into this order, by a fault in Whence. Choose another order")
            }
            "session" => (Slot::Project, "How the project looks was not kept, by a fault in Whence. All else goes on"),
            "export" => {
                let text = "Nothing was saved, by a fault in Whence. Try another place, or save something else";
                return self.exported(Err(Unsaved::Failed(text.into())));
            }
            "screenshot" => {
                let text = "the image of the window could not be written, by a fault in Whence";
                return self.take_message(ctx, Message::Saved(Err(text.into())));
            }
            _ => (Slot::Other, "What was to be opened cannot be read, by a fault in Whence. Open something else"),
        };
        self.state.notify(slot, None, true, text.into(), None);
    }

    /// Nobody looks again for what made the look-up panic.
    fn give_up_nearest(&mut self) {
        if let Some((query, dataset, group)) = self.looking.take()
            && self.state.dataset_number == dataset
            && let Some(query) = self.state.query_mut(query)
        {
            query.nearest.entry(group).or_default();
        }
    }
}
