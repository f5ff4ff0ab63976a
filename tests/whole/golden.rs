//! The numbers of the program, as they were when `tests/fixtures/golden` was written: scores, standard errors, gate
//! verdicts, sampled images and unlearned models of three worlds, by all methods. A change of the code that should change
//! no number is checked here; one that must change a number writes the files again, and its commit says why:
//!
//!     WHENCE_WRITE_GOLDEN=1 cargo test --release --test all golden
//!
//! The test knows the program by its command line and its files only, so that it outlives any change of the library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use safetensors::SafeTensors;
use serde_json::Value;

use super::{copy_folder, fixture};

/// Largest relative deviation. Scores, standard errors and rises are compared with the largest value of their kind (of a
/// world, a method and a column), norms with themselves. On one machine all are the same to the last bit on any number of
/// threads, but for the demo's closed form, which moves by 3e-6 of its largest score. With AVX2 in place of AVX-512 (under
/// qemu) scores move by up to 3e-6, standard errors by 3e-6, rises by 2e-6, norms by 3e-6.
const RELATIVE: f64 = 1e-5;

/// Largest deviation of a projection as a share of the norm. Rounding to eight bits turns last digits into whole steps, and
/// gradients that are zero but for rounding (keys' biases) into steps of the optimizer: with AVX2 projections move by up to
/// 8e-5. They tell where a change is, the norms how large it is.
const PROJECTION: f64 = 1e-3;

/// Largest deviation of a value of a sampled image, which lies between -1 and 1; with AVX2 they move by up to 4e-6.
const TENSOR: f64 = 1e-4;

/// Largest deviation of a pixel of a PNG, in levels of 255.
const PIXEL: u8 = 1;

/// `world | method | query or file | group or tensor`, and its values by name.
type Values = BTreeMap<String, BTreeMap<String, Value>>;

/// Training of the class-conditional network; `[network]` is the program's own for 8x8 images, with one class per group.
const CLASSES_TRAINING: &str = r#"
steps = 60
batch = 16
learning_rate = 2e-3
warmup_steps = 10
ema_decay = 0.9
seed = 5

[network]
sample_size = 8
in_channels = 1
out_channels = 1
block_out_channels = [16, 32]
down_block_types = ["DownBlock2D", "AttnDownBlock2D"]
up_block_types = ["AttnUpBlock2D", "UpBlock2D"]
layers_per_block = 1
norm_num_groups = 8
num_class_embeds = 3
"#;

/// Retraining of the digits' and the demo's network: a few steps, of which the numbers are reproducible, not good.
const SHORT_TRAINING: &str =
    "steps = 8\nbatch = 8\nlearning_rate = 2e-3\nwarmup_steps = 2\nema_decay = 0.5\nseed = 3\n";

/// Unlearning of every world: a few steps.
const SHORT_RECIPE: &str = "steps = 6\nbatch = 8\nlearning_rate = 2e-4\nwarmup_steps = 2\nseed = 2\nheld_out = 0.2\n";

/// One model, its dataset, and a folder for what is made of them.
struct World<'a> {
    name: &'a str,
    model: PathBuf,
    data: PathBuf,
    folder: PathBuf,
    values: &'a mut Values,
}

