//! The program itself, as a user starts it.

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use super::fixture;

fn whence() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("WAYLAND_SOCKET");
    // The log of jobs and the verdicts on devices are none of the user's own.
    command.env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    command
}

fn attribute(out: &std::path::Path) -> Command {
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

#[test]
fn attribute_writes_the_promised_files_and_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let out = folder.path().join(name);
        attribute(&out)
            .arg("--counterfactuals")
            .arg(fixture("digits/retrained"))
            .args(["--groups", "four,seven", "--timesteps", "12", "--json"])
            .arg("--query")
            .arg(fixture("digits/queries/q000.png"))
            .arg(fixture("digits/queries/q004.png"))
            .assert()
            .success()
            .stdout(contains("\"ranking\""));
        out
    };
    let (a, b) = (run("a"), run("b"));
    for (file, header) in [
        ("scores.csv", "query,group,score_nats,std_err,low_95,high_95,rank,bits_per_dim,evaluations,method"),
        ("scores_guda.csv", "image,class_id,delta_elbo"),
        ("neighbours.csv", "query,group,rank,image,distance"),
    ] {
        let text = std::fs::read_to_string(a.join(file)).unwrap();
        assert_eq!(text.lines().next(), Some(header));
        assert_eq!(text, std::fs::read_to_string(b.join(file)).unwrap());
    }
    let scores = std::fs::read_to_string(a.join("scores.csv")).unwrap();
    assert_eq!(scores.lines().count(), 5, "two queries, two groups: {scores}");
    let official = std::fs::read_to_string(a.join("scores_guda.csv")).unwrap();
    // eight, five, four, nine, one, seven, ...: the class is the group's number in the dataset.
    assert!(official.contains("q000.png,2,") && official.contains("q000.png,5,"), "{official}");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(a.join("attribution.json")).unwrap()).unwrap();
    assert_eq!(json["schema_version"], 1);
    assert_eq!(json["attributions"][0]["scores"][0]["group"], "four");
    assert!(json["model"]["blake3"].as_str().unwrap().len() == 64);
}

#[test]
fn the_closed_form_needs_no_models_and_seeds_draw_queries() {
    let folder = tempfile::tempdir().unwrap();
    attribute(folder.path())
        .args(["--method", "gaussian", "--seeds", "3,4", "--steps", "10"])
        .assert()
        .success()
        .stdout(contains("seed-3"));
    let scores = std::fs::read_to_string(folder.path().join("scores.csv")).unwrap();
    assert_eq!(scores.lines().count(), 21);
    assert!(folder.path().join("queries/seed-4.png").is_file());
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
    let left: Vec<_> = std::fs::read_dir(folder.path().join("model")).into_iter().flatten().flatten().collect();
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
