use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor, WithDType};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, backend::BackendStorage};
use rayon::prelude::*;

use super::backward_data::backward_data;
use super::backward_weight::backward_weight;
use super::forward::forward;
use super::geometry::{Geometry, Padding};
use crate::bf16::Precision;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::element::{Element, dispatch, slice, sum, vectorized};

/// How a convolution moves over its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dConfig {
    /// Input pixels from one output pixel to the next.
    pub stride: usize,
    /// What lies beyond the edge.
    pub padding: Padding,
    /// How exact the multiplications are, forwards and backwards.
    pub precision: Precision,
}

impl Conv2dConfig {
    /// In full precision.
    pub fn new(stride: usize, padding: Padding) -> Self {
        Self { stride, padding, precision: Precision::Full }
    }
}

impl Default for Conv2dConfig {
    /// Stride 1 without padding, in full precision.
    fn default() -> Self {
        Self::new(1, Padding::Zero(0))
    }
}

/// How a transposed convolution spreads its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvTranspose2dConfig {
    /// Output pixels from one input pixel to the next.
    pub stride: usize,
    /// Pixels cut off each side of the result.
    pub padding: usize,
    /// Pixels added at the bottom and at the right, less than the stride.
    pub output_padding: usize,
    /// How exact the multiplications are, forwards and backwards.
    pub precision: Precision,
}

/// Two-dimensional cross-correlation, as PyTorch's `conv2d`, with the padding folded in.
///
/// # Shapes
/// `x`: N x C x H x W; `weight`: O x C x K x K; `bias`: O; result: N x O x H' x W' with
/// `H' = (H + 2 padding - K) / stride + 1`.
///
/// # Errors
/// When the sizes do not fit each other, for non-square kernels, reflection padding not smaller than the image, and
/// element types other than f32 and f64.
pub fn conv2d(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, config: Conv2dConfig) -> Result<Tensor> {
    let g = Geometry::new(x.dims4()?, weight.dims4()?, config.stride, config.padding, config.precision)?;
    check_bias(bias, g.out_channels)?;
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        None => x.apply_op2(&weight, Convolution(g)),
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Convolution(g)),
    }
}

/// Two-dimensional transposed convolution, as PyTorch's `conv_transpose2d`.
///
/// # Shapes
/// `x`: N x C x H x W; `weight`: C x O x K x K; `bias`: O; result: N x O x H' x W' with
/// `H' = (H - 1) stride - 2 padding + K + output_padding`.
///
/// # Errors
/// When the sizes do not fit each other, when `output_padding` is not less than the stride, and for element types
/// other than f32 and f64.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: ConvTranspose2dConfig,
) -> Result<Tensor> {
    let (batch, channels, height, width) = x.dims4()?;
    let (weight_in, out_channels, kernel, _) = weight.dims4()?;
    if channels != weight_in {
        candle_core::bail!("the weight is for {weight_in} input channels, the input has {channels}");
    }
    if config.output_padding >= config.stride.max(1) {
        candle_core::bail!(
            "output padding {} must be less than the stride {}",
            config.output_padding,
            config.stride
        );
    }
    let size = |len: usize| {
        ((len.max(1) - 1) * config.stride + kernel + config.output_padding)
            .checked_sub(2 * config.padding)
            .filter(|&len| len > 0)
            .ok_or_else(|| candle_core::Error::Msg(format!("padding {} leaves nothing", config.padding)))
    };
    let out = (batch, out_channels, size(height)?, size(width)?);
    let padding = Padding::Zero(config.padding);
    let g = Geometry::new(out, weight.dims4()?, config.stride, padding, config.precision)?;
    if (g.out_height, g.out_width) != (height, width) {
        candle_core::bail!("a transposed convolution of {height} x {width} pixels does not invert");
    }
    check_bias(bias, out_channels)?;
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    match bias {
        None => x.apply_op2(&weight, Transposed(g)),
        Some(bias) => x.apply_op3(&weight, &bias.contiguous()?, Transposed(g)),
    }
}

