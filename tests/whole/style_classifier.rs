//! A small classifier of the demo's styles, trained on its paintings alone: an outside judge of whether an image still shows a style.
//!
//! Random patches of the training images serve as filters, their rectified responses are averaged over the image, and one linear
//! classifier per style is fitted by ridge regression (Coates, Lee and Ng 2011, "An analysis of single-layer networks in unsupervised
//! feature learning", with sampled patches as the dictionary). It shares no code with the networks that it judges.

use std::path::Path;

/// Side length of a patch in pixels, and the number of them.
const PATCH: usize = 5;
const FILTERS: usize = 160;
/// Ridge penalty, in units of the features' mean variance.
const RIDGE: f64 = 1e-3;

/// An RGB image with values in 0 to 1, `[height, width, 3]`.
pub struct StyleImage {
    side: usize,
    pixels: Vec<f32>,
}

impl StyleImage {
    pub fn open(path: &Path) -> StyleImage {
        let image = image::open(path).unwrap().to_rgb8();
        assert_eq!(image.width(), image.height());
        StyleImage {
            side: image.width() as usize,
            pixels: image.as_raw().iter().map(|v| f32::from(*v) / 255.0).collect(),
        }
    }

    /// Of planar bytes `[3, side, side]`.
    pub fn planar(bytes: &[u8]) -> StyleImage {
        let side = (bytes.len() / 3).isqrt();
        assert_eq!(bytes.len(), 3 * side * side);
        let at = |pixel: usize, channel: usize| f32::from(bytes[channel * side * side + pixel]) / 255.0;
        StyleImage { side, pixels: (0..side * side).flat_map(|pixel| (0..3).map(move |c| at(pixel, c))).collect() }
    }

    /// The patch whose upper left corner is (x, y), without its mean and with unit variance (up to a floor for flat patches).
    fn patch(&self, x: usize, y: usize) -> [f32; PATCH * PATCH * 3] {
        let mut patch = [0.0; PATCH * PATCH * 3];
        for row in 0..PATCH {
            let start = ((y + row) * self.side + x) * 3;
            patch[row * PATCH * 3..][..PATCH * 3].copy_from_slice(&self.pixels[start..start + PATCH * 3]);
        }
        let mean = patch.iter().sum::<f32>() / patch.len() as f32;
        let variance = patch.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / patch.len() as f32;
        let scale = 1.0 / (variance + 1e-3).sqrt();
        patch.map(|v| (v - mean) * scale)
    }
}

/// One linear function of the features per style.
pub struct StyleClassifier {
    styles: Vec<String>,
    filters: Vec<[f32; PATCH * PATCH * 3]>,
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// `[style][feature]`
    weights: Vec<Vec<f64>>,
}

impl StyleClassifier {
    /// Trained on the images of `paintings/STYLE/*.png` whose index within the folder fulfils `use_image`.
    pub fn train(paintings: &Path, use_image: impl Fn(usize) -> bool) -> StyleClassifier {
        let (styles, images) = read(paintings, use_image);
        let mut state = 17_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        let filters = (0..FILTERS)
            .map(|_| {
                let (_, image) = &images[below(images.len())];
                image.patch(below(image.side - PATCH + 1), below(image.side - PATCH + 1))
            })
            .collect();
        let mut classifier = StyleClassifier { styles, filters, mean: vec![], scale: vec![], weights: vec![] };
        let features: Vec<Vec<f64>> = images.iter().map(|(_, image)| classifier.responses(image)).collect();
        let (count, width) = (features.len() as f64, features[0].len());
        classifier.mean = (0..width).map(|j| features.iter().map(|f| f[j]).sum::<f64>() / count).collect();
        classifier.scale = (0..width)
            .map(|j| {
                (features.iter().map(|f| (f[j] - classifier.mean[j]).powi(2)).sum::<f64>() / count).sqrt().max(1e-9)
            })
            .collect();
        let rows: Vec<Vec<f64>> = features.iter().map(|f| classifier.standardised(f)).collect();
        let mut gram = vec![vec![0.0; width]; width];
        for row in &rows {
            for i in 0..width {
                for j in 0..=i {
                    gram[i][j] += row[i] * row[j] / count;
                }
            }
        }
        for (i, row) in gram.iter_mut().enumerate() {
            row[i] += RIDGE;
        }
        let factor = cholesky(gram);
        classifier.weights = (0..classifier.styles.len())
            .map(|style| {
                let moments = (0..width).map(|j| {
                    images
                        .iter()
                        .zip(&rows)
                        .map(|((s, _), row)| row[j] * if *s == style { 1.0 } else { -1.0 / 7.0 })
                        .sum::<f64>()
                        / count
                });
                solve(&factor, moments.collect())
            })
            .collect();
        classifier
    }

