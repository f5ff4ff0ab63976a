//! Commands about the embedding map.

use crate::app::panels::PanelId;
use crate::app::window::WhenceApp;
use whence_jobs::{EmbedChoice, JobSpec};

impl WhenceApp {
    /// Makes a map.
    pub(super) fn embed(&mut self, choice: EmbedChoice) {
        if let Some(job) = self.state.embed_job(choice, false) {
            self.start(JobSpec::Embed(Box::new(job)), true);
        }
    }

    /// Looks up the map on screen, makes it where that is quick, and places new queries on it.
    pub(in crate::app) fn follow_embedding(&mut self) {
        if !self.dock.shown().contains(&PanelId::Embedding) {
            return;
        }
        if let Some(spec) = self.state.next_embed_job(self.forms.embedding.choice) {
            self.start(spec, true);
        }
    }
}