impl World<'_> {
    /// The program with a subcommand, on this world's model.
    fn command(&self, subcommand: &str) -> Command {
        let mut command = whence(subcommand);
        command.arg("--model").arg(&self.model);
        command
    }

    /// `keys` are method, query or file, group or tensor.
    fn add(&mut self, keys: [&str; 3], name: &str, value: Value) {
        let key = format!("{} | {}", self.name, keys.join(" | "));
        self.values.entry(key).or_default().insert(name.to_owned(), value);
    }

    /// A file with settings.
    fn settings(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// `whence attribute` into `folder/method`; adds scores and checks of every query and group.
    fn attribute(&mut self, method: &str, queries: &[PathBuf], options: &[&str], paths: &[(&str, &Path)]) {
        let out = self.folder.join(method);
        let mut command = self.command("attribute");
        command.arg("--data").arg(&self.data).arg("--out").arg(&out).arg("--json");
        command.arg("--query").args(queries).args(options);
        for (option, path) in paths {
            command.arg(option).arg(path);
        }
        let summary: Value = serde_json::from_slice(&run(&mut command)).unwrap();
        let columns = ["score_nats", "std_err", "rank", "evaluations"];
        self.add_table(method, &out.join("scores.csv"), &columns);
        let columns = ["gate_passed", "group_error_rise", "others_error_rise", "retrained_rise", "stands_out"];
        self.add_table(method, &out.join("checks.csv"), &columns);
        for query in summary["queries"].as_array().unwrap() {
            let name = query["query"].as_str().unwrap();
            for (place, key) in [("/trust/null/threshold", "threshold"), ("/trust/second_seed", "second_seed_leader")] {
                if let Some(value) = query.pointer(place).filter(|v| !v.is_null()) {
                    self.add([method, name, "leader"], key, value.clone());
                }
            }
        }
    }

    /// Some columns of a table with the columns query and group; empty cells are left out.
    fn add_table(&mut self, method: &str, path: &Path, columns: &[&str]) {
        let mut reader = csv::Reader::from_path(path).unwrap();
        for row in reader.deserialize::<BTreeMap<String, String>>() {
            let row = row.unwrap();
            for column in columns.iter().filter(|c| !row[**c].is_empty()) {
                let value = serde_json::from_str(&row[*column]).unwrap();
                self.add([method, &row["query"], &row["group"]], column, value);
            }
        }
    }

    /// Draws images; adds their unrounded values. Returns the folder.
    fn sample(&mut self, name: &str, seeds: &str, options: &[&str]) -> PathBuf {
        let out = self.folder.join(name);
        let mut command = self.command("sample");
        run(command.args(["--seeds", seeds, "--tensors"]).args(options).arg("--out").arg(&out));
        for seed in seeds.split(',') {
            let file = format!("seed-{seed}");
            let image = tensors(&out.join(format!("{file}.safetensors"))).remove("x_0").unwrap();
            // Of a large image the PNG tells enough.
            if image.len() <= 64 {
                // Two digits more than are compared.
                let values: Vec<f64> = image.iter().map(|v| (v * 1e6).round() / 1e6).collect();
                self.add([name, &file, "x_0"], "image", values.into());
            }
        }
        out
    }

    /// Unlearns groups by the command of that name; adds a digest of what it changed in each model.
    fn unlearn(&mut self, method: &str, groups: &str, options: &[&str], recipe: &Path) {
        let out = self.folder.join(format!("unlearned-{method}"));
        let mut command = self.command("unlearn");
        command.arg("--data").arg(&self.data).args(["--groups", groups]).args(options);
        run(command.arg("--recipe").arg(recipe).arg("--out").arg(&out));
        for group in groups.split(',') {
            self.add_difference(&format!("unlearned, {method}"), group, &out.join(group));
        }
    }

    /// Trains the model again without groups by the command of that name. Returns the folder of the models.
    fn retrain(&mut self, groups: &str, training: &Path) -> PathBuf {
        let out = self.folder.join("retrained");
        let mut command = self.command("retrain");
        command.arg("--data").arg(&self.data).args(["--groups", groups]).arg("--config").arg(training);
        run(command.arg("--out").arg(&out));
        for group in groups.split(',') {
            self.add_difference("retrained", group, &out.join(group));
        }
        out
    }

    /// The difference between a model and the full model: norm and projection of a few tensors and of all together.
    fn add_difference(&mut self, method: &str, name: &str, folder: &Path) {
        let weights = |folder: &Path| tensors(&folder.join("diffusion_pytorch_model.safetensors"));
        let (full, other) = (weights(&self.model), weights(folder));
        assert!(full.keys().eq(other.keys()), "{method}, {name}: other tensors than in the full model");
        let all: Vec<f64> =
            full.iter().flat_map(|(name, values)| values.iter().zip(&other[name]).map(|(a, b)| b - a)).collect();
        self.add_digest([method, name, "all tensors"], &all);
        for tensor in ["conv_in.weight", "mid_block.resnets.0.conv1.weight", "conv_out.weight"] {
            let difference: Vec<f64> = full[tensor].iter().zip(&other[tensor]).map(|(a, b)| b - a).collect();
            self.add_digest([method, name, tensor], &difference);
        }
    }

    fn add_digest(&mut self, keys: [&str; 3], values: &[f64]) {
        let norm = values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let projection: f64 = values.iter().enumerate().map(|(i, v)| v * (i as f64).cos()).sum();
        self.add(keys, "norm", norm.into());
        self.add(keys, "projection", projection.into());
    }
}

