//! What happens to jobs from outside, without a compute thread.

use std::time::Duration;

use super::*;
use Priority::{Background, Front, Normal, Prompt};
use whence_jobs::{RetrainJob, SampleJob};

fn scheduler() -> Scheduler {
    Scheduler::new(EventQueue::new(|| {}), None)
}

/// A job that keeps its results.
fn long() -> JobSpec {
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

/// A job that begins anew.
fn plain() -> JobSpec {
    let draw = whence_diffusion::SampleSettings::default();
    JobSpec::Sample(SampleJob { model: "/m".into(), seeds: vec![], draw, batch: 1, tensors: false, out: "/o".into() })
}

fn told(scheduler: &Scheduler) -> Vec<(JobId, String)> {
    std::iter::from_fn(|| scheduler.mail.try_recv()).map(|e| (e.job, format!("{:?}", e.kind))).collect()
}

fn expected(all: &[(JobId, &str)]) -> Vec<(JobId, String)> {
    all.iter().map(|(job, kind)| (*job, (*kind).to_owned())).collect()
}

#[test]
fn a_running_job_makes_way_and_goes_on_ahead_of_its_equals() {
    let scheduler = scheduler();
    scheduler.submit(1, long(), Background).unwrap();
    let (entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, long(), Background).unwrap();
    assert_eq!(signal.get(), StopRequest::Run, "equals do not overtake");
    scheduler.submit(3, long(), Front).unwrap();
    assert!(matches!(signal.check(), Err(Error::Interrupted)));
    scheduler.left(entry, signal.check().map(|()| String::new()));
    assert_eq!(scheduler.order(), [3, 1, 2]);
    assert_eq!(told(&scheduler), expected(&[(1, "Started"), (1, "Waiting")]));
    let (entry, _) = scheduler.next().unwrap();
    scheduler.left(entry, Ok("done".into()));
    assert_eq!(scheduler.next().unwrap().0.job, 1);
    assert_eq!(told(&scheduler), expected(&[(3, "Started"), (3, "Finished(\"done\")"), (1, "Started")]));
}

#[test]
fn a_job_stays_where_nothing_overtakes_it_any_more() {
    let scheduler = scheduler();
    scheduler.submit(1, long(), Normal).unwrap();
    let (_entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, plain(), Prompt).unwrap();
    assert_eq!(signal.get(), StopRequest::Yield);
    scheduler.cancel(2);
    assert_eq!(signal.get(), StopRequest::Run);
    scheduler.submit(3, long(), Normal).unwrap();
    scheduler.prioritise(3, Front);
    assert_eq!(signal.get(), StopRequest::Yield);
    scheduler.prioritise(1, Front);
    assert_eq!(signal.get(), StopRequest::Run, "its own priority counts too");
    scheduler.pause(1);
    scheduler.resume(1);
    assert_eq!(signal.get(), StopRequest::Run, "it had not left");
    scheduler.cancel(1);
    scheduler.pause(1);
    scheduler.resume(1);
    assert!(matches!(signal.check(), Err(Error::Cancelled)), "nothing undoes a cancel");
}

#[test]
fn jobs_that_would_begin_anew_do_not_leave() {
    let scheduler = scheduler();
    scheduler.submit(1, plain(), Background).unwrap();
    let (_entry, signal) = scheduler.next().unwrap();
    scheduler.submit(2, long(), Prompt).unwrap();
    scheduler.pause(1);
    assert_eq!(signal.get(), StopRequest::Run);
    scheduler.pause(2);
    scheduler.prioritise(2, Background);
    assert_eq!(scheduler.order(), [2], "what is over in seconds is not put aside");
    assert_eq!(told(&scheduler), expected(&[(1, "Started")]));
}

#[test]
fn a_cancel_after_a_pause_ends_the_job_wherever_it_is() {
    let scheduler = scheduler();
    scheduler.submit(1, long(), Normal).unwrap();
    let (entry, signal) = scheduler.next().unwrap();
    scheduler.pause(1);
    let left = signal.check().map(|()| String::new());
    scheduler.cancel(1);
    scheduler.left(entry, left);
    assert_eq!(told(&scheduler), expected(&[(1, "Started"), (1, "Cancelled")]));
    scheduler.submit(2, long(), Normal).unwrap();
    scheduler.pause(2);
    assert!(scheduler.order().is_empty() && scheduler.jobs() == [2]);
    scheduler.cancel(2);
    assert!(scheduler.jobs().is_empty());
    assert_eq!(told(&scheduler), expected(&[(2, "Paused"), (2, "Cancelled")]));
}

#[test]
fn the_time_of_those_that_wait_is_known_where_each_could_tell() {
    let scheduler = scheduler();
    assert_eq!(scheduler.seconds_waiting(), Some(0.0));
    for (job, left) in [(1, Some(10.0)), (2, Some(5.0)), (3, None)] {
        scheduler.submit(job, long(), Normal).unwrap();
        let (mut entry, _) = scheduler.next().unwrap();
        entry.work.left = left;
        scheduler.pause(job);
        scheduler.left(entry, Err(Error::Interrupted));
    }
    assert_eq!(scheduler.seconds_waiting(), Some(0.0), "paused ones do not count");
    scheduler.resume(1);
    scheduler.resume(2);
    assert_eq!(scheduler.seconds_waiting(), Some(15.0));
    scheduler.resume(3);
    assert_eq!(scheduler.seconds_waiting(), None);
}

#[test]
fn a_closed_desk_takes_and_gives_nothing() {
    let scheduler = scheduler();
    scheduler.submit(1, long(), Normal).unwrap();
    scheduler.close();
    assert!(scheduler.next().is_none() && scheduler.submit(2, long(), Normal).is_err());
    assert!(scheduler.mail.recv_timeout(Duration::from_millis(1)).is_err());
}
