//! What happens to jobs from outside, without a compute thread.

use std::time::Duration;

use super::*;
use Priority::{Background, Front, Normal, Prompt};
use whence_jobs::{RetrainJob, SampleJob};

fn desk() -> Desk {
    Desk::new(Mailbox::new(|| {}), None)
}

/// A job that keeps its results.
fn long() -> JobSpec {
    JobSpec::Retrain(Box::new(RetrainJob {
        model: "/m".into(),
        data: "/d".into(),
        group_column: None,
        groups: vec![],
        config: None,
        seed: None,
        out: "/o".into(),
    }))
}

/// A job that begins anew.
fn plain() -> JobSpec {
    let draw = whence_diffusion::DrawSettings::default();
    JobSpec::Sample(SampleJob { model: "/m".into(), seeds: vec![], draw, batch: 1, tensors: false, out: "/o".into() })
}

fn told(desk: &Desk) -> Vec<(JobId, String)> {
    std::iter::from_fn(|| desk.mail.try_recv()).map(|e| (e.job, format!("{:?}", e.kind))).collect()
}

fn expected(all: &[(JobId, &str)]) -> Vec<(JobId, String)> {
    all.iter().map(|(job, kind)| (*job, (*kind).to_owned())).collect()
}

#[test]
fn a_running_job_makes_way_and_goes_on_ahead_of_its_equals() {
    let desk = desk();
    desk.submit(1, long(), Background).unwrap();
    let (entry, signal) = desk.next().unwrap();
    desk.submit(2, long(), Background).unwrap();
    assert_eq!(signal.get(), Wish::Run, "equals do not overtake");
    desk.submit(3, long(), Front).unwrap();
    assert!(matches!(signal.check(), Err(Error::Interrupted)));
    desk.left(entry, signal.check().map(|()| String::new()));
    assert_eq!(desk.order(), [3, 1, 2]);
    assert_eq!(told(&desk), expected(&[(1, "Started"), (1, "Waiting")]));
    let (entry, _) = desk.next().unwrap();
    desk.left(entry, Ok("done".into()));
    assert_eq!(desk.next().unwrap().0.job, 1);
    assert_eq!(told(&desk), expected(&[(3, "Started"), (3, "Finished(\"done\")"), (1, "Started")]));
}

#[test]
fn a_job_stays_where_nothing_overtakes_it_any_more() {
    let desk = desk();
    desk.submit(1, long(), Normal).unwrap();
    let (_entry, signal) = desk.next().unwrap();
    desk.submit(2, plain(), Prompt).unwrap();
    assert_eq!(signal.get(), Wish::Yield);
    desk.cancel(2);
    assert_eq!(signal.get(), Wish::Run);
    desk.submit(3, long(), Normal).unwrap();
    desk.prioritise(3, Front);
    assert_eq!(signal.get(), Wish::Yield);
    desk.prioritise(1, Front);
    assert_eq!(signal.get(), Wish::Run, "its own priority counts too");
    desk.pause(1);
    desk.resume(1);
    assert_eq!(signal.get(), Wish::Run, "it had not left");
    desk.cancel(1);
    desk.pause(1);
    desk.resume(1);
    assert!(matches!(signal.check(), Err(Error::Cancelled)), "nothing undoes a cancel");
}

#[test]
fn jobs_that_would_begin_anew_do_not_leave() {
    let desk = desk();
    desk.submit(1, plain(), Background).unwrap();
    let (_entry, signal) = desk.next().unwrap();
    desk.submit(2, long(), Prompt).unwrap();
    desk.pause(1);
    assert_eq!(signal.get(), Wish::Run);
    desk.pause(2);
    desk.prioritise(2, Background);
    assert_eq!(desk.order(), [2], "what is over in seconds is not put aside");
    assert_eq!(told(&desk), expected(&[(1, "Started")]));
}

#[test]
fn a_cancel_after_a_pause_ends_the_job_wherever_it_is() {
    let desk = desk();
    desk.submit(1, long(), Normal).unwrap();
    let (entry, signal) = desk.next().unwrap();
    desk.pause(1);
    let left = signal.check().map(|()| String::new());
    desk.cancel(1);
    desk.left(entry, left);
    assert_eq!(told(&desk), expected(&[(1, "Started"), (1, "Cancelled")]));
    desk.submit(2, long(), Normal).unwrap();
    desk.pause(2);
    assert!(desk.order().is_empty() && desk.jobs() == [2]);
    desk.cancel(2);
    assert!(desk.jobs().is_empty());
    assert_eq!(told(&desk), expected(&[(2, "Paused"), (2, "Cancelled")]));
}

#[test]
fn the_time_of_those_that_wait_is_known_where_each_could_tell() {
    let desk = desk();
    assert_eq!(desk.seconds_waiting(), Some(0.0));
    for (job, left) in [(1, Some(10.0)), (2, Some(5.0)), (3, None)] {
        desk.submit(job, long(), Normal).unwrap();
        let (mut entry, _) = desk.next().unwrap();
        entry.work.left = left;
        desk.pause(job);
        desk.left(entry, Err(Error::Interrupted));
    }
    assert_eq!(desk.seconds_waiting(), Some(0.0), "paused ones do not count");
    desk.resume(1);
    desk.resume(2);
    assert_eq!(desk.seconds_waiting(), Some(15.0));
    desk.resume(3);
    assert_eq!(desk.seconds_waiting(), None);
}

#[test]
fn a_closed_desk_takes_and_gives_nothing() {
    let desk = desk();
    desk.submit(1, long(), Normal).unwrap();
    desk.close();
    assert!(desk.next().is_none() && desk.submit(2, long(), Normal).is_err());
    assert!(desk.mail.recv_timeout(Duration::from_millis(1)).is_err());
}
