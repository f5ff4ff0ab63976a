//! Points on a plane from vectors: principal components and t-SNE.
