//! Passes that fit into a device's memory.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use whence_base::{Error, Result};

/// Results of `compute` on the samples `0..count`, in order: on at most `at_once` of them at a time, and on half as many
/// for good where the device runs out of memory.
///
/// # Errors
/// Those of `compute`; [`Error::Memory`] where not even one sample fits.
pub(super) fn within_memory(
    at_once: &AtomicUsize,
    count: usize,
    compute: impl Fn(Range<usize>) -> Result<Vec<f32>>,
) -> Result<Vec<f32>> {
    let mut out = Vec::new();
    let mut done = 0;
    while done < count {
        let pass = at_once.load(Ordering::Relaxed).clamp(1, count - done);
        match compute(done..done + pass) {
            // The usual case, without a copy.
            Ok(values) if pass == count => return Ok(values),
            Ok(values) => {
                out.extend(values);
                done += pass;
            }
            Err(Error::Memory { what, .. }) if pass > 1 => {
                at_once.fetch_min(pass / 2, Ordering::Relaxed);
                tracing::warn!("{what}; continuing with {} samples per pass", pass / 2);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(out)
}

/// The values of some samples.
///
/// # Errors
/// An internal fault if there are fewer.
pub(super) fn part<T>(values: &[T], range: Range<usize>) -> Result<&[T]> {
    let missing = || Error::internal(format!("{} values for the samples of {range:?}", values.len()));
    values.get(range.clone()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// The results for `count` samples on a device with memory for `room` of them, and the sizes of the passes.
    fn run(at_once: &AtomicUsize, count: usize, room: usize) -> (Result<Vec<f32>>, Vec<usize>) {
        let sizes = RefCell::new(Vec::new());
        let results = within_memory(at_once, count, |range| {
            sizes.borrow_mut().push(range.len());
            if range.len() > room {
                return Err(Error::Memory { device: "test".into(), what: "full".into() });
            }
            Ok(range.map(|i| i as f32).collect())
        });
        (results, sizes.into_inner())
    }

    fn all(count: usize) -> Vec<f32> {
        (0..count).map(|i| i as f32).collect()
    }

    #[test]
    fn a_device_with_enough_memory_computes_everything_in_one_pass() {
        let (results, sizes) = run(&AtomicUsize::new(usize::MAX), 13, 13);
        assert_eq!((results.unwrap(), sizes), (all(13), vec![13]));
    }

    #[test]
    fn passes_are_halved_until_they_fit_and_stay_small() {
        let at_once = AtomicUsize::new(usize::MAX);
        let (results, sizes) = run(&at_once, 13, 3);
        assert_eq!((results.unwrap(), sizes), (all(13), vec![13, 6, 3, 3, 3, 3, 1]));
        let (results, sizes) = run(&at_once, 7, 3);
        assert_eq!((results.unwrap(), sizes), (all(7), vec![3, 3, 1]));
    }

    #[test]
    fn no_memory_for_one_sample_is_an_error() {
        let (results, sizes) = run(&AtomicUsize::new(usize::MAX), 5, 0);
        assert!(matches!(results, Err(Error::Memory { .. })));
        assert_eq!(sizes, [5, 2, 1]);
    }
}
