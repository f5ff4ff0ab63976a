//! Schedules and samplers against diffusers (`tests/fixtures/make_fixtures.py`).

use std::collections::BTreeMap;

use whence_diffusion::{BetaSchedule, NoiseSchedule, Sampler, SamplerKind, SchedulerConfig};

use super::fixture;

fn config(schedule: BetaSchedule, steps: usize) -> SchedulerConfig {
    SchedulerConfig { beta_schedule: schedule, num_train_timesteps: steps, ..SchedulerConfig::default() }
}

#[test]
fn schedules_agree_with_diffusers() {
    let text = std::fs::read_to_string(fixture("schedules.json")).unwrap();
    let all: BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>> = serde_json::from_str(&text).unwrap();
    let configs = [
        ("cosine-4000", config(BetaSchedule::SquaredcosCapV2, 4000)),
        ("cosine-1000", config(BetaSchedule::SquaredcosCapV2, 1000)),
        ("linear-1000", config(BetaSchedule::Linear, 1000)),
        (
            "sd-1000",
            SchedulerConfig { beta_start: 0.00085, beta_end: 0.012, ..config(BetaSchedule::ScaledLinear, 1000) },
        ),
    ];
    assert_eq!(all.len(), configs.len());
    for (name, config) in configs {
        let schedule = NoiseSchedule::new(&config).unwrap();
        for (what, values) in &all[name] {
            for (t, expected) in values {
                let t: usize = t.parse().unwrap();
                let found = match what.as_str() {
                    "alpha_bar" => schedule.alpha_bar(Some(t)),
                    "beta" => schedule.beta(t),
                    "elbo_weight" => schedule.elbo_weight(t),
                    other => panic!("{other}"),
                };
                assert!((found / expected - 1.0).abs() < 1e-6, "{name} {what} {t}: {found} for {expected}");
            }
        }
    }
}

#[test]
fn samplers_retrace_diffusers() {
    let bytes = std::fs::read(fixture("samplers.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        file.tensor(name).unwrap().data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let integers = |name: &str| -> Vec<usize> {
        let data = file.tensor(name).unwrap().data().to_vec();
        data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize).collect()
    };
    for (name, schedule) in [("cosine", BetaSchedule::SquaredcosCapV2), ("linear", BetaSchedule::Linear)] {
        for (kind, steps) in [(SamplerKind::Ddim, 50), (SamplerKind::Ddpm, 20)] {
            let key = format!("{}{steps}.{name}", kind.name());
            let mut sampler = Sampler::new(kind, &config(schedule, 1000), steps, 0.0).unwrap();
            assert_eq!(sampler.timesteps(), integers(&format!("{key}.timesteps")));
            let mut x = floats("x_T");
            let noise = if sampler.needs_noise() { floats(&format!("{key}.noise")) } else { Vec::new() };
            for (i, t) in sampler.timesteps().to_vec().iter().enumerate() {
                let predicted: Vec<f32> = x.iter().map(|v| 0.3 * v + 0.1 * (*t as f32 / 100.0).sin()).collect();
                let fresh = noise.get(i * x.len()..(i + 1) * x.len()).unwrap_or_default();
                sampler.step(i, &mut x, &predicted, fresh);
            }
            let worst = x.iter().zip(floats(&key)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "{key}: {worst}");
        }
    }
}

/// Every way of drawing in `samplers_more.json`, made by `tests/python/make_sampler_fixtures.py` with diffusers.
#[test]
fn every_sampler_setting_retraces_diffusers() {
    #[derive(serde::Deserialize)]
    struct Case {
        sampler: String,
        steps: usize,
        eta: f64,
        config: serde_json::Value,
        max_abs: f32,
    }
    let text = std::fs::read_to_string(fixture("samplers_more.json")).unwrap();
    let cases: BTreeMap<String, Case> = serde_json::from_str(&text).unwrap();
    let bytes = std::fs::read(fixture("samplers_more.safetensors")).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let floats = |name: &str| -> Vec<f32> {
        file.tensor(name).unwrap().data().chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    let (mut drawn, mut refused) = (0, 0);
    for (key, case) in &cases {
        let kind: SamplerKind = match case.sampler.as_str() {
            "dpm" | "dpmsolver++" | "dpm-solver++" | "dpm_solver_multistep" => SamplerKind::DpmSolver,
            other => other.parse().unwrap(),
        };
        let config = SchedulerConfig::from_json(&case.config.to_string(), key).unwrap();
        if key.contains("sigma_min") {
            // A setting that is not this sampler's default is refused by name, not ignored.
            let error = Sampler::new(kind, &config, case.steps, case.eta).unwrap_err().to_string();
            assert!(error.contains("final_sigmas_type"), "{error}");
            refused += 1;
            continue;
        }
        let mut sampler = Sampler::new(kind, &config, case.steps, case.eta).unwrap();
        let expected: Vec<usize> = file
            .tensor(&format!("{key}.timesteps"))
            .unwrap()
            .data()
            .chunks(8)
            .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize)
            .collect();
        assert_eq!(sampler.timesteps(), expected, "{key}");
        let mut x = floats("x_T");
        let noise = floats("noise");
        for (i, t) in expected.iter().enumerate() {
            let output: Vec<f32> = x.iter().map(|v| 0.3 * v + 0.1 * (*t as f32 / 100.0).sin()).collect();
            let fresh = noise.get(i * x.len()..(i + 1) * x.len()).unwrap_or_default();
            sampler.step(i, &mut x, &output, fresh);
        }
        let worst = x.iter().zip(floats(key)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5 * case.max_abs.max(1.0), "{key}: {worst} of {}", case.max_abs);
        drawn += 1;
    }
    assert!(drawn > 50 && refused > 0, "{drawn} {refused}");
}

/// diffusers' own file of a solver: bare infinities, no variance, no clipping; what is not understood is written back.
#[test]
fn a_solvers_config_is_read_and_written_back_as_it_was() {
    let text = std::fs::read_to_string(fixture("dpm_scheduler_config.json")).unwrap();
    assert!(text.contains(": -Infinity") && text.contains("\"variance_type\": null"));
    let config = SchedulerConfig::from_json(&text, "fixture").unwrap();
    let written = config.to_json().unwrap();
    let again = SchedulerConfig::from_json(&written, "written").unwrap();
    assert_eq!(config, again);
    let plain = |text: &str| -> serde_json::Map<String, serde_json::Value> {
        serde_json::from_str(&text.replace(": -Infinity", ": \"-Infinity\"")).unwrap()
    };
    let (before, after) = (plain(&text), plain(&written));
    for (name, value) in &before {
        if name != "variance_type" {
            assert_eq!(after.get(name), Some(value), "{name}");
        }
    }
    assert!(written.contains(": -Infinity"), "{written}");
}
