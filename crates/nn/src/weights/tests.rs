use std::path::Path;

use super::*;
use crate::test_network::TwoLayers;

fn safetensors_bytes(
    tensors: &[impl crate::parameters::ReadTensor],
    precision: Precision,
    notes: &[(&str, String)],
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_tensors_to(&mut bytes, Path::new("safetensors"), tensors, precision, notes)?;
    Ok(bytes)
}

fn bytes_of(network: &TwoLayers, precision: Precision) -> Vec<u8> {
    safetensors_bytes(&named_tensors(network), precision, &[]).unwrap()
}

fn read(mut source: SafetensorsSource<impl std::io::Read + std::io::Seek>) -> Result<TwoLayers> {
    let network = TwoLayers::build(&mut source)?;
    source.finish()?;
    Ok(network)
}

/// A file with this header and this many bytes behind it.
fn file(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

fn error(bytes: &[u8]) -> String {
    SafetensorsSource::from_bytes(bytes, "test").err().map_or_else(|| "none".into(), |e| e.to_string())
}

#[test]
fn files_are_those_that_the_safetensors_crate_writes_and_are_read_back() {
    let network = TwoLayers::random(1);
    let bytes = bytes_of(&network, Precision::Float32);
    let view = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let metadata = Some([("format".to_owned(), "pt".to_owned())].into());
    assert_eq!(safetensors::serialize(view.tensors(), metadata).unwrap(), bytes);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write_safetensors(&path, &network, Precision::Float32, &[]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let again = read(SafetensorsSource::open(&path).unwrap()).unwrap();
    assert_eq!(named_values(&again).unwrap(), named_values(&network).unwrap());
    let half = bytes_of(&network, Precision::Float16);
    let half = read(SafetensorsSource::from_bytes(&half, "test").unwrap()).unwrap();
    for ((name, _, a), (_, _, b)) in named_values(&half).unwrap().iter().zip(named_values(&network).unwrap()) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3 && *a != 0.0), "{name}");
    }
}

#[test]
fn notes_stand_in_the_header() {
    let notes = [("step", "7".to_owned())];
    let bytes = safetensors_bytes(&named_tensors(&TwoLayers::random(1)), Precision::Float32, &notes).unwrap();
    let source = SafetensorsSource::from_bytes(&bytes, "test").unwrap();
    assert_eq!((source.note("step"), source.note("format"), source.note("none")), (Some("7"), Some("pt"), None));
    assert_eq!(source.names().count(), 4);
}

