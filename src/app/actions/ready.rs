//! Whether an action can be done now, and why not where it cannot.

use super::Action;
use crate::app::shell::Shell;
use crate::app::state::State;

impl Action {
    /// Whether it can be done now.
    ///
    /// # Errors
    /// The reason where it cannot.
    pub fn ready(self, state: &State, shell: &Shell) -> Result<(), &'static str> {
        let when = |is: bool, reason| if is { Ok(()) } else { Err(reason) };
        match self {
            Self::Explain => state.can_explain(),
            Self::Generate => when(state.model.is_some(), "Open a model first"),
            Self::CancelJob => when(!state.jobs.is_empty(), "No job is running or queued"),
            Self::PauseJob => match state.active() {
                Some(job) if job.can_pause() || job.status == crate::app::state::JobStatus::Paused => Ok(()),
                Some(_) => Err("This job cannot be paused: it saves nothing before it ends"),
                None => Err("No job is running or queued"),
            },
            Self::Recent => when(!shell.recent.is_empty(), "No recent projects"),
            Self::Export => when(state.query().is_some(), "No query image yet"),
            Self::NextGroup | Self::PreviousGroup => when(!state.groups().is_empty(), "Open a dataset first"),
            Self::NextQuery | Self::PreviousQuery => when(state.queries.len() > 1, "There is only one image"),
            Self::Star | Self::Rate(_) | Self::Reject if state.read_only.is_some() => {
                state.read_only.map_or(Ok(()), |why| Err(crate::app::state::read_only_reason(why)))
            }
            Self::Star | Self::Rate(_) | Self::Reject => {
                when(state.query().is_some() || state.image.is_some(), "No image is selected")
            }
            Self::PairView => when(state.image.is_some(), "Select a training image first"),
            Self::SaveProjectAs | Self::CloseProject => when(state.project.is_some(), "No project is open"),
            Self::Wipe | Self::Blink | Self::Difference => when(state.group.is_some(), "Select a group first"),
            Self::Filter => when(state.dataset.is_some(), "Open a dataset first"),
            Self::Clear => when(state.group.is_some(), "No group is selected"),
            Self::Undo => when(shell.history.can_undo(), "Nothing to undo"),
            Self::Redo => when(shell.history.can_redo(), "Nothing to redo"),
            Self::CopyLog => when(!shell.log.lines.is_empty(), "The log is empty"),
            Self::OpenFolder
            | Self::NewProject
            | Self::OpenImage
            | Self::TypePath
            | Self::Jobs
            | Self::ShowPanel(_)
            | Self::ResetLayout
            | Self::SaveWorkspace
            | Self::Palette
            | Self::Present
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::ZoomReset
            | Self::Theme(_)
            | Self::Log
            | Self::Tour
            | Self::Glossary
            | Self::Help => Ok(()),
        }
    }
}
