//! Convolution and transposed convolution, which is the gradient of a convolution run forwards.
//!
//! Three passes (`forward`, `backward_data`, `backward_weight`) work on plain slices; `op` makes candle operations
//! of them. Each pass cuts its output into tiles of rows, gathers the input window of a tile as a column matrix
//! small enough for the second-level cache, and multiplies. No pass holds the column matrix of a whole image.
//! Convolutions of stride one with kernels of 3 x 3 or 4 x 4 and channels enough take the shorter way of `winograd`.

mod backward_data;
mod backward_weight;
mod forward;
mod geometry;
mod op;
mod window;
mod winograd;

#[cfg(feature = "cuda")]
pub(crate) use geometry::Geometry;
pub use geometry::Padding;
pub use op::{Conv2dConfig, ConvTranspose2dConfig, conv_transpose2d, conv2d};

#[cfg(test)]
mod tests;
