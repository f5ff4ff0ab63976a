//! Whole runs on a small real dataset.

use std::path::Path;

use super::*;
use whence_base::Error;
use whence_data::{Dataset, LoadOptions};
use whence_diffusion::{GroupConditions, Pipeline};
use whence_nn::weights::{NamedValues, Precision, SafetensorsSource, named_values, write_tensors_to};

/// 240 digits in ten groups, 8x8.
pub fn digits() -> Dataset {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits/images");
    Dataset::load(&folder, &LoadOptions::default(), &mut |_, _| Ok(())).unwrap()
}

fn model() -> Pipeline {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/digits/model");
    Pipeline::load(&folder, &burn::tensor::Device::flex()).unwrap()
}

/// The digits' model has no classes.
fn unconditional() -> GroupConditions {
    GroupConditions::none(10)
}

fn recipe(steps: usize, learning_rate: f64) -> Recipe {
    Recipe { steps, batch: 10, learning_rate: Some(learning_rate), ..Recipe::default() }
}

fn state_bytes(step: &UnlearningStep<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    step.write_state(&mut bytes).unwrap();
    bytes
}

fn state(bytes: Vec<u8>) -> whence_base::Result<UnlearningState> {
    let length = bytes.len() as u64;
    UnlearningState::open(std::io::Cursor::new(bytes), length)
}

fn values(outcome: &Outcome) -> Vec<NamedValues> {
    named_values(&outcome.model.network).unwrap()
}

#[test]
fn a_run_broken_off_at_any_step_ends_with_the_same_weights() {
    let (model, dataset) = (model(), digits());
    let forget = Forget::group(&dataset, 4);
    let recipe = recipe(12, 1e-4);
    let conditions = unconditional();
    let unlearning = Unlearning {
        model: &model,
        dataset: &dataset,
        conditions: &conditions,
        forget: &forget,
        recipe: &recipe,
        neighbours: None,
    };
    let whole = unlearning.run(None, &mut |_| Ok(())).unwrap();
    assert_eq!(whole.stopped_at, None);
    for stop in 1..=12 {
        let mut saved = None;
        let broken = unlearning.run(None, &mut |step| {
            if step.step < stop {
                return Ok(());
            }
            saved = Some(state_bytes(&step));
            Err(Error::Cancelled)
        });
        assert!(broken.unwrap_err().is_cancelled());
        let read = state(saved.unwrap()).unwrap();
        assert_eq!(read.step, stop);
        let mut reported = Vec::new();
        let resumed = unlearning.run(Some(read), &mut |step| {
            reported.push(step.step);
            Ok(())
        });
        assert!(values(&resumed.unwrap()) == values(&whole), "broken off at {stop}");
        assert_eq!(reported, (stop + 1..=12).collect::<Vec<_>>(), "nothing is done twice");
    }
}

#[test]
fn a_damaged_state_is_refused() {
    let (model, dataset) = (model(), digits());
    let forget = Forget::group(&dataset, 4);
    let recipe = recipe(2, 1e-4);
    let conditions = unconditional();
    let unlearning = Unlearning {
        model: &model,
        dataset: &dataset,
        conditions: &conditions,
        forget: &forget,
        recipe: &recipe,
        neighbours: None,
    };
    let mut states = Vec::new();
    unlearning
        .run(None, &mut |step| {
            states.push(state_bytes(&step));
            Ok(())
        })
        .unwrap();
    let bytes = states.swap_remove(0);
    assert!(state(bytes[..bytes.len() - 7].to_vec()).is_err());
    for missing in ["model.", "exp_avg_sq."] {
        let mut tensors = SafetensorsSource::from_bytes(&bytes, "state").unwrap().into_values().unwrap();
        let at = tensors.iter().position(|(name, _, _)| name.starts_with(missing)).unwrap();
        tensors.remove(at);
        let mut without = Vec::new();
        let (place, notes) = (Path::new("state"), [("step", "1".to_owned())]);
        write_tensors_to(&mut without, place, &tensors, Precision::Float32, &notes).unwrap();
        let refused = unlearning.run(Some(state(without).unwrap()), &mut |_| Ok(()));
        assert!(refused.unwrap_err().to_string().contains("damaged"));
    }
}

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    let (model, dataset) = (model(), digits());
    let forget = Forget::random(&dataset, 30, 1);
    for objective in ["hinge", "retrack"] {
        let recipe = Recipe { objective: objective.into(), ..recipe(3, 1e-3) };
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let conditions = unconditional();
            let unlearning = Unlearning {
                model: &model,
                dataset: &dataset,
                conditions: &conditions,
                forget: &forget,
                recipe: &recipe,
                neighbours: None,
            };
            values(&pool.install(|| unlearning.run(None, &mut |_| Ok(()))).unwrap())
        };
        let (one, two) = (on(1), on(2));
        assert!(one == two && one == on(3), "{objective}");
        assert!(one != named_values(&model.network).unwrap(), "it has moved");
    }
}