fn check_bias(bias: Option<&Tensor>, channels: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [channels] => {
            candle_core::bail!("a bias for {channels} channels has shape [{channels}], not {:?}", bias.dims())
        }
        _ => Ok(()),
    }
}

/// The forward pass; differentiable in all operands.
struct Convolution(Geometry);

/// The transposed convolution of the convolution that the geometry describes.
struct Transposed(Geometry);

/// Gradient of a convolution to its input, from (gradient, weight). No gradient of its own.
struct BackwardData(Geometry);

/// Gradient of a convolution to its weight, from (input, gradient). No gradient of its own.
struct BackwardWeight(Geometry);

/// Sum over all axes but the channels: the gradient to a bias.
struct ChannelSum;

fn output_shape(g: &Geometry) -> Shape {
    Shape::from((g.batch, g.out_channels, g.out_height, g.out_width))
}

fn input_shape(g: &Geometry) -> Shape {
    Shape::from((g.batch, g.in_channels, g.height, g.width))
}

fn storage<T: WithDType>(values: Vec<T>, shape: Shape) -> (CpuStorage, Shape) {
    (T::to_cpu_storage_owned(values), shape)
}

impl CustomOp2 for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        dispatch!(s1, "conv2d", T => {
            let (x, w) = (slice::<T>(s1, l1, "conv2d")?, slice::<T>(s2, l2, "conv2d")?);
            Ok(storage(forward(&self.0, x, w, None), output_shape(&self.0)))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let dx = x.track_op().then(|| grad.apply_op2_no_bwd(weight, &BackwardData(self.0))).transpose()?;
        let dw = weight.track_op().then(|| x.apply_op2_no_bwd(&grad, &BackwardWeight(self.0))).transpose()?;
        Ok((dx, dw))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let g = &self.0;
        cuda::dispatch!(s1, "conv2d", T => {
            let (a, b) = (cuda::view::<T>(s1, l1, "conv2d")?, cuda::view::<T>(s2, l2, "conv2d")?);
            let out = cuda::forward(s1.device(), g, &a, &b, None)?;
            Ok(cuda::finish(out, s1, output_shape(g)))
        })
    }
}

impl CustomOp3 for Convolution {
    fn name(&self) -> &'static str {
        "conv2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        dispatch!(s1, "conv2d", T => {
            let (x, w) = (slice::<T>(s1, l1, "conv2d")?, slice::<T>(s2, l2, "conv2d")?);
            let bias = slice::<T>(s3, l3, "conv2d")?;
            Ok(storage(forward(&self.0, x, w, Some(bias)), output_shape(&self.0)))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (dx, dw) = CustomOp2::bwd(self, x, weight, res, &grad)?;
        let db = bias.track_op().then(|| grad.apply_op1_no_bwd(&ChannelSum)).transpose()?;
        Ok((dx, dw, db))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let g = &self.0;
        cuda::dispatch!(s1, "conv2d", T => {
            let (a, b) = (cuda::view::<T>(s1, l1, "conv2d")?, cuda::view::<T>(s2, l2, "conv2d")?);
            let bias = cuda::view::<T>(s3, l3, "conv2d")?;
            let out = cuda::forward(s1.device(), g, &a, &b, Some(&bias))?;
            Ok(cuda::finish(out, s1, output_shape(g)))
        })
    }
}

impl CustomOp2 for Transposed {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        BackwardData(self.0).cpu_fwd(s1, l1, s2, l2)
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        // The transpose of a transpose: the gradient passes through the convolution itself.
        let dx = x.track_op().then(|| grad.apply_op2_no_bwd(weight, &Convolution(self.0))).transpose()?;
        let dw = weight.track_op().then(|| grad.apply_op2_no_bwd(x, &BackwardWeight(self.0))).transpose()?;
        Ok((dx, dw))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        BackwardData(self.0).cuda_fwd(s1, l1, s2, l2)
    }
}

