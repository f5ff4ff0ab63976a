//! Maintenance of a store: which results are whole, and which files can be removed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::files::is_partial;
use super::kind::Kind;
use super::objects::{Manifest, Store, key_of, list};
use whence_base::{Error, Result};

/// Age at which a temporary file outside a store counts as left over: a younger one may belong to a run that is writing.
const PARTIAL_AGE: Duration = Duration::from_secs(10 * 60);

/// Folders below each other that are searched for temporary files.
const MAX_DEPTH: usize = 16;

/// How many results of a kind there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// What they are.
    pub kind: Kind,
    /// Number of whole ones of the current revision.
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
    /// Whole results of another revision of the code: not used any more, and harmless.
    pub outdated: Vec<PathBuf>,
    /// Temporary files of interrupted writes; harmless.
    pub leftovers: Vec<PathBuf>,
}

/// A file that can be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waste {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub why: String,
    /// Its size, bytes.
    pub bytes: u64,
}

impl Waste {
    fn new(path: PathBuf, why: &str) -> Self {
        Self { bytes: size(&path), path, why: why.into() }
    }
}

impl Store {
    /// Reads every result from its first byte to its last.
    ///
    /// # Errors
    /// Folders that cannot be read, and the progress function's own.
    pub fn verify(&self, progress: &mut dyn FnMut(usize, usize) -> Result<()>) -> Result<Health> {
        let mut health = Health::default();
        let mut all = Vec::new();
        for kind in Kind::ALL {
            all.push((kind, self.try_keys(kind)?));
        }
        let total = all.iter().map(|(_, keys)| keys.len()).sum();
        let mut done = 0;
        for (kind, keys) in all {
            let mut count = Count { kind, results: 0, bytes: 0 };
            for key in keys {
                progress(done, total)?;
                done += 1;
                let path = self.path(kind, &key);
                match self.read(kind, &key) {
                    Ok((manifest, _)) if manifest.is_outdated() => health.outdated.push(path),
                    Ok(_) => {
                        count.results += 1;
                        count.bytes += size(&path);
                    }
                    Err(error) => health.damaged.push(Damage { path, what: error.to_string() }),
                }
            }
            health.counts.push(count);
        }
        health.leftovers = self.leftovers()?;
        progress(total, total)?;
        Ok(health)
    }

