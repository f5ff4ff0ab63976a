//! The graphics adapters of this machine.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use whence_base::{Error, Result};

/// Timeout for listing adapters, exceeded only if a driver hangs.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Kind of an adapter, and its index among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterKind {
    /// A graphics card.
    DiscreteGpu(usize),
    /// A GPU that shares the processor's memory.
    IntegratedGpu(usize),
    /// A GPU passed through to a virtual machine.
    VirtualGpu(usize),
    /// A driver that computes on the processor.
    Software,
}

/// A graphics adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adapter {
    /// As it names itself.
    pub name: String,
    /// Kind and index.
    pub kind: AdapterKind,
    /// Driver and its version.
    pub driver: String,
    /// Graphics API.
    pub api: String,
}

/// Lists the adapters of the graphics API that computing uses. Only for child processes: a driver may crash here.
#[cfg(feature = "gpu")]
pub fn list_in_this_process() -> Vec<Adapter> {
    let mut software = Vec::new();
    for backend in [wgpu::Backend::Vulkan, wgpu::Backend::Metal, wgpu::Backend::Dx12] {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends: backend.into(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let (mut discrete, mut integrated, mut virtual_gpus) = (0, 0, 0);
        let found: Vec<Adapter> = pollster::block_on(instance.enumerate_adapters(backend.into()))
            .iter()
            .filter_map(|adapter| {
                let info = adapter.get_info();
                let kind = match info.device_type {
                    wgpu::DeviceType::DiscreteGpu => AdapterKind::DiscreteGpu(next_index(&mut discrete)),
                    wgpu::DeviceType::IntegratedGpu => AdapterKind::IntegratedGpu(next_index(&mut integrated)),
                    wgpu::DeviceType::VirtualGpu => AdapterKind::VirtualGpu(next_index(&mut virtual_gpus)),
                    wgpu::DeviceType::Cpu => AdapterKind::Software,
                    wgpu::DeviceType::Other => return None,
                };
                let driver = format!("{} {}", info.driver, info.driver_info);
                Some(Adapter { name: info.name, kind, driver: driver.trim().into(), api: format!("{backend:?}") })
            })
            .collect();
        if found.iter().any(|a| a.kind != AdapterKind::Software) {
            return found;
        }
        if software.is_empty() {
            software = found;
        }
    }
    software
}

/// No adapters: a build without the feature `gpu` computes on the CPU.
#[cfg(not(feature = "gpu"))]
pub fn list_in_this_process() -> Vec<Adapter> {
    Vec::new()
}

/// The index of the next adapter of a kind.
#[cfg(feature = "gpu")]
fn next_index(count: &mut usize) -> usize {
    *count += 1;
    *count - 1
}

/// Lists the adapters by a child process.
pub(super) fn list(program: &Path) -> Result<Vec<Adapter>> {
    match run_child(program, &["check-device", "list"], TIMEOUT)? {
        Ok(text) => Ok(serde_json::from_str(&text).unwrap_or_else(|e| {
            tracing::warn!("the list of devices cannot be read: {e}");
            Vec::new()
        })),
        Err(why) => {
            tracing::warn!("listing the graphics devices failed ({why}), so the CPU is used");
            Ok(Vec::new())
        }
    }
}

/// Runs this program again with `arguments`; returns its output, or why it ended otherwise.
pub(super) fn run_child(
    program: &Path,
    arguments: &[&str],
    timeout: Duration,
) -> Result<std::result::Result<String, String>> {
    let mut out = tempfile::tempfile().map_err(Error::io("write into", &std::env::temp_dir()))?;
    let writer = out.try_clone().map_err(Error::io("write into", &std::env::temp_dir()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("start", program))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(Error::io("wait for", program))? {
            break status;
        }
        if begun.elapsed() > timeout {
            let _ = child.kill();
            let _ = child.wait();
            return Ok(Err(format!("it did not answer within {} seconds", timeout.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    if !status.success() {
        return Ok(Err(format!("the driver's process ended with {status}")));
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut out).map_err(Error::io("read", program))?;
    std::io::Read::read_to_string(&mut out, &mut text).map_err(Error::io("read", program))?;
    Ok(Ok(text))
}
