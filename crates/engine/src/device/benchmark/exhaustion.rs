//! A device's memory exhausted on purpose: does the process survive, and does the device still compute afterwards?

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;

use super::{BenchmarkNetwork, Trial, on_deep_stack, open};
use whence_base::{Error, Result, panic_text};

/// What happened when the memory ran out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exhaustion {
    /// Name of the device.
    pub device: String,
    /// Name of the network.
    pub network: &'static str,
    /// The largest batch whose gradients were computed; 0 where none was.
    pub largest_batch: usize,
    /// The batch that failed, and the driver's message; none where `most` was reached.
    pub failure: Option<(usize, String)>,
    /// Why the same process could not compute on the device afterwards; `None` if it could.
    pub failure_afterwards: Option<String>,
}

/// Doubles the batch of a gradient computation from `first` images until it fails or reaches `most`, then computes one image.
///
/// # Errors
/// A device that does not exist.
pub fn exhaust(requested: &str, network: BenchmarkNetwork, first: usize, most: usize) -> Result<Exhaustion> {
    let chosen = open(requested)?;
    on_deep_stack(|| {
        let mut largest_batch = 0;
        let mut failure = None;
        let mut batch = first;
        let trial = Trial::new(network, &chosen.device)?;
        while failure.is_none() && batch <= most {
            match attempt(|| gradients_arrive(&trial, batch)) {
                Ok(()) => largest_batch = batch,
                Err(message) => failure = Some((batch, message)),
            }
            batch *= 2;
        }
        drop(trial);
        let afterwards = attempt(|| {
            let trial = Trial::new(network, &chosen.device)?;
            trial.forward(&trial.input(1), 1)
        });
        Ok(Exhaustion {
            device: chosen.name.clone(),
            network: network.name(),
            largest_batch,
            failure,
            failure_afterwards: afterwards.err(),
        })
    })
}

/// Computes all gradients, and reads one of them back.
fn gradients_arrive(trial: &Trial, batch: usize) -> Result<()> {
    let gradients = trial.gradients(&trial.input(batch), batch);
    let last = gradients.into_iter().flatten().last().ok_or_else(|| Error::internal("no parameter has a gradient"))?;
    whence_nn::weights::to_vec(last)?;
    Ok(())
}

/// The message of an error or of a panic, which is how drivers report memory that is full.
fn attempt(work: impl FnOnce() -> Result<()>) -> std::result::Result<(), String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(panic_text(&*panic).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_fits_is_no_failure() {
        let found = exhaust("cpu", BenchmarkNetwork::Demo, 16, 32).unwrap();
        assert_eq!((found.largest_batch, found.failure, found.failure_afterwards), (32, None, None));
    }

    #[test]
    fn a_panic_while_computing_is_reported_and_not_passed_on() {
        assert_eq!(attempt(|| std::panic::panic_any("out of memory")), Err("out of memory".into()));
    }
}
