//! Every operation at the sizes of the networks. `cargo xtask bench ops` runs this and prints each beside the limit of the machine
//! that it comes up against: the rate of a large matrix product, or that of reading and writing memory.
//!
//! A convolution counts the multiplications and additions of its definition; Winograd's way does a quarter of them, so it may
//! exceed `peak/matmul 1024`. What memory bounds counts the bytes that it must read and write at least. Gradients are those that
//! `backward()` takes, with what candle adds to the kernels.

#![allow(missing_docs)] // of the functions that criterion makes

use candle_core::{DType, Device, Tensor, Var};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mammo_ops::{
    Activation, AdamClock, AdamConfig, AdamEntry, Conv2dConfig, ConvTranspose2dConfig, Padding, Precision,
    adam_update, conv_transpose2d, conv2d, doubled_conv2d, instance_norm, instance_norm_residual, l1_loss,
    leaky_relu, least_squares_loss, nearest_double, tanh,
};
use rand::{Rng, SeedableRng};
use rayon::prelude::*;

fn random(shape: &[usize]) -> Tensor {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

fn peak(c: &mut Criterion) {
    let n = 1024;
    let (a, b) = (random(&[n, n]), random(&[n, n]));
    let mut group = c.benchmark_group("peak");
    group.throughput(Throughput::Elements(2 * (n * n * n) as u64));
    group.bench_function("matmul 1024", |bench| bench.iter(|| a.matmul(&b).expect("a product")));
    let from = vec![1f32; ELEMENTS.iter().product()];
    let mut to = from.clone();
    group.throughput(Throughput::Bytes(8 * from.len() as u64));
    group.bench_function("add one", |bench| {
        bench.iter(|| {
            let chunks = to.par_chunks_mut(from.len() / 16).zip(from.par_chunks(from.len() / 16));
            chunks.for_each(|(to, from)| to.iter_mut().zip(from).for_each(|(to, &from)| *to = from + 1.0));
        });
    });
    group.finish();
}

/// Name, input channels, output channels, side of the input, kernel, stride, padding.
const CONVOLUTIONS: [(&str, usize, usize, usize, usize, usize, Padding); 8] = [
    ("stem 7x7", 1, 32, 256, 7, 1, Padding::Zero(3)),
    ("down 3x3 /2", 32, 64, 256, 3, 2, Padding::Zero(1)),
    ("block 3x3 zero", 128, 128, 64, 3, 1, Padding::Zero(1)),
    ("block 3x3 reflect", 256, 256, 32, 3, 1, Padding::Reflect(1)),
    ("block 3x3 small", 64, 64, 32, 3, 1, Padding::Zero(1)),
    ("head 7x7", 32, 1, 256, 7, 1, Padding::Zero(3)),
    ("patch 4x4 /2", 128, 256, 66, 4, 2, Padding::Zero(2)),
    ("patch 4x4", 256, 512, 34, 4, 1, Padding::Zero(2)),
];

fn convolutions(c: &mut Criterion) {
    for (name, from, to, side, kernel, stride, padding) in CONVOLUTIONS {
        let (x, w) = (random(&[1, from, side, side]), random(&[to, from, kernel, kernel]));
        let config = Conv2dConfig::new(stride, padding);
        let y = conv2d(&x, &w, None, config).expect("a convolution");
        let mut group = c.benchmark_group(format!("conv {name}"));
        group.sample_size(20);
        group.throughput(Throughput::Elements(2 * (y.elem_count() * from * kernel * kernel) as u64));
        group.bench_function("forward", |b| b.iter(|| conv2d(&x, &w, None, config).expect("a convolution")));
        let var = Var::from_tensor(&x).expect("a variable");
        let y = conv2d(&var, &w, None, config).expect("a convolution");
        group.bench_function("gradient to input", |b| b.iter(|| y.backward().expect("gradients")));
        let var = Var::from_tensor(&w).expect("a variable");
        let y = conv2d(&x, &var, None, config).expect("a convolution");
        group.bench_function("gradient to weight", |b| b.iter(|| y.backward().expect("gradients")));
        group.finish();
    }
}

fn transposed(c: &mut Criterion) {
    let (from, to, side) = (128, 64, 64);
    let (x, w) = (random(&[1, from, side, side]), random(&[from, to, 3, 3]));
    let config =
        ConvTranspose2dConfig { stride: 2, padding: 1, output_padding: 1, precision: Precision::Full };
    let run = |x: &Tensor, w: &Tensor| conv_transpose2d(x, w, None, config).expect("a convolution");
    let mut group = c.benchmark_group("transposed conv 3x3 x2");
    group.sample_size(20);
    group.throughput(Throughput::Elements(2 * (from * side * side * to * 9) as u64));
    group.bench_function("forward", |b| b.iter(|| run(&x, &w)));
    let y = run(&Var::from_tensor(&x).expect("a variable"), &w);
    group.bench_function("gradient to input", |b| b.iter(|| y.backward().expect("gradients")));
    let y = run(&x, &Var::from_tensor(&w).expect("a variable"));
    group.bench_function("gradient to weight", |b| b.iter(|| y.backward().expect("gradients")));
    group.finish();
}

/// A doubling with a convolution behind it, in one and in two steps; counted as the convolution of the doubled image.
fn doubled(c: &mut Criterion) {
    let (from, to, side) = (128, 64, 64);
    let x = Var::from_tensor(&random(&[1, from, side, side])).expect("a variable");
    let w = Var::from_tensor(&random(&[to, from, 3, 3])).expect("a variable");
    let config = Conv2dConfig::new(1, Padding::Reflect(1));
    let mut group = c.benchmark_group("nearest x2 + conv 3x3");
    group.sample_size(20);
    group.throughput(Throughput::Elements(2 * (4 * side * side * from * to * 9) as u64));
    let one = || doubled_conv2d(&x, &w, None, config).expect("a convolution");
    let two = || conv2d(&nearest_double(&x).expect("an image"), &w, None, config).expect("a convolution");
    group.bench_function("forward", |b| b.iter(one));
    group.bench_function("forward, in two steps", |b| b.iter(two));
    let (one, two) = (one(), two());
    group.bench_function("gradients", |b| b.iter(|| one.backward().expect("gradients")));
    group.bench_function("gradients, in two steps", |b| b.iter(|| two.backward().expect("gradients")));
    group.finish();
}

/// What memory bounds is measured on a tensor of this shape, two megabytes.
const ELEMENTS: [usize; 4] = [1, 128, 64, 64];

/// Bound by memory: bytes a second. `tensors` is how many of the size must be read or written at least.
fn elementwise(c: &mut Criterion) {
    let x = Var::from_tensor(&random(&ELEMENTS)).expect("a variable");
    let other = Var::from_tensor(&random(&ELEMENTS)).expect("a variable");
    let target = random(&ELEMENTS);
    let channel = |value: f32| Tensor::full(value, 128, &Device::Cpu).expect("numbers of channels");
    let (scale, shift) = (channel(1.0), channel(0.0));
    let affine = Some((&scale, &shift));
    let leaky = Activation::LeakyRelu(0.2);
    let norm = || instance_norm(&x, affine, 1e-5, leaky).expect("a norm");
    let residual = || instance_norm_residual(&x, affine, 1e-5, &other, Activation::Relu).expect("a norm");
    let l1 = || l1_loss(&x, &target).expect("a loss");
    let squares = || least_squares_loss(&x, 1.0).expect("a loss");
    let bend = || leaky_relu(&x, 0.2).expect("an activation");
    let squash = || tanh(&x).expect("an activation");
    let double = || nearest_double(&x).expect("an image");

    let mut group = c.benchmark_group("memory");
    let mut bench = |name: &str, forward: &dyn Fn() -> Tensor, (reads, gradient): (f64, f64)| {
        let bytes = |tensors: f64| Throughput::Bytes((4.0 * tensors * x.elem_count() as f64) as u64);
        group.throughput(bytes(reads));
        group.bench_function(format!("{name}, forward"), |b| b.iter(forward));
        let y = forward();
        group.throughput(bytes(gradient));
        group.bench_function(format!("{name}, gradient"), |b| {
            b.iter(|| y.backward().expect("gradients"));
        });
    };
    bench("instance norm + leaky ReLU", &norm, (2.0, 4.0));
    bench("instance norm + residual + ReLU", &residual, (3.0, 5.0));
    bench("leaky ReLU", &bend, (2.0, 3.0));
    bench("tanh", &squash, (2.0, 3.0));
    bench("nearest x2", &double, (5.0, 5.0));
    bench("L1 loss", &l1, (2.0, 3.0));
    bench("least-squares loss", &squares, (1.0, 2.0));

    let moments = Tensor::zeros((2, x.elem_count()), DType::F32, &Device::Cpu).expect("moments");
    let config = AdamConfig { learning_rate: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };
    group.throughput(Throughput::Bytes(4 * 7 * x.elem_count() as u64));
    group.bench_function("Adam", |b| {
        let entry = AdamEntry { parameter: &x, moments: &moments, gradient: &target };
        let mut clock = AdamClock::new(DType::F32, &Device::Cpu).expect("a clock");
        clock.tick(config).expect("a step");
        b.iter(|| adam_update(&[entry], &clock, config).expect("an update"));
    });
    group.finish();
}

criterion_group!(benches, peak, convolutions, transposed, doubled, elementwise);
criterion_main!(benches);
