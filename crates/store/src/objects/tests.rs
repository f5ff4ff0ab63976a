use serde_json::json;

use super::*;

fn filled() -> (tempfile::TempDir, Store, Value) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    let inputs = json!({"model": "m", "group": "ink", "seed": 3});
    store.put(Kind::Gate, &inputs, b"content").unwrap();
    (folder, store, inputs)
}

#[test]
fn what_was_put_is_got_by_what_it_was_computed_from() {
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
fn every_cut_and_every_flipped_bit_is_noticed_and_set_aside() {
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
fn a_whole_file_under_a_wrong_name_is_not_believed() {
    let (_folder, store, inputs) = filled();
    let path = store.path(Kind::Gate, &key_of(Kind::Gate, &inputs));
    let other = json!({"model": "n"});
    std::fs::copy(&path, store.path(Kind::Gate, &key_of(Kind::Gate, &other))).unwrap();
    assert_eq!(store.get(Kind::Gate, &other), None);
}

#[test]
fn one_writer_at_a_time_and_readers_at_any_time() {
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
