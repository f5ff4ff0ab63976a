//! Carries out what the user asks for about projects.

use std::path::{Path, PathBuf};

use egui::Context;

use super::{ProjectCommand, ProjectMessage};
use crate::app::actions::{Action, Command};
use crate::app::background_tasks::Message;
use crate::app::panels::PanelId;
use crate::app::state::read_only_reason;
use crate::app::task_failures;
use crate::app::window::WhenceApp;
use whence_jobs::JobSpec;
use whence_store::ReadOnly;

impl WhenceApp {
    /// Carries out a command about projects.
    pub(in crate::app) fn carry_project_command(&mut self, ctx: &Context, command: ProjectCommand) {
        match command {
            ProjectCommand::New => {
                self.cancel_new_project();
                self.forms.choice = None;
                self.forms.new_project.show();
            }
            ProjectCommand::CancelNew => self.cancel_new_project(),
            ProjectCommand::StopInspecting => self.forms.new_project.stop(),
            ProjectCommand::Create => self.create_project(),
            ProjectCommand::NewWith(kind, path) => {
                self.forms.choice = None;
                self.new_project_with(kind, &path);
            }
            ProjectCommand::Replace(kind, path) => {
                self.forms.choice = None;
                self.replace_part(kind, path);
            }
            ProjectCommand::OpenQueries(images) => {
                self.forms.choice = None;
                self.open_queries(images);
            }
            ProjectCommand::CancelChoice => self.forms.choice = None,
            ProjectCommand::SaveCopy => self.copy_project(),
            ProjectCommand::CancelCopy => self.forms.save_as.close(),
            ProjectCommand::RemoveRecent(path) => {
                self.shell.remove_recent(&path);
                self.shell.gone.retain(|gone| *gone != path);
            }
            ProjectCommand::OpenExample => self.open_example(),
            ProjectCommand::TryAgain => self.try_to_write(ctx),
            ProjectCommand::ShowInFolder(path) => self.show_in_folder(path),
            ProjectCommand::CopyText(text) => {
                ctx.copy_text(text);
                self.toast(ctx, "Copied to the clipboard");
            }
            ProjectCommand::ShowGroup(group) => {
                self.library.options.filter.groups = [group].into();
                self.dock.show(PanelId::Library);
            }
            ProjectCommand::Explain(query) => {
                self.state.current = Some(query);
                self.command(ctx, Command::Act(Action::Explain));
            }
        }
    }

    /// Closes the project: its state is saved, its jobs are cancelled, and the welcome screen comes.
    pub(in crate::app) fn close_project(&mut self, ctx: &Context) {
        self.submit_session();
        self.cancel_new_project();
        (self.forms.choice, self.replacement) = (None, None);
        self.forms.save_as.close();
        for job in self.state.close_project() {
            if let Some(backend) = self.backend.as_mut() {
                backend.cancel(job);
            }
        }
        // The writer keeps the lock until it is done.
        self.access.closed();
        self.submitted_session = None;
        self.reopening = None;
        self.forms.settings = crate::app::forms::Settings::default();
        self.shell.history.forget(self.snapshot());
        self.last_project = None;
        self.show_welcome(ctx);
    }

    /// Shows the welcome screen where nothing is open.
    pub(in crate::app) fn show_welcome(&mut self, ctx: &Context) {
        self.state.opening = false;
        (self.shell.welcome, self.shell.tour) = (true, None);
        self.look_for_recent();
        ctx.request_repaint();
    }

    /// Opens the example, from the user's own copy of it.
    pub(in crate::app) fn open_example(&mut self) {
        self.state.opening = true;
        self.background_tasks
            .run(task_failures::DEMO, || Message::Demo(crate::demo::demo_folder().map_err(|e| e.to_string())));
    }

    /// A project is open: whether it may be written.
    pub(in crate::app) fn take_access(&mut self, root: &Path) {
        self.shell.welcome = false;
        // Dropped over the dialog, it is what the user wants now.
        self.cancel_new_project();
        self.forms.choice = None;
        if !self.recalls {
            return;
        }
        self.state.read_only = self.access.opened(root);
    }

    /// Opens a read-only project once more where it can be written by now.
    fn try_to_write(&mut self, ctx: &Context) {
        let (Some(root), Some(why)) = (self.state.project.as_ref().map(|p| p.root.clone()), self.state.read_only)
        else {
            return;
        };
        if self.access.try_again(&root) {
            // The other window's last changes are read with it.
            self.start(JobSpec::OpenProject(root), true);
            self.toast(ctx, "This window saves the project now");
        } else {
            let still = match why {
                ReadOnly::OpenElsewhere => "The other window still has the project open. Close it there first.",
                ReadOnly::Unwritable | ReadOnly::Missing => "The project's folder still cannot be written.",
            };
            self.toast(ctx, still);
        }
    }

    /// Says that nothing is saved, where a command would change what is saved. True where it must not be carried out.
    pub(in crate::app) fn refuses(&mut self, ctx: &Context, command: &Command) -> bool {
        let Some(why) = self.state.read_only else { return false };
        let changes = match command {
            Command::Act(action) => {
                matches!(action, Action::Star | Action::Rate(_) | Action::Reject | Action::Explain | Action::Generate)
            }
            Command::ExplainBy(_) | Command::ComputeEvidence(..) | Command::StartRun => true,
            Command::Embed(_) | Command::Retry(_) => true,
            Command::RemoveQuery(_) | Command::RemoveExplanation(_) | Command::ExcludeGroups(_) => true,
            Command::Note(..) | Command::Rate(..) | Command::SaveFilter(_) | Command::DeleteFilter(_) => true,
            _ => false,
        };
        if changes {
            self.toast(ctx, format!("{}.", read_only_reason(why)));
        }
        changes
    }

    /// Shows a file in the system's file manager.
    fn show_in_folder(&self, path: PathBuf) {
        self.background_tasks.run(task_failures::SHOW_FILE, move || {
            let shown = reveal(&path).map_err(|e| format!("Could not show {} in its folder: {e}", path.display()));
            Message::Project(ProjectMessage::Shown(shown))
        });
    }
}

/// Opens the file manager, at the file where the system allows that.
fn reveal(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    let mut command = if cfg!(windows) {
        let mut select = std::ffi::OsString::from("/select,");
        select.push(path);
        let mut command = std::process::Command::new("explorer");
        command.arg(select);
        command
    } else if cfg!(target_os = "macos") {
        let mut command = std::process::Command::new("open");
        command.arg("-R").arg(path);
        command
    } else {
        let mut command = std::process::Command::new("xdg-open");
        command.arg(folder);
        command
    };
    let quiet = std::process::Stdio::null;
    let mut child = command.stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn()?;
    // So that no zombie is left. Explorer's exit status says nothing.
    child.wait().map(|_| ())
}
