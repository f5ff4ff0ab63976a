//! Memory layout of a convolution's images, in which each element of the kernel is a constant shift.
//!
//! A padded plane is stored as one long row. A step down is then a shift by the row's pitch, so that the kernel's element at
//! (dy, dx) reads at a constant offset from the output, across row ends too; the results at the few positions between rows
//! are dropped. With a stride, a plane is split into its phases (even rows, odd rows, ...), inside which all steps are one.

/// Zero padding of a convolution.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    /// The same number of pixels on all sides.
    Even(usize),
    /// One pixel to the right and below: diffusers' `downsample_padding = 0`.
    RightBottom,
}

/// A convolution's kernel and sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Height and width of the square kernel, at least 1.
    kernel: usize,
    /// Pixels from one output to the next, at least 1.
    stride: usize,
    /// Rows of zeros above, and columns of zeros at the left.
    before: usize,
    /// Height and width of the input.
    input: [usize; 2],
    /// Height and width of the output.
    output: [usize; 2],
}

impl Geometry {
    /// Sizes for an input of this height and width.
    pub fn new(kernel: usize, stride: usize, padding: Padding, input: [usize; 2]) -> Self {
        let (before, both) = match padding {
            Padding::Even(p) => (p, 2 * p),
            Padding::RightBottom => (0, 1),
        };
        let output = input.map(|size| (size + both).saturating_sub(kernel) / stride.max(1) + 1);
        Self { kernel: kernel.max(1), stride: stride.max(1), before, input, output }
    }

    /// Pixels of an input plane.
    pub fn input_pixels(&self) -> usize {
        self.input.iter().product()
    }

    /// Height and width of the output.
    pub fn output(&self) -> [usize; 2] {
        self.output
    }

    /// Pixels of an output plane.
    pub fn output_pixels(&self) -> usize {
        self.output.iter().product()
    }

    /// Elements of one channel's kernel.
    pub fn kernel_area(&self) -> usize {
        self.kernel * self.kernel
    }

    /// Input to output.
    pub fn forward(&self) -> Correlation {
        let (s, reach) = (self.stride, (self.kernel - 1) / self.stride);
        let [rows, pitch] = self.output.map(|size| size + reach);
        let before = [self.before as isize; 2];
        let planes = Planes { source: self.input, stride: s, before, rows, pitch };
        let offsets =
            self.kernel_positions().map(|(y, x)| (y % s * s + x % s) * planes.plane() + y / s * pitch + x / s);
        Correlation { offsets: offsets.collect(), planes, output: self.output }
    }

    /// Gradient of the output to gradient of the input: one correlation for each phase of the input.
    pub fn backward(&self) -> Vec<Phase> {
        let s = self.stride;
        let phases = (0..s).flat_map(|a| (0..s).map(move |b| [a, b]));
        phases.filter_map(|phase| self.backward_phase(phase)).collect()
    }

    /// The input's pixels y = r s + a - before, x = q s + b - before. The kernel's element (ky, kx) contributes where ky = a
    /// and kx = b modulo the stride, with the gradient at r - ky / s, q - kx / s.
    fn backward_phase(&self, [a, b]: [usize; 2]) -> Option<Phase> {
        let (vertical, horizontal) = (self.backward_axis(a, self.input[0])?, self.backward_axis(b, self.input[1])?);
        let [rows, pitch] = [&vertical, &horizontal].map(|axis| axis.count + axis.kernel_indices.len() - 1);
        let positions = || {
            vertical
                .kernel_indices
                .iter()
                .enumerate()
                .flat_map(|v| horizontal.kernel_indices.iter().enumerate().map(move |h| (v, h)))
        };
        Some(Phase {
            kernel: positions().map(|((_, ky), (_, kx))| ky * self.kernel + kx).collect(),
            start: [vertical.start, horizontal.start],
            correlation: Correlation {
                offsets: positions().map(|((y, _), (x, _))| y * pitch + x).collect(),
                output: [vertical.count, horizontal.count],
                planes: Planes {
                    source: self.output,
                    stride: 1,
                    before: [vertical.lead, horizontal.lead],
                    rows,
                    pitch,
                },
            },
        })
    }

    /// None where no pixel of this axis belongs to this phase, or no element of the kernel reaches it.
    fn backward_axis(&self, phase: usize, size: usize) -> Option<BackwardAxis> {
        let s = self.stride;
        // In reverse order: the gradient of a correlation is a correlation with the flipped kernel.
        let kernel_indices: Vec<usize> = (phase..self.kernel).step_by(s).rev().collect();
        // The first position of this phase inside the image, and the one behind the last.
        let first = self.before.saturating_sub(phase).div_ceil(s);
        let end = (size + self.before).saturating_sub(phase).div_ceil(s);
        let count = end.checked_sub(first).filter(|&n| n > 0 && !kernel_indices.is_empty())?;
        let lead = kernel_indices.len() as isize - 1 - first as isize;
        Some(BackwardAxis { kernel_indices, count, lead, start: first * s + phase - self.before })
    }

