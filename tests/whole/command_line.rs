//! The program itself, as a user starts it.

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use super::fixture;

pub(super) fn whence() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    // The log of jobs and the verdicts on devices are none of the user's own.
    command.env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    command
}

pub(super) fn attribute(out: &std::path::Path) -> Command {
    let mut command = whence();
    command.arg("attribute").arg("--device").arg("cpu");
    command.arg("--model").arg(fixture("digits/model")).arg("--data").arg(fixture("digits/images"));
    command.arg("--out").arg(out);
    command
}

#[test]
fn without_a_display_it_names_the_command_to_use() {
    whence().assert().code(1).stderr(contains("display").and(contains("whence attribute")));
}

#[test]
fn a_commands_job_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = whence();
    command.env("WHENCE_DATA", folder.path());
    command.args(["sample", "--model", "/nowhere", "--seeds", "5", "--out"]).arg(folder.path().join("out"));
    command.assert().code(1).stderr(contains("/nowhere"));
    let log = std::fs::read_to_string(folder.path().join("jobs.jsonl")).unwrap();
    let lines: Vec<whence_engine::JobLine<'_>> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2, "its start and its end");
    assert!(lines[1].message.contains("/nowhere") && log.contains(r#""seeds":[5]"#));
}

#[test]
fn bad_usage_is_told_with_code_2() {
    whence().arg("attribute").assert().code(2).stderr(contains("--model"));
    whence().args(["sample", "--model", "m", "--seeds", "x", "--out", "o"]).assert().code(2).stderr(contains("seeds"));
    whence().arg("--nonsense").assert().code(2);
    let folder = tempfile::tempdir().unwrap();
    for bad in
        [["--method", "magic"], ["--objective", "magic"], ["--batch", "0"], ["--draws", "0"], ["--timesteps", "0"]]
    {
        attribute(folder.path()).args(["--seeds", "1"]).args(bad).assert().code(2).stderr(contains(bad[1]));
    }
}

/// The closed form of one query of the digits: over in a moment.
pub(super) fn closed_form(out: &std::path::Path, query: &std::path::Path) -> Command {
    let mut command = attribute(out);
    command.args(["--method", "gaussian", "--groups", "four,seven", "--query"]).arg(query);
    command
}

#[test]
fn an_error_is_shown_once_and_without_colour_codes() {
    let folder = tempfile::tempdir().unwrap();
    let output = closed_form(folder.path(), std::path::Path::new("/nowhere/image.png")).assert().code(1);
    let text = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert_eq!(text.matches("/nowhere/image.png").count(), 1, "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn settings_without_bounds_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [
        ["--budget", "1000000000"],
        ["--null", "1000000000"],
        ["--batch", "4294967296"],
        ["--draws", "18446744073709551615"],
        ["--learning-rate", "1e-300"],
        ["--unlearning-steps", "18446744073709551615"],
        ["--neighbours", "18446744073709551615"],
        ["--level", "2"],
    ] {
        let query = fixture("digits/queries/q000.png");
        let mut command = attribute(folder.path());
        command.arg("--query").arg(query).args(bad);
        if bad[0] == "--level" {
            command.args(["--budget", "100"]);
        }
        command.assert().code(2).stderr(contains(bad[1]));
    }
    attribute(folder.path())
        .args(["--seeds", "1", "--timesteps", "1..1000", "--draws", "1000000", "--dry-run"])
        .assert()
        .code(1)
        .stderr(contains("too many evaluations").and(contains("--draws")));
    whence()
        .args(["evaluate", "--scores", "a", "--reference", "b", "--resamples", "18446744073709551615"])
        .assert()
        .code(2)
        .stderr(contains("resamples"));
}

#[test]
fn settings_files_are_ordinary_files_and_errors_name_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = folder.path().join("recipe.toml");
    let with = |text: &str| {
        std::fs::write(&recipe, text).unwrap();
        let mut command = closed_form(folder.path(), &fixture("digits/queries/q000.png"));
        command.arg("--recipe").arg(&recipe);
        command.assert().code(1)
    };
    with("steps = 60\nbatch = \"x\"\n").stderr(contains("line 2, batch"));
    with("batch = 4294967296\n").stderr(contains("batch is 4294967296"));
    with(&format!("objective = \"{}\"\nbatch = 1.5", "x".repeat(9000))).stderr(contains("line 2"));
    with("[optimizer]\nclip_norm = -1.0\n").stderr(contains("clip_norm"));
    #[cfg(unix)]
    closed_form(folder.path(), &fixture("digits/queries/q000.png"))
        .args(["--recipe", "/dev/zero"])
        .assert()
        .code(1)
        .stderr(contains("/dev/zero").and(contains("device")));
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf_8_are_no_crash() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let odd = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
    let query = odd(b"q\xff.png");
    std::fs::copy(fixture("digits/queries/q000.png"), &query).unwrap();
    let out = odd(b"out\xfe");
    closed_form(&out, &query).arg("--json").assert().success().stdout(contains("\u{fffd}"));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("attribution.json")).unwrap()).unwrap();
    assert!(json["job"]["queries"][0]["file"].as_str().unwrap().ends_with("q\u{fffd}.png"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error_and_a_closed_pipe_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let run = |out: std::process::Stdio| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_whence"));
        command.args(["attribute", "--device", "cpu", "--method", "gaussian", "--groups", "four,seven"]);
        command.arg("--model").arg(fixture("digits/model")).arg("--data").arg(fixture("digits/images"));
        command.arg("--query").arg(fixture("digits/queries/q000.png")).arg("--out").arg(folder.path());
        command.env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
        command.stdout(out).stderr(std::process::Stdio::piped()).output().unwrap()
    };
    let full = run(std::fs::File::options().write(true).open("/dev/full").unwrap().into());
    let text = String::from_utf8_lossy(&full.stderr).into_owned();
    assert!(full.status.code() == Some(1) && text.contains("standard output"), "{text}");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = run(writer.into());
    assert_eq!(closed.status.code(), Some(0), "{}", String::from_utf8_lossy(&closed.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_termination_is_a_cancel() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    if u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1 {
        eprintln!("skipped: under nohup signals keep the system's meaning");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for signal in ["TERM", "HUP", "INT"] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_whence"))
            .args(["train", "--device", "cpu", "--steps", "1000000", "--data"])
            .arg(fixture("digits/images"))
            .arg("--out")
            .arg(folder.path().join(signal))
            .env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"))
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // The first line says that the job runs, and so that the handler is set.
        let mut text = String::new();
        let mut lines = std::io::BufReader::new(child.stderr.take().unwrap());
        std::io::BufRead::read_line(&mut lines, &mut text).unwrap();
        let killed = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        std::io::Read::read_to_string(&mut lines, &mut text).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}: {text}");
        assert!(text.contains("Cancelled"), "{text}");
    }
}

#[test]
fn groups_with_a_comma_and_control_characters_are_names_like_others() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (name, from) in [("a, b", "four"), ("\u{1b}[31mred", "seven"), ("=1+1", "nine")] {
        std::fs::create_dir_all(data.join(name)).unwrap();
        for entry in std::fs::read_dir(fixture("digits/images").join(from)).unwrap().take(4) {
            let path = entry.unwrap().path();
            std::fs::copy(&path, data.join(name).join(path.file_name().unwrap())).unwrap();
        }
    }
    let out = folder.path().join("out");
    let run = |groups: &str| {
        let mut command = whence();
        command.args(["attribute", "--device", "cpu", "--method", "gaussian", "--groups", groups]);
        command.arg("--model").arg(fixture("digits/model")).arg("--data").arg(&data).arg("--out").arg(&out);
        command.arg("--query").arg(fixture("digits/queries/q000.png"));
        command.assert().success()
    };
    let output = run("\"a, b\",\u{1b}[31mred,=1+1");
    let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
    assert!(text.contains("a, b") && text.contains("\\x1b[31mred") && !text.contains('\u{1b}'), "{text}");
    let scores = std::fs::read_to_string(out.join("scores.csv")).unwrap();
    assert!(scores.contains(",'=1+1,") && scores.contains(",\"a, b\","), "{scores}");
}

