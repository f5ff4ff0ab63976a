//! Commands about the embedding map.

use crate::app::panels::PanelId;
use crate::app::window::WhenceApp;
use whence_jobs::{EmbedChoice, JobSpec};

impl WhenceApp {
    /// Makes a map.
    pub(super) fn embed(&mut self, choice: EmbedChoice) {
        let running = self.state.embedding_job(choice).is_some_and(|job| !job.recalls());
        if let Some(job) = self.state.embed_job(choice, false).filter(|_| !running) {
            self.start(JobSpec::Embed(Box::new(job)), true);
        }
    }

    /// Looks up the map on screen, makes it where that is quick, and places new queries on it.
    pub(in crate::app) fn follow_embedding(&mut self) {
        if !self.dock.shown().contains(&PanelId::Embedding) {
            return;
        }
        // A window that only reads looks maps up, and makes none.
        let is_lookup = |spec: &JobSpec| matches!(spec, JobSpec::Embed(job) if job.known_only);
        let next = self.state.next_embed_job(self.forms.embedding.choice);
        if let Some(spec) = next.filter(|spec| self.state.read_only.is_none() || is_lookup(spec)) {
            self.start(spec, true);
        }
    }
}