    /// What can be removed: temporary files, damaged and outdated results, results that `live` does not want, and results
    /// about counterfactual models that do not exist any more. Linked folders are read, and nothing in them is removed:
    /// they may belong to something else.
    ///
    /// # Errors
    /// Folders that cannot be read, and the progress function's own.
    pub fn waste(
        &self,
        live: &dyn Fn(&Manifest) -> bool,
        progress: &mut dyn FnMut(usize, usize) -> Result<()>,
    ) -> Result<Vec<Waste>> {
        let mut waste = Vec::new();
        for path in self.leftovers()? {
            waste.push(Waste::new(path, "an interrupted write"));
        }
        for path in files(&self.root().join("damaged"))? {
            waste.push(Waste::new(path, "damaged, and computed again since"));
        }
        let total = Kind::ALL.len();
        let mut models = HashSet::new();
        for (done, kind) in Kind::ALL.into_iter().enumerate() {
            progress(done, total)?;
            let linked = is_link(&self.root().join(kind.folder()));
            for key in self.try_keys(kind)? {
                let path = self.path(kind, &key);
                // A folder or a device in the place of a result is not ours to remove.
                if !path.is_file() {
                    continue;
                }
                let why = match self.read(kind, &key) {
                    Ok((manifest, _)) => reason(&manifest, live, &models),
                    Err(_) => Some("damaged"),
                };
                match why {
                    Some(why) if !linked => waste.push(Waste::new(path, why)),
                    None if kind == Kind::Counterfactual => {
                        models.extend(self.checksum(kind, &key));
                        models.insert(key);
                    }
                    _ => {}
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

    /// Temporary files of writes into the store that a crash cut short.
    fn leftovers(&self) -> Result<Vec<PathBuf>> {
        let mut found = files(self.root())?;
        for kind in Kind::ALL {
            found.extend(files(&self.root().join(kind.folder()))?);
        }
        found.retain(|path| is_partial(path));
        Ok(found)
    }
}

/// Why a result can be removed, if it can; `models` are the keys and checksums of the counterfactual models that stay,
/// which is the first of all kinds, so all are known when others name them.
fn reason(manifest: &Manifest, live: &dyn Fn(&Manifest) -> bool, models: &HashSet<String>) -> Option<&'static str> {
    let other = manifest.inputs.get("other").and_then(|v| v.as_str());
    let named_model = other.and_then(|o| o.strip_prefix("unlearned "));
    if manifest.is_outdated() {
        return Some("computed by another revision of Whence");
    }
    if !live(manifest) {
        return Some("computed from another model or dataset than the project's");
    }
    if manifest.kind == Kind::Unfinished && models.contains(&key_of(Kind::Counterfactual, &manifest.inputs)) {
        return Some("finished since");
    }
    if named_model.is_some_and(|checksum| !models.contains(checksum)) {
        return Some("about a model that does not exist any more");
    }
    None
}

/// Temporary files that interrupted writes left in a folder of results and those below it. Links and folders of stores
/// are left out (a store's own are found by [`Store::waste`]), and so are files of the last ten minutes, which a running
/// program may be writing.
///
/// # Errors
/// Where the folder cannot be read.
pub fn leftovers_in(folder: &Path) -> Result<Vec<Waste>> {
    let mut found = Vec::new();
    search(folder, MAX_DEPTH, SystemTime::now(), &mut found)?;
    Ok(found)
}

fn search(folder: &Path, depth: usize, now: SystemTime, found: &mut Vec<Waste>) -> Result<()> {
    let entries = list(folder)?;
    if entries.iter().any(|path| path.ends_with("store.json")) {
        return Ok(());
    }
    for path in entries {
        // A file that has just been renamed or removed is no leftover.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() && depth > 0 {
            if let Err(error) = search(&path, depth - 1, now, found) {
                tracing::warn!("{error}: it is not searched for leftovers");
            }
        } else if metadata.is_file() && is_partial(&path) {
            let age = metadata.modified().ok().and_then(|time| now.duration_since(time).ok());
            if age.is_some_and(|age| age >= PARTIAL_AGE) {
                found.push(Waste::new(path, "an interrupted write"));
            }
        }
    }
    Ok(())
}

/// Files of a folder, sorted; none where the folder is absent or a link.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    if is_link(folder) {
        return Ok(Vec::new());
    }
    let mut found = list(folder)?;
    found.retain(|path| path.is_file());
    Ok(found)
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|m| m.is_symlink())
}

