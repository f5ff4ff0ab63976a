//! Models that are broken in every way a user meets: each is an error that says what and where, never a panic.

use std::path::Path;

use burn::tensor::Device;
use whence_diffusion::{Condition, Pipeline};
use whence_jobs::JobSpec;

use super::digits::job;
use super::{copy_folder, failure, fixture};

/// A copy of the digits' model that can be broken.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&fixture("digits/model"), folder.path());
    folder
}

fn refused(folder: &Path) -> String {
    let error = Pipeline::load(folder, &Device::flex()).err().expect("it should be refused").to_string();
    assert!(error.contains(folder.file_name().unwrap().to_str().unwrap()), "it says where: {error}");
    error
}

const WEIGHTS: &str = "diffusion_pytorch_model.safetensors";

#[test]
fn truncated_weights() {
    for keep in [0, 4, 100, 20_000, 700_000] {
        let folder = copy();
        let path = folder.path().join(WEIGHTS);
        let bytes = std::fs::read(&path).unwrap();
        assert!(keep < bytes.len());
        std::fs::write(&path, &bytes[..keep]).unwrap();
        assert!(refused(folder.path()).contains("incomplete or damaged"));
    }
}

#[test]
fn a_header_that_claims_more_than_the_file_has() {
    let folder = copy();
    let path = folder.path().join(WEIGHTS);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert!(refused(folder.path()).contains("incomplete or damaged"));
}

/// Rewrites one tensor of the weights.
fn rewrite(folder: &Path, change: impl Fn(&str, &mut Vec<usize>, &mut Vec<u8>) -> bool) {
    let path = folder.join(WEIGHTS);
    let bytes = std::fs::read(&path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let kept: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .tensors()
        .into_iter()
        .filter_map(|(name, view)| {
            let (mut shape, mut data) = (view.shape().to_vec(), view.data().to_vec());
            change(&name, &mut shape, &mut data).then_some((name, shape, data))
        })
        .collect();
    let views = kept.iter().map(|(name, shape, data)| {
        (name, safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), data).unwrap())
    });
    std::fs::write(&path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn a_wrong_shape_a_missing_tensor_and_numbers_that_are_none() {
    let folder = copy();
    rewrite(folder.path(), |name, shape, _| {
        if name == "conv_in.weight" {
            shape.swap(0, 2);
        }
        true
    });
    let error = refused(folder.path());
    assert!(error.contains("conv_in.weight") && error.contains("[16, 1, 3, 3]"), "{error}");

    let folder = copy();
    rewrite(folder.path(), |name, _, _| name != "mid_block.attentions.0.to_q.bias");
    assert!(refused(folder.path()).contains("mid_block.attentions.0.to_q.bias is missing"));

    for (bad, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let folder = copy();
        rewrite(folder.path(), |name, _, data| {
            if name == "conv_out.bias" {
                data[..4].copy_from_slice(&bad.to_le_bytes());
            }
            true
        });
        let error = refused(folder.path());
        assert!(error.contains("conv_out.bias") && error.contains(text), "{error}");
    }
}

#[test]
fn a_model_that_gives_no_numbers_draws_no_black_image() {
    let folder = copy();
    rewrite(folder.path(), |name, _, data| {
        if name == "conv_out.weight" {
            data.chunks_exact_mut(4).for_each(|value| value.copy_from_slice(&1e38f32.to_le_bytes()));
        }
        true
    });
    let out = tempfile::tempdir().unwrap();
    let job = whence_jobs::SampleJob {
        model: folder.path().to_owned(),
        seeds: vec![0, 1],
        sampling: whence_jobs::SampleSettings { steps: 4, ..Default::default() },
        batch: 2,
        tensors: true,
        out: out.path().join("images"),
    };
    let text = failure(JobSpec::Sample(job));
    assert!(text.contains("not finite"), "{text}");
    assert!(!out.path().join("images/seed-0.png").exists());
}

#[test]
fn pickles_are_refused_with_how_to_convert() {
    let folder = copy();
    std::fs::rename(folder.path().join(WEIGHTS), folder.path().join("diffusion_pytorch_model.bin")).unwrap();
    let error = refused(folder.path());
    assert!(error.contains("pickle") && error.contains("safe_serialization"), "{error}");
    let file = folder.path().join("model.pt");
    std::fs::write(&file, b"x").unwrap();
    let error = Pipeline::load(&file, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("pickle"), "{error}");
}

#[test]
fn text_to_image_models_are_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let index = r#"{"_class_name": "StableDiffusionPipeline", "text_encoder": ["transformers", "CLIPTextModel"]}"#;
    std::fs::write(folder.path().join("model_index.json"), index).unwrap();
    let error = refused(folder.path());
    assert!(
        error.contains("text-to-image model (StableDiffusionPipeline)") && error.contains("does not open yet"),
        "{error}"
    );
    assert!(
        error.contains("UNet2DModel") && !error.contains("save_pretrained"),
        "what does open, and nothing that cannot help: {error}"
    );
}

