//! The three passes of a convolution. What cuDNN wants otherwise than candle has it is brought into its form before and back
//! after: mirrored padding, and for tensor cores channels last and bfloat16.

use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaView};
use candle_core::{CudaDevice, Result};

use super::channel::add_bias;
use super::dnn::{self, Address, Form, Pass, Problem};
use super::launch::{Launch, Real, address, fresh};
use crate::bf16::Precision;
use crate::conv::{Geometry, Padding};

/// An operand in cuDNN's form.
enum Operand {
    /// As it was.
    There(Address),
    /// A copy, which lives until the work is queued.
    Copy(CudaSlice<u8>),
}

impl Operand {
    fn address(&self, device: &CudaDevice) -> Address {
        match self {
            Self::There(address) => *address,
            Self::Copy(buffer) => address(device, buffer),
        }
    }
}

/// A convolution on its way to cuDNN.
struct Convolution<'a> {
    device: &'a CudaDevice,
    g: &'a Geometry,
    form: Form,
}

impl<'a> Convolution<'a> {
    /// In the form of the precision; what cuDNN cannot do so, such as layers of one channel, is done in full.
    fn new<T: Real>(device: &'a CudaDevice, g: &'a Geometry, pass: Pass) -> Result<Self> {
        let form = match (T::SUFFIX, g.precision) {
            ("f64", _) => Form::F64,
            (_, Precision::Full) => Form::F32,
            (_, Precision::Tf32) => Form::Tf32,
            (_, Precision::Bf16) => Form::Bf16,
        };
        let asked = Self { device, g, form };
        let can = matches!(form, Form::F64 | Form::F32) || dnn::can(device, pass, &asked.problem())?;
        Ok(if can { asked } else { Self { form: Form::F32, ..asked } })
    }

    /// Mirrored pixels on each side, which cuDNN does not know.
    fn mirrored(&self) -> usize {
        match self.g.padding {
            Padding::Reflect(pixels) => pixels,
            Padding::Zero(_) => 0,
        }
    }

    fn problem(&self) -> Problem {
        let g = self.g;
        let mirrored = self.mirrored();
        Problem {
            form: self.form,
            x: [g.batch, g.in_channels, g.height + 2 * mirrored, g.width + 2 * mirrored],
            y: [g.batch, g.out_channels, g.out_height, g.out_width],
            kernel: g.kernel,
            padding: g.padding.pixels() - mirrored,
            stride: g.stride,
        }
    }

    /// What the names of the kernels end in that bring values into a form with channels last.
    fn packed(&self) -> Option<&'static str> {
        match self.form {
            Form::F64 | Form::F32 => None,
            Form::Tf32 => Some("f32"),
            Form::Bf16 => Some("bf16"),
        }
    }

    fn bytes_of_one(&self) -> usize {
        match self.form {
            Form::F64 => 8,
            Form::F32 | Form::Tf32 => 4,
            Form::Bf16 => 2,
        }
    }

    /// Room for so many values in the form.
    fn room(&self, len: usize) -> Result<CudaSlice<u8>> {
        fresh::<u8>(self.device, len * self.bytes_of_one())
    }

    /// Images or kernels (N, C, H, W) in the form, with so many mirrored pixels around them.
    fn in_form<T: Real>(
        &self,
        values: &CudaView<'_, T>,
        [n, c, h, w]: [usize; 4],
        pad: usize,
    ) -> Result<Operand> {
        let (device, pixels) = (self.device, (h + 2 * pad) * (w + 2 * pad));
        match self.packed() {
            None if pad == 0 => Ok(Operand::There(address(device, values))),
            None => {
                let out = self.room(n * c * pixels)?;
                Launch::of::<T>(device, "reflect_pad")
                    .buffer(values)
                    .buffer(&out)
                    .size(n * c * pixels)
                    .int(h)?
                    .int(w)?
                    .int(pad)?
                    .over(n * c * pixels)?;
                Ok(Operand::Copy(out))
            }
            Some(suffix) => {
                let out = self.room(n * c * pixels)?;
                let launch = Launch::named(device, format!("pack_{suffix}"))
                    .buffer(values)
                    .buffer(&out)
                    .int(c)?
                    .int(h)?
                    .int(w)?
                    .int(pad)?;
                launch_over_tiles(launch, pixels, c, n)?;
                Ok(Operand::Copy(out))
            }
        }
    }

    /// Runs a pass whose result is images or kernels (N, C, H, W), has so many mirrored pixels around it that are folded back,
    /// and gets a bias where there is one.
    fn run<T: Real>(
        &self,
        pass: Pass,
        operands: [&Operand; 2],
        [n, c, h, w]: [usize; 4],
        pad: usize,
        bias: Option<&CudaView<'_, T>>,
    ) -> Result<CudaSlice<T>> {
        let device = self.device;
        let out = fresh::<T>(device, n * c * h * w)?;
        let operands = operands.map(|operand| operand.address(device));
        let problem = self.problem();
        let with_border = n * c * (h + 2 * pad) * (w + 2 * pad);
        match self.packed() {
            None if pad == 0 => dnn::run(device, pass, &problem, operands, address(device, &out))?,
            None => {
                let padded = self.room(with_border)?;
                dnn::run(device, pass, &problem, operands, address(device, &padded))?;
                Launch::of::<T>(device, "reflect_fold")
                    .buffer(&padded)
                    .buffer(&out)
                    .size(out.len())
                    .int(h)?
                    .int(w)?
                    .int(pad)?
                    .over(out.len())?;
            }
            Some(suffix) => {
                let packed = self.room(with_border)?;
                dnn::run(device, pass, &problem, operands, address(device, &packed))?;
                let launch = Launch::named(device, format!("unpack_{suffix}"))
                    .buffer(&packed)
                    .maybe(bias)
                    .buffer(&out)
                    .int(c)?
                    .int(h)?
                    .int(w)?
                    .int(pad)?;
                launch_over_tiles(launch, h * w, c, n)?;
                return Ok(out);
            }
        }
        if let Some(bias) = bias {
            add_bias::<T>(device, address(device, &out), address(device, bias), (n, c, h * w))?;
        }
        Ok(out)
    }
}

