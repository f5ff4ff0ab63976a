//! The queue: waiting jobs in the order in which they will run, and paused jobs beside them. Plain data, no thread.

use whence_jobs::JobId;
use whence_jobs::Priority;

/// A job in the queue.
#[derive(Debug, PartialEq)]
pub struct Entry<T> {
    /// Its id.
    pub job: JobId,
    /// Its priority.
    pub priority: Priority,
    /// Description of the job.
    pub work: T,
}

/// Jobs that wait, and jobs that are paused.
#[derive(Debug)]
pub struct Queue<T> {
    /// Highest priority first; among equals, the order of arrival.
    waiting: Vec<Entry<T>>,
    paused: Vec<Entry<T>>,
    limit: usize,
}

impl<T> Queue<T> {
    /// An empty queue that accepts new jobs while fewer than `limit` wait or are paused.
    pub fn new(limit: usize) -> Self {
        Self { waiting: Vec::new(), paused: Vec::new(), limit }
    }

    /// Adds a new job behind those of its priority. Returns false and adds nothing if the queue is full.
    pub fn push(&mut self, entry: Entry<T>) -> bool {
        if self.waiting.len() + self.paused.len() >= self.limit {
            return false;
        }
        let index = self.waiting.partition_point(|e| e.priority >= entry.priority);
        self.waiting.insert(index, entry);
        true
    }

    /// Adds a job that was accepted before, in front of those of its priority. It is never rejected.
    pub fn requeue(&mut self, entry: Entry<T>) {
        let index = self.waiting.partition_point(|e| e.priority > entry.priority);
        self.waiting.insert(index, entry);
    }

    /// Adds a job that was accepted before to the paused ones.
    pub fn add_paused(&mut self, entry: Entry<T>) {
        self.paused.push(entry);
    }

    /// Removes and returns the next job.
    pub fn pop(&mut self) -> Option<Entry<T>> {
        if self.waiting.is_empty() { None } else { Some(self.waiting.remove(0)) }
    }

    /// Priority of the next job.
    pub fn next_priority(&self) -> Option<Priority> {
        self.waiting.first().map(|e| e.priority)
    }

    /// Moves a waiting job to the paused ones; false if no such job waits.
    pub fn pause(&mut self, job: JobId) -> bool {
        let Some(entry) = take(&mut self.waiting, job) else { return false };
        self.paused.push(entry);
        true
    }

    /// Moves a paused job back, in front of those of its priority; false if no such job is paused.
    pub fn resume(&mut self, job: JobId) -> bool {
        let Some(entry) = take(&mut self.paused, job) else { return false };
        self.requeue(entry);
        true
    }

    /// Changes the priority of a job. A waiting job moves in front of those of the new priority.
    pub fn prioritise(&mut self, job: JobId, priority: Priority) {
        if let Some(entry) = take(&mut self.waiting, job) {
            self.requeue(Entry { priority, ..entry });
        } else if let Some(entry) = self.paused.iter_mut().find(|e| e.job == job) {
            entry.priority = priority;
        }
    }

    /// Removes and returns a waiting or paused job.
    pub fn remove(&mut self, job: JobId) -> Option<Entry<T>> {
        take(&mut self.waiting, job).or_else(|| take(&mut self.paused, job))
    }

    /// A waiting or paused job.
    pub fn get(&self, job: JobId) -> Option<&Entry<T>> {
        self.waiting.iter().chain(&self.paused).find(|e| e.job == job)
    }

    /// The waiting jobs, in the order in which they will run.
    pub fn waiting(&self) -> &[Entry<T>] {
        &self.waiting
    }

    /// The paused jobs, in the order in which they were paused.
    pub fn paused(&self) -> &[Entry<T>] {
        &self.paused
    }
}

