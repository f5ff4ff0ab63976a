//! `whence doctor`: devices, their self-test, versions. And the child processes behind it.

use super::arguments::{CheckDeviceArguments, CheckDeviceTask, DoctorArguments};
use super::output;
use whence_base::{Error, Result};
use whence_diffusion::Pipeline;
use whence_engine::device::{self, AdapterKind};

pub(super) fn run(arguments: &DoctorArguments) -> Result<()> {
    let network = arguments.model.as_deref().map(Pipeline::config_of).transpose()?;
    let program = std::env::current_exe().map_err(Error::io("find", std::path::Path::new("this program")))?;
    let print = |text: &str| if arguments.json { Ok(()) } else { output::line(text) };
    let libraries = device::library_versions().map(|(name, version)| format!("{name} {version}")).join(", ");
    print(&format!("whence {}, {libraries}", env!("CARGO_PKG_VERSION")))?;
    print(&format!("CPU: flex, {} threads; always available, and the reference", rayon::current_num_threads()))?;
    let log = whence_engine::journal_path();
    print(&format!("Log of jobs: {}", log.display()))?;
    let adapters = device::adapters()?;
    if adapters.is_empty() {
        print("No graphics adapters were found")?;
    }
    let mut found = Vec::new();
    for adapter in &adapters {
        let software = adapter.kind == AdapterKind::Software;
        print(&format!("{} ({}, {})", adapter.name, adapter.api, adapter.driver))?;
        if software && !arguments.software {
            print("  a software driver: slower than the CPU itself, used only when named; tested with --software")?;
            found.push(serde_json::json!({"adapter": adapter, "verdict": null}));
            continue;
        }
        print("  testing forward, every gradient and ten optimizer steps against the CPU ...")?;
        let verdict = device::verdict_of(&program, adapter, network.as_ref(), true)?;
        match &verdict.failure {
            None => print(&format!(
                "  passed: output differs by {:.1e}, gradients by {:.1e}, loss by {:.1e}",
                verdict.forward, verdict.gradient, verdict.loss
            ))?,
            Some(why) => print(&format!("  FAILED: {why}. It will not be used."))?,
        }
        found.push(serde_json::json!({"adapter": adapter, "verdict": verdict}));
    }
    let chosen = device::choose("auto", network.as_ref())?;
    print(&format!("--device auto uses: {}", chosen.name))?;
    if let Some(warning) = &chosen.warning {
        print(&format!("  {warning}"))?;
    }
    if arguments.json {
        let document = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "threads": rayon::current_num_threads(),
            "adapters": found,
            "auto": chosen.name,
            "job_log": output::path_text(&log),
        });
        output::json(&document)?;
    }
    Ok(())
}

pub(super) fn check_device(arguments: &CheckDeviceArguments) -> Result<()> {
    let print = |value: serde_json::Result<serde_json::Value>| -> Result<()> {
        output::json(&value.map_err(|e| Error::internal(e.to_string()))?)
    };
    match &arguments.task {
        CheckDeviceTask::List => print(serde_json::to_value(device::list_in_this_process())),
        CheckDeviceTask::Test { kind, network } => {
            let kind: AdapterKind = serde_json::from_str(kind).map_err(|e| {
                Error::input(e.to_string(), "check-device", "use whence doctor: it calls this command itself")
            })?;
            print(serde_json::to_value(device::run_in_this_process(kind, Some(network))?))
        }
    }
}