#[test]
fn unlearning_passes_the_gate_and_damage_is_stopped() {
    let (model, dataset) = (model(), digits());
    let forget = Forget::group(&dataset, 4);
    let conditions = unconditional();
    let gate = Gate { dataset: &dataset, schedule: model.schedule(), codec: model.codec(), conditions: &conditions };
    let ordinary = Recipe { steps: 40, batch: 16, ..Recipe::default() }.resolved(&model, None).unwrap();
    let images = GateImages::new(&dataset, &Split::new(&dataset, &forget, ordinary.held_out)).unwrap();
    let mut reference = GateReference::default();
    gate.refer(&mut reference, &model, &images, &mut |_, _| Ok(())).unwrap();
    let judge = |m: &Pipeline| gate.judge(&reference, m, &images, None, &mut |_, _| Ok(())).unwrap();
    let run = |recipe: &Recipe| {
        let unlearning = Unlearning {
            model: &model,
            dataset: &dataset,
            conditions: &conditions,
            forget: &forget,
            recipe,
            neighbours: None,
        };
        unlearning.run(None, &mut |_| Ok(())).unwrap()
    };

    assert_eq!(judge(&model).forgetting, Forgetting::ForgotTooLittle, "the full model has forgotten nothing");
    let outcome = run(&ordinary);
    assert_eq!(outcome.stopped_at, None);
    let judgement = judge(&outcome.model);
    assert!(judgement.passed() && judgement.forget.rise > 0.1, "{}", judgement.sentence("four"));

    // Steps so long that they wreck the network.
    let wild = Recipe { learning_rate: Some(0.02), ..ordinary };
    let (step, why) = run(&wild).stopped_at.expect("a safety stop");
    assert!(step.is_multiple_of(10) && why.contains("retain"), "{step}: {why}");
    let unbound = run(&Recipe { retain_limit: 0.0, forget_limit: 0.0, ..wild });
    assert_eq!(unbound.stopped_at, None);
    assert!(!judge(&unbound.model).passed(), "{}", judge(&unbound.model).sentence("four"));
}

#[test]
fn a_stopped_run_gives_its_last_fine_weights_also_when_it_was_resumed() {
    let (model, dataset) = (model(), digits());
    let forget = Forget::group(&dataset, 4);
    let base = Recipe { steps: 40, batch: 16, retain_limit: 0.0, ..Recipe::default() }.resolved(&model, None).unwrap();
    let run = |recipe: &Recipe, state, observe: &mut dyn FnMut(UnlearningStep<'_>) -> whence_base::Result<()>| {
        Unlearning {
            model: &model,
            dataset: &dataset,
            conditions: &unconditional(),
            forget: &forget,
            recipe,
            neighbours: None,
        }
        .run(state, observe)
        .unwrap()
    };
    // A limit that forgetting passes between the first probe and the second.
    let (recipe, stopped, saved) = (1..40)
        .find_map(|i| {
            let recipe = Recipe { forget_limit: 1.0 + 0.05 * f64::from(i), ..base.clone() };
            let mut saved = None;
            let outcome = run(&recipe, None, &mut |step| {
                saved = if step.step == 13 { Some(state_bytes(&step)) } else { saved.take() };
                Ok(())
            });
            (outcome.stopped_at.as_ref()?.0 == 20).then_some((recipe, outcome, saved?))
        })
        .expect("a run that is stopped at step 20");
    assert!(stopped.stopped_at.as_ref().unwrap().1.contains("forget"), "{:?}", stopped.stopped_at);
    let fine = run(&Recipe { steps: 10, ..recipe.clone() }, None, &mut |_| Ok(()));
    assert_eq!(fine.stopped_at, None);
    assert!(values(&stopped) == values(&fine), "the weights of step 10");
    let resumed = run(&recipe, Some(state(saved).unwrap()), &mut |_| Ok(()));
    assert_eq!(resumed.stopped_at, stopped.stopped_at);
    assert!(values(&resumed) == values(&stopped), "resumed at step 13");
}