#[test]
fn a_config_that_lies_or_asks_for_what_does_not_exist() {
    let cases = [
        ("\"sample_size\": 8", "\"sample_size\": 7", "sample_size 7"),
        ("\"in_channels\": 1", "\"in_channels\": 3", "in_channels is 3"),
        ("\"layers_per_block\": 1", "\"layers_per_block\": 2", "resnets.1"),
        ("\"norm_num_groups\": 8", "\"norm_num_groups\": 7", "norm_num_groups = 7"),
        ("\"norm_num_groups\": 8", "\"norm_num_groups\": 0", "norm_num_groups"),
        ("\"attention_head_dim\": 16", "\"attention_head_dim\": 0", "attention_head_dim = 0"),
        ("\"AttnDownBlock2D\"", "\"SkipDownBlock2D\"", "SkipDownBlock2D"),
        ("\"act_fn\": \"silu\"", "\"act_fn\": \"mish\"", "mish"),
        ("\"dropout\": 0.0", "\"dropout\": 0.0, \"new_option\": 1", "new_option"),
        ("\"UNet2DModel\"", "\"UNet2DConditionModel\"", "UNet2DConditionModel"),
        ("\"time_embedding_dim\": null", "\"time_embedding_dim\": 99999999", "time_embedding_dim"),
        ("16,\n    32", "16,\n    4000000000", "4000000000"),
        ("\"layers_per_block\": 1", "\"layers_per_block\": 1000000000", "1000000000"),
        ("\"downsample_padding\": 1", "\"downsample_padding\": 1000000000", "downsample_padding"),
        ("{", "", "JSON"),
        ("\"in_channels\": 1", "\"in_channels\": [1]", "setting in_channels: invalid type"),
    ];
    let original = std::fs::read_to_string(fixture("digits/model/config.json")).unwrap();
    for (from, to, says) in cases {
        let folder = copy();
        let text = original.replacen(from, to, 1);
        assert_ne!(text, original, "{from}");
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let error = refused(folder.path());
        assert!(error.contains(says), "{to}: {error}");
    }
}

#[test]
fn a_scheduler_that_lies() {
    let original = std::fs::read_to_string(fixture("digits/model/scheduler_config.json")).unwrap();
    for (from, to, says) in [
        ("squaredcos_cap_v2", "sigmoid", "sigmoid"),
        ("\"prediction_type\": \"epsilon\"", "\"prediction_type\": \"flow\"", "flow"),
        ("\"num_train_timesteps\": 1000", "\"num_train_timesteps\": 1", "num_train_timesteps"),
        ("\"num_train_timesteps\": 1000", "\"num_train_timesteps\": 99999999999", "num_train_timesteps"),
        ("\"trained_betas\": null", "\"trained_betas\": [0.1, 0.2]", "trained_betas"),
        ("\"thresholding\": false", "\"thresholding\": true", "thresholding"),
        ("DDPMScheduler", "ScoreSdeVeScheduler", "ScoreSdeVeScheduler"),
        ("\"clip_sample_range\": 1.0", "\"clip_sample_range\": -1.0", "clip_sample_range"),
        ("\"steps_offset\": 0", "\"steps_offset\": 100000", "steps_offset"),
        ("\"steps_offset\": 0", "\"steps_offset\": \"x\"", "setting steps_offset: invalid type"),
        ("}", "", "not a whole JSON object"),
    ] {
        let folder = copy();
        let text = original.replacen(from, to, 1);
        assert_ne!(text, original, "{from}");
        std::fs::write(folder.path().join("scheduler_config.json"), text).unwrap();
        let error = Pipeline::load(folder.path(), &Device::flex()).err().expect(to).to_string();
        assert!(error.contains(says), "{to}: {error}");
    }
}

