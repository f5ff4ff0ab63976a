//! Answers of the background tasks about projects.

use std::path::PathBuf;

use egui::Context;

use crate::app::background_tasks::Message;
use crate::app::state::Slot;
use crate::app::task_failures;
use crate::app::window::WhenceApp;
use whence_engine::{Field, Inspection};

/// The answer of a task about projects.
#[derive(Debug)]
pub enum ProjectMessage {
    /// So many images of so many of a new project's dataset were read.
    Inspecting(u64, usize, usize),
    /// What the parts of a new project are; none where that was stopped.
    Inspected(u64, Option<Box<Inspection>>),
    /// A project was made in that folder.
    Created(Result<PathBuf, (Field, String)>),
    /// So many files of so many were copied.
    Copying(usize, usize),
    /// A project was copied to that folder; none where that was stopped.
    Copied(Result<Option<PathBuf>, String>),
    /// Recent projects whose folders are gone.
    Gone(Vec<PathBuf>),
    /// A folder of images without groups.
    Loose(PathBuf, Vec<PathBuf>),
    /// `project.json` was written, or why not.
    Saved(Result<(), String>),
    /// The file manager was started, or why not.
    Shown(Result<(), String>),
}

impl WhenceApp {
    /// Takes in an answer.
    pub(in crate::app) fn take_project_message(&mut self, ctx: &Context, message: ProjectMessage) {
        match message {
            ProjectMessage::Inspecting(id, done, total) => self.forms.new_project.reads(id, done, total),
            ProjectMessage::Inspected(id, found) => self.forms.new_project.found(id, found.map(|f| *f)),
            ProjectMessage::Created(result) => self.project_created(result),
            ProjectMessage::Copying(done, total) => self.forms.save_as.progress = Some((done, total)),
            ProjectMessage::Copied(result) => self.project_copied(ctx, result),
            ProjectMessage::Gone(gone) => self.shell.gone = gone,
            ProjectMessage::Loose(folder, images) => self.choose_loose(folder, images),
            ProjectMessage::Saved(Ok(())) => {}
            ProjectMessage::Saved(Err(text)) | ProjectMessage::Shown(Err(text)) => {
                self.state.notify(Slot::Other, None, true, text, None);
            }
            ProjectMessage::Shown(Ok(())) => {}
        }
    }

    /// Finds out which recent projects are gone, for the list to say so.
    pub(in crate::app) fn look_for_recent(&self) {
        let recent: Vec<PathBuf> = self.shell.recent.iter().map(|r| r.path.clone()).collect();
        self.background_tasks.run(task_failures::RECENT_LIST, move || {
            let gone = recent.into_iter().filter(|path| !path.join("project.json").is_file()).collect();
            Message::Project(ProjectMessage::Gone(gone))
        });
    }
}