    fn kernel_positions(&self) -> impl Iterator<Item = (usize, usize)> {
        let k = self.kernel;
        (0..k).flat_map(move |y| (0..k).map(move |x| (y, x)))
    }

    /// Copies a phase's rows `[rows * pitch]` to the pixels of an input plane that they belong to.
    pub fn scatter(&self, phase: &Phase, rows: &[f32], plane: &mut [f32]) {
        let [_, width] = self.input;
        let ([y, x], [height, count]) = (phase.start, phase.correlation.output);
        let lines = plane.chunks_exact_mut(width).skip(y).step_by(self.stride).take(height);
        for (line, row) in lines.zip(rows.chunks(phase.correlation.planes.pitch)) {
            match (line.get_mut(x..x + count), row.get(..count)) {
                (Some(to), Some(from)) if self.stride == 1 => to.copy_from_slice(from),
                _ => {
                    let pixels = line.iter_mut().skip(x).step_by(self.stride);
                    pixels.zip(row.iter().take(count)).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

struct BackwardAxis {
    /// Indices in the kernel.
    kernel_indices: Vec<usize>,
    /// Pixels of the input.
    count: usize,
    /// Zeros before the gradient's first position.
    lead: isize,
    /// First pixel of the input.
    start: usize,
}

/// A part of the input whose gradient is one correlation.
pub struct Phase {
    pub correlation: Correlation,
    /// For each offset, the index in the kernel that its weight comes from.
    pub kernel: Vec<usize>,
    /// First row and column in the input.
    start: [usize; 2],
}

/// Output(y, x) = sum over channels and offsets of weight × plane(channel; y pitch + x + offset).
pub struct Correlation {
    pub planes: Planes,
    pub offsets: Vec<usize>,
    pub output: [usize; 2],
}

impl Correlation {
    /// Positions from the first output to the last, including those between rows.
    pub fn length(&self) -> usize {
        let [rows, columns] = self.output;
        rows.saturating_sub(1) * self.planes.pitch + columns
    }
}

/// Layout of planes of pixels: padded, split into phases, each phase stored as one long row.
pub struct Planes {
    /// Height and width of the image.
    source: [usize; 2],
    stride: usize,
    /// Zeros above and at the left; negative where the source's first rows and columns are not needed.
    before: [isize; 2],
    rows: usize,
    /// From one row to the next.
    pub pitch: usize,
}

impl Planes {
    fn plane(&self) -> usize {
        self.rows * self.pitch
    }

    /// Values of one channel, all phases together.
    pub fn channel(&self) -> usize {
        self.stride * self.stride * self.plane()
    }

    /// Copies channels `[channels, height, width]` into this layout; `to` is zero beforehand.
    pub fn gather(&self, channels: &[f32], to: &mut [f32]) {
        let [height, width] = self.source;
        for (pixels, blocks) in channels.chunks_exact(height * width).zip(to.chunks_exact_mut(self.channel())) {
            for (phase, plane) in blocks.chunks_exact_mut(self.plane()).enumerate() {
                let (a, b) = (phase / self.stride, phase % self.stride);
                let (above, y) = self.first_covered_pixel(a, self.before[0]);
                let (left, x) = self.first_covered_pixel(b, self.before[1]);
                let lines = pixels.chunks_exact(width).skip(y).step_by(self.stride);
                for (row, line) in plane.chunks_exact_mut(self.pitch).skip(above).zip(lines) {
                    if let (Some(row), Some(line)) = (row.get_mut(left..), line.get(x..)) {
                        self.gather_row(row, line);
                    }
                }
            }
        }
    }

    fn gather_row(&self, row: &mut [f32], line: &[f32]) {
        if self.stride == 1 {
            let count = row.len().min(line.len());
            if let (Some(to), Some(from)) = (row.get_mut(..count), line.get(..count)) {
                to.copy_from_slice(from);
            }
        } else {
            row.iter_mut().zip(line.iter().step_by(self.stride)).for_each(|(to, from)| *to = *from);
        }
    }

    /// The first position of a phase that holds a pixel of the image, and the index of that pixel.
    fn first_covered_pixel(&self, phase: usize, before: isize) -> (usize, usize) {
        let stride = self.stride as isize;
        let at = (before - phase as isize + stride - 1).div_euclid(stride).max(0);
        (at as usize, (at * stride + phase as isize - before) as usize)
    }
}
