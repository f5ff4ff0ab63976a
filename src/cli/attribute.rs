//! `whence attribute`.

use std::collections::BTreeMap;
use std::path::Path;

use super::arguments::{AttributeArguments, RecipeArguments};
use super::drive::drive;
use super::output::{self, path_text};
use super::parse;
use whence_base::Result;
use whence_diffusion::elbo::anytime::Decision;
use whence_jobs::{AttributeJob, JobSpec, QuerySource};
use whence_methods::{Attribution, Unit, rank, verdict};
use whence_training::unlearning::Recipe;

/// The recipe of a file with the command line's own settings on top.
pub(super) fn recipe(arguments: &RecipeArguments) -> Result<Recipe> {
    let mut recipe = arguments.recipe.as_deref().map(Recipe::load).transpose()?.unwrap_or_default();
    if let Some(objective) = &arguments.objective {
        recipe.objective.clone_from(objective);
    }
    if let Some(steps) = arguments.unlearning_steps {
        recipe.steps = steps;
    }
    if arguments.learning_rate.is_some() {
        recipe.learning_rate = arguments.learning_rate;
    }
    recipe.check()?;
    Ok(recipe)
}

/// The class of each group, from a file.
pub(super) fn class_map(path: Option<&Path>) -> Result<Option<BTreeMap<String, usize>>> {
    path.map(whence_store::read_json).transpose()
}

pub(super) fn run(arguments: AttributeArguments) -> Result<()> {
    let mut queries: Vec<QuerySource> = arguments.query.into_iter().map(QuerySource::File).collect();
    queries.extend(arguments.seeds.into_iter().flat_map(|s| s.0).map(QuerySource::Seed));
    let job = AttributeJob {
        model: arguments.model,
        data: arguments.data,
        group_column: arguments.group_column,
        class_map: class_map(arguments.class_map.as_deref())?,
        queries,
        sampling: arguments.drawing.settings(),
        settings: arguments.scoring.settings(arguments.drawing.class_label),
        recipe: recipe(&arguments.scoring.recipe)?,
        method: arguments.scoring.method,
        groups: parse::all_names(arguments.scoring.groups),
        null: arguments.scoring.null,
        confirm: arguments.scoring.confirm,
        counterfactuals: arguments.scoring.counterfactuals,
        keep_in: arguments.out.join("store"),
        out: Some(arguments.out.clone()),
        neighbours: arguments.neighbours,
        live: false,
        dry_run: arguments.scoring.dry_run,
        known_only: false,
    };
    let begun = std::time::Instant::now();
    let outcome = drive(&arguments.common.device, JobSpec::Attribute(Box::new(job)))?;
    let took = serde_json::json!({
        "seconds": begun.elapsed().as_secs_f64(),
        "peak_bytes": whence_engine::device::memory::peak(),
    });
    if arguments.scoring.dry_run {
        if arguments.common.json {
            output::json(&serde_json::json!({ "forecast": outcome.estimate }))?;
        }
        return Ok(());
    }
    if arguments.common.json {
        let document = serde_json::json!({
            "out": path_text(&arguments.out),
            "warnings": outcome.warnings,
            "forecast": outcome.estimate,
            "took": took,
            "queries": outcome.attributions.iter().map(summary).collect::<Vec<_>>(),
        });
        output::json(&document)?;
    } else {
        for attribution in outcome.attributions.iter().take(20) {
            print_table(attribution)?;
        }
        output::note(&format!("The results are in {}", arguments.out.display()));
    }
    Ok(())
}

pub(super) fn summary(attribution: &Attribution) -> serde_json::Value {
    let ranked = rank(&attribution.scores);
    serde_json::json!({
        "query": attribution.query,
        "method": attribution.method,
        "unit": attribution.unit.name(),
        "verdict": verdict(attribution),
        "trust": attribution.trust,
        "ranking": ranked.iter().filter_map(|r| {
            let score = attribution.scores.get(r.index)?;
            Some(serde_json::json!({
                "group": score.group,
                "rank": r.rank,
                "score_nats": (attribution.unit == Unit::Nats).then_some(score.estimate.score),
                "std_err": score.estimate.std_err,
                "gate_passed": score.gate.map(|g| g.passed()),
                "tied_with_previous": r.tied_with_previous,
                "score": score.estimate.score,
            }))
        }).collect::<Vec<_>>(),
    })
}

fn print_table(attribution: &Attribution) -> Result<()> {
    output::line(&format!("{}: {}", attribution.query, verdict(attribution)))?;
    let ranked = rank(&attribution.scores);
    let width = attribution.scores.iter().map(|s| output::visible(&s.group).chars().count()).max().unwrap_or(0).min(40);
    for r in &ranked {
        let Some(score) = attribution.scores.get(r.index) else { continue };
        let name: String = output::visible(&score.group).chars().take(40).collect();
        let tie = if r.tied_with_previous { "  tied with the one above" } else { "" };
        let early = if score.side == Some(Decision::Eliminated) { "  eliminated early" } else { "" };
        let gate = if score.gate.is_some_and(|g| !g.passed()) { "  unlearning check failed" } else { "" };
        let (low, high) = score.estimate.interval_95();
        output::line(&format!(
            "  {:>3}  {name:width$}  {:>+10.3} ± {:.3} {}{tie}{early}{gate}",
            r.rank,
            score.estimate.score,
            0.5 * (high - low),
            attribution.unit.label()
        ))?;
    }
    for score in &attribution.scores {
        if let Some(gate) = score.gate.filter(|g| !g.passed()) {
            output::line(&format!("  The model {}", gate.sentence(&score.group)))?;
        }
    }
    let leader = ranked.first().and_then(|r| attribution.scores.get(r.index));
    if let (Some(trust), Some(leader)) = (&attribution.trust, leader) {
        for sentence in trust.sentences(&leader.group, leader.estimate.score) {
            output::line(&format!("  {sentence}"))?;
        }
    }
    Ok(())
}