/// The program with a subcommand, on the CPU and with a user's folder of the tests' own.
fn whence(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whence"));
    command.env("WHENCE_DATA", concat!(env!("CARGO_TARGET_TMPDIR"), "/user"));
    command.args([subcommand, "--device", "cpu"]);
    command
}

/// Runs a command to its end and returns what it wrote on standard output.
fn run(command: &mut Command) -> Vec<u8> {
    command.assert().success().get_output().stdout.clone()
}

/// All tensors of a file of 32-bit or 16-bit floats.
fn tensors(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let values = |view: &safetensors::tensor::TensorView<'_>| match view.dtype() {
        safetensors::Dtype::F32 => {
            view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect()
        }
        safetensors::Dtype::F16 => {
            view.data().chunks_exact(2).map(|b| half::f16::from_le_bytes(b.try_into().unwrap()).into()).collect()
        }
        other => panic!("{}: {other:?}", path.display()),
    };
    file.tensors().iter().map(|(name, view)| (name.clone(), values(view))).collect()
}

/// The shipped demo with its shipped models.
fn demo(folder: &Path, values: &mut Values) -> PathBuf {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let (model, data) = (demo.join("model"), demo.join("paintings"));
    let mut world = World { name: "demo", model, data, folder: folder.to_owned(), values };
    let recipe = demo.join("recipe.toml");
    let queries = ["seed-0.png", "seed-6.png"].map(|n| demo.join("queries").join(n));
    for out in ["guda", "unlearned-shipped"] {
        copy_folder(&demo.join("store"), &folder.join(out).join("store"));
    }
    world.attribute("guda", &queries, &["--timesteps", "12"], &[("--recipe", &recipe)]);
    world.unlearn("shipped", "hatching,mosaic", &[], &recipe);
    world.unlearn("three steps", "mosaic", &["--unlearning-steps", "3"], &recipe);
    world.attribute("gaussian", &queries, &["--method", "gaussian"], &[]);
    let training = world.settings("training.toml", SHORT_TRAINING);
    let retrained = world.retrain("hatching,mosaic", &training);
    let options = ["--groups", "hatching,mosaic", "--timesteps", "100../100"];
    world.attribute("logo", &queries, &options, &[("--counterfactuals", &retrained)]);
    world.sample("sample, ddim", "0", &["--steps", "10"]).join("seed-0.png")
}

/// Digits of `tests/fixtures`, with models that PyTorch retrained.
fn digits(folder: &Path, values: &mut Values) {
    let (model, data) = (fixture("digits/model"), fixture("digits/images"));
    let mut world = World { name: "digits", model, data, folder: folder.to_owned(), values };
    let recipe = world.settings("recipe.toml", SHORT_RECIPE);
    let queries = ["q000.png", "q004.png", "q011.png"].map(|n| fixture("digits/queries").join(n));
    let groups = ["--groups", "four,seven", "--timesteps", "50../50", "--draws", "2"];
    let options = [&groups[..], &["--null", "4", "--confirm"]].concat();
    world.attribute("guda", &queries, &options, &[("--recipe", &recipe)]);
    world.attribute("guda, budget", &queries, &["--budget", "300"], &[("--recipe", &recipe)]);
    for objective in ["hinge", "retrack", "released-zero"] {
        let chosen = ["--objective", objective];
        world.unlearn(objective, "four,seven", &chosen, &recipe);
        if objective != "hinge" {
            let options = [&groups[..], &chosen].concat();
            world.attribute(&format!("guda, {objective}"), &queries[..1], &options, &[("--recipe", &recipe)]);
        }
    }
    world.attribute("imported", &queries, &groups, &[("--counterfactuals", &fixture("digits/retrained"))]);
    world.attribute("gaussian", &queries, &["--method", "gaussian"], &[]);
    let training = world.settings("training.toml", SHORT_TRAINING);
    let retrained = world.retrain("four,seven", &training);
    world.attribute("logo", &queries, &groups, &[("--counterfactuals", &retrained)]);
    for (name, options) in [
        ("sample, ddim", &["--sampler", "ddim"][..]),
        ("sample, ddim with noise", &["--sampler", "ddim", "--eta", "1"]),
        ("sample, ddpm", &["--sampler", "ddpm"]),
        ("sample, dpm-solver++", &["--sampler", "dpm-solver++"]),
    ] {
        world.sample(name, "1", &[options, &["--steps", "20"]].concat());
    }
}