#[test]
fn damaged_headers_are_refused() {
    let bytes = bytes_of(&TwoLayers::random(1), Precision::Float32);
    for length in 0..bytes.len() {
        assert!(SafetensorsSource::from_bytes(&bytes[..length], "test").is_err(), "cut to {length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(error(&longer).contains("the file has"), "{}", error(&longer));
    let a = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
    assert_eq!(error(&file(&format!("{{{a}}}"), 8)), "none");
    for (what, header, data) in [
        ("overlap", format!(r#"{{{a},"b":{{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}}}"#), 12),
        ("gap", format!(r#"{{{a},"b":{{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}}}"#), 20),
        ("shape", r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#.into(), 8),
        ("overflow", r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#.into(), 0),
        ("backwards", r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#.into(), 8),
        ("no object", "[]".into(), 0),
        ("integers", r#"{"a":{"dtype":"I32","shape":[2],"data_offsets":[0,8]}}"#.into(), 8),
        ("twice", format!("{{{a},{a}}}"), 8),
    ] {
        assert_ne!(error(&file(&header, data)), "none", "{what}");
    }
    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend([b' '; 64]);
    assert!(error(&endless).contains("a header of"), "{}", error(&endless));
    let renamed = r#"{"x.query.w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
        "x.to_q.w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    assert!(error(&file(renamed, 8)).contains("twice"));
}

#[test]
fn values_that_are_not_finite_missing_and_leftover_tensors_are_named() {
    let network = TwoLayers::random(1);
    let mut values = named_values(&network).unwrap();
    values[2].2[3] = f32::NAN;
    let bytes = safetensors_bytes(&values, Precision::Float32, &[]).unwrap();
    let refused = read(SafetensorsSource::from_bytes(&bytes, "test").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("second.weight") && refused.contains("NaN at index 3"), "{refused}");
    values[2].2[3] = 0.0;
    values.push(("third.weight".into(), vec![1], vec![0.0]));
    let bytes = safetensors_bytes(&values, Precision::Float32, &[]).unwrap();
    let refused = read(SafetensorsSource::from_bytes(&bytes, "test").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("third.weight"), "{refused}");
    let bytes = safetensors_bytes(&values[1..], Precision::Float32, &[]).unwrap();
    let refused = read(SafetensorsSource::from_bytes(&bytes, "test").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("first.weight is missing"), "{refused}");
    values[1].0 = "first.weight".into();
    assert!(safetensors_bytes(&values, Precision::Float32, &[]).is_err(), "two tensors of one name");
}

fn write_shards(folder: &Path, index: &str) -> String {
    let values = named_values(&TwoLayers::random(1)).unwrap();
    let mut map = serde_json::Map::new();
    for (number, part) in values.chunks(2).enumerate() {
        let name = format!("diffusion_pytorch_model-0000{}-of-00002.safetensors", number + 1);
        write_tensors(&folder.join(&name), part, Precision::Float32, &[]).unwrap();
        map.extend(part.iter().map(|(tensor, _, _)| (tensor.clone(), name.clone().into())));
    }
    let text = serde_json::json!({ "metadata": { "total_size": 128 }, "weight_map": map }).to_string();
    std::fs::write(folder.join(index), &text).unwrap();
    text
}

#[test]
fn shards_are_read_as_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let index = "diffusion_pytorch_model.safetensors.index.json";
    let text = write_shards(folder.path(), index);
    let path = find_weights(folder.path()).unwrap();
    assert_eq!(path.file_name().unwrap(), index);
    let network = read(SafetensorsSource::open(&path).unwrap()).unwrap();
    assert_eq!(named_values(&network).unwrap(), named_values(&TwoLayers::random(1)).unwrap());
    let refusal = |text: &str| {
        std::fs::write(&path, text).unwrap();
        SafetensorsSource::open(&path).map(|_| ()).unwrap_err().to_string()
    };
    assert!(refusal(&text.replace("first.bias", "first.other")).contains("first.other"));
    assert!(refusal(&text.replace("-00002-of", "-00003-of")).contains("00003-of"));
    assert!(refusal(&text.replace("diffusion_pytorch_model-00002", "../x-00002")).contains("not the name"));
    assert!(refusal("{}").contains("not an index"));
    std::fs::remove_file(&path).unwrap();
    let error = find_weights(folder.path()).unwrap_err().to_string();
    assert!(error.contains("2 shards") && error.contains("index"), "{error}");
}

#[test]
fn variants_are_found_where_there_is_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| std::fs::write(folder.path().join(name), b"").unwrap();
    let found = || find_weights(folder.path()).map(|p| p.file_name().unwrap().to_str().unwrap().to_owned());
    put("diffusion_pytorch_model.bin");
    assert!(found().unwrap_err().to_string().contains("is missing"));
    put("diffusion_pytorch_model.fp16-00001-of-00002.safetensors");
    put("diffusion_pytorch_model.safetensors.index.fp16.json");
    assert_eq!(found().unwrap(), "diffusion_pytorch_model.safetensors.index.fp16.json");
    put("diffusion_pytorch_model.non_ema.safetensors");
    let error = found().unwrap_err().to_string();
    assert!(error.contains("fp16") && error.contains("non_ema"), "{error}");
    put(WEIGHTS_FILE);
    assert_eq!(found().unwrap(), WEIGHTS_FILE);
}

#[test]
fn hashes_depend_on_names_shapes_and_every_value() {
    let network = TwoLayers::random(1);
    let hash = parameters_hash(&network).unwrap();
    assert_eq!(parameters_hash(&TwoLayers::random(1)).unwrap(), hash);
    for at in 0..4 {
        let mut values = named_values(&network).unwrap();
        *values[at].2.last_mut().unwrap() += 1e-3;
        let other = TwoLayers::build(&mut Values::new(values)).unwrap();
        assert_ne!(parameters_hash(&other).unwrap(), hash, "tensor {at}");
    }
}
