//! The table of actions: text, tooltip, keys, and their section in menus and in the help.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::Action;
use crate::app::panels::PanelId;
use crate::app::theme::Choice;

/// A section of the menus and of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Scoring, and the jobs that do it.
    Explain,
    /// Opening, generating and saving.
    Open,
    /// Selection and view.
    View,
    /// Tabs.
    Tabs,
    /// The window itself.
    Window,
}

impl Section {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Explain, Self::Open, Self::View, Self::Tabs, Self::Window];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Explain => "Explain",
            Self::Open => "Open and save",
            Self::View => "View and select",
            Self::Tabs => "Tabs",
            Self::Window => "Window",
        }
    }

    /// Its actions.
    pub fn actions(self) -> impl Iterator<Item = Action> {
        Action::all().filter(move |a| a.about().section == self)
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Text of buttons and menus. An ellipsis announces a dialog.
    pub text: &'static str,
    /// What it does.
    pub tooltip: &'static str,
    /// Its keys, where it has any.
    pub keys: Option<KeyboardShortcut>,
    /// Where it belongs.
    pub section: Section,
}

const fn command(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
}

const fn command_shift(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers { shift: true, ..Modifiers::COMMAND }, key))
}

const fn plain(key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(Modifiers::NONE, key))
}

impl Action {
    /// All, in the order of menus and help.
    pub fn all() -> impl Iterator<Item = Self> {
        let (before, after) = (Self::BEFORE_PANELS.iter().copied(), Self::AFTER_PANELS.iter().copied());
        before.chain(PanelId::with_action().map(Self::ShowPanel)).chain(after)
    }

    const BEFORE_PANELS: &[Self] = &[
        Self::Explain,
        Self::CancelJob,
        Self::PauseJob,
        Self::Jobs,
        Self::Generate,
        Self::OpenImage,
        Self::OpenFolder,
        Self::TypePath,
        Self::Recent,
        Self::NewProject,
        Self::SaveProjectAs,
        Self::CloseProject,
        Self::Export,
        Self::NextGroup,
        Self::PreviousGroup,
        Self::NextQuery,
        Self::PreviousQuery,
        Self::Star,
        Self::Rate(1),
        Self::Rate(2),
        Self::Rate(3),
        Self::Rate(4),
        Self::Rate(5),
        Self::Reject,
        Self::PairView,
        Self::Wipe,
        Self::Blink,
        Self::Difference,
        Self::Filter,
        Self::Clear,
        Self::Undo,
        Self::Redo,
    ];

    const AFTER_PANELS: &[Self] = &[
        Self::ResetLayout,
        Self::SaveWorkspace,
        Self::Palette,
        Self::Present,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::ZoomReset,
        Self::Theme(Choice::System),
        Self::Theme(Choice::Light),
        Self::Theme(Choice::Dark),
        Self::Theme(Choice::Contrast),
        Self::Log,
        Self::CopyLog,
        Self::Tour,
        Self::Glossary,
        Self::Help,
    ];

