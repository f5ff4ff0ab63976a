//! The query images of a job.

use crate::jobs::sample;
use crate::reporter::Reporter;
use whence_base::{Error, Result, Setting};
use whence_data::{ImageShape, load_image};
use whence_diffusion::elbo::MAX_EVALUATIONS;
use whence_diffusion::{Condition, Pipeline};
use whence_jobs::{EventKind, QuerySource, SampleSettings};
use whence_methods::{Query, ScoreSettings};

/// Most images in one pass through the network.
const MAX_BATCH: usize = 65_536;

/// Rejects settings that exceed any machine's memory.
pub(in crate::jobs) fn check_size(settings: &ScoreSettings) -> Result<()> {
    // Timesteps and draws are bounded when the plan is built: the size of a range depends on the model.
    if !(1..=MAX_BATCH).contains(&settings.batch) {
        let remedy = format!("give 1 to {MAX_BATCH}");
        return Err(Error::setting(format!("the batch size is {}", settings.batch), [Setting::Batch], remedy));
    }
    match settings.stop {
        Some(stop) if stop.budget > MAX_EVALUATIONS => {
            let remedy = format!("give at most {MAX_EVALUATIONS} evaluations");
            Err(Error::setting(format!("the evaluation budget is {}", stop.budget), [Setting::Budget], remedy))
        }
        _ => Ok(()),
    }
}

/// The query images, resized to the model's image size.
pub(in crate::jobs) fn read_queries(
    sources: &[QuerySource],
    sampling: &SampleSettings,
    model: &Pipeline,
    reporter: &mut Reporter<'_>,
) -> Result<Vec<Query>> {
    let condition = Condition::of_class(sampling.class);
    model.conditioner().check(condition)?;
    let mut queries: Vec<Query> = Vec::with_capacity(sources.len());
    for source in sources {
        let query = match source {
            QuerySource::File(path) => {
                let image = load_image(path, model.image_shape())?;
                if !image.notes.is_empty() {
                    let text = format!("{}: {}", image.name, image.notes.join("; "));
                    reporter.state(EventKind::Warning(text));
                }
                Query { name: image.name, pixels: image.pixels, condition }
            }
            QuerySource::Seed(seed) => {
                let pixels =
                    model.codec().decode(&sample::generate_samples(model, sampling, &[*seed], 0.0, false, reporter)?);
                Query { name: format!("seed-{seed}"), pixels, condition }
            }
            QuerySource::Image { name, pixels } => {
                let ImageShape { channels, height, width } = model.image_shape();
                if pixels.len() != model.image_shape().numel() {
                    return Err(Error::input(
                        "the image has another size than the model's",
                        name.clone(),
                        format!("give it at {width}x{height} with {channels} channels"),
                    ));
                }
                Query { name: name.clone(), pixels: pixels.clone(), condition }
            }
        };
        queries.push(query);
    }
    tell_apart(&mut queries);
    Ok(queries)
}

/// Appends a number to repeated query names, so that every row and file belongs to one query. Files of images are named
/// without the ending, so that `a` and `a.png` count as the same.
fn tell_apart(queries: &mut [Query]) {
    let mut seen = std::collections::HashSet::new();
    for query in queries {
        let (stem, end) = match query.name.rsplit_once('.') {
            Some((stem, end)) => (stem.to_owned(), format!(".{end}")),
            None => (query.name.clone(), String::new()),
        };
        let mut number = 1;
        while !seen.insert(query.name.trim_end_matches(".png").to_owned()) {
            number += 1;
            query.name = format!("{stem}-{number}{end}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_queries_share_a_name_or_a_file() {
        let query = |name: &str| Query { name: name.into(), pixels: Vec::new(), condition: Condition::None };
        let mut queries = ["seed-3.png", "seed-3", "a.png", "a.png", "a.jpg"].map(query);
        tell_apart(&mut queries);
        assert_eq!(queries.map(|q| q.name), ["seed-3.png", "seed-3-2", "a.png", "a-2.png", "a.jpg"]);
    }
}
