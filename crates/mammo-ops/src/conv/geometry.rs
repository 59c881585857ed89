use candle_core::{Result, bail};
use std::borrow::Cow;

use crate::bf16::Precision;
use crate::element::Element;

/// What lies beyond the edge of an image, on all four sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// So many pixels of zero.
    Zero(usize),
    /// So many pixels mirrored about the edge pixel, which is not repeated (PyTorch's `ReflectionPad2d`).
    Reflect(usize),
}

impl Padding {
    pub(crate) fn pixels(self) -> usize {
        match self {
            Self::Zero(p) | Self::Reflect(p) => p,
        }
    }

    /// Row `y` of the padded `plane` (height, width), from the left edge of the padding on, as far as `line` reaches;
    /// zeros beyond the padding.
    pub(super) fn line<T: Element>(self, plane: &[T], size: (usize, usize), y: usize, line: &mut [T]) {
        let (height, width) = size;
        let pad = self.pixels();
        let source_y = match self {
            Self::Zero(_) => y.checked_sub(pad).filter(|&y| y < height),
            Self::Reflect(_) => (y < height + 2 * pad).then(|| reflect(y, pad, height)),
        };
        let Some(source_y) = source_y else { return line.fill(T::default()) };
        let source = &plane[source_y * width..][..width];
        let inside = width.min(line.len().saturating_sub(pad));
        let (left, rest) = line.split_at_mut(pad.min(line.len()));
        let (middle, right) = rest.split_at_mut(inside);
        middle.copy_from_slice(&source[..inside]);
        match self {
            Self::Zero(_) => {
                left.fill(T::default());
                right.fill(T::default());
            }
            Self::Reflect(_) => {
                for (x, v) in left.iter_mut().enumerate() {
                    *v = source[reflect(x, pad, width)];
                }
                for (x, v) in right.iter_mut().enumerate() {
                    *v = if x < pad { source[reflect(pad + width + x, pad, width)] } else { T::default() };
                }
            }
        }
    }
}

/// The sizes of one convolution from `in_channels x height x width` to `out_channels x out_height x out_width`
/// with a square kernel. A transposed convolution is described by the convolution whose gradient it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub(crate) batch: usize,
    pub(crate) in_channels: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) out_channels: usize,
    pub(crate) out_height: usize,
    pub(crate) out_width: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) padding: Padding,
    pub(crate) precision: Precision,
}

impl Geometry {
    /// Sizes of the convolution of `x` (N, C, H, W) with `weight` (O, C, K, K).
    pub(crate) fn new(
        x: (usize, usize, usize, usize),
        weight: (usize, usize, usize, usize),
        stride: usize,
        padding: Padding,
        precision: Precision,
    ) -> Result<Self> {
        let (batch, in_channels, height, width) = x;
        let (out_channels, weight_in, kernel, kernel_x) = weight;
        let pad = padding.pixels();
        if kernel != kernel_x || kernel == 0 {
            bail!("convolution kernels are square and not empty, got {kernel} x {kernel_x}");
        }
        if in_channels != weight_in {
            bail!("the weight is for {weight_in} input channels, the input has {in_channels}");
        }
        if stride == 0 {
            bail!("the stride of a convolution is at least 1");
        }
        if matches!(padding, Padding::Reflect(_)) && (pad >= height || pad >= width) {
            bail!(
                "reflection padding of {pad} needs an image of more than {pad} pixels each way, got {height} x {width}"
            );
        }
        if height + 2 * pad < kernel || width + 2 * pad < kernel {
            bail!("a {kernel} x {kernel} kernel does not fit {height} x {width} pixels with padding {pad}");
        }
        Ok(Self {
            batch,
            in_channels,
            height,
            width,
            out_channels,
            out_height: (height + 2 * pad - kernel) / stride + 1,
            out_width: (width + 2 * pad - kernel) / stride + 1,
            kernel,
            stride,
            padding,
            precision,
        })
    }

    pub(crate) fn padded_height(&self) -> usize {
        self.height + 2 * self.padding.pixels()
    }

    pub(crate) fn padded_width(&self) -> usize {
        self.width + 2 * self.padding.pixels()
    }

    /// Values of one input image.
    pub(crate) fn input_len(&self) -> usize {
        self.in_channels * self.height * self.width
    }

    /// Values of one output image.
    pub(crate) fn output_len(&self) -> usize {
        self.out_channels * self.out_height * self.out_width
    }

    /// Rows of the column matrix: input values that meet one output value.
    pub(crate) fn depth(&self) -> usize {
        self.in_channels * self.kernel * self.kernel
    }

    /// One input image with its padding.
    pub(crate) fn pad<'a, T: Element>(&self, image: &'a [T]) -> Cow<'a, [T]> {
        let pad = self.padding.pixels();
        if pad == 0 {
            return Cow::Borrowed(image);
        }
        let (hp, wp) = (self.padded_height(), self.padded_width());
        let mut out = vec![T::default(); self.in_channels * hp * wp];
        for c in 0..self.in_channels {
            let plane = &image[c * self.height * self.width..][..self.height * self.width];
            for y in 0..hp {
                let source_y = match self.padding {
                    Padding::Zero(_) if y < pad || y >= pad + self.height => continue,
                    Padding::Zero(_) => y - pad,
                    Padding::Reflect(_) => reflect(y, pad, self.height),
                };
                let source = &plane[source_y * self.width..][..self.width];
                let target = &mut out[(c * hp + y) * wp..][..wp];
                target[pad..pad + self.width].copy_from_slice(source);
                if matches!(self.padding, Padding::Reflect(_)) {
                    for x in (0..pad).chain(pad + self.width..wp) {
                        target[x] = source[reflect(x, pad, self.width)];
                    }
                }
            }
        }
        Cow::Owned(out)
    }

    /// The transpose of [`Self::pad`] for reflection: adds the gradient of the border to the pixels it mirrors.
    pub(crate) fn fold_reflection<T: Element>(&self, padded: &[T], out: &mut [T]) {
        let pad = self.padding.pixels();
        let (hp, wp) = (self.padded_height(), self.padded_width());
        for (source, target) in
            padded.chunks_exact(hp * wp).zip(out.chunks_exact_mut(self.height * self.width))
        {
            for y in 0..hp {
                let row = &mut target[reflect(y, pad, self.height) * self.width..][..self.width];
                for (x, &value) in source[y * wp..][..wp].iter().enumerate() {
                    row[reflect(x, pad, self.width)] += value;
                }
            }
        }
    }
}

/// The pixel that position `i` of the padded axis mirrors; `len > pad`.
fn reflect(i: usize, pad: usize, len: usize) -> usize {
    if i < pad {
        pad - i
    } else if i - pad < len {
        i - pad
    } else {
        2 * (len - 1) - (i - pad)
    }
}