    /// Its row of the table.
    pub fn about(self) -> About {
        use Section::{Explain, Open, Tabs, View, Window};
        let row = |section, text, tooltip, keys| About { text, tooltip, keys, section };
        match self {
            Self::Explain => row(
                Explain,
                "Explain this image",
                "Unlearn each group in turn and measure how much less likely the image becomes",
                command(Key::Enter),
            ),
            Self::CancelJob => {
                row(Explain, "Cancel", "Stop this job. Finished results are kept.", command(Key::Period))
            }
            Self::PauseJob => row(Explain, "Pause", "Pause this job. Finished results are kept.", command(Key::P)),
            Self::Jobs => row(Explain, "Jobs", "Running, queued and finished jobs", command(Key::J)),
            Self::Generate => row(Open, "Generate", "Generate an image from this seed", command(Key::D)),
            Self::OpenImage => row(Open, "Open image…", "Open an image file as a query", command_shift(Key::O)),
            Self::OpenFolder => row(Open, "Open folder…", "Open a project, model or dataset folder", command(Key::O)),
            Self::TypePath => {
                row(Open, "Open path…", "Type the path of a project, model, dataset or image", command(Key::L))
            }
            Self::Recent => row(Open, "Recent projects…", "Open a recent project", None),
            Self::NewProject => {
                row(Open, "New project…", "Make a project of your own model and dataset", command(Key::N))
            }
            Self::SaveProjectAs => row(
                Open,
                "Save project as…",
                "Copy the project with its results to another folder",
                command_shift(Key::S),
            ),
            Self::CloseProject => row(Open, "Close project", "Close the project. It is saved.", command(Key::W)),
            Self::Export => {
                row(Open, "Export…", "Save an image, a table or a report of what is on screen", command(Key::E))
            }
            Self::NextGroup => row(View, "Next group", "Select the group below", plain(Key::ArrowDown)),
            Self::PreviousGroup => row(View, "Previous group", "Select the group above", plain(Key::ArrowUp)),
            Self::NextQuery => row(View, "Next image", "Show the next image", plain(Key::PageDown)),
            Self::PreviousQuery => row(View, "Previous image", "Show the previous image", plain(Key::PageUp)),
            Self::Star => row(
                View,
                "Star this image",
                "Give five stars to the selected training image or the query on screen, or take its stars away",
                None,
            ),
            Self::Rate(stars) => {
                let (text, key) = match stars {
                    0 | 1 => ("Rate 1 star", Key::Num1),
                    2 => ("Rate 2 stars", Key::Num2),
                    3 => ("Rate 3 stars", Key::Num3),
                    4 => ("Rate 4 stars", Key::Num4),
                    _ => ("Rate 5 stars", Key::Num5),
                };
                let about = "Rate the selected training image in the library, or the query on screen. Again: no stars.";
                row(View, text, about, command(key))
            }
            Self::Reject => {
                row(View, "Reject this image", "Flag this image as rejected, or take the flag away", plain(Key::X))
            }
            Self::PairView => row(
                View,
                "Compare side by side",
                "Show the selected training image beside the one selected before, or beside the query image",
                plain(Key::C),
            ),
            Self::Wipe => row(
                View,
                "Wipe",
                "Compare the image with the one regenerated without the group, on two sides of a line",
                plain(Key::W),
            ),
            Self::Blink => {
                row(View, "Blink", "Show the image regenerated without the group while the key is held", plain(Key::B))
            }
            Self::Difference => {
                row(View, "Difference", "Show the difference to the image regenerated without the group", plain(Key::D))
            }
            Self::Filter => row(View, "Filter the library", "Search the training images by name", command(Key::F)),
            Self::Clear => {
                row(View, "Clear selection", "Clear the selection, or close the open dialog", plain(Key::Escape))
            }
            Self::Redo => row(View, "Redo", "Redo the step that was undone", command_shift(Key::Z)),
            Self::Undo => {
                row(View, "Undo", "Go back to the previous view, selection, rating or layout. Results stay.", command(Key::Z))
            }
            Self::ShowPanel(panel) => {
                let info = panel.info();
                row(Tabs, info.title, info.description, info.key.and_then(plain))
            }
            Self::ResetLayout => row(Tabs, "Reset layout", "Restore the default layout of the tabs", None),
            Self::SaveWorkspace => {
                row(Tabs, "Save workspace…", "Save the layout of the tabs under a name, to switch back to it", None)
            }
            Self::Palette => {
                row(Window, "Search or run…", "Find any action, group, image or project by name", command(Key::K))
            }
            Self::Present => row(
                Window,
                "Presentation",
                "Full screen, larger and without side panels. Press F11 or Esc to leave.",
                plain(Key::F11),
            ),
            Self::ZoomIn => row(Window, "Zoom in", "Make everything larger", command(Key::Plus)),
            Self::ZoomOut => row(Window, "Zoom out", "Make everything smaller", command(Key::Minus)),
            Self::ZoomReset => row(Window, "Actual size", "Reset the zoom", command(Key::Num0)),
            Self::Theme(choice) => row(Window, choice.text(), choice.tooltip(), None),
            Self::Log => row(Window, "Log", "Messages and finished jobs since the start", None),
            Self::CopyLog => row(Window, "Copy the log", "Copy the log to the clipboard", None),
            Self::Tour => row(Window, "Tour", "A tour of the window in five cards, on an explained image", None),
            Self::Glossary => row(Window, "Glossary", "What a nat, a group, unlearning and other words mean", None),
            Self::Help => row(Window, "Shortcuts", "Keyboard shortcuts, and how to start", plain(Key::F1)),
        }
    }
}
