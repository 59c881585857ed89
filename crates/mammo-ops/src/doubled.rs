#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, WithDType};

use crate::conv::{Conv2dConfig, ConvTranspose2dConfig, Padding, conv_transpose2d, conv2d};
#[cfg(feature = "cuda")]
use crate::cuda::{Change, change};
use crate::element::{Element, dispatch, slice};
use crate::nearest_double;

/// A convolution of an image whose sides were doubled, each pixel becoming four: `conv2d(nearest_double(x), ...)` without the
/// doubled image. For 3 x 3 kernels of stride 1 and padding 1 it takes 16 multiplications for each pixel of `x` instead of 36, and
/// neither the doubled image nor its gradient is ever held; other kernels take the two steps.
///
/// Behind a doubling, neighbouring taps of a kernel meet the same pixel and may be added first. The four phases of the result
/// have kernels of 2 x 2 then, which together are a transposed convolution of stride 2 with a kernel of 4 x 4.
///
/// # Shapes
/// `x`: N x C x H x W; `weight`: O x C x K x K; `bias`: O; result of 3 x 3 kernels with padding 1: N x O x 2H x 2W.
///
/// # Errors
/// As [`conv2d`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mammo_ops::{Conv2dConfig, Padding, conv2d, doubled_conv2d, nearest_double};
/// let x = Tensor::rand(-1f32, 1.0, (1, 2, 5, 4), &Device::Cpu)?;
/// let weight = Tensor::rand(-1f32, 1.0, (3, 2, 3, 3), &Device::Cpu)?;
/// let config = Conv2dConfig::new(1, Padding::Zero(1));
/// let fused = doubled_conv2d(&x, &weight, None, config)?;
/// let apart = (conv2d(&nearest_double(&x)?, &weight, None, config)? - &fused)?.abs()?.max_all()?;
/// assert!(apart.to_scalar::<f32>()? < 1e-5);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn doubled_conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    config: Conv2dConfig,
) -> Result<Tensor> {
    let (_, _, height, width) = weight.dims4()?;
    let pixels = config.padding.pixels();
    if (height, width, config.stride, pixels) != (3, 3, 1, 1) {
        return conv2d(&nearest_double(x)?, weight, bias, config);
    }
    let kernel = weight.contiguous()?.apply_op1(Widen)?;
    let transposed = |padding| ConvTranspose2dConfig {
        stride: 2,
        padding,
        output_padding: 0,
        precision: config.precision,
    };
    match config.padding {
        Padding::Zero(_) => conv_transpose2d(x, &kernel, bias, transposed(1)),
        // The mirror image of a doubled pixel beside the edge is its twin, which is the pixel at the edge.
        Padding::Reflect(_) => {
            conv_transpose2d(&x.contiguous()?.apply_op1(Fringe)?, &kernel, bias, transposed(3))
        }
    }
}

/// An image with its outermost pixels repeated once around it: N x C x H x W to N x C x (H + 2) x (W + 2).
struct Fringe;

/// The gradient of [`Fringe`].
struct FringeFolded;

/// The pixel of an image of `len` that stands at `i` of the fringed image.
fn inner(i: usize, len: usize) -> usize {
    i.saturating_sub(1).min(len - 1)
}

fn fringe<T: Element>(x: &[T], (height, width): (usize, usize)) -> Vec<T> {
    let planes = x.chunks_exact(height * width);
    let mut out = Vec::with_capacity(planes.len() * (height + 2) * (width + 2));
    for plane in planes {
        for y in 0..height + 2 {
            let row = &plane[inner(y, height) * width..][..width];
            out.push(row[0]);
            out.extend_from_slice(row);
            out.push(row[width - 1]);
        }
    }
    out
}

fn fold_fringe<T: Element>(grad: &[T], (height, width): (usize, usize)) -> Vec<T> {
    let planes = grad.chunks_exact((height + 2) * (width + 2));
    let mut out = vec![T::default(); planes.len() * height * width];
    for (out, plane) in out.chunks_exact_mut(height * width).zip(planes) {
        for (y, line) in plane.chunks_exact(width + 2).enumerate() {
            let row = &mut out[inner(y, height) * width..][..width];
            for (o, &v) in row.iter_mut().zip(&line[1..]) {
                *o += v;
            }
            row[0] += line[0];
            row[width - 1] += line[width + 1];
        }
    }
    out
}