    /// The style that the image shows most clearly.
    pub fn style(&self, image: &StyleImage) -> &str {
        let features = self.standardised(&self.responses(image));
        let value = |weights: &[f64]| weights.iter().zip(&features).map(|(w, f)| w * f).sum::<f64>();
        let best = (0..self.styles.len())
            .max_by(|a, b| value(&self.weights[*a]).total_cmp(&value(&self.weights[*b])))
            .unwrap();
        &self.styles[best]
    }

    /// Share of the images chosen by `use_image` that are named rightly.
    pub fn accuracy(&self, paintings: &Path, use_image: impl Fn(usize) -> bool) -> f64 {
        let (styles, images) = read(paintings, use_image);
        let right = images.iter().filter(|(style, image)| self.style(image) == styles[*style]).count();
        right as f64 / images.len() as f64
    }

    /// Mean and root mean square of each filter's rectified response, both signs; mean and standard deviation of each colour.
    fn responses(&self, image: &StyleImage) -> Vec<f64> {
        let positions = image.side - PATCH + 1;
        let mut sums = vec![[0.0_f64; 4]; self.filters.len()];
        for (y, x) in (0..positions).flat_map(|y| (0..positions).map(move |x| (y, x))) {
            let patch = image.patch(x, y);
            for (filter, sums) in self.filters.iter().zip(&mut sums) {
                let response =
                    f64::from(filter.iter().zip(&patch).map(|(a, b)| a * b).sum::<f32>()) / patch.len() as f64;
                let (positive, negative) = ((response - 0.25).max(0.0), (-response - 0.25).max(0.0));
                sums[0] += positive;
                sums[1] += positive * positive;
                sums[2] += negative;
                sums[3] += negative * negative;
            }
        }
        let count = (positions * positions) as f64;
        let mut features: Vec<f64> = sums
            .iter()
            .flat_map(|s| [s[0] / count, (s[1] / count).sqrt(), s[2] / count, (s[3] / count).sqrt()])
            .collect();
        for channel in 0..3 {
            let values = || image.pixels.iter().skip(channel).step_by(3).map(|v| f64::from(*v));
            let count = (image.side * image.side) as f64;
            let mean = values().sum::<f64>() / count;
            features.push(mean);
            features.push((values().map(|v| (v - mean).powi(2)).sum::<f64>() / count).sqrt());
        }
        features
    }

    fn standardised(&self, features: &[f64]) -> Vec<f64> {
        features.iter().zip(&self.mean).zip(&self.scale).map(|((f, m), s)| (f - m) / s).collect()
    }
}

/// Styles in order of name, and the chosen images, each with its style's index.
fn read(paintings: &Path, use_image: impl Fn(usize) -> bool) -> (Vec<String>, Vec<(usize, StyleImage)>) {
    let sorted = |folder: &Path| {
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let folders = sorted(paintings);
    let styles = folders.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let images = folders.iter().enumerate().flat_map(|(style, folder)| {
        let chosen = sorted(folder).into_iter().enumerate().filter(|(index, _)| use_image(*index));
        chosen.map(|(_, path)| (style, StyleImage::open(&path))).collect::<Vec<_>>()
    });
    (styles, images.collect())
}

/// Lower triangular factor of a symmetric positive definite matrix whose lower half is given.
fn cholesky(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for i in 0..matrix.len() {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - dot;
            matrix[i][j] = if i == j { rest.sqrt() } else { rest / matrix[j][j] };
        }
    }
    matrix
}

fn solve(factor: &[Vec<f64>], mut vector: Vec<f64>) -> Vec<f64> {
    for i in 0..vector.len() {
        let dot: f64 = (0..i).map(|k| factor[i][k] * vector[k]).sum();
        vector[i] = (vector[i] - dot) / factor[i][i];
    }
    for i in (0..vector.len()).rev() {
        let dot: f64 = (i + 1..vector.len()).map(|k| factor[k][i] * vector[k]).sum();
        vector[i] = (vector[i] - dot) / factor[i][i];
    }
    vector
}
