use burn::tensor::Device;

use super::*;
use crate::parameters::{named_values, read_all};
use crate::test_network::TwoLayers;
use crate::weights::NamedValues;
use whence_base::random::epsilon;

const ALL: ParameterSelection = ParameterSelection::All;

fn normal(shapes: &[(&str, &[usize])], seed: u64, scale: f32) -> Vec<NamedValues> {
    let mut all = Vec::new();
    for (i, (name, shape)) in shapes.iter().enumerate() {
        let values = epsilon(seed, b"delta", i, 0, shape.iter().product()).iter().map(|v| v * scale).collect();
        all.push(((*name).to_owned(), shape.to_vec(), values));
    }
    all
}

fn pair_of(shapes: &[(&str, &[usize])], size: f32) -> (Vec<NamedValues>, Vec<NamedValues>) {
    let full = normal(shapes, 1, 1.0);
    let other = full
        .iter()
        .zip(normal(shapes, 2, size))
        .map(|((n, s, f), (_, _, d))| (n.clone(), s.clone(), f.iter().zip(d).map(|(f, d)| f + d).collect()))
        .collect();
    (full, other)
}

fn networks(size: f32) -> (Vec<NamedValues>, Vec<NamedValues>) {
    pair_of(&[("conv.weight", &[6, 5, 3, 3]), ("conv.bias", &[6]), ("linear.weight", &[4, 7])], size)
}

fn tensors(values: &[NamedValues]) -> Vec<NamedTensor> {
    let tensor = |values: &[f32]| Tensor::from_floats(values, &Device::flex());
    values
        .iter()
        .map(|(name, shape, v)| NamedTensor { name: name.clone(), shape: shape.clone(), values: tensor(v) })
        .collect()
}

fn encode(full: &[NamedValues], other: &[NamedValues], precision: DeltaPrecision) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    encode_tensors(&mut bytes, tensors(full), tensors(other), precision, &ALL)?;
    Ok(bytes)
}

fn decode(full: &[NamedValues], bytes: &[u8]) -> Result<Vec<NamedValues>> {
    let full = tensors(full);
    let values = decode_tensors(&full, bytes, &ALL)?;
    read_all(full.into_iter().zip(values).map(|(t, v)| NamedTensor { values: v.unwrap(), ..t }).collect())
}

#[test]
fn differences_are_restored_as_exactly_as_their_precision_says() {
    let (full, other) = networks(0.01);
    for (precision, most) in [
        (DeltaPrecision::Float32, 1e-7),
        (DeltaPrecision::Float16, 3e-5),
        (DeltaPrecision::Int8, 1.4e-4),
        (DeltaPrecision::Int4, 2.5e-3),
    ] {
        let bytes = encode(&full, &other, precision).unwrap();
        let again = decode(&full, &bytes).unwrap();
        let mut worst = 0.0f32;
        for ((_, shape, a), (_, other_shape, b)) in again.iter().zip(&other) {
            assert_eq!(shape, other_shape);
            worst = a.iter().zip(b).fold(worst, |w, (a, b)| w.max((a - b).abs()));
        }
        assert!(worst <= most, "{precision:?}: {worst}");
        assert!(precision == DeltaPrecision::Float32 || worst > most / 50.0, "{precision:?} rounds: {worst}");
        assert_eq!(decode(&full, &bytes).unwrap(), again);
    }
}

/// blake3 of the uncompressed bytes, from the time when differences were encoded as a whole.
const DIGESTS: [(DeltaPrecision, &str); 4] = [
    (DeltaPrecision::Float32, "?"),
    (DeltaPrecision::Float16, "?"),
    (DeltaPrecision::Int8, "?"),
    (DeltaPrecision::Int4, "?"),
];

#[test]
fn the_format_has_not_changed() {
    let shapes: [(&str, &[usize]); 5] = [
        ("conv.weight", &[48, 40, 3, 3]),
        ("conv.bias", &[48]),
        ("linear.weight", &[64, 700]),
        ("a.weight", &[512, 700]),
        ("z", &[1]),
    ];
    let (full, other) = pair_of(&shapes, 0.01);
    for (precision, digest) in DIGESTS {
        let bytes = zstd::bulk::decompress(&encode(&full, &other, precision).unwrap(), 1 << 26).unwrap();
        assert_eq!(blake3::hash(&bytes).to_hex().as_str(), digest, "{precision:?}");
    }
}

