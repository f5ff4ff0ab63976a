//! Requests about jobs from outside, without a compute thread.

use std::time::Duration;

use super::*;
use Priority::{Background, Front, Normal, Prompt};
use whence_jobs::{RetrainJob, SampleJob};

fn scheduler() -> Scheduler {
    Scheduler::new(EventQueue::new(|| {}), None)
}

/// A resumable job.
fn resumable() -> JobSpec {
    JobSpec::Retrain(Box::new(RetrainJob {
        model: "/m".into(),
        data: "/d".into(),
        group_column: None,
        class_map: None,
        groups: vec![],
        config: None,
        seed: None,
        out: "/o".into(),
    }))
}

/// A job that would start again from the beginning.
fn restarting() -> JobSpec {
    let sampling = whence_diffusion::SampleSettings::default();
    JobSpec::Sample(SampleJob {
        model: "/m".into(),
        seeds: vec![],
        sampling,
        batch: 1,
        tensors: false,
        out: "/o".into(),
    })
}

fn received(scheduler: &Scheduler) -> Vec<(JobId, String)> {
    std::iter::from_fn(|| scheduler.events.try_recv()).map(|e| (e.job, format!("{:?}", e.kind))).collect()
}

fn expected(all: &[(JobId, &str)]) -> Vec<(JobId, String)> {
    all.iter().map(|(job, kind)| (*job, (*kind).to_owned())).collect()
}

#[test]
fn a_preempted_job_resumes_ahead_of_its_equals() {
    let scheduler = scheduler();
    scheduler.submit(1, resumable(), Background).unwrap();
    let (entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, resumable(), Background).unwrap();
    assert_eq!(signal.get(), StopRequest::Run, "equals do not preempt");
    scheduler.submit(3, resumable(), Front).unwrap();
    assert!(matches!(signal.check(), Err(Error::Interrupted)));
    scheduler.on_exit(entry, signal.check().map(|()| String::new()));
    assert_eq!(scheduler.order(), [3, 1, 2]);
    assert_eq!(received(&scheduler), expected(&[(1, "Started"), (1, "Waiting")]));
    let (entry, _) = scheduler.next().unwrap();
    scheduler.on_exit(entry, Ok("done".into()));
    assert_eq!(scheduler.next().unwrap().0.job, 1);
    assert_eq!(received(&scheduler), expected(&[(3, "Started"), (3, "Finished(\"done\")"), (1, "Started")]));
}

#[test]
fn a_job_keeps_running_when_nothing_outranks_it_any_more() {
    let scheduler = scheduler();
    scheduler.submit(1, resumable(), Normal).unwrap();
    let (_entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, restarting(), Prompt).unwrap();
    assert_eq!(signal.get(), StopRequest::Yield);
    scheduler.cancel(2);
    assert_eq!(signal.get(), StopRequest::Run);
    scheduler.submit(3, resumable(), Normal).unwrap();
    scheduler.prioritise(3, Front);
    assert_eq!(signal.get(), StopRequest::Yield);
    scheduler.prioritise(1, Front);
    assert_eq!(signal.get(), StopRequest::Run, "its own priority counts too");
    scheduler.pause(1);
    scheduler.resume(1);
    assert_eq!(signal.get(), StopRequest::Run, "it had not stopped");
    scheduler.cancel(1);
    scheduler.pause(1);
    scheduler.resume(1);
    assert!(matches!(signal.check(), Err(Error::Cancelled)), "nothing undoes a cancel");
}

#[test]
fn jobs_that_are_not_resumable_are_not_preempted() {
    let scheduler = scheduler();
    scheduler.submit(1, restarting(), Background).unwrap();
    let (_entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, resumable(), Prompt).unwrap();
    scheduler.pause(1);
    assert_eq!(signal.get(), StopRequest::Run);
    scheduler.pause(2);
    scheduler.prioritise(2, Background);
    assert_eq!(scheduler.order(), [2], "a prompt job is not paused");
    assert_eq!(received(&scheduler), expected(&[(1, "Started")]));
}

#[test]
fn a_cancel_after_a_pause_ends_a_running_and_a_paused_job() {
    let scheduler = scheduler();
    scheduler.submit(1, resumable(), Normal).unwrap();
    let (entry, signal) = scheduler.next().unwrap();
    scheduler.pause(1);
    let result = signal.check().map(|()| String::new());
    scheduler.cancel(1);
    scheduler.on_exit(entry, result);
    assert_eq!(received(&scheduler), expected(&[(1, "Started"), (1, "Cancelled")]));
    scheduler.submit(2, resumable(), Normal).unwrap();
    scheduler.pause(2);
    assert!(scheduler.order().is_empty() && scheduler.jobs() == [2]);
    scheduler.cancel(2);
    assert!(scheduler.jobs().is_empty());
    assert_eq!(received(&scheduler), expected(&[(2, "Paused"), (2, "Cancelled")]));
}

#[test]
fn the_remaining_time_of_waiting_jobs_is_known_where_each_has_an_estimate() {
    let scheduler = scheduler();
    assert_eq!(scheduler.seconds_waiting(), Some(0.0));
    for (job, left) in [(1, Some(10.0)), (2, Some(5.0)), (3, None)] {
        scheduler.submit(job, resumable(), Normal).unwrap();
        let (mut entry, _) = scheduler.next().unwrap();
        entry.work.seconds_left = left;
        scheduler.pause(job);
        scheduler.on_exit(entry, Err(Error::Interrupted));
    }
    assert_eq!(scheduler.seconds_waiting(), Some(0.0), "paused jobs do not count");
    scheduler.resume(1);
    scheduler.resume(2);
    assert_eq!(scheduler.seconds_waiting(), Some(15.0));
    scheduler.resume(3);
    assert_eq!(scheduler.seconds_waiting(), None);
}

#[test]
fn a_closed_scheduler_accepts_and_hands_out_nothing() {
    let scheduler = scheduler();
    scheduler.submit(1, resumable(), Normal).unwrap();
    scheduler.close();
    assert!(scheduler.next().is_none() && scheduler.submit(2, resumable(), Normal).is_err());
    assert!(scheduler.events.recv_timeout(Duration::from_millis(1)).is_err());
}

#[test]
fn a_session_of_hundreds_of_images_fits_the_queue_and_a_flood_is_refused() {
    let scheduler = scheduler();
    for job in 0..MAX_QUEUED_JOBS as u64 {
        scheduler.submit(job, resumable(), Normal).unwrap();
    }
    const { assert!(MAX_QUEUED_JOBS >= 4 * 500) };
    let error = scheduler.submit(MAX_QUEUED_JOBS as u64, resumable(), Prompt).unwrap_err().to_string();
    assert!(error.contains("too many jobs are waiting"), "{error}");
    assert_eq!(scheduler.order().len(), MAX_QUEUED_JOBS);
    scheduler.cancel(0);
    scheduler.submit(MAX_QUEUED_JOBS as u64, resumable(), Prompt).unwrap();
}
