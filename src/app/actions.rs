//! What the user can do: one table that buttons, menus, shortcuts, the palette and the help all read.

mod ready;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{Context, Event, Id, InputState, Key, KeyboardShortcut};

pub use table::Section;

use super::export::{Copied, ExportRequest};
use super::files::{PathKind, Pick};
use super::forms::Forms;
use super::glossary::Term;
use super::panels::PanelId;
use super::projects::ProjectCommand;
use super::state::{Rating, Subject};
use super::theme::Choice;
use whence_jobs::{EmbedChoice, Evidence, JobId, JobSpec};
use whence_report::ViewRecipe;

/// An action without arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask for a folder and open what it holds.
    OpenFolder,
    /// Ask for an image.
    OpenImage,
    /// Put the cursor into the path field.
    TypePath,
    /// Choose a recent project.
    Recent,
    /// Make a project of a model and a dataset.
    NewProject,
    /// Copy the project.
    SaveProjectAs,
    /// Close the project.
    CloseProject,
    /// Save what is on screen.
    Export,
    /// Generate an image from the seed on screen.
    Generate,
    /// Score all groups for the query on screen.
    Explain,
    /// Stop the job that runs.
    CancelJob,
    /// Pause the running job, or resume it.
    PauseJob,
    /// Show or hide the list of jobs.
    Jobs,
    /// Select no group, and close what is open.
    Clear,
    /// Select the group below.
    NextGroup,
    /// Select the group above.
    PreviousGroup,
    /// Show the next query.
    NextQuery,
    /// Show the previous query.
    PreviousQuery,
    /// Give five stars to the image that is selected, or take its stars away.
    Star,
    /// Give this many stars to it.
    Rate(u8),
    /// Reject it, or take that back.
    Reject,
    /// Show two images side by side.
    PairView,
    /// Compare the image with the regenerated one, on two sides of a line.
    Wipe,
    /// Compare them one after the other.
    Blink,
    /// Show what is different between them.
    Difference,
    /// Put the cursor into the library's filter.
    Filter,
    /// Go back to the view and selection before.
    Undo,
    /// Redo the step that was undone.
    Redo,
    /// Bring a panel's tab to the front.
    ShowPanel(PanelId),
    /// Restore the default layout.
    ResetLayout,
    /// Save the layout under a name.
    SaveWorkspace,
    /// Find anything by a few letters.
    Palette,
    /// Full screen without side panels, or back.
    Present,
    /// Everything larger.
    ZoomIn,
    /// Everything smaller.
    ZoomOut,
    /// Everything in its usual size.
    ZoomReset,
    /// Choose the theme.
    Theme(Choice),
    /// Show or hide the log.
    Log,
    /// Copy the log to the clipboard.
    CopyLog,
    /// A tour of the window.
    Tour,
    /// What the words of the window mean.
    Glossary,
    /// Show or hide the shortcuts.
    Help,
}

impl Action {
    /// Text of buttons and menus. An ellipsis announces a dialog.
    pub fn text(self) -> &'static str {
        self.about().text
    }

    /// What it does.
    pub fn tooltip(self) -> &'static str {
        self.about().tooltip
    }

    /// Its keys, where it has any.
    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        self.about().keys
    }

    /// Its keys as people read them; empty where it has none.
    pub fn keys(self, ctx: &Context) -> String {
        match (self, self.shortcut()) {
            (Self::Star, _) => "*".into(),
            (_, Some(shortcut)) => ctx.format_shortcut(&shortcut),
            (_, None) => String::new(),
        }
    }

    /// Text for a tooltip: what it does, and its keys.
    pub fn hint(self, ctx: &Context) -> String {
        match self.keys(ctx) {
            keys if keys.is_empty() => self.tooltip().to_owned(),
            keys => format!("{} ({keys})", self.tooltip()),
        }
    }
}

