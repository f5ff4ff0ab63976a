//! `whence doctor`: devices, their self-test, versions. And the child processes behind it.

use super::arguments::{CheckDeviceArguments, CheckDeviceTask, DoctorArguments};
use whence_base::{Error, Result};
use whence_diffusion::Model;
use whence_engine::device::{self, AdapterKind};

pub(super) fn run(arguments: &DoctorArguments) -> Result<()> {
    let network = arguments.model.as_deref().map(Model::config_of).transpose()?;
    let program = std::env::current_exe().map_err(Error::io("find", std::path::Path::new("this program")))?;
    let say = |text: &str| {
        if !arguments.json {
            println!("{text}");
        }
    };
    say(&format!("whence {}, burn 0.22.1, cubecl 0.11.3", env!("CARGO_PKG_VERSION")));
    say(&format!("CPU: flex, {} threads; always available, and the reference", rayon::current_num_threads()));
    let log = whence_engine::journal_path();
    say(&format!("Log of jobs: {}", log.display()));
    let adapters = device::adapters()?;
    if adapters.is_empty() {
        say("No graphics adapters were found");
    }
    let mut found = Vec::new();
    for adapter in &adapters {
        let software = adapter.kind == AdapterKind::Software;
        say(&format!("{} ({}, {})", adapter.name, adapter.api, adapter.driver));
        if software && !arguments.software {
            say("  a software driver: slower than the CPU itself, used only when named; tested with --software");
            found.push(serde_json::json!({"adapter": adapter, "verdict": null}));
            continue;
        }
        say("  testing forward, every gradient and ten optimizer steps against the CPU ...");
        let verdict = device::verdict_of(&program, adapter, network.as_ref(), true)?;
        match &verdict.failure {
            None => say(&format!(
                "  passed: output differs by {:.1e}, gradients by {:.1e}, loss by {:.1e}",
                verdict.forward, verdict.gradient, verdict.loss
            )),
            Some(why) => say(&format!("  FAILED: {why}; it will not be used")),
        }
        found.push(serde_json::json!({"adapter": adapter, "verdict": verdict}));
    }
    let chosen = device::choose("auto", network.as_ref())?;
    say(&format!("--device auto uses: {}", chosen.name));
    if let Some(warning) = &chosen.warning {
        say(&format!("  {warning}"));
    }
    if arguments.json {
        let document = serde_json::json!({
            "version": env!("CARGO_PKG_VERSION"),
            "threads": rayon::current_num_threads(),
            "adapters": found,
            "auto": chosen.name,
            "job_log": log,
        });
        println!("{document}");
    }
    Ok(())
}

pub(super) fn check_device(arguments: &CheckDeviceArguments) -> Result<()> {
    let print = |value: serde_json::Result<String>| -> Result<()> {
        println!("{}", value.map_err(|e| Error::input(e.to_string(), "check-device", "report this"))?);
        Ok(())
    };
    match &arguments.task {
        CheckDeviceTask::List => print(serde_json::to_string(&device::list_in_this_process())),
        CheckDeviceTask::Test { kind, network } => {
            let kind: AdapterKind = serde_json::from_str(kind).map_err(|e| {
                Error::input(e.to_string(), "check-device", "use whence doctor: it calls this command itself")
            })?;
            print(serde_json::to_string(&device::run_in_this_process(kind, Some(network))?))
        }
    }
}
