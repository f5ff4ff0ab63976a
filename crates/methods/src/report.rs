//! What work reports while it runs.

use super::method::GroupScore;
use whence_base::Result;

/// Receives the progress of a method; an error stops the work.
pub trait Report {
    /// Total number of network evaluations, excluding the creation of models; called once, before the work starts.
    ///
    /// # Errors
    /// [`Error::Cancelled`](whence_base::Error::Cancelled) stops the work.
    fn planned(&mut self, evaluations: usize) -> Result<()> {
        let _ = evaluations;
        Ok(())
    }

    /// Completed and total network evaluations of the phase named by `what`.
    ///
    /// # Errors
    /// [`Error::Cancelled`](whence_base::Error::Cancelled) stops the work.
    fn progress(&mut self, what: &str, done: usize, total: usize) -> Result<()>;

    /// Progress of work other than the planned network evaluations.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn within(&mut self, what: &str, done: usize, total: usize) -> Result<()> {
        let _ = (what, done, total);
        Ok(())
    }

    /// A warning; the work continues.
    fn warn(&mut self, text: String) {
        tracing::warn!("{text}");
    }

    /// A group's unlearning advanced by a step.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn unlearning(&mut self, group: usize, step: &whence_training::unlearning::UnlearningStep<'_>) -> Result<()> {
        let _ = group;
        self.progress("unlearning", step.step, step.steps)
    }

    /// A retraining without a group advanced by a step.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn retraining(&mut self, group: usize, step: &whence_training::TrainingStep) -> Result<()> {
        let _ = group;
        self.progress("retraining", step.step, step.steps)
    }

    /// All queries' scores for one group are known.
    ///
    /// # Errors
    /// As [`progress`](Self::progress).
    fn group_done(&mut self, group: usize, scores: &[GroupScore]) -> Result<()> {
        let _ = (group, scores);
        Ok(())
    }
}
