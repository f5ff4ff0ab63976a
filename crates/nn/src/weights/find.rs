//! Which of a folder's files hold a network's weights: one file, shards with an index, or a variant such as `fp16`.

use std::path::{Path, PathBuf};

use whence_base::{Error, Result};

/// The usual name of a network's weights in a diffusers folder.
pub const WEIGHTS_FILE: &str = "diffusion_pytorch_model.safetensors";

/// The file to open with [`SafetensorsSource::open`](super::SafetensorsSource::open): the folder's weights as
/// `save_pretrained` names them. A complete file comes before shards, and full precision before a variant.
///
/// # Errors
/// Where there are no weights, or several variants and nothing else.
pub fn find_weights(folder: &Path) -> Result<PathBuf> {
    for name in [WEIGHTS_FILE, "diffusion_pytorch_model.safetensors.index.json"] {
        let path = folder.join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    let entries = std::fs::read_dir(folder).map_err(Error::io("read", folder))?;
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let variants: Vec<&String> = names.iter().filter(|name| is_variant(name)).collect();
    match variants.as_slice() {
        [one] => Ok(folder.join(one)),
        [] => Err(Error::file(
            missing(&names),
            folder,
            format!("choose a folder that holds {WEIGHTS_FILE}, its shards with their index, or one variant of it"),
        )),
        several => {
            let names = several.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Error::file(
                format!("there are several variants of the weights: {names}"),
                folder,
                format!("rename the one to use to {WEIGHTS_FILE}"),
            ))
        }
    }
}

/// A variant's only file, or the index of its shards, as in `diffusion_pytorch_model.fp16.safetensors` and
/// `diffusion_pytorch_model.safetensors.index.fp16.json`.
fn is_variant(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("diffusion_pytorch_model") else { return false };
    if rest.contains("index") {
        return rest.starts_with('.') && rest.contains(".safetensors") && rest.ends_with(".json");
    }
    rest.starts_with('.') && rest.ends_with(".safetensors") && !rest.contains("-of-")
}

fn missing(names: &[String]) -> String {
    let shards = names.iter().filter(|n| n.contains("-of-") && n.ends_with(".safetensors")).count();
    if shards > 0 {
        format!("there are {shards} shards of the weights here, but not their index, {WEIGHTS_FILE}.index.json")
    } else {
        format!("{WEIGHTS_FILE} is missing, and no shards or variants of it are here")
    }
}