/// What panels ask for. Panels change nothing themselves.
#[derive(Clone, Debug)]
pub enum Command {
    /// An action.
    Act(Action),
    /// Select a group, or none.
    SelectGroup(Option<usize>),
    /// Select a training image, or none.
    SelectImage(Option<usize>),
    /// Show a query.
    SelectQuery(u64),
    /// Remove a query from the list.
    RemoveQuery(u64),
    /// Ask for a path with the system's dialog.
    Pick(Pick),
    /// Open a path, whatever lies there.
    Open(PathBuf),
    /// Open a path as this.
    OpenAs(PathKind, PathBuf),
    /// Open a recent project, where it still exists.
    OpenRecent(PathBuf),
    /// Something about projects.
    Project(ProjectCommand),
    /// Start a failed job again.
    Retry(JobSpec),
    /// Score all groups by another method.
    ExplainBy(&'static str),
    /// Show an explanation of the query on screen, by its job.
    SelectExplanation(JobId),
    /// Remove an explanation of the query on screen, by its job.
    RemoveExplanation(JobId),
    /// Compare the explanations with this one, by its job.
    SetReference(JobId),
    /// Compute evidence of a group, or of all.
    ComputeEvidence(Evidence, Option<usize>),
    /// Choose which groups are scored: the names of those that are left out.
    ExcludeGroups(BTreeSet<String>),
    /// Choose the groups to score, and how, before the image is explained.
    ChooseGroups,
    /// Start what the dialog before a long job is about.
    StartRun,
    /// Close that dialog.
    CloseRun,
    /// Stop a job.
    Cancel(JobId),
    /// Pause a job.
    Pause(JobId),
    /// Queue a paused job again.
    Resume(JobId),
    /// Move a job to the front of the queue.
    Raise(JobId),
    /// Dismiss a notification.
    Dismiss(u64),
    /// Dismiss a toast.
    DismissToast(u64),
    /// Show a card of the tour, or end it.
    TourCard(Option<usize>),
    /// Show what a word means.
    Define(Term),
    /// Reset the settings to the project's.
    ResetSettings,
    /// Make an embedding map.
    Embed(EmbedChoice),
    /// Write a note.
    Note(Subject, String),
    /// Rate an image.
    Rate(Subject, Rating),
    /// Save the library's filter under a name.
    SaveFilter(String),
    /// Use a saved filter.
    UseFilter(String),
    /// Delete a saved filter.
    DeleteFilter(String),
    /// Save the layout of the tabs under a name.
    SaveWorkspace(String),
    /// Use a saved layout.
    UseWorkspace(String),
    /// Delete a saved layout.
    DeleteWorkspace(String),
    /// Save an image of the view, a table or a report.
    Export(ExportRequest),
    /// Copy an image of the view or a table to the clipboard.
    Copy(Copied),
    /// Reopen the view that an image was exported from.
    OpenView(Box<ViewRecipe>),
}

/// The actions whose keys were pressed. Keys that belong to text are left to the text field that has the focus, and
/// while a dialog is open only its own keys count. Text that follows the keys of a field in the same frame goes into that field.
pub fn pressed(ctx: &Context, forms: &mut Forms) -> Vec<Action> {
    forms.path.push_str(&typed_behind(ctx, Action::TypePath));
    for action in [Action::Export, Action::Palette] {
        forms.pending_text.push_str(&typed_behind(ctx, action));
    }
    let typing = ctx.text_edit_focused();
    let popup = egui::Popup::is_any_open(ctx);
    let dialog = ctx.memory(|m| m.top_modal_layer().is_some());
    let grid = super::widgets::image_grid::has_focus(ctx) || super::widgets::point_map::has_focus(ctx);
    let mut actions = Vec::new();
    for action in Action::all() {
        let Some(shortcut) = action.shortcut() else { continue };
        let everywhere = matches!(action, Action::Help | Action::Present | Action::Palette);
        let plain = shortcut.modifiers.is_none() && !everywhere;
        // A field undoes its own text.
        let own = typing && matches!(action, Action::Undo | Action::Redo);
        // The grid and the map have their own arrows; letters mean the same everywhere.
        let own_keys = grid && !matches!(action, Action::Reject | Action::PairView);
        if own || (plain && (typing || popup || own_keys)) || (dialog && !everywhere && action != Action::Clear) {
            continue;
        }
        // Holding the key shows the other image for as long: the images see to that themselves.
        if action == Action::Blink {
            continue;
        }
        if ctx.input_mut(|i| take(i, shortcut)) {
            actions.push(action);
        }
    }
    // Where these characters are on the keyboard differs.
    let typed = |text: &str| ctx.input(|i| i.events.iter().any(|e| matches!(e, Event::Text(t) if t == text)));
    if !typing && typed("?") {
        actions.push(Action::Help);
    }
    if !typing && !dialog && typed("*") {
        actions.push(Action::Star);
    }
    actions
}

/// The field that a path is typed into.
pub fn path_field() -> Id {
    Id::unique("path to open")
}

/// Takes what was typed in the same frame behind the keys that lead to a field: the field, which is not on screen yet,
/// shall have it.
fn typed_behind(ctx: &Context, action: Action) -> String {
    let busy = ctx.text_edit_focused() || ctx.memory(|m| m.top_modal_layer().is_some());
    let Some(keys) = action.shortcut().filter(|_| !busy) else { return String::new() };
    ctx.input_mut(|i| {
        let Some(at) = i.events.iter().position(|e| is(e, keys)) else { return String::new() };
        take_text(i, at + 1)
    })
}

/// Takes what is typed in this frame, for a field that is on its way to have the focus.
pub fn typed(ctx: &Context) -> String {
    ctx.input_mut(|i| take_text(i, 0))
}

/// Selects these characters of a text field, also of one that is not on screen yet.
pub fn select(ctx: &Context, field: Id, characters: std::ops::Range<usize>) {
    let mut state = TextEditState::load(ctx, field).unwrap_or_default();
    let range = CCursorRange::two(CCursor::new(characters.start), CCursor::new(characters.end));
    state.cursor.set_char_range(Some(range));
    state.store(ctx, field);
}

/// Takes the text among the events from this place on.
fn take_text(input: &mut InputState, from: usize) -> String {
    let mut text = String::new();
    for event in input.events.split_off(from) {
        match event {
            // As egui's fields of one line take it.
            Event::Text(more) if more == "\n" || more == "\r" => {}
            Event::Text(more) | Event::Paste(more) => text.push_str(&more.replace(['\r', '\n'], " ")),
            Event::Key { key: Key::Backspace, pressed: true, .. } => drop(text.pop()),
            // The key of a character is not one of the window's.
            Event::Key { key, pressed: true, modifiers, .. }
                if !modifiers.command && !modifiers.alt && key != Key::Escape => {}
            other => input.events.push(other),
        }
    }
    text
}

/// Whether exactly these keys were pressed: with Shift, a digit is another character, and undo is redo.
fn take(input: &mut InputState, wanted: KeyboardShortcut) -> bool {
    let pressed = input.events.iter().any(|e| is(e, wanted));
    input.events.retain(|e| !is(e, wanted));
    pressed
}

fn is(event: &Event, wanted: KeyboardShortcut) -> bool {
    matches!(event, Event::Key { key, pressed: true, modifiers, .. }
        if *key == wanted.logical_key && modifiers.matches_exact(wanted.modifiers))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use egui::Modifiers;

    use super::*;

    #[test]
    fn no_two_actions_share_keys_and_each_is_explained() {
        let mut texts = HashSet::new();
        for (i, a) in Action::all().enumerate() {
            assert!(!a.text().is_empty() && !a.tooltip().is_empty());
            assert!(texts.insert(a.text()), "{a:?} cannot be told from another in the palette");
            for b in Action::all().skip(i + 1) {
                assert_ne!(a, b, "listed twice");
                assert!(a.shortcut().is_none() || a.shortcut() != b.shortcut(), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn keys_are_taken_once_and_only_with_their_own_modifiers() {
        let mut input = InputState::default();
        let press = |modifiers| Event::Key { key: Key::Z, physical_key: None, pressed: true, repeat: false, modifiers };
        input.events.push(press(Modifiers::COMMAND | Modifiers::SHIFT));
        let keys = |a: Action| a.shortcut().unwrap();
        assert!(!take(&mut input, keys(Action::Undo)));
        assert!(take(&mut input, keys(Action::Redo)));
        assert!(!take(&mut input, keys(Action::Redo)), "taken");
        input.events.push(press(Modifiers::COMMAND));
        assert!(take(&mut input, keys(Action::Undo)));
    }

    #[test]
    fn every_action_is_in_a_section() {
        let listed: usize = Section::ALL.into_iter().map(|s| s.actions().count()).sum();
        assert_eq!(listed, Action::all().count());
    }
}