/// Past the size that is compressed in one call.
#[test]
fn large_differences_are_streamed() {
    let (full, other) = pair_of(&[("a.weight", &[2100, 2100]), ("a.bias", &[2100])], 0.01);
    let bytes = encode(&full, &other, DeltaPrecision::Float32).unwrap();
    for ((_, _, a), (_, _, b)) in decode(&full, &bytes).unwrap().iter().zip(&other) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6));
    }
    assert!(decode(&full, &bytes[..bytes.len() - 1]).is_err(), "cut");
}

#[test]
fn equal_networks_have_no_difference() {
    let (full, _) = networks(0.0);
    for precision in [DeltaPrecision::Float16, DeltaPrecision::Int8] {
        assert_eq!(decode(&full, &encode(&full, &full, precision).unwrap()).unwrap(), full);
    }
}

#[test]
fn damaged_and_foreign_differences_are_errors() {
    let (full, other) = networks(0.01);
    let bytes = encode(&full, &other, DeltaPrecision::Int8).unwrap();
    for length in 0..bytes.len() {
        assert!(decode(&full, &bytes[..length]).is_err(), "cut to {length}");
    }
    let mut smaller = full.clone();
    smaller[0] = ("conv.weight".into(), vec![6, 5, 2, 3], vec![0.0; 180]);
    assert!(decode(&smaller, &bytes).is_err(), "another shape");
    assert!(decode(&full[1..], &bytes).is_err(), "a tensor that the network lacks");
    let mut more = full.clone();
    more.push(("z".into(), vec![1], vec![0.0]));
    assert!(decode(&more, &bytes).is_err(), "a tensor is missing");
    assert!(encode(&full, &smaller, DeltaPrecision::Int8).is_err());
    assert!(encode(&full, &full[1..], DeltaPrecision::Int8).is_err());
    let bomb = zstd::bulk::compress(&vec![0u8; 1 << 26], 9).unwrap();
    assert!(decode(&full, &bomb).is_err(), "more than the network could hold");
    let mut header = u64::MAX.to_le_bytes().to_vec();
    header.resize(1 << 20, b' ');
    assert!(decode(&full, &zstd::bulk::compress(&header, 9).unwrap()).is_err(), "a header without end");
}

#[test]
fn parameters_that_are_not_selected_are_not_stored_and_stay_as_they_are() {
    let selection = ParameterSelection::Matching(vec!["*.weight".into()]);
    let (full, random) = (TwoLayers::random(1), TwoLayers::random(2));
    let selected = |t: &NamedTensor| selection.contains(&t.name);
    let values = named_tensors(&random).into_iter().map(|t| selected(&t).then_some(t.values)).collect();
    let other = replace_parameters(full.clone(), values);
    let bytes = super::encode(&full, &other, DeltaPrecision::Float32, &selection).unwrap();
    let again = super::decode(&full, bytes.as_slice(), &selection).unwrap();
    for ((a, b), full) in
        named_values(&again).unwrap().iter().zip(named_values(&other).unwrap()).zip(named_values(&full).unwrap())
    {
        assert_eq!(a.0, b.0);
        assert!(a.2.iter().zip(&b.2).all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(a.0.ends_with("bias"), a.2 == full.2, "{}", a.0);
    }
    let whole = super::encode(&full, &other, DeltaPrecision::Float32, &ALL).unwrap();
    let text = zstd::bulk::decompress(&bytes, 1 << 20).unwrap();
    assert!(!text.windows(4).any(|w| w == b"bias"));
    assert!(super::decode(&full, whole.as_slice(), &selection).is_err(), "stored with another selection");
    assert!(super::decode(&full, bytes.as_slice(), &ALL).is_err(), "stored with another selection");
    let moved = super::encode(&full, &random, DeltaPrecision::Float32, &selection);
    assert!(moved.is_err(), "a parameter that is not selected differs");
}
