//! Looking after a store: is everything whole, and what may go.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::objects::{Kind, Manifest, Store};
use whence_base::{Error, Result};

/// How many results of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What they are.
    pub kind: Kind,
    /// Number of whole ones.
    pub results: usize,
    /// Their size on disk, bytes.
    pub bytes: u64,
}

/// A file that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whole results, by kind.
    pub counts: Vec<Count>,
    /// Damaged ones.
    pub damaged: Vec<Damage>,
    /// Files of writes that did not end; harmless.
    pub leftovers: Vec<PathBuf>,
}

/// A file that may go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waste {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// Its size, bytes.
    pub bytes: u64,
}

impl Store {
    /// Reads every result from its first byte to its last.
    ///
    /// # Errors
    /// The progress function's own.
    pub fn verify(&self, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Health> {
        let mut health = Health::default();
        let all: Vec<(Kind, Vec<String>)> = Kind::ALL.into_iter().map(|kind| (kind, self.keys(kind))).collect();
        let total = all.iter().map(|(_, keys)| keys.len()).sum();
        let mut done = 0;
        for (kind, keys) in all {
            let mut count = Count { kind, results: 0, bytes: 0 };
            for key in keys {
                progress(done, total)?;
                done += 1;
                let path = self.path(kind, &key);
                match self.read(kind, &key) {
                    Ok(_) => {
                        count.results += 1;
                        count.bytes += size(&path);
                    }
                    Err(error) => health.damaged.push(Damage { path, what: error.to_string() }),
                }
            }
            health.counts.push(count);
        }
        health.leftovers = self.leftovers();
        progress(total, total)?;
        Ok(health)
    }

    /// What may go: leftovers, damaged files, results that `live` does not want, and results about counterfactual
    /// models that are not here.
    ///
    /// # Errors
    /// The progress function's own.
    pub fn waste(
        &self,
        live: &dyn Fn(&Manifest) -> bool,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Vec<Waste>> {
        let mut waste = Vec::new();
        let mut add = |path: PathBuf, why: &str| waste.push(Waste { bytes: size(&path), path, why: why.into() });
        for path in self.leftovers() {
            add(path, "a write that did not end");
        }
        for path in files(&self.root().join("damaged")) {
            add(path, "damaged, and made again since");
        }
        let total = Kind::ALL.len();
        let mut models = std::collections::HashSet::new();
        for (done, kind) in Kind::ALL.into_iter().enumerate() {
            progress(done, total)?;
            for key in self.keys(kind) {
                let path = self.path(kind, &key);
                let Ok((manifest, _)) = self.read(kind, &key) else {
                    add(path, "damaged");
                    continue;
                };
                // Counterfactual models are the first kind, so all are known when others name them.
                let named =
                    manifest.inputs.get("other").and_then(|v| v.as_str()).and_then(|o| o.strip_prefix("unlearned "));
                if !live(&manifest) {
                    add(path, "computed from another model or dataset than the project's");
                } else if kind == Kind::Unfinished
                    && models.contains(&super::key_of(Kind::Counterfactual, &manifest.inputs))
                {
                    add(path, "finished since");
                } else if named.is_some_and(|key| !models.contains(key)) {
                    add(path, "about a model that is not here any more");
                } else if kind == Kind::Counterfactual {
                    models.insert(key);
                }
            }
        }
        progress(total, total)?;
        Ok(waste)
    }

    /// Removes what [`waste`](Self::waste) found; returns the bytes freed.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn sweep(&self, waste: &[Waste]) -> Result<u64> {
        for file in waste {
            match std::fs::remove_file(&file.path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::io("remove", &file.path)(e)),
                _ => {}
            }
        }
        Ok(waste.iter().map(|w| w.bytes).sum())
    }

    /// Temporary files of writes that a crash cut short.
    fn leftovers(&self) -> Vec<PathBuf> {
        let folders = std::iter::once(self.root().to_owned()).chain(Kind::ALL.map(|k| self.root().join(k.folder())));
        let part = |path: &PathBuf| {
            path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(".whence-") && n.ends_with(".part"))
        };
        folders.flat_map(|folder| files(&folder)).filter(part).collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).filter(|p| p.is_file()).collect();
    found.sort();
    found
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |m| m.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::key_of;

    fn go(_: usize, _: usize) -> Result<()> {
        Ok(())
    }

    #[test]
    fn what_is_whole_damaged_or_left_over_is_told_and_swept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let ink = json!({"model": "m", "dataset": "d", "group": "ink"});
        let old = json!({"model": "old", "dataset": "d", "group": "ink"});
        let key = store.put(Kind::Counterfactual, &ink, b"weights").unwrap();
        store.put(Kind::Counterfactual, &old, b"weights").unwrap();
        store.put(Kind::Unfinished, &ink, b"half").unwrap();
        let kept = json!({"model": "m", "other": format!("unlearned {key}")});
        let lost = json!({"model": "m", "other": "unlearned 123"});
        let foreign = json!({"model": "m", "other": "weights 456"});
        for inputs in [&kept, &lost, &foreign] {
            store.put(Kind::Terms, inputs, b"terms").unwrap();
        }
        let damaged = json!({"model": "m", "group": "wash"});
        let name = store.put(Kind::Gate, &damaged, b"gate").unwrap();
        std::fs::write(store.path(Kind::Gate, &name), b"gat").unwrap();
        std::fs::write(folder.path().join("terms/.whence-abc.part"), b"te").unwrap();

        let health = store.verify(&mut go).unwrap();
        assert_eq!(health.counts[0], Count { kind: Kind::Counterfactual, results: 2, bytes: health.counts[0].bytes });
        assert_eq!((health.damaged.len(), health.leftovers.len()), (1, 1));
        assert!(health.damaged[0].what.contains("damaged"));

        let live = |m: &Manifest| m.inputs["model"] == "m";
        let waste = store.waste(&live, &mut go).unwrap();
        let gone: Vec<PathBuf> = waste.iter().map(|w| w.path.clone()).collect();
        let path = |kind, inputs| store.path(kind, &key_of(kind, inputs));
        assert_eq!(waste.len(), 5, "{waste:?}");
        assert!(gone.contains(&path(Kind::Counterfactual, &old)) && gone.contains(&path(Kind::Terms, &lost)));
        assert!(gone.contains(&path(Kind::Unfinished, &ink)) && gone.contains(&path(Kind::Gate, &damaged)));
        assert!(store.sweep(&waste).unwrap() > 0);
        let after = store.verify(&mut go).unwrap();
        assert!(after.damaged.is_empty() && after.leftovers.is_empty());
        assert_eq!(after.counts.iter().map(|c| c.results).sum::<usize>(), 3);
        assert!(store.waste(&live, &mut go).unwrap().is_empty());
    }
}