impl CustomOp1 for Fringe {
    fn name(&self) -> &'static str {
        "fringe"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        if h == 0 || w == 0 {
            candle_core::bail!("an image of {h} x {w} pixels has no edge to mirror at");
        }
        dispatch!(s, "fringe", T => {
            let out = fringe(slice::<T>(s, l, "fringe")?, (h, w));
            Ok((T::to_cpu_storage_owned(out), (n, c, h + 2, w + 2).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        change(&Change { kernel: self.name(), shape: (n, c, h + 2, w + 2), sizes: (h, w) }, (s, l))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        x.track_op().then(|| grad.contiguous()?.apply_op1_no_bwd(&FringeFolded)).transpose()
    }
}

impl CustomOp1 for FringeFolded {
    fn name(&self) -> &'static str {
        "fringe_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        dispatch!(s, "fringe_backward", T => {
            let out = fold_fringe(slice::<T>(s, l, "fringe_backward")?, (h - 2, w - 2));
            Ok((T::to_cpu_storage_owned(out), (n, c, h - 2, w - 2).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (n, c, h, w) = l.shape().dims4()?;
        change(&Change { kernel: self.name(), shape: (n, c, h - 2, w - 2), sizes: (h - 2, w - 2) }, (s, l))
    }
}

/// Which taps of the 3 x 3 kernel, along one axis, a tap of the 4 x 4 kernel is the sum of: output pixel `2 i - 1 + tap` sees
/// input pixel `i` through them.
const SUMS: [&[usize]; 4] = [&[2], &[1, 2], &[0, 1], &[0]];

/// Kernels (O, C, 3, 3) to the kernels (C, O, 4, 4) of the transposed convolution.
struct Widen;

/// The gradient of [`Widen`].
struct Narrow;

fn widen<T: Element>(weight: &[T], (out_channels, channels): (usize, usize)) -> Vec<T> {
    let mut wide = vec![T::default(); weight.len() / 9 * 16];
    for (i, taps) in weight.as_chunks::<9>().0.iter().enumerate() {
        let (o, c) = (i / channels, i % channels);
        let wide = &mut wide[(c * out_channels + o) * 16..][..16];
        for (y, rows) in SUMS.iter().enumerate() {
            for (x, columns) in SUMS.iter().enumerate() {
                for &row in *rows {
                    for &column in *columns {
                        wide[y * 4 + x] += taps[row * 3 + column];
                    }
                }
            }
        }
    }
    wide
}

fn narrow<T: Element>(wide: &[T], (channels, out_channels): (usize, usize)) -> Vec<T> {
    let mut weight = vec![T::default(); wide.len() / 16 * 9];
    for (i, wide) in wide.as_chunks::<16>().0.iter().enumerate() {
        let (c, o) = (i / out_channels, i % out_channels);
        let taps = &mut weight[(o * channels + c) * 9..][..9];
        for (y, rows) in SUMS.iter().enumerate() {
            for (x, columns) in SUMS.iter().enumerate() {
                for &row in *rows {
                    for &column in *columns {
                        taps[row * 3 + column] += wide[y * 4 + x];
                    }
                }
            }
        }
    }
    weight
}

impl CustomOp1 for Widen {
    fn name(&self) -> &'static str {
        "doubled_kernel"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (o, c, _, _) = l.shape().dims4()?;
        dispatch!(s, "doubled_kernel", T => {
            let wide = widen(slice::<T>(s, l, "doubled_kernel")?, (o, c));
            Ok((T::to_cpu_storage_owned(wide), (c, o, 4, 4).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (o, c, _, _) = l.shape().dims4()?;
        change(&Change { kernel: self.name(), shape: (c, o, 4, 4), sizes: (o, c) }, (s, l))
    }

    fn bwd(&self, weight: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        weight.track_op().then(|| grad.contiguous()?.apply_op1_no_bwd(&Narrow)).transpose()
    }
}

impl CustomOp1 for Narrow {
    fn name(&self) -> &'static str {
        "doubled_kernel_backward"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> Result<(CpuStorage, Shape)> {
        let (c, o, _, _) = l.shape().dims4()?;
        dispatch!(s, "doubled_kernel_backward", T => {
            let weight = narrow(slice::<T>(s, l, "doubled_kernel_backward")?, (c, o));
            Ok((T::to_cpu_storage_owned(weight), (o, c, 3, 3).into()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> Result<(CudaStorage, Shape)> {
        let (c, o, _, _) = l.shape().dims4()?;
        change(&Change { kernel: self.name(), shape: (o, c, 3, 3), sizes: (o, c) }, (s, l))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};
    use proptest::prelude::*;
    use rand::{Rng, SeedableRng};

    fn random(rng: &mut impl Rng, shape: &[usize]) -> Var {
        let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
        Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu).unwrap()).unwrap()
    }

    proptest! {
        /// Value and all gradients are those of the two steps, also where the kernel is another.
        #[test]
        fn it_is_the_doubling_and_the_convolution(
            n in 1usize..3, c in 1usize..12, o in 1usize..12, h in 1usize..8, w in 1usize..8,
            kernel in 1usize..4, reflect in any::<bool>(), seed in any::<u64>(),
        ) {
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let pad = kernel / 2;
            let padding = if reflect { Padding::Reflect(pad) } else { Padding::Zero(pad) };
            let config = Conv2dConfig::new(1, padding);
            let (x, weight, bias) =
                (random(&mut rng, &[n, c, h, w]), random(&mut rng, &[o, c, kernel, kernel]), random(&mut rng, &[o]));
            let run = |fused: bool| {
                let y = if fused {
                    doubled_conv2d(&x, &weight, Some(&bias), config).unwrap()
                } else {
                    conv2d(&nearest_double(&x).unwrap(), &weight, Some(&bias), config).unwrap()
                };
                let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
                let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
                let mut all = flat(&y);
                for var in [&x, &weight, &bias] {
                    all.extend(flat(grads.get(var.as_tensor()).unwrap()));
                }
                all
            };
            let (fused, apart) = (run(true), run(false));
            prop_assert_eq!(fused.len(), apart.len());
            for (a, b) in fused.iter().zip(&apart) {
                prop_assert!((a - b).abs() < 1e-9 * b.abs().max(1.0), "{} against {}", a, b);
            }
        }
    }
}
