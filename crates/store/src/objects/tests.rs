use serde_json::json;

use super::*;
use std::io;

fn filled() -> (tempfile::TempDir, Store, Value) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let inputs = json!({"model": "m", "group": "ink", "seed": 3});
    store.put(Kind::Gate, &inputs, b"content").unwrap();
    (folder, store, inputs)
}

#[test]
fn a_result_is_found_by_its_inputs() {
    let (_folder, store, inputs) = filled();
    assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"content");
    let reordered: Value = serde_json::from_str(r#"{"seed": 3, "group": "ink", "model": "m"}"#).unwrap();
    assert_eq!(store.get(Kind::Gate, &reordered).unwrap(), b"content", "the order of the inputs does not matter");
    assert_eq!(store.get(Kind::Terms, &inputs), None);
    assert_eq!(store.get(Kind::Gate, &json!({"model": "m", "group": "ink", "seed": 4})), None);
    store.put(Kind::Gate, &inputs, b"newer").unwrap();
    assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"newer");
    assert_eq!(store.keys(Kind::Gate).len(), 1);
}

#[test]
fn every_truncation_and_every_flipped_bit_is_detected_and_set_aside() {
    let (_folder, store, inputs) = filled();
    let key = key_of(Kind::Gate, &inputs);
    let path = store.path(Kind::Gate, &key);
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(store.read(Kind::Gate, &key).is_err(), "cut to {length}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&path, &bytes).unwrap();
        assert!(store.read(Kind::Gate, &key).is_err(), "bit flipped in byte {at}");
    }
    assert_eq!(store.get(Kind::Gate, &inputs), None);
    assert!(!path.exists() && store.root().join("damaged").read_dir().unwrap().count() == 1);
}

#[test]
fn a_whole_file_under_a_wrong_name_is_not_used() {
    let (_folder, store, inputs) = filled();
    let path = store.path(Kind::Gate, &key_of(Kind::Gate, &inputs));
    let other = json!({"model": "n"});
    std::fs::copy(&path, store.path(Kind::Gate, &key_of(Kind::Gate, &other))).unwrap();
    assert_eq!(store.get(Kind::Gate, &other), None);
}

#[test]
fn there_is_one_writer_at_a_time_and_any_number_of_readers() {
    let (folder, store, inputs) = filled();
    let root = folder.path().join("store");
    let refused = Store::open(&root).unwrap_err().to_string();
    assert!(refused.contains("another run"), "{refused}");
    let reader = Store::read_only(&root).unwrap();
    assert_eq!(reader.get(Kind::Gate, &inputs).unwrap(), b"content");
    assert!(reader.put(Kind::Gate, &inputs, b"").is_err());
    drop(store);
    Store::open(&root).unwrap();
}

#[test]
fn later_layouts_are_refused() {
    let (folder, store, _) = filled();
    drop(store);
    let root = folder.path().join("store");
    std::fs::write(root.join("store.json"), "{\"schema_version\": 2}").unwrap();
    for error in [Store::open(&root).unwrap_err(), Store::read_only(&root).unwrap_err()] {
        assert!(error.to_string().contains("later version"), "{error}");
    }
    assert!(Store::read_only(folder.path()).is_err());
}

/// Writes an object as another revision would have, and returns its key.
fn put_at(store: &Store, kind: Kind, revision: Option<u32>, inputs: &Value) -> String {
    let key = key_at(kind, revision.unwrap_or(1), inputs);
    let mut manifest = json!({"kind": kind, "key": key, "inputs": inputs, "written_by": "0.0.1"});
    if let Some(revision) = revision {
        manifest["revision"] = revision.into();
    }
    let text = manifest.to_string();
    let mut bytes = [b"whence01".as_slice(), &(text.len() as u64).to_le_bytes(), text.as_bytes(), b"content"].concat();
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    crate::write_atomic(&store.path(kind, &key), &bytes).unwrap();
    key
}

#[test]
fn results_of_other_revisions_are_absent_but_not_damaged() {
    let (_folder, store, _) = filled();
    let inputs = json!({"model": "other"});
    for revision in [None, Some(1), Some(Kind::Gate.revision() + 1)] {
        let key = put_at(&store, Kind::Gate, revision, &inputs);
        assert_eq!(store.get(Kind::Gate, &inputs), None, "revision {revision:?}");
        let (manifest, content) = store.read(Kind::Gate, &key).unwrap();
        assert!(manifest.is_outdated() && content == b"content");
    }
    let key = store.put(Kind::Gate, &inputs, b"new").unwrap();
    assert!(!store.read(Kind::Gate, &key).unwrap().0.is_outdated());
    // A kind whose code never changed still finds the files from before there were revisions.
    assert_eq!(Kind::Neighbours.revision(), 1);
    put_at(&store, Kind::Neighbours, None, &inputs);
    assert_eq!(store.get(Kind::Neighbours, &inputs).unwrap(), b"content");
}

#[test]
fn a_revision_in_the_manifest_that_does_not_fit_the_name_is_damage() {
    let (_folder, store, inputs) = filled();
    let key = put_at(&store, Kind::Gate, None, &inputs);
    let current = key_of(Kind::Gate, &inputs);
    std::fs::rename(store.path(Kind::Gate, &key), store.path(Kind::Gate, &current)).unwrap();
    assert!(store.read(Kind::Gate, &current).is_err());
    assert_eq!(store.get(Kind::Gate, &inputs), None);
}

