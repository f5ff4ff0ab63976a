//! The progress of a job, shown where its result will appear.

use egui::{Label, ProgressBar, RichText, Ui};

use crate::app::format;
use crate::app::state::{Job, JobStatus};
use crate::app::theme::{self, tokens};

/// Shows the phase, progress and remaining time of a job. `name` names its result.
pub fn job_progress(ui: &mut Ui, job: &Job, name: &str) {
    let t = tokens(ui);
    let progress = job.progress.as_ref().filter(|_| job.status == JobStatus::Running);
    let left = progress.and_then(|p| p.seconds_left).map(|s| format!(", {} left", format::duration(s)));
    let text = match (&job.status, progress) {
        _ if job.cancelling => "stopping…".to_owned(),
        (JobStatus::Waiting, _) => "in the queue".to_owned(),
        (JobStatus::Paused, _) => "paused".to_owned(),
        (_, Some(progress)) => progress.phase.clone() + &left.unwrap_or_default(),
        (_, None) => "starting…".to_owned(),
    };
    let text = RichText::new(format!("{name}: {text}")).font(theme::caption()).color(t.weak);
    ui.add(Label::new(text).truncate());
    let bar = ProgressBar::new(progress.map_or(0.0, |p| p.fraction) as f32);
    ui.add(bar.desired_width(ui.available_width().min(320.0)).desired_height(4.0).fill(t.strong).corner_radius(2))
        .accessible_name(name);
}