fn take<T>(entries: &mut Vec<Entry<T>>, job: JobId) -> Option<Entry<T>> {
    entries.iter().position(|e| e.job == job).map(|index| entries.remove(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Priority::{Background, Front, Normal, Prompt};

    fn entry(job: JobId, priority: Priority) -> Entry<()> {
        Entry { job, priority, work: () }
    }

    fn queue(entries: &[(JobId, Priority)]) -> Queue<()> {
        let mut queue = Queue::new(8);
        for &(job, priority) in entries {
            assert!(queue.push(entry(job, priority)));
        }
        queue
    }

    fn order(queue: &Queue<()>) -> Vec<JobId> {
        queue.waiting().iter().map(|e| e.job).collect()
    }

    fn paused(queue: &Queue<()>) -> Vec<JobId> {
        queue.paused().iter().map(|e| e.job).collect()
    }

    #[test]
    fn higher_priorities_go_first_and_equals_in_order_of_arrival() {
        let mut queue =
            queue(&[(1, Background), (2, Normal), (3, Front), (4, Normal), (5, Prompt), (6, Front), (7, Background)]);
        assert_eq!(order(&queue), [5, 3, 6, 2, 4, 1, 7]);
        assert_eq!(queue.next_priority(), Some(Prompt));
        let popped: Vec<JobId> = std::iter::from_fn(|| queue.pop()).map(|e| e.job).collect();
        assert_eq!(popped, [5, 3, 6, 2, 4, 1, 7]);
        assert_eq!((queue.next_priority(), queue.pop()), (None, None));
    }

    #[test]
    fn a_preempted_job_is_the_next_of_its_priority() {
        let mut queue = queue(&[(1, Normal), (2, Normal), (3, Front), (4, Background)]);
        let front = queue.pop().unwrap();
        queue.requeue(entry(9, Normal));
        assert_eq!(order(&queue), [9, 1, 2, 4]);
        queue.requeue(front);
        assert_eq!(order(&queue), [3, 9, 1, 2, 4]);
    }

    #[test]
    fn paused_jobs_wait_until_they_are_resumed() {
        let mut queue = queue(&[(1, Normal), (2, Normal), (3, Normal)]);
        assert!(queue.pause(2) && !queue.pause(2) && !queue.pause(99));
        queue.add_paused(entry(7, Background));
        assert_eq!((order(&queue), paused(&queue)), (vec![1, 3], vec![2, 7]));
        assert!(queue.resume(2) && !queue.resume(2) && !queue.resume(1));
        assert_eq!((order(&queue), paused(&queue)), (vec![2, 1, 3], vec![7]));
        while queue.pop().is_some() {}
        assert_eq!(paused(&queue), [7], "a paused job does not run by itself");
    }

    #[test]
    fn a_new_priority_moves_a_waiting_job_and_is_remembered_by_a_paused_one() {
        let mut queue = queue(&[(1, Front), (2, Normal), (3, Background), (4, Background)]);
        queue.prioritise(4, Front);
        assert_eq!(order(&queue), [4, 1, 2, 3]);
        queue.prioritise(1, Background);
        assert_eq!(order(&queue), [4, 2, 1, 3]);
        queue.pause(3);
        queue.prioritise(3, Front);
        queue.prioritise(99, Front);
        queue.resume(3);
        assert_eq!(order(&queue), [3, 4, 2, 1]);
        assert_eq!(queue.get(3).map(|e| e.priority), Some(Front));
    }

    #[test]
    fn waiting_and_paused_jobs_can_be_removed() {
        let mut queue = queue(&[(1, Normal), (2, Normal)]);
        queue.pause(1);
        assert_eq!(queue.remove(1).map(|e| e.job), Some(1));
        assert_eq!(queue.remove(2).map(|e| e.job), Some(2));
        assert!(queue.remove(1).is_none() && queue.get(2).is_none());
        assert!(order(&queue).is_empty() && paused(&queue).is_empty());
    }

    #[test]
    fn the_queue_is_bounded_for_new_jobs_and_never_loses_an_old_one() {
        let mut queue = Queue::new(3);
        assert!((1..=3).all(|job| queue.push(entry(job, Normal))));
        assert!(!queue.push(entry(4, Front)));
        queue.pause(1);
        assert!(!queue.push(entry(4, Front)), "a paused job counts");
        queue.requeue(entry(5, Normal));
        queue.add_paused(entry(6, Normal));
        assert_eq!((order(&queue), paused(&queue)), (vec![5, 2, 3], vec![1, 6]));
        for job in [1, 5, 6] {
            queue.remove(job);
        }
        assert!(queue.push(entry(7, Background)));
    }
}
