//! Files of a finished benchmark.

use super::rows::Bench;
use whence_base::{Error, Result};
use whence_evaluation::benchmark::{Row, Table, markdown, table_csv};

/// Writes `table.md`, `table.csv`, `benchmark.json`, and `scores/ROW.csv`, which `whence evaluate` reads.
pub(super) fn write(bench: &Bench<'_>, table: &Table, rows: &[Row]) -> Result<()> {
    let out = &bench.job.out;
    for row in rows {
        write_scores(bench, row)?;
    }
    whence_store::write_atomic(&out.join("table.csv"), &table_csv(table)?)?;
    let mut document = serde_json::json!({
        "schema_version": 1,
        "version": env!("CARGO_PKG_VERSION"),
        "command": bench.job.command,
        "plan": bench.plan,
        "device": bench.device,
        "model": { "folder": bench.folder.to_string_lossy(), "hash": bench.model.hash() },
        "dataset": { "path": bench.job.data.to_string_lossy(), "hash": bench.dataset.hash(), "pictures": bench.dataset.len() },
        "inputs": bench.base,
        "rows": rows.iter().map(|r| serde_json::json!({ "name": r.name, "key": r.key })).collect::<Vec<_>>(),
        "table": table,
    });
    // Hundreds of values per row: definitions stand once in table.md, and nobody reads this without a program.
    without(&mut document, "definition");
    let path = out.join("benchmark.json");
    let text = serde_json::to_vec(&document)
        .map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    whence_store::write_atomic(&path, &text)?;
    let plan = bench.plan;
    let head = format!(
        "# {}\n\nWhence {} on {}: `{}`\n\nDataset {}: {} images in {} groups ({}). {} queries. Timesteps: oracles {} x {}, methods {} x {} (number or grid x draws), each with \
         its own noise. Every setting and hash is in \
         `benchmark.json`, every score in `scores/`.\n\n",
        plan.title,
        env!("CARGO_PKG_VERSION"),
        bench.device,
        bench.job.command,
        bench.dataset.hash().get(..12).unwrap_or_default(),
        bench.dataset.len(),
        bench.groups.len(),
        bench.group_names().join(", "),
        bench.queries.len(),
        plan.reference.timesteps,
        plan.reference.draws,
        plan.scoring.timesteps,
        plan.scoring.draws,
    );
    whence_store::write_atomic(&out.join("table.md"), (head + &markdown(table)).as_bytes())
}

fn write_scores(bench: &Bench<'_>, row: &Row) -> Result<()> {
    let path = bench.job.out.join("scores").join(format!("{}.csv", whence_store::folder_name(&row.name)));
    let broken = |e: csv::Error| Error::internal(format!("{} cannot be encoded: {e}", path.display()));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["query", "group", "score"];
    header.extend(row.errors.is_some().then_some("std_err"));
    writer.write_record(&header).map_err(broken)?;
    let groups = bench.group_names();
    for (q, (query, scores)) in bench.queries.iter().zip(&row.scores).enumerate() {
        for (g, (group, score)) in groups.iter().zip(scores).enumerate() {
            let error = row.errors.as_ref().and_then(|e| e.get(q)?.get(g).copied());
            let mut record = vec![query.name.clone(), group.clone(), score.to_string()];
            record.extend(error.map(|e| e.to_string()));
            writer.write_record(&record).map_err(broken)?;
        }
    }
    let bytes =
        writer.into_inner().map_err(|e| Error::internal(format!("{} cannot be encoded: {e}", path.display())))?;
    whence_store::write_atomic(&path, &bytes)
}

/// Removes a field wherever it stands.
fn without(value: &mut serde_json::Value, field: &str) {
    match value {
        serde_json::Value::Object(fields) => {
            fields.remove(field);
            fields.values_mut().for_each(|v| without(v, field));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|v| without(v, field)),
        _ => {}
    }
}
