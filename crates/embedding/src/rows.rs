//! Vectors that are read row by row.

/// A set of vectors of one length.
pub trait Rows: Sync {
    /// Number of vectors.
    fn count(&self) -> usize;

    /// Length of each.
    fn dims(&self) -> usize;

    /// Writes a vector into `out`, which has [`dims`](Self::dims) values.
    fn write(&self, row: usize, out: &mut [f32]);
}

/// Vectors in memory, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The values of all vectors.
    pub values: Vec<f32>,
    /// Length of each vector.
    pub dims: usize,
}

impl Table {
    /// The vector of a row; empty where there is none.
    pub fn row(&self, row: usize) -> &[f32] {
        self.values.get(row * self.dims..(row + 1) * self.dims).unwrap_or_default()
    }
}

impl Rows for Table {
    fn count(&self) -> usize {
        self.values.len() / self.dims.max(1)
    }

    fn dims(&self) -> usize {
        self.dims
    }

    fn write(&self, row: usize, out: &mut [f32]) {
        out.iter_mut().zip(self.row(row)).for_each(|(out, value)| *out = *value);
    }
}

impl Rows for Vec<Vec<f32>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn dims(&self) -> usize {
        self.first().map_or(0, Vec::len)
    }

    fn write(&self, row: usize, out: &mut [f32]) {
        out.iter_mut().zip(self.get(row).into_iter().flatten()).for_each(|(out, value)| *out = *value);
    }
}
