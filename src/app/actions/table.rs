//! The table of actions: text, tooltip, keys, and where menus and the help put them.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::Action;
use crate::app::panels::PanelId;
use crate::app::theme::Choice;

/// What menus and the help put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Work.
    Explain,
    /// What comes in and what goes out.
    Open,
    /// What is selected and shown.
    Look,
    /// Tabs.
    Tabs,
    /// The window itself.
    Window,
}

impl Section {
    /// All, in order.
    pub const ALL: [Self; 5] = [Self::Explain, Self::Open, Self::Look, Self::Tabs, Self::Window];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Explain => "Explain",
            Self::Open => "Open and save",
            Self::Look => "Look and select",
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
    /// Text of buttons and menus. An ellipsis says that more is asked.
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
        Self::BEFORE_PANELS.into_iter().chain(PanelId::with_action().map(Self::ShowPanel)).chain(Self::AFTER_PANELS)
    }

    const BEFORE_PANELS: [Self; 22] = [
        Self::Explain,
        Self::CancelJob,
        Self::PauseJob,
        Self::Jobs,
        Self::Generate,
        Self::OpenImage,
        Self::OpenFolder,
        Self::TypePath,
        Self::Recent,
        Self::Export,
        Self::NextGroup,
        Self::PreviousGroup,
        Self::NextQuery,
        Self::PreviousQuery,
        Self::Star,
        Self::Wipe,
        Self::Blink,
        Self::Difference,
        Self::Filter,
        Self::Clear,
        Self::Undo,
        Self::Redo,
    ];

    const AFTER_PANELS: [Self; 14] = [
        Self::ResetLayout,
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
        Self::Help,
    ];

    /// Its row of the table.
    pub fn about(self) -> About {
        use Section::{Explain, Look, Open, Tabs, Window};
        let row = |section, text, tooltip, keys| About { text, tooltip, keys, section };
        match self {
            Self::Explain => row(
                Explain,
                "Explain this image",
                "Unlearn each group in turn and measure how much less likely the image becomes",
                command(Key::Enter),
            ),
            Self::CancelJob => row(Explain, "Cancel", "Stop this job. What is finished is kept", command(Key::Period)),
            Self::PauseJob => row(
                Explain,
                "Pause",
                "Put this job aside until it is resumed. What is finished is kept",
                command(Key::P),
            ),
            Self::Jobs => {
                row(Explain, "Jobs", "What runs, what waits and in which order, what was done", command(Key::J))
            }
            Self::Generate => row(Open, "Draw", "Let the model draw an image from this seed", command(Key::D)),
            Self::OpenImage => row(Open, "Open image…", "Ask about an image from a file", command_shift(Key::O)),
            Self::OpenFolder => {
                row(Open, "Open folder…", "Open a project, a model or a dataset folder", command(Key::O))
            }
            Self::TypePath => row(Open, "Type a path", "Open anything by its path", command(Key::L)),
            Self::Recent => row(Open, "Recent projects…", "Open one of the projects opened lately", None),
            Self::Export => {
                row(Open, "Export…", "Save an image, a table or a report of what is on screen", command(Key::E))
            }
            Self::NextGroup => row(Look, "Next group", "Select the group below", plain(Key::ArrowDown)),
            Self::PreviousGroup => row(Look, "Previous group", "Select the group above", plain(Key::ArrowUp)),
            Self::NextQuery => row(Look, "Next image", "Show the next image", plain(Key::PageDown)),
            Self::PreviousQuery => row(Look, "Previous image", "Show the image before", plain(Key::PageUp)),
            Self::Star => row(Look, "Star this image", "Mark this image to find it again, or take the mark off", None),
            Self::Wipe => row(
                Look,
                "Wipe",
                "The image with the group at one side of a line, without it at the other",
                plain(Key::W),
            ),
            Self::Blink => row(Look, "Blink", "Show the image without the group while the key is held", plain(Key::B)),
            Self::Difference => {
                row(Look, "Difference", "Show where the image without the group is different", plain(Key::D))
            }
            Self::Filter => row(Look, "Filter the library", "Search the training images", command(Key::F)),
            Self::Clear => row(Look, "Clear selection", "Select no group, and close what is open", plain(Key::Escape)),
            Self::Redo => row(Look, "Redo", "Take the undoing back", command_shift(Key::Z)),
            Self::Undo => {
                row(Look, "Undo", "Go back to the view and selection before. What was computed stays", command(Key::Z))
            }
            Self::ShowPanel(panel) => {
                let info = panel.info();
                row(Tabs, info.title, info.description, info.key.and_then(plain))
            }
            Self::ResetLayout => row(Tabs, "Reset layout", "Put all tabs back where they were at first", None),
            Self::Palette => row(
                Window,
                "Search or run…",
                "Find any action, group, image or project by a few letters",
                command(Key::K),
            ),
            Self::Present => row(
                Window,
                "Presentation",
                "Full screen and larger, without side panels; again or Esc to leave",
                plain(Key::F11),
            ),
            Self::ZoomIn => row(Window, "Larger", "Make everything larger", command(Key::Plus)),
            Self::ZoomOut => row(Window, "Smaller", "Make everything smaller", command(Key::Minus)),
            Self::ZoomReset => row(Window, "Usual size", "Show everything in its usual size", command(Key::Num0)),
            Self::Theme(choice) => row(Window, choice.text(), choice.tooltip(), None),
            Self::Log => row(Window, "Log", "What was noted and what was done since the start", None),
            Self::CopyLog => row(Window, "Copy the log", "Put the log on the clipboard", None),
            Self::Tour => row(Window, "Tour", "Five cards about what is where", None),
            Self::Help => row(Window, "Shortcuts", "Keyboard shortcuts and where to start", plain(Key::F1)),
        }
    }
}
