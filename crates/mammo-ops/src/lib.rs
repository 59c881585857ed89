//! Differentiable convolution, instance normalisation, activations and losses for candle, on the CPU and, with the feature `cuda`,
//! on NVIDIA GPUs.
//!
//! candle's own layers are right in most places but slow to train with (its convolution backward unfolds whole
//! column matrices, its composed instance norm takes ten nodes) and its sub-gradients at zero differ from
//! PyTorch's, which matters for flat black backgrounds. Every function here takes and returns [`candle_core::Tensor`]s
//! in `N x C x H x W` layout, in `f32` or `f64`, and takes part in `backward()`.
//!
//! Gradients that nobody asked for are not computed: an operand that does not lead to a variable costs nothing.
//! Results do not depend on the number of threads: work is cut by shape alone and summed in a fixed order.
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use mammo_ops::{Activation, Conv2dConfig, Padding, conv2d, instance_norm, l1_loss};
//!
//! let x = Tensor::ones((1, 1, 8, 8), candle_core::DType::F32, &Device::Cpu)?;
//! let weight = Var::from_tensor(&Tensor::full(0.1f32, (4, 1, 3, 3), &Device::Cpu)?)?;
//! let config = Conv2dConfig::new(2, Padding::Reflect(1));
//! let y = conv2d(&x, &weight, None, config)?;
//! assert_eq!(y.dims(), [1, 4, 4, 4]);
//! let y = instance_norm(&y, None, 1e-5, Activation::Relu)?;
//! let gradients = l1_loss(&y, &y.ones_like()?)?.backward()?;
//! assert_eq!(gradients.get(&weight).unwrap().dims(), [4, 1, 3, 3]);
//! # Ok::<(), candle_core::Error>(())
//! ```

// Backward passes end the graph on purpose: gradients of gradients are not taken.
#![allow(clippy::disallowed_methods)]
// What a vectorised loop calls must be inlined into it, or it is compiled without the vector instructions.
#![allow(clippy::inline_always)]
// Index arithmetic over several slices at once is what kernels are made of.
#![allow(clippy::needless_range_loop)]

mod activation;
mod adam;
mod bf16;
mod blur;
mod conv;
#[cfg(feature = "cuda")]
mod cuda;
mod device;
mod doubled;
mod element;
mod ema;
mod loss;
mod norm;
mod product;
mod replay;
mod residual;
mod resize;
mod scratch;

pub use activation::{Activation, add_relu, leaky_relu, relu, tanh, tanh_sum};
pub use adam::{AdamClock, AdamConfig, AdamEntry, adam_update};
pub use bf16::{Precision, UnknownPrecision};
pub use blur::blur_double;
pub use conv::{Conv2dConfig, ConvTranspose2dConfig, Padding, conv_transpose2d, conv2d};
pub use device::{DeviceChoice, DeviceError, gpu_memory};
pub use doubled::doubled_conv2d;
pub use ema::{Followed, follow};
pub use loss::{hinge_loss, l1_loss, least_squares_loss, logistic_loss};
pub use norm::instance_norm;
pub use replay::Replay;
pub use residual::instance_norm_residual;
pub use resize::nearest_double;
