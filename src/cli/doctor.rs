//! `whence doctor`: devices, their self-test, versions. And the child processes behind it.

use super::arguments::{CheckDeviceArguments, DoctorArguments};
use whence_base::{Error, Result};
use whence_diffusion::Pipeline;
use whence_engine::device::{self, AdapterKind};

pub(super) fn run(arguments: &DoctorArguments) -> Result<()> {
    let network = arguments.model.as_deref().map(Pipeline::config_of).transpose()?;
    let program = std::env::current_exe().map_err(Error::io("find", std::path::Path::new("this program")))?;
    let say = |text: &str| {
        if !arguments.json {
            println!("{text}");
        }
    };
    let libraries = device::library_versions().map(|(name, version)| format!("{name} {version}")).join(", ");
    say(&format!("whence {}, {libraries}", env!("CARGO_PKG_VERSION")));
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
        println!("{}", value.map_err(|e| Error::internal(format!("the device check cannot be encoded: {e}")))?);
        Ok(())
    };
    if arguments.list {
        return print(serde_json::to_string(&device::list_in_this_process()));
    }
    let kind: AdapterKind =
        arguments.kind.as_deref().and_then(|k| serde_json::from_str(k).ok()).ok_or_else(|| {
            Error::input("no kind of device", "--kind", "this command is for whence doctor's own use")
        })?;
    print(serde_json::to_string(&device::run_in_this_process(kind, arguments.network.as_deref())?))
}