/// A class-conditional network, trained here on three of the digits.
fn classes(folder: &Path, values: &mut Values) {
    let data = folder.join("images");
    let groups = ["four", "one", "seven"];
    for group in groups {
        copy_folder(&fixture("digits/images").join(group), &data.join(group));
    }
    let mut world = World { name: "classes", model: folder.join("model"), data, folder: folder.to_owned(), values };
    let training = world.settings("training.toml", CLASSES_TRAINING);
    let mut command = whence("train");
    run(command.arg("--data").arg(&world.data).arg("--config").arg(&training).arg("--out").arg(&world.model));
    world.sample("sample, class 2", "1", &["--class-label", "2", "--steps", "20"]);
    let recipe = world.settings("recipe.toml", SHORT_RECIPE);
    world.unlearn("hinge", "four,seven", &[], &recipe);
    // A query of class 0 and one of class 2: images of the groups four and seven.
    for (class, query) in [("0", "q011.png"), ("2", "q004.png")] {
        let query = [fixture("digits/queries").join(query)];
        let options = ["--class-label", class, "--timesteps", "50../50", "--draws", "2"];
        let with_null = [&options[..], &["--null", "4"]].concat();
        world.attribute("guda", &query, &with_null, &[("--recipe", &recipe)]);
        world.attribute("gaussian", &query, &[&options[..2], &["--method", "gaussian"]].concat(), &[]);
        world.attribute("logo", &query, &[&options[..], &["--method", "logo"]].concat(), &[]);
    }
    let retrained = folder.join("logo/retrained");
    world.add_difference("retrained", "four", &retrained.join("four"));
}

/// The golden file as text, one entry a line.
fn to_text(values: &Values) -> String {
    let lines: Vec<String> = values
        .iter()
        .map(|(key, values)| format!("  {}: {}", Value::from(key.as_str()), serde_json::to_string(values).unwrap()))
        .collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// World and method of a key.
fn method_of(key: &str) -> Vec<&str> {
    key.split(" | ").take(2).collect()
}

/// How far a number may be from the golden one.
fn tolerance(golden: &Values, key: &str, name: &str) -> f64 {
    match name {
        "image" => TENSOR,
        "norm" => RELATIVE * golden[key]["norm"].as_f64().unwrap(),
        "projection" => PROJECTION * golden[key]["norm"].as_f64().unwrap(),
        _ => {
            let of_kind = golden.iter().filter(|(other, _)| method_of(other) == method_of(key));
            let largest =
                of_kind.filter_map(|(_, values)| values.get(name)?.as_f64()).map(f64::abs).fold(0.0, f64::max);
            // A rise is a ratio less one, and has the ratio's accuracy.
            RELATIVE * if name.ends_with("rise") { largest.max(1.0) } else { largest }
        }
    }
}

/// How many tolerances a value is from the golden one; what is no number with a fraction is equal or infinitely far.
fn distance(expected: &Value, actual: &Value, tolerance: f64) -> f64 {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            expected.iter().zip(actual).map(|(e, a)| distance(e, a, tolerance)).fold(0.0, f64::max)
        }
        (Value::Number(e), Value::Number(a)) if e.is_f64() && a.is_f64() => {
            let apart = (e.as_f64().unwrap() - a.as_f64().unwrap()).abs();
            if apart == 0.0 { 0.0 } else { apart / tolerance }
        }
        _ if expected == actual => 0.0,
        _ => f64::INFINITY,
    }
}

