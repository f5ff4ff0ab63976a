//! Compute devices: which there are, which can be trusted, which is used.
//!
//! Everything that touches a graphics driver for the first time happens in a child process, because a driver's crash
//! crashes its process (see [`check`]).

mod adapters;
pub mod benchmark;
mod check;
pub mod memory;

use std::path::PathBuf;
use std::sync::OnceLock;

use burn::tensor::Device;

pub use adapters::{Adapter, AdapterKind, list_in_this_process};
pub use check::{Verdict, run_in_this_process, verdict_of};

use whence_base::{Error, Result};
use whence_models::NetworkConfig;

/// The program that child processes run; unknown inside libraries and tests, where only the CPU is offered.
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Sets the program that is started for device checks: `main` calls this with its own path.
pub fn set_program(path: PathBuf) {
    if PROGRAM.set(path).is_err() {
        tracing::debug!("the program for device checks was set before; the first one stays");
    }
}

fn program() -> Option<&'static PathBuf> {
    PROGRAM.get()
}

/// A device that may be used.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Name on screen and in results.
    pub name: String,
    /// burn's handle.
    pub device: Device,
    /// Why it is not the device one might expect.
    pub warning: Option<String>,
}

impl Chosen {
    fn cpu(warning: Option<String>) -> Self {
        Self {
            name: match rayon::current_num_threads() {
                1 => "CPU (1 thread)".into(),
                n => format!("CPU ({n} threads)"),
            },
            device: Device::flex(),
            warning,
        }
    }
}

impl AdapterKind {
    /// burn's handle on this adapter.
    ///
    /// # Errors
    /// In a build without the feature `gpu`.
    #[cfg(feature = "gpu")]
    pub fn device(self) -> Result<Device> {
        use burn::tensor::DeviceKind;
        Ok(Device::wgpu(match self {
            Self::DiscreteGpu(n) => DeviceKind::DiscreteGpu(n),
            Self::IntegratedGpu(n) => DeviceKind::IntegratedGpu(n),
            Self::VirtualGpu(n) => DeviceKind::VirtualGpu(n),
            Self::Software => DeviceKind::Cpu,
        }))
    }

    /// burn's handle on this adapter.
    ///
    /// # Errors
    /// In a build without the feature `gpu`, as this one is.
    #[cfg(not(feature = "gpu"))]
    pub fn device(self) -> Result<Device> {
        Err(no_gpu_support(&format!("{self:?}")))
    }
}

/// A graphics device was requested of a build without the feature `gpu`.
fn no_gpu_support(device: &str) -> Error {
    Error::Device {
        device: device.into(),
        what: "this build of Whence has no GPU support".into(),
        remedy: "Compute on the CPU, or use a build with the feature gpu".into(),
    }
}

/// All adapters of this machine, found by a child process.
///
/// # Errors
/// Where the child cannot be started. A child that crashes or hangs means no adapters, and is logged.
pub fn adapters() -> Result<Vec<Adapter>> {
    let Some(program) = program() else { return Ok(Vec::new()) };
    adapters::list(program)
}

/// The device by name: `auto` (a hardware GPU that passes its check, else the CPU), `gpu` (that or an error), `cpu`,
/// or part of an adapter's name. Software drivers are used only when named.
///
/// # Errors
/// A requested GPU that does not exist or failed its check, and unknown names.
pub fn choose(name: &str, network: Option<&NetworkConfig>) -> Result<Chosen> {
    match name {
        "cpu" => Ok(Chosen::cpu(None)),
        "auto" => {
            let mut reasons = Vec::new();
            // Where the check cannot even be started, the CPU is still usable.
            let all = adapters().unwrap_or_else(|error| {
                reasons.push(format!("graphics devices could not be listed ({error}), so the CPU is used"));
                Vec::new()
            });
            for adapter in all.into_iter().filter(|a| a.kind != AdapterKind::Software) {
                match checked(&adapter, network).unwrap_or_else(|error| Err(error.to_string())) {
                    Ok(chosen) => return Ok(chosen),
                    Err(why) => reasons.push(format!("{} failed its check ({why}), so the CPU is used", adapter.name)),
                }
            }
            Ok(Chosen::cpu((!reasons.is_empty()).then(|| reasons.join("; "))))
        }
        name if cfg!(not(feature = "gpu")) => Err(no_gpu_support(name)),
        name => {
            let all = adapters()?;
            let adapter = find_adapter(&all, name)?;
            checked(adapter, network)?.map_err(|why| Error::Device {
                device: adapter.name.clone(),
                what: format!("it failed its check: {why}"),
                remedy: "Use the CPU, update the driver, or test again with whence doctor".into(),
            })
        }
    }
}

/// The adapter of this name: `gpu` for the first hardware one, or a part of its name.
fn find_adapter<'a>(all: &'a [Adapter], name: &str) -> Result<&'a Adapter> {
    let needle = name.to_lowercase();
    let found = all.iter().find(|a| {
        if name == "gpu" {
            a.kind != AdapterKind::Software
        } else {
            a.name.to_lowercase().contains(&needle)
                || (a.kind == AdapterKind::Software && ["software", "lavapipe"].contains(&needle.as_str()))
        }
    });
    found.ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|a| a.name.as_str()).collect();
        Error::Device {
            device: name.into(),
            what: "there is no such device".into(),
            remedy: format!(
                "Use auto, cpu{}{}; whence doctor lists them",
                if names.is_empty() { "" } else { ", " },
                names.join(", ")
            ),
        }
    })
}

/// The adapter ready for use, or why it failed its check.
fn checked(adapter: &Adapter, network: Option<&NetworkConfig>) -> Result<std::result::Result<Chosen, String>> {
    let Some(program) = program() else { return Ok(Err("it cannot be checked here".into())) };
    let verdict = verdict_of(program, adapter, network, false)?;
    Ok(match verdict.failure {
        None => Ok(Chosen { name: adapter.name.clone(), device: adapter.kind.device()?, warning: None }),
        Some(why) => Err(why),
    })
}

/// Names and versions of the libraries that compute, as the lock file had them when this was built.
pub fn library_versions() -> [(&'static str, &'static str); 2] {
    [("burn", env!("WHENCE_BURN_VERSION")), ("cubecl", env!("WHENCE_CUBECL_VERSION"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_of_the_computing_libraries_are_those_of_the_lock_file() {
        for (name, version) in library_versions() {
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{name} {version}");
        }
    }
}
