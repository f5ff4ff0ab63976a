//! The background tasks of the window, and what it does where one of them panics or gets no thread: the wait ends, the
//! failure is reported, and everything else goes on.

use egui::Context;

use super::background_tasks::{Failure, Message, Task};
use super::export::SaveError;
use super::projects::ProjectMessage;
use super::state::Slot;
use super::window::WhenceApp;

/// A dialog of the system.
pub const DIALOG: Task = Task {
    name: "dialog",
    on_failure: |app, _, failure| {
        app.forms.dialog_open = false;
        app.task_failed(Slot::Other, "Could not open the system's dialog", failure, "Type or drop the path instead");
    },
};

/// Reading a project's recipe.
pub const RECIPE: Task = Task {
    name: "recipe",
    on_failure: |app, _, failure| {
        app.forms.reading_recipe = false;
        app.task_failed(Slot::Explain, "Could not read the project's recipe", failure, "The settings stay as they are");
    },
};

/// Looking for nearest training images.
pub const NEAREST: Task = Task {
    name: "nearest",
    on_failure: |app, _, failure| {
        app.give_up_nearest();
        app.task_failed(Slot::Other, "Could not find the nearest training images", failure, "Select another group");
    },
};

/// Putting the library into an order.
pub const ARRANGE: Task = Task {
    name: "arrange",
    on_failure: |app, _, failure| {
        app.library.give_up();
        app.task_failed(Slot::Dataset, "Could not sort the library", failure, "Choose another order");
    },
};

/// Searching the system's fonts. Names in other scripts stay boxes, which is no reason to disturb anybody.
pub const FONTS: Task = Task { name: "fonts", on_failure: |app, _, _| app.fonts.give_up() };

/// Writing an exported file.
pub const EXPORT: Task = Task {
    name: "export",
    on_failure: |app, _, failure| {
        let text = format!("Nothing was saved: {}. Try again, or save something else.", failure.cause());
        app.exported(Err(SaveError::Failed(text)));
    },
};

/// Writing the image of `--screenshot`.
pub const SCREENSHOT: Task = Task {
    name: "screenshot",
    on_failure: |app, ctx, failure| {
        let text = format!("the image of the window could not be written: {}", failure.cause());
        app.take_message(ctx, Message::ScreenshotSaved(Err(text)));
    },
};

/// Finding out what lies at a path.
pub const INSPECT: Task = Task { name: "inspect", on_failure: opening_failed };

/// Finding out whether a recent project is still there.
pub const RECENT: Task = Task { name: "recent", on_failure: opening_failed };

/// Finding out which recent projects are gone.
pub const RECENT_LIST: Task = Task { name: "recent-list", on_failure: |_, _, _| {} };

/// Looking at the parts of a new project.
pub const NEW_PROJECT: Task = Task {
    name: "new-project",
    on_failure: |app, _, failure| {
        app.forms
            .new_project
            .inspection_failed(format!("Could not read these: {}. Choose them again.", failure.cause()));
    },
};

/// Making a project.
pub const CREATE_PROJECT: Task = Task {
    name: "create-project",
    on_failure: |app, ctx, failure| {
        let text = format!("Could not make the project: {}. Try again.", failure.cause());
        let message = ProjectMessage::Created(Err((whence_engine::Field::Folder, text)));
        app.take_message(ctx, Message::Project(message));
    },
};

/// Copying a project.
pub const COPY_PROJECT: Task = Task {
    name: "copy-project",
    on_failure: |app, ctx, failure| {
        let text = format!("Could not copy the project: {}. Try again.", failure.cause());
        app.take_message(ctx, Message::Project(ProjectMessage::Copied(Err(text))));
    },
};

/// Writing `project.json`.
pub const SAVE_PROJECT: Task = Task {
    name: "save-project",
    on_failure: |app, _, failure| {
        app.task_failed(Slot::Project, "Could not save the project", failure, "Open the part again");
    },
};

/// Starting the file manager.
pub const SHOW_FILE: Task = Task {
    name: "show-file",
    on_failure: |app, _, failure| {
        app.task_failed(Slot::Other, "Could not show the file", failure, "Copy its path instead");
    },
};

/// Unpacking the demo.
pub const DEMO: Task = Task { name: "demo", on_failure: opening_failed };

/// Reading the recipe of an exported image.
pub const VIEW: Task = Task { name: "view", on_failure: opening_failed };

fn opening_failed(app: &mut WhenceApp, _: &Context, failure: Failure) {
    app.task_failed(Slot::Other, "Could not open this", failure, "Try again, or open something else");
}

impl WhenceApp {
    fn task_failed(&mut self, slot: Slot, what: &str, failure: Failure, remedy: &str) {
        self.state.notify_titled(slot, what, &format!("{}. {remedy}.", failure.cause()));
    }

    /// Leaves the group without nearest images, so that the look-up that failed is not repeated in every frame.
    fn give_up_nearest(&mut self) {
        if let Some((query, dataset, group)) = self.nearest_lookup.take()
            && self.state.dataset_id == dataset
            && let Some(query) = self.state.query_mut(query)
        {
            query.nearest.entry(group).or_default();
        }
    }
}