#[test]
fn failures_say_what_and_where_with_code_1() {
    let folder = tempfile::tempdir().unwrap();
    attribute(folder.path())
        .args(["--query", "/nowhere/image.png"])
        .assert()
        .code(1)
        .stderr(contains("/nowhere/image.png"));
    attribute(folder.path())
        .args(["--seeds", "1", "--groups", "eleven"])
        .assert()
        .code(1)
        .stderr(contains("eleven").and(contains("zero")));
    attribute(folder.path())
        .args(["--seeds", "1", "--class-label", "1"])
        .assert()
        .code(1)
        .stderr(contains("--class-label"));
    whence()
        .args(["sample", "--device", "warp drive", "--seeds", "1", "--model"])
        .arg(fixture("digits/model"))
        .arg("--out")
        .arg(folder.path())
        .assert()
        .code(1)
        .stderr(contains("warp drive"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_half_written_is_left() {
    // /dev/full exists for this, but results are folders: a folder on a tiny file system needs root, so try.
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "whence-test"])
        .arg(folder.path())
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !mounted {
        eprintln!("skipped: no permission to mount a small file system");
        return;
    }
    let result = whence()
        .args(["train", "--device", "cpu", "--steps", "2", "--data"])
        .arg(fixture("digits/images"))
        .arg("--out")
        .arg(folder.path().join("model"))
        .assert();
    // The lock of the folder stays behind, empty.
    let left: Vec<_> = std::fs::read_dir(folder.path().join("model"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name() != ".whence-lock")
        .collect();
    let _ = std::process::Command::new("umount").arg(folder.path()).status();
    result.code(1).stderr(contains("Free some space"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn evaluate_prints_the_promised_json_and_a_table_and_refuses_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let cases: Vec<serde_json::Value> =
        serde_json::from_slice(&std::fs::read(fixture("metrics.json")).unwrap()).unwrap();
    let case = &cases[0];
    let numbers =
        |name: &str| -> Vec<f64> { case[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
    // Scores in the published layout, the reference in ours, rows in another order and other folders.
    let mut official = String::from("image,class_id,delta_elbo\n");
    for (class, score) in numbers("scores").iter().enumerate().rev() {
        official += &format!("out/images/q.png,{class},{score}\n");
    }
    let mut ours = String::from("query,group,score_nats,std_err\n");
    for (class, score) in numbers("reference").iter().enumerate() {
        ours += &format!("q.png,class-{class},{score},0.1\n");
    }
    let (scores, reference) = (folder.path().join("scores.csv"), folder.path().join("reference.csv"));
    std::fs::write(&scores, &official).unwrap();
    std::fs::write(&reference, ours).unwrap();
    let names: Vec<String> = (0..10).map(|c| format!("class-{c}")).collect();
    let evaluate = || {
        let mut command = whence();
        command.arg("evaluate").arg("--scores").arg(&scores).arg("--reference").arg(&reference);
        command
    };
    evaluate().assert().code(1).stderr(contains("--groups-in-order"));
    let output = evaluate().arg("--groups-in-order").arg(names.join(",")).arg("--json").assert().success();
    let json: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!((&json["queries"], &json["groups"]), (&1.into(), &10.into()));
    for name in ["top1", "top3_overlap", "mrr", "ndcg@3_exp", "ndcg@3_lin", "rbo_0.9", "spearman", "kendall_tau_b"] {
        let found = &json["metrics"][name];
        let expected = case[name].as_f64().unwrap();
        assert!((found["value"].as_f64().unwrap() - expected).abs() < 1e-9, "{name}");
        for field in ["low_95", "high_95", "chance", "chance_corrected"] {
            assert!(found[field].is_number(), "{name} {field}");
        }
    }
    let table = evaluate().arg("--groups-in-order").arg(names.join(",")).assert().success();
    let text = String::from_utf8(table.get_output().stdout.clone()).unwrap();
    assert!(text.contains("ndcg@3_exp") && text.contains("0.828"), "{text}");
    // A score that is missing is named, and not called zero.
    std::fs::write(&scores, official.replace("out/images/q.png,3,-2\n", "")).unwrap();
    assert!(std::fs::read_to_string(&scores).unwrap().len() < official.len());
    evaluate()
        .arg("--groups-in-order")
        .arg(names.join(","))
        .assert()
        .code(1)
        .stderr(contains("class-3").or(contains("class 3")));
}
