//! Every operation at the sizes of the networks, in floating-point operations a second beside the matrix product's.
//!
//! `cargo bench -p mammo-ops`. Criterion prints "Gelem/s": read it as GFLOP/s, where a convolution counts the
//! multiplications and additions of its definition. Winograd's way does a quarter of them, so it may exceed the peak
//! that `peak/matmul 1024` shows.

#![allow(missing_docs)] // of the functions that criterion makes

use candle_core::{DType, Device, Tensor, Var};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mammo_ops::{
    Activation, Conv2dConfig, ConvTranspose2dConfig, Padding, Precision, conv_transpose2d, conv2d,
    instance_norm, l1_loss,
};
use rand::{Rng, SeedableRng};

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
    let mut group = c.benchmark_group("transposed conv 3x3 x2");
    group.sample_size(20);
    group.throughput(Throughput::Elements(2 * (from * side * side * to * 9) as u64));
    group.bench_function("forward", |b| {
        b.iter(|| conv_transpose2d(&x, &w, None, config).expect("a convolution"));
    });
    group.finish();
}

/// Bound by memory: elements a second, not operations.
fn elementwise(c: &mut Criterion) {
    let shape = [1, 128, 64, 64];
    let x = Var::from_tensor(&random(&shape)).expect("a variable");
    let (scale, shift) =
        (Tensor::ones(128, DType::F32, &Device::Cpu), Tensor::zeros(128, DType::F32, &Device::Cpu));
    let (scale, shift) = (scale.expect("ones"), shift.expect("zeros"));
    let norm =
        || instance_norm(&x, Some((&scale, &shift)), 1e-5, Activation::LeakyRelu(0.2)).expect("a norm");
    let mut group = c.benchmark_group("elements");
    group.throughput(Throughput::Elements(x.elem_count() as u64));
    group.bench_function("instance norm + leaky ReLU, forward", |b| b.iter(norm));
    let y = norm();
    group.bench_function("instance norm + leaky ReLU, gradient", |b| {
        b.iter(|| y.backward().expect("gradients"));
    });
    let target = random(&shape);
    group.bench_function("L1 loss, forward", |b| b.iter(|| l1_loss(&x, &target).expect("a loss")));
    group.finish();
}

criterion_group!(benches, peak, convolutions, transposed, elementwise);
criterion_main!(benches);
