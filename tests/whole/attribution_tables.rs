//! The tables that `whence attribute` writes.

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use super::command_line::{attribute, closed_form};
use super::fixture;

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
        ("scores.csv", "query,group,score_nats,std_err,low_95,high_95,rank,bits_per_dim,evaluations,method,score,unit"),
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
fn the_closed_form_needs_no_models_and_queries_are_generated_from_seeds() {
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
fn a_method_that_scores_images_lists_the_highest_of_each_group() {
    let folder = tempfile::tempdir().unwrap();
    attribute(folder.path())
        .args(["--method", "pixel-similarity", "--groups", "four,seven", "--query"])
        .arg(fixture("digits/queries/q000.png"))
        .assert()
        .success()
        .stdout(contains("negative distance").and(contains("nats").not()));
    let mut images = csv::Reader::from_path(folder.path().join("images.csv")).unwrap();
    let header: Vec<&str> = images.headers().unwrap().iter().collect();
    assert_eq!(header.join(","), "query,group,rank,image,score,unit,method");
    let rows: Vec<csv::StringRecord> = images.records().map(Result::unwrap).collect();
    for group in ["four", "seven"] {
        let own: Vec<_> = rows.iter().filter(|r| &r[1] == group).collect();
        assert!(!own.is_empty() && own.len() <= 100, "{group}: {}", own.len());
        let scores: Vec<f64> = own.iter().map(|r| r[4].parse().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        assert!(own.iter().enumerate().all(|(i, r)| r[2] == (i + 1).to_string() && &r[5] == "negative_distance"));
    }
    let scores = folder.path().join("scores.csv");
    let table = whence_evaluation::ScoreTable::read(&scores, None).unwrap();
    assert_eq!(table.method.as_deref(), Some("pixel-similarity"));
    assert!(std::fs::read_to_string(scores).unwrap().lines().skip(1).all(|l| l.ends_with(",negative_distance")));
}

#[test]
fn a_results_folder_has_no_tables_of_another_method() {
    let folder = tempfile::tempdir().unwrap();
    let query = fixture("digits/queries/q000.png");
    let found = || ["scores_guda.csv", "images.csv"].map(|name| folder.path().join(name).is_file());
    closed_form(folder.path(), &query).assert().success();
    assert_eq!(found(), [true, false], "nats per group, no scores of images");
    attribute(folder.path()).args(["--method", "pixel-similarity", "--query"]).arg(&query).assert().success();
    assert_eq!(found(), [false, true], "a distance is no ELBO difference");
    closed_form(folder.path(), &query).assert().success();
    assert_eq!(found(), [true, false]);
}