fn launch_over_tiles(launch: Launch<'_>, pixels: usize, channels: usize, images: usize) -> Result<()> {
    launch.on((pixels.div_ceil(TILE), channels.div_ceil(TILE), images), (TILE as u32, 8, 1))
}

/// Side of the tiles of the layout kernels.
const TILE: usize = 32;

fn input(g: &Geometry) -> [usize; 4] {
    [g.batch, g.in_channels, g.height, g.width]
}

fn output(g: &Geometry) -> [usize; 4] {
    [g.batch, g.out_channels, g.out_height, g.out_width]
}

fn kernels(g: &Geometry) -> [usize; 4] {
    [g.out_channels, g.in_channels, g.kernel, g.kernel]
}

/// The output, from input, weight and bias.
pub(crate) fn forward<T: Real>(
    device: &CudaDevice,
    g: &Geometry,
    x: &CudaView<'_, T>,
    weight: &CudaView<'_, T>,
    bias: Option<&CudaView<'_, T>>,
) -> Result<CudaSlice<T>> {
    let conv = Convolution::new::<T>(device, g, Pass::Forward)?;
    let x = conv.in_form(x, input(g), conv.mirrored())?;
    let weight = conv.in_form(weight, kernels(g), 0)?;
    conv.run(Pass::Forward, [&x, &weight], output(g), 0, bias)
}

/// The gradient to the input, from that to the output and the weight; with a bias, the transposed convolution.
pub(crate) fn backward_data<T: Real>(
    device: &CudaDevice,
    g: &Geometry,
    grad: &CudaView<'_, T>,
    weight: &CudaView<'_, T>,
    bias: Option<&CudaView<'_, T>>,
) -> Result<CudaSlice<T>> {
    let conv = Convolution::new::<T>(device, g, Pass::BackwardData)?;
    let grad = conv.in_form(grad, output(g), 0)?;
    let weight = conv.in_form(weight, kernels(g), 0)?;
    conv.run(Pass::BackwardData, [&grad, &weight], input(g), conv.mirrored(), bias)
}

/// The gradient to the weight, from the input and the gradient to the output.
pub(crate) fn backward_weight<T: Real>(
    device: &CudaDevice,
    g: &Geometry,
    x: &CudaView<'_, T>,
    grad: &CudaView<'_, T>,
) -> Result<CudaSlice<T>> {
    let conv = Convolution::new::<T>(device, g, Pass::BackwardWeight)?;
    let x = conv.in_form(x, input(g), conv.mirrored())?;
    let grad = conv.in_form(grad, output(g), 0)?;
    conv.run(Pass::BackwardWeight, [&x, &grad], kernels(g), 0, None)
}