#[test]
fn a_folder_that_is_no_model_and_a_path_that_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(folder.path()).contains("missing"));
    assert!(refused(&folder.path().join("gone")).contains("nothing here"));
}

#[test]
fn a_pipeline_folder_opens_like_its_parts() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("digits/model");
    for (from, to) in [
        ("config.json", "unet/config.json"),
        (WEIGHTS, "unet/diffusion_pytorch_model.safetensors"),
        ("scheduler_config.json", "scheduler/scheduler_config.json"),
    ] {
        let to = folder.path().join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(model.join(from), to).unwrap();
    }
    std::fs::write(folder.path().join("model_index.json"), "{\"_class_name\": \"DDPMPipeline\"}").unwrap();
    let whole = Pipeline::load(&model, &Device::flex()).unwrap();
    assert_eq!(Pipeline::load(folder.path(), &Device::flex()).unwrap().hash(), whole.hash());
    assert_eq!(Pipeline::load(&folder.path().join("unet"), &Device::flex()).unwrap().hash(), whole.hash());
    // Some published pipelines keep everything at the top.
    let flat = copy();
    std::fs::write(flat.path().join("model_index.json"), "{\"_class_name\": \"DDPMPipeline\"}").unwrap();
    assert_eq!(Pipeline::load(flat.path(), &Device::flex()).unwrap().hash(), whole.hash());
}

#[test]
fn one_group_only_and_missing_counterfactuals() {
    let folder = tempfile::tempdir().unwrap();
    let group = folder.path().join("only");
    std::fs::create_dir(&group).unwrap();
    std::fs::copy(fixture("digits/queries/q000.png"), group.join("a.png")).unwrap();
    let mut one = job(folder.path().join("keep"));
    one.data = folder.path().to_owned();
    assert!(failure(JobSpec::Attribute(Box::new(one))).contains("only one group"));
    let mut missing = job(folder.path().join("keep"));
    missing.groups = vec!["four".into(), "nine".into()];
    let text = failure(JobSpec::Attribute(Box::new(missing)));
    assert!(text.contains("no model without nine"), "{text}");
}

#[test]
fn counterfactuals_with_another_schedule_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for group in ["four", "seven"] {
        let to = folder.path().join(group);
        std::fs::create_dir(&to).unwrap();
        for file in ["config.json", WEIGHTS, "scheduler_config.json"] {
            std::fs::copy(fixture("digits/retrained").join(group).join(file), to.join(file)).unwrap();
        }
        let path = to.join("scheduler_config.json");
        let text = std::fs::read_to_string(&path).unwrap().replace("squaredcos_cap_v2", "linear");
        std::fs::write(path, text).unwrap();
    }
    let mut other = job(folder.path().join("keep"));
    other.counterfactuals = Some(folder.path().to_owned());
    let text = failure(JobSpec::Attribute(Box::new(other)));
    assert!(text.contains("noise schedule"), "{text}");
}

#[test]
fn a_class_conditional_model_asks_for_the_class() {
    let model = Pipeline::load(&with_scheduler("unet-adm-tiny"), &Device::flex()).unwrap();
    assert_eq!(model.classes(), Some(5));
    assert!(model.conditioner().check(Condition::None).unwrap_err().to_string().contains("class label"));
    assert!(model.conditioner().check(Condition::Class(5)).unwrap_err().to_string().contains("0 to 4"));
    model.conditioner().check(Condition::Class(4)).unwrap();
}

/// A fixture network with the digits' scheduler.
fn with_scheduler(name: &str) -> std::path::PathBuf {
    let folder = tempfile::tempdir().unwrap().keep();
    for file in ["config.json", WEIGHTS] {
        std::fs::copy(fixture(name).join(file), folder.join(file)).unwrap();
    }
    std::fs::copy(fixture("digits/model/scheduler_config.json"), folder.join("scheduler_config.json")).unwrap();
    folder
}