/// The actual value and the expected one; of two images the values that are furthest apart.
fn describe(expected: &Value, actual: &Value, tolerance: f64) -> String {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let each = expected.iter().zip(actual).enumerate();
            let apart = |(_, (e, a)): &(usize, (&Value, &Value))| distance(e, a, tolerance);
            let (index, (e, a)) = each.max_by(|x, y| apart(x).total_cmp(&apart(y))).unwrap();
            format!("at {index} {}", describe(e, a, tolerance))
        }
        (Value::Number(e), Value::Number(a)) if e.is_f64() && a.is_f64() => {
            format!("{a}, expected {e}, tolerance {tolerance:.1e}")
        }
        (Value::Null, _) => format!("{actual}, expected nothing"),
        (_, Value::Null) => format!("missing, expected {expected}"),
        _ => format!("{actual}, expected {expected}"),
    }
}

/// What differs, a line each, and the largest distance of a number by world, method and name.
fn compare(golden: &Values, actual: &Values) -> (Vec<String>, BTreeMap<String, f64>) {
    let (mut differences, mut largest) = (Vec::new(), BTreeMap::<String, f64>::new());
    let missing = Value::Null;
    let keys: BTreeSet<&String> = golden.keys().chain(actual.keys()).collect();
    for key in keys {
        let empty = BTreeMap::new();
        let (expected, found) = (golden.get(key).unwrap_or(&empty), actual.get(key).unwrap_or(&empty));
        let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for name in names {
            let (expected, found) = (expected.get(name).unwrap_or(&missing), found.get(name).unwrap_or(&missing));
            let tolerance = if expected.is_null() { 0.0 } else { tolerance(golden, key, name) };
            let distance = distance(expected, found, tolerance);
            let kind = largest.entry(format!("{} | {name}", method_of(key).join(" | "))).or_default();
            *kind = kind.max(distance);
            if distance.is_nan() || distance > 1.0 {
                differences.push(format!("{key}: {name} is {}", describe(expected, found, tolerance)));
            }
        }
    }
    (differences, largest)
}

fn pixels(path: &Path) -> image::RgbImage {
    image::open(path).unwrap().to_rgb8()
}

#[test]
fn numbers_are_those_of_the_golden_files() {
    let folder = tempfile::tempdir().unwrap();
    let world = |name: &str| {
        let folder = folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let mut actual = Values::new();
    let image = demo(&world("demo"), &mut actual);
    digits(&world("digits"), &mut actual);
    classes(&world("classes"), &mut actual);

    let (file, golden_image) = (fixture("golden/golden.json"), fixture("golden/demo-seed-0.png"));
    if std::env::var_os("WHENCE_WRITE_GOLDEN").is_some_and(|v| v == "1") {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, to_text(&actual)).unwrap();
        std::fs::copy(&image, &golden_image).unwrap();
        return;
    }
    let golden: Values = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let (mut differences, largest) = compare(&golden, &actual);
    for (kind, distance) in largest.iter().filter(|(_, distance)| **distance > 0.0) {
        eprintln!("{kind}: {distance:.3} of its tolerance");
    }
    let (expected, found) = (pixels(&golden_image), pixels(&image));
    assert_eq!(expected.dimensions(), found.dimensions());
    let apart = expected.iter().zip(found.iter()).map(|(e, a)| e.abs_diff(*a)).max().unwrap();
    if apart > PIXEL {
        differences
            .push(format!("demo | sample, ddim | seed-0.png: pixels {apart} levels apart, expected {PIXEL} at most"));
    }
    assert!(
        differences.is_empty(),
        "{} values differ (world | method | query or file | group or tensor: value):\n{}",
        differences.len(),
        differences.join("\n")
    );
}