#[test]
fn a_folder_in_the_place_of_a_result_is_named_and_moved_away() {
    let (_folder, store, _) = filled();
    let inputs = json!({"model": "n"});
    let key = key_of(Kind::Gate, &inputs);
    create_folder(&store.path(Kind::Gate, &key).join("inner")).unwrap();
    assert_eq!(store.get(Kind::Gate, &inputs), None);
    let error = store.read(Kind::Gate, &key).unwrap_err().to_string();
    assert!(error.contains("a folder is in the place of a stored result"), "{error}");
    store.put(Kind::Gate, &inputs, b"content").unwrap();
    assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"content");
    assert!(store.root().join(format!("damaged/gates-{key}/inner")).is_dir());
}

#[test]
fn a_damaged_layout_file_may_be_deleted() {
    let (folder, store, inputs) = filled();
    drop(store);
    let root = folder.path().join("store");
    std::fs::write(root.join("store.json"), "{").unwrap();
    let error = Store::open(&root).unwrap_err().to_string();
    assert!(error.contains("Delete this file"), "{error}");
    std::fs::remove_file(root.join("store.json")).unwrap();
    assert_eq!(Store::open(&root).unwrap().get(Kind::Gate, &inputs).unwrap(), b"content");
}

#[test]
fn a_store_that_cannot_be_written_is_read_and_refuses_new_results() {
    let (folder, store, inputs) = filled();
    drop(store);
    let root = folder.path().join("store");
    let refused = |kind: io::ErrorKind| Error::io("write", &root)(kind.into());
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
        let store = Store::without_writing(&root, refused(kind)).unwrap();
        assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"content");
        let error = store.put(Kind::Gate, &inputs, b"").unwrap_err().to_string();
        assert!(error.contains("cannot be written") && !error.contains("internal"), "{error}");
        // Reading never changes such a store, damaged files included.
        let path = store.path(Kind::Gate, &key_of(Kind::Gate, &inputs));
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, b"cut").unwrap();
        assert_eq!(store.get(Kind::Gate, &inputs), None);
        assert!(path.exists());
        std::fs::write(&path, whole).unwrap();
    }
    let absent = Store::without_writing(&folder.path().join("absent"), refused(io::ErrorKind::PermissionDenied));
    let absent = absent.unwrap();
    assert_eq!(absent.get(Kind::Gate, &inputs), None);
    assert!(
        absent.put(Kind::Gate, &inputs, b"x").is_err() && absent.put_if_writable(Kind::Gate, &inputs, b"x").is_ok()
    );
    assert!(Store::without_writing(&root, refused(io::ErrorKind::StorageFull)).is_err());
    let _writer = Store::open(&root).unwrap();
    let error = Store::open_or_read_only(&root).unwrap_err().to_string();
    assert!(error.contains("another run"), "a store that another process writes is not read around it: {error}");
}

/// Root ignores file permissions, so this tests something for ordinary users only.
#[cfg(unix)]
#[test]
fn a_project_on_a_read_only_disk_is_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, store, inputs) = filled();
    drop(store);
    let root = folder.path().join("store");
    std::fs::remove_file(root.join("lock")).unwrap();
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o555)).unwrap();
    let store = Store::open_or_read_only(&root).unwrap();
    assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"content");
    assert_eq!(store.is_writable(), store.put(Kind::Terms, &inputs, b"").is_ok());
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn large_content_is_written_and_read_in_parts() {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let (_folder, store, inputs) = filled();
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let written = store.put_with(Kind::Unfinished, &inputs, |out| {
        for part in content.chunks(777) {
            out.write_all(part).unwrap();
        }
        Ok(())
    });
    assert_eq!(store.get(Kind::Unfinished, &inputs).as_deref(), Some(content.as_slice()));
    let mut read = store.open_content(Kind::Unfinished, &inputs).unwrap();
    assert_eq!(read.len(), content.len() as u64);
    read.seek(SeekFrom::Start(4 * 70_000)).unwrap();
    let mut value = [0; 4];
    read.read_exact(&mut value).unwrap();
    assert_eq!(u32::from_le_bytes(value), 70_000);
    let mut rest = Vec::new();
    read.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, content[4 * 70_001..], "the checksum behind it is not part of it");
    // A byte in the middle of the content.
    let path = store.path(Kind::Unfinished, &written.unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(store.open_content(Kind::Unfinished, &inputs).is_none(), "it is checked before it is read");
}

#[test]
fn content_that_fails_leaves_the_result_before_it() {
    let (_folder, store, inputs) = filled();
    let failed = store.put_with(Kind::Gate, &inputs, |out| {
        out.write_all(b"half of").unwrap();
        Err(Error::Cancelled)
    });
    assert!(failed.unwrap_err().is_cancelled());
    assert_eq!(store.get(Kind::Gate, &inputs).unwrap(), b"content");
}

#[test]
fn looking_up_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open_for_lookup(&root).unwrap();
    assert!(store.get(Kind::Gate, &serde_json::json!({})).is_none() && !store.is_writable());
    assert!(!root.exists());
    let (_folder, filled, inputs) = filled();
    assert!(Store::open_for_lookup(filled.root()).unwrap().get(Kind::Gate, &inputs).is_some());
}
