//! `whence demo`: makes the demo project again, from nothing.

use std::path::{Path, PathBuf};

use super::arguments::DemoArguments;
use super::drive::drive;
use super::jobs::training_config;
use super::output::note;
use crate::demo::{STYLES, paint};
use whence_base::{Error, Result};
use whence_jobs::{JobSpec, SampleJob, SampleSettings, TrainJob};
use whence_store::{Project, ProjectFile, write_atomic};

/// Decision of a painting in pixels, and the seed of them all.
const SIDE: u32 = 32;
const SEED: u64 = 7;

/// Seeds of the demo's queries. The first six show the style of the group that ranks first, and lose it where they are regenerated
/// without that group (`tests/whole/demo.rs`; so do 30 of the 33 images of the first 64 seeds that show the style of their first
/// group). The last two are hard.
const QUERIES: [u64; 8] = [22, 21, 40, 12, 15, 3, 6, 0];

pub(super) fn run(arguments: &DemoArguments) -> Result<()> {
    let out = &arguments.out;
    paint_all(&out.join("paintings"), arguments.paintings)?;
    note(&format!("Painted {} images in {} styles", arguments.paintings * STYLES.len() as u64, STYLES.len()));
    if arguments.paint_only {
        return Ok(());
    }
    let train = TrainJob {
        data: out.join("paintings"),
        group_column: None,
        config: training_config(arguments.config.as_deref())?,
        exclude_group: None,
        out: out.join("model"),
    };
    note(&drive(&arguments.common.device, JobSpec::Train(Box::new(train)))?.summary);
    let sample = SampleJob {
        model: out.join("model"),
        seeds: QUERIES.to_vec(),
        sampling: SampleSettings::default(),
        batch: QUERIES.len(),
        tensors: false,
        out: out.join("queries"),
    };
    note(&drive(&arguments.common.device, JobSpec::Sample(sample))?.summary);
    let recipe = Path::new("recipe.toml");
    let file = ProjectFile {
        schema_version: 1,
        name: "Eight styles".into(),
        model: Some("model".into()),
        data: Some("paintings".into()),
        queries: QUERIES.iter().map(|s| PathBuf::from(format!("queries/seed-{s}.png"))).collect(),
        recipe: out.join(recipe).is_file().then(|| recipe.to_owned()),
        ..ProjectFile::default()
    };
    Project::create(out, &file)?;
    note(&format!("The project is in {}. Open it with: whence {}", out.display(), out.display()));
    Ok(())
}

fn paint_all(folder: &Path, count: u64) -> Result<()> {
    for (style, name) in STYLES.iter().enumerate() {
        for index in 0..count {
            let path = folder.join(name).join(format!("{index:03}.png"));
            let mut bytes = std::io::Cursor::new(Vec::new());
            paint(style, index, SIDE, SEED)
                .write_to(&mut bytes, image::ImageFormat::Png)
                .map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
            write_atomic(&path, bytes.get_ref())?;
        }
    }
    Ok(())
}
