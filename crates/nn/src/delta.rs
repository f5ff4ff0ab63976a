//! Weights as differences to other weights: many models that differ little, each in a fraction of the space.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};

use super::weights::NamedValues;
use whence_base::{Error, Result};

/// How exactly differences are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeltaPrecision {
    /// 32-bit floats: all there is.
    Float32,
    /// 16-bit floats.
    Float16,
    /// Whole numbers from -127 to 127 times a scale for each output channel; vectors as 16-bit floats.
    #[default]
    Int8,
    /// As [`Int8`](Self::Int8), from -7 to 7.
    Int4,
}

impl DeltaPrecision {
    /// Largest whole number; none where differences stay floats.
    fn largest(self) -> Option<f32> {
        match self {
            Self::Float32 | Self::Float16 => None,
            Self::Int8 => Some(127.0),
            Self::Int4 => Some(7.0),
        }
    }

    fn float(self) -> Dtype {
        if self == Self::Float32 { Dtype::F32 } else { Dtype::F16 }
    }
}

/// End of the name under which a tensor's scales are kept.
const SCALES: &str = "#scales";

/// The difference `other - full` of two networks of the same layers: a safetensors file, packed by zstd.
///
/// # Errors
/// Where the two have other tensors or shapes.
pub fn encode(full: &[NamedValues], other: &[NamedValues], precision: DeltaPrecision) -> Result<Vec<u8>> {
    let broken = |what: String| Error::internal(format!("the difference of two models cannot be encoded: {what}"));
    let mut buffers: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for ((name, shape, base), (other_name, other_shape, values)) in full.iter().zip(other) {
        if name != other_name || shape != other_shape {
            return Err(broken(format!("{name} {shape:?} is {other_name} {other_shape:?} in the other")));
        }
        let difference: Vec<f32> = values.iter().zip(base).map(|(v, b)| v - b).collect();
        match (precision.largest(), shape.as_slice()) {
            (Some(largest), &[channels, _, ..]) if channels > 0 => {
                let (whole, scales) = round(&difference, channels, largest);
                buffers.push((name.clone(), Dtype::I8, shape.clone(), whole));
                let scales = floats(&scales, Dtype::F32);
                buffers.push((format!("{name}{SCALES}"), Dtype::F32, vec![channels], scales));
            }
            _ => {
                let float = precision.float();
                buffers.push((name.clone(), float, shape.clone(), floats(&difference, float)));
            }
        }
    }
    let views = buffers
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|e| broken(e.to_string()))?;
    let bytes = safetensors::serialize(views, None).map_err(|e| broken(e.to_string()))?;
    zstd::bulk::compress(&bytes, 9).map_err(|e| broken(e.to_string()))
}

/// The other network's weights again: `full` plus the difference that [`encode`] made.
///
/// # Errors
/// Bytes that are damaged, or a difference to another network.
pub fn decode(full: &[NamedValues], bytes: &[u8]) -> Result<Vec<NamedValues>> {
    let broken = |what: String| {
        Error::input(what, "difference of two models", "it belongs to another model or is damaged: make it again")
    };
    // Names and shapes beside the numbers; a length that the file claims is not believed.
    let most =
        4096 + full.iter().map(|(name, shape, v)| 4 * v.len() + 64 * shape.len() + 8 * name.len() + 512).sum::<usize>();
    let bytes = zstd::bulk::decompress(bytes, most).map_err(|e| broken(e.to_string()))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?;
    let mut views: HashMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    full.iter()
        .map(|(name, shape, base)| {
            let missing = || broken(format!("{name} is missing or has another shape"));
            let view = views.remove(name).filter(|v| v.shape() == shape.as_slice()).ok_or_else(missing)?;
            let difference = match (view.dtype(), shape.as_slice()) {
                (Dtype::I8, &[channels, ..]) => {
                    let scales = views.remove(&format!("{name}{SCALES}")).filter(|s| s.shape() == [channels]);
                    let scales = numbers(&scales.ok_or_else(missing)?).ok_or_else(missing)?;
                    let each = (base.len() / channels.max(1)).max(1);
                    let whole = view.data().chunks(each).zip(&scales);
                    whole.flat_map(|(c, scale)| c.iter().map(move |v| f32::from(v.cast_signed()) * scale)).collect()
                }
                _ => numbers(&view).ok_or_else(missing)?,
            };
            if difference.len() != base.len() || difference.iter().any(|d| !d.is_finite()) {
                return Err(broken(format!("{name} holds numbers that are not finite")));
            }
            let values = base.iter().zip(&difference).map(|(b, d)| b + d).collect();
            Ok((name.clone(), shape.clone(), values))
        })
        .collect()
}

/// Whole numbers and a scale for each output channel, whose largest difference becomes `largest`.
fn round(difference: &[f32], channels: usize, largest: f32) -> (Vec<u8>, Vec<f32>) {
    let each = (difference.len() / channels.max(1)).max(1);
    let mut whole = Vec::with_capacity(difference.len());
    let mut scales = Vec::with_capacity(channels);
    for channel in difference.chunks(each) {
        let scale = channel.iter().fold(0.0f32, |m, v| m.max(v.abs())) / largest;
        scales.push(scale);
        let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
        whole.extend(channel.iter().map(|v| ((v * inverse).round().clamp(-largest, largest) as i8).cast_unsigned()));
    }
    (whole, scales)
}

fn floats(values: &[f32], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F16 => values.iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

fn numbers(view: &TensorView<'_>) -> Option<Vec<f32>> {
    super::weights::widen(view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use whence_base::random::epsilon;

    fn networks(size: f32) -> (Vec<NamedValues>, Vec<NamedValues>) {
        let shapes: [(&str, &[usize]); 3] =
            [("conv.weight", &[6, 5, 3, 3]), ("conv.bias", &[6]), ("linear.weight", &[4, 7])];
        let make = |seed, scale: f32| -> Vec<NamedValues> {
            let all = shapes.iter().enumerate();
            all.map(|(i, (name, shape))| {
                let count = shape.iter().product();
                let values = epsilon(seed, b"delta", i, 0, count).iter().map(|v| v * scale).collect();
                ((*name).to_owned(), shape.to_vec(), values)
            })
            .collect()
        };
        let full = make(1, 1.0);
        let other = full
            .iter()
            .zip(make(2, size))
            .map(|((n, s, f), (_, _, d))| (n.clone(), s.clone(), f.iter().zip(d).map(|(f, d)| f + d).collect()))
            .collect();
        (full, other)
    }

    #[test]
    fn differences_come_back_as_exactly_as_their_precision_says() {
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
            // What was decoded is what is kept: encoding it again changes nothing more than the last bits.
            assert_eq!(decode(&full, &bytes).unwrap(), again);
        }
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
        assert!(encode(&full, &smaller, DeltaPrecision::Int8).is_err());
        let bomb = zstd::bulk::compress(&vec![0u8; 1 << 26], 9).unwrap();
        assert!(decode(&full, &bomb).is_err(), "more than the network could hold");
    }
}
