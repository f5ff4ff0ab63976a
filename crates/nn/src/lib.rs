//! What networks are made of and trained with: layers under PyTorch's names, weights in and out, differences between two
//! sets of weights, gradients, AdamW and the exponential moving average of the weights.

pub mod delta;
pub mod ema;
pub mod failure;
pub mod gradients;
pub mod layers;
pub mod optimizer;
pub mod parameters;
pub mod sample;
pub mod selection;
pub mod splitter;
#[cfg(test)]
mod test_network;
pub mod weights;

pub use sample::SampleShape;
pub use selection::ParameterSelection;
