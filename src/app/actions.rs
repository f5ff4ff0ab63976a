//! What the user can do: one table that buttons, menus, shortcuts and the help all read.

use std::path::PathBuf;

use egui::{Context, Key, KeyboardShortcut, Modifiers, ThemePreference};

use super::export::ExportRequest;
use super::files::{Kind, Pick};
use crate::engine::api::{JobId, JobSpec};
use crate::report::ViewRecipe;

/// An action that needs nothing but the wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask for a folder and open what it holds.
    OpenFolder,
    /// Ask for a picture.
    OpenPicture,
    /// Put the cursor into the path field.
    TypePath,
    /// Draw a picture from the seed on screen.
    Draw,
    /// Score all groups for the query on screen.
    Explain,
    /// Stop the job that runs.
    CancelJob,
    /// Put the job that runs aside, or take it up again.
    PauseJob,
    /// Show or hide the list of jobs.
    Jobs,
    /// Select no group.
    Clear,
    /// Select the group below.
    NextGroup,
    /// Select the group above.
    PreviousGroup,
    /// Show the next query.
    NextQuery,
    /// Show the query before.
    PreviousQuery,
    /// Show or hide the shortcuts.
    Help,
}

impl Action {
    /// All, in the order of the help; those with more modifier keys first among those with the same key.
    pub const ALL: [Self; 14] = [
        Self::Explain,
        Self::CancelJob,
        Self::PauseJob,
        Self::Jobs,
        Self::Draw,
        Self::OpenPicture,
        Self::OpenFolder,
        Self::TypePath,
        Self::NextGroup,
        Self::PreviousGroup,
        Self::NextQuery,
        Self::PreviousQuery,
        Self::Clear,
        Self::Help,
    ];

    /// Text of buttons and menus. An ellipsis says that more is asked.
    pub fn text(self) -> &'static str {
        match self {
            Self::OpenFolder => "Open folder…",
            Self::OpenPicture => "Open picture…",
            Self::TypePath => "Type a path",
            Self::Draw => "Draw",
            Self::Explain => "Explain this picture",
            Self::CancelJob => "Cancel",
            Self::PauseJob => "Pause",
            Self::Jobs => "Jobs",
            Self::Clear => "Clear selection",
            Self::NextGroup => "Next group",
            Self::PreviousGroup => "Previous group",
            Self::NextQuery => "Next picture",
            Self::PreviousQuery => "Previous picture",
            Self::Help => "Shortcuts",
        }
    }

    /// What it does.
    pub fn tooltip(self) -> &'static str {
        match self {
            Self::OpenFolder => "Open a project, a model or a dataset folder",
            Self::OpenPicture => "Ask about a picture from a file",
            Self::TypePath => "Open anything by its path",
            Self::Draw => "Let the model draw a picture from this seed",
            Self::Explain => "Unlearn each group in turn and measure how much less likely the picture becomes",
            Self::CancelJob => "Stop this job. What is finished is kept",
            Self::PauseJob => "Put this job aside until it is resumed. What is finished is kept",
            Self::Jobs => "What runs, what waits and in which order, what was done",
            Self::Clear => "Select no group",
            Self::NextGroup => "Select the group below",
            Self::PreviousGroup => "Select the group above",
            Self::NextQuery => "Show the next picture",
            Self::PreviousQuery => "Show the picture before",
            Self::Help => "Keyboard shortcuts and where to start",
        }
    }

    /// Its keys.
    pub fn shortcut(self) -> KeyboardShortcut {
        let (modifiers, key) = match self {
            Self::OpenFolder => (Modifiers::COMMAND, Key::O),
            Self::OpenPicture => (Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O),
            Self::TypePath => (Modifiers::COMMAND, Key::L),
            Self::Draw => (Modifiers::COMMAND, Key::D),
            Self::Explain => (Modifiers::COMMAND, Key::Enter),
            Self::CancelJob => (Modifiers::COMMAND, Key::Period),
            Self::PauseJob => (Modifiers::COMMAND, Key::P),
            Self::Jobs => (Modifiers::COMMAND, Key::J),
            Self::Clear => (Modifiers::NONE, Key::Escape),
            Self::NextGroup => (Modifiers::NONE, Key::ArrowDown),
            Self::PreviousGroup => (Modifiers::NONE, Key::ArrowUp),
            Self::NextQuery => (Modifiers::NONE, Key::PageDown),
            Self::PreviousQuery => (Modifiers::NONE, Key::PageUp),
            Self::Help => (Modifiers::NONE, Key::F1),
        };
        KeyboardShortcut::new(modifiers, key)
    }

    /// Text for a tooltip: what it does, and its keys.
    pub fn hint(self, ctx: &Context) -> String {
        format!("{} ({})", self.tooltip(), ctx.format_shortcut(&self.shortcut()))
    }
}

/// What panels ask for. Panels change nothing themselves.
#[derive(Clone, Debug)]
pub enum Command {
    /// An action.
    Act(Action),
    /// Select a group, or none.
    SelectGroup(Option<usize>),
    /// Show a query.
    SelectQuery(u64),
    /// Take a query off the list.
    RemoveQuery(u64),
    /// Ask for a path with the system's dialog.
    Pick(Pick),
    /// Open a path; look what it is first.
    Open(PathBuf),
    /// Open a path as this.
    OpenAs(Kind, PathBuf),
    /// Start a job again.
    Retry(JobSpec),
    /// Stop a job.
    Cancel(JobId),
    /// Put a job aside.
    Pause(JobId),
    /// Let a paused job wait for its turn again.
    Resume(JobId),
    /// Let a job run before the others that wait.
    Raise(JobId),
    /// Take a notice away.
    Dismiss(u64),
    /// Choose the theme.
    Theme(ThemePreference),
    /// Forget the changes to the settings.
    ResetSettings,
    /// Save a picture of the view, a table or a report.
    Export(ExportRequest),
    /// Show the view again that a picture was taken of.
    OpenView(Box<ViewRecipe>),
}

/// The actions whose keys were pressed. Keys that belong to text are left to the text field that has the focus.
pub fn pressed(ctx: &Context) -> Vec<Action> {
    let typing = ctx.text_edit_focused();
    let popup = egui::Popup::is_any_open(ctx);
    let mut actions = Vec::new();
    for action in Action::ALL {
        let shortcut = action.shortcut();
        let plain = shortcut.modifiers.is_none() && action != Action::Help;
        if plain && (typing || popup) {
            continue;
        }
        if ctx.input_mut(|i| i.consume_shortcut(&shortcut)) {
            actions.push(action);
        }
    }
    let question = |i: &mut egui::InputState| i.events.iter().any(|e| matches!(e, egui::Event::Text(t) if t == "?"));
    if !typing && ctx.input_mut(question) {
        actions.push(Action::Help);
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_actions_share_keys_and_each_is_explained() {
        for (i, a) in Action::ALL.into_iter().enumerate() {
            assert!(!a.text().is_empty() && !a.tooltip().is_empty());
            for b in Action::ALL.into_iter().skip(i + 1) {
                assert_ne!(a.shortcut(), b.shortcut(), "{a:?} and {b:?}");
            }
        }
    }
}