impl CustomOp3 for Transposed {
    fn name(&self) -> &'static str {
        "conv_transpose2d"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let g = &self.0;
        dispatch!(s1, "conv_transpose2d", T => {
            let op = "conv_transpose2d";
            let (x, w) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let bias = slice::<T>(s3, l3, op)?;
            let mut out = backward_data(g, x, w);
            out.par_chunks_mut(g.height * g.width).enumerate().for_each(|(i, plane)| {
                let bias = bias[i % g.in_channels];
                for v in plane {
                    *v += bias;
                }
            });
            Ok(storage(out, input_shape(g)))
        })
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        res: &Tensor,
        grad: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let grad = grad.contiguous()?;
        let (dx, dw) = CustomOp2::bwd(self, x, weight, res, &grad)?;
        let db = bias.track_op().then(|| grad.apply_op1_no_bwd(&ChannelSum)).transpose()?;
        Ok((dx, dw, db))
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
        s3: &CudaStorage,
        l3: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let g = &self.0;
        cuda::dispatch!(s1, "conv_transpose2d", T => {
            let (a, b) = (cuda::view::<T>(s1, l1, "conv_transpose2d")?, cuda::view::<T>(s2, l2, "conv_transpose2d")?);
            let bias = cuda::view::<T>(s3, l3, "conv_transpose2d")?;
            let out = cuda::backward_data(s1.device(), g, &a, &b, Some(&bias))?;
            Ok(cuda::finish(out, s1, input_shape(g)))
        })
    }
}

impl CustomOp2 for BackwardData {
    fn name(&self) -> &'static str {
        "conv2d_backward_data"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        dispatch!(s1, "conv2d_backward_data", T => {
            let op = "conv2d_backward_data";
            let (grad, w) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            Ok(storage(backward_data(&self.0, grad, w), input_shape(&self.0)))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let g = &self.0;
        cuda::dispatch!(s1, "conv2d_backward_data", T => {
            let (a, b) = (cuda::view::<T>(s1, l1, "conv2d_backward_data")?, cuda::view::<T>(s2, l2, "conv2d_backward_data")?);
            let out = cuda::backward_data(s1.device(), g, &a, &b, None)?;
            Ok(cuda::finish(out, s1, input_shape(g)))
        })
    }
}

impl CustomOp2 for BackwardWeight {
    fn name(&self) -> &'static str {
        "conv2d_backward_weight"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let g = &self.0;
        dispatch!(s1, "conv2d_backward_weight", T => {
            let op = "conv2d_backward_weight";
            let (x, grad) = (slice::<T>(s1, l1, op)?, slice::<T>(s2, l2, op)?);
            let shape = Shape::from((g.out_channels, g.in_channels, g.kernel, g.kernel));
            Ok(storage(backward_weight(g, x, grad), shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        let g = &self.0;
        cuda::dispatch!(s1, "conv2d_backward_weight", T => {
            let (a, b) = (cuda::view::<T>(s1, l1, "conv2d_backward_weight")?, cuda::view::<T>(s2, l2, "conv2d_backward_weight")?);
            let out = cuda::backward_weight(s1.device(), g, &a, &b)?;
            Ok(cuda::finish(out, s1, (g.out_channels, g.in_channels, g.kernel, g.kernel)))
        })
    }
}

impl CustomOp1 for ChannelSum {
    fn name(&self) -> &'static str {
        "channel_sum"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, channels, height, width) = l.shape().dims4()?;
        dispatch!(s, "channel_sum", T => {
            let values = slice::<T>(s, l, "channel_sum")?;
            Ok(storage(channel_sums(values, channels, height * width), Shape::from(channels)))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        cuda::channel_sum((s, l))
    }
}

fn channel_sums<T: Element>(values: &[T], channels: usize, plane: usize) -> Vec<T> {
    let sum = |plane: &[T]| {
        vectorized(
            #[inline(always)]
            || sum([plane], |[v]| v),
        )
    };
    let sums: Vec<T> = values.par_chunks(plane).map(sum).collect();
    (0..channels)
        .map(|c| sums.iter().skip(c).step_by(channels).fold(T::default(), |acc, &v| acc + v))
        .collect()
}