/// Size of a file itself, not of what a link leads to; 0 where it has just gone.
fn size(path: &Path) -> u64 {
    path.symlink_metadata().map_or(0, |m| m.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn go(_: usize, _: usize) -> Result<()> {
        Ok(())
    }

    #[test]
    fn damaged_unneeded_and_leftover_files_are_found_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let ink = json!({"model": "m", "dataset": "d", "group": "ink"});
        let old = json!({"model": "old", "dataset": "d", "group": "ink"});
        let key = store.put(Kind::Counterfactual, &ink, b"weights").unwrap();
        let checksum = store.checksum(Kind::Counterfactual, &key).unwrap();
        store.put(Kind::Counterfactual, &old, b"weights").unwrap();
        store.put(Kind::Unfinished, &ink, b"half").unwrap();
        let wanted = json!({"model": "m", "other": format!("unlearned {checksum}")});
        let lost = json!({"model": "m", "other": "unlearned 123"});
        let foreign = json!({"model": "m", "other": "weights 456"});
        for inputs in [&wanted, &lost, &foreign] {
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

    /// An object as stores had it before keys had a revision: the manifest of a new one without its revision.
    fn put_outdated(store: &Store, kind: Kind) -> PathBuf {
        let mut hasher = blake3::Hasher::new_derive_key("whence 2026 store v1");
        hasher.update(kind.folder().as_bytes()).update(b"\0{}");
        let key = hasher.finalize().to_hex().to_string();
        let text = json!({"kind": kind, "key": key, "inputs": {}, "written_by": "0.1.0"}).to_string();
        let mut bytes = [b"whence01".as_slice(), &(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
        let sum = blake3::hash(&bytes);
        bytes.extend_from_slice(sum.as_bytes());
        let path = store.path(kind, &key);
        crate::write_atomic(&path, &bytes).unwrap();
        path
    }

    #[test]
    fn results_of_another_revision_are_outdated_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let old = put_outdated(&store, Kind::Terms);
        let same = put_outdated(&store, Kind::Neighbours);
        let health = store.verify(&mut go).unwrap();
        assert_eq!((health.outdated, health.damaged), (vec![old.clone()], vec![]));
        let waste = store.waste(&|_| true, &mut go).unwrap();
        assert_eq!(waste.iter().map(|w| &w.path).collect::<Vec<_>>(), [&old]);
        assert!(waste[0].why.contains("revision"), "{waste:?}");
        store.sweep(&waste).unwrap();
        assert!(!old.exists() && same.exists());
    }

    #[cfg(unix)]
    #[test]
    fn nothing_behind_a_linked_folder_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, foreign) = (folder.path().join("mine"), folder.path().join("foreign"));
        let other = Store::open(&foreign).unwrap();
        other.put(Kind::Terms, &json!({"model": "other"}), b"terms").unwrap();
        std::fs::write(foreign.join("terms/.whence-abc.part"), b"te").unwrap();
        let store = Store::open(&mine).unwrap();
        for name in ["terms", "damaged"] {
            std::os::unix::fs::symlink(foreign.join("terms"), mine.join(name)).unwrap();
        }
        assert_eq!(store.verify(&mut go).unwrap().counts[2].results, 1, "it can be read");
        let waste = store.waste(&|_| false, &mut go).unwrap();
        assert!(waste.is_empty(), "{waste:?}");
    }

    #[test]
    fn a_folder_in_the_place_of_a_result_does_not_stop_the_removal_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.put(Kind::Gate, &json!({}), b"gate").unwrap();
        let in_the_way = store.path(Kind::Gate, &"0".repeat(64));
        crate::create_folder(&in_the_way).unwrap();
        assert!(store.verify(&mut go).unwrap().damaged[0].what.contains("a folder is in the place"));
        let waste = store.waste(&|_| false, &mut go).unwrap();
        assert_eq!(waste.len(), 1, "{waste:?}");
        store.sweep(&waste).unwrap();
        assert!(in_the_way.is_dir() && store.keys(Kind::Gate).len() == 1);
    }

    #[test]
    fn old_temporary_files_beside_results_are_found_and_young_ones_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("results/queries");
        crate::create_folder(&inner).unwrap();
        let store = Store::open(&folder.path().join("store")).unwrap();
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let write = |path: PathBuf, old: bool| {
            let file = std::fs::File::create(&path).unwrap();
            if old {
                file.set_modified(hour_ago).unwrap();
            }
            path
        };
        let left =
            [write(folder.path().join("results/.whence-a.part"), true), write(inner.join(".whence-b.part"), true)];
        write(inner.join(".whence-young.part"), false);
        write(inner.join("scores.part"), true);
        write(store.root().join(".whence-of-the-store.part"), true);
        let mut found: Vec<PathBuf> = leftovers_in(folder.path()).unwrap().into_iter().map(|w| w.path).collect();
        found.sort();
        assert_eq!(found, left);
    }
}
