//! Every pass against a plain double loop and against central differences, over random shapes.
use candle_core::{DType, Device, Result, Tensor, Var};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};

use super::{Conv2dConfig, ConvTranspose2dConfig, Padding, conv_transpose2d, conv2d};
use crate::Precision;

fn random(seed: u64, shape: &[usize]) -> Tensor {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(t: &Tensor) -> Vec<f64> {
    t.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The definition, one output value at a time.
fn naive(x: &Tensor, w: &Tensor, bias: &Tensor, config: Conv2dConfig) -> Vec<f64> {
    let ((n, c, h, wd), (o, _, k, _)) = (x.dims4().unwrap(), w.dims4().unwrap());
    let (xs, ws, bs) = (values(x), values(w), values(bias));
    let pad = config.padding.pixels() as isize;
    let at = |b: usize, c_: usize, y: isize, x: isize| -> f64 {
        let mirror = |i: isize, len: isize| {
            if i < 0 {
                -i
            } else if i >= len {
                2 * (len - 1) - i
            } else {
                i
            }
        };
        let (y, x) = match config.padding {
            Padding::Reflect(_) => (mirror(y, h as isize), mirror(x, wd as isize)),
            Padding::Zero(_) => (y, x),
        };
        if y < 0 || x < 0 || y >= h as isize || x >= wd as isize {
            return 0.0;
        }
        xs[((b * c + c_) * h + y as usize) * wd + x as usize]
    };
    let size = |len: usize| (len + 2 * pad as usize - k) / config.stride + 1;
    let mut out = Vec::new();
    for b in 0..n {
        for o_ in 0..o {
            for y in 0..size(h) {
                for x in 0..size(wd) {
                    let mut sum = bs[o_];
                    for c_ in 0..c {
                        for ky in 0..k {
                            for kx in 0..k {
                                let iy = (y * config.stride + ky) as isize - pad;
                                let ix = (x * config.stride + kx) as isize - pad;
                                sum += ws[((o_ * c + c_) * k + ky) * k + kx] * at(b, c_, iy, ix);
                            }
                        }
                    }
                    out.push(sum);
                }
            }
        }
    }
    out
}

/// The gradient of `sum(f(x) * direction)` against central differences at a few entries.
fn check_gradient(f: impl Fn(&Tensor) -> Result<Tensor>, at: &Tensor, seed: u64) {
    let var = Var::from_tensor(at).unwrap();
    let out = f(var.as_tensor()).unwrap();
    let direction = random(seed, out.dims());
    let loss = |out: &Tensor| (out * &direction).unwrap().sum_all().unwrap();
    let grads = loss(&out).backward().unwrap();
    let gradient = values(grads.get(var.as_tensor()).unwrap());
    let base = values(at);
    for i in (0..base.len()).step_by((base.len() / 7).max(1)) {
        let shifted = |delta: f64| {
            let mut moved = base.clone();
            moved[i] += delta;
            let moved = Tensor::from_vec(moved, at.dims(), &Device::Cpu).unwrap();
            loss(&f(&moved).unwrap()).to_scalar::<f64>().unwrap()
        };
        let numeric = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
        assert!((numeric - gradient[i]).abs() < 1e-6, "entry {i}: {numeric} against {}", gradient[i]);
    }
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < tolerance, "entry {i}: {a} against {b}");
    }
}

#[derive(Debug, Clone)]
struct Case {
    n: usize,
    c: usize,
    o: usize,
    h: usize,
    w: usize,
    k: usize,
    stride: usize,
    pad: usize,
    reflect: bool,
    seed: u64,
}

/// Convolutions that go through Winograd's tiles: stride 1, eight channels or more, 3 x 3 and 4 x 4.
fn tiled_cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..3, 8usize..20, 8usize..20, 4usize..14, 4usize..40);
    (sizes, 3usize..5, 0usize..4, any::<bool>(), any::<u64>()).prop_map(
        |((n, c, o, h, w), k, pad, reflect, seed)| {
            let pad = pad.min(k - 1);
            Case { n, c, o, h, w, k, stride: 1, pad, reflect, seed }
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..3, 1usize..4, 1usize..5, 4usize..12, 4usize..12);
    (sizes, 1usize..5, 1usize..4, 0usize..4, any::<bool>(), any::<u64>()).prop_map(
        |((n, c, o, h, w), k, stride, pad, reflect, seed)| Case {
            n,
            c,
            o,
            h,
            w,
            k,
            stride,
            pad,
            reflect,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn convolution_is_its_definition(case in prop_oneof![3 => cases(), 1 => tiled_cases()]) {
        let Case { n, c, o, h, w, k, stride, pad, reflect, seed } = case;
        let padding = if reflect { Padding::Reflect(pad) } else { Padding::Zero(pad) };
        let config = Conv2dConfig::new(stride, padding);
        let (x, weight) = (random(seed, &[n, c, h, w]), random(seed ^ 1, &[o, c, k, k]));
        let bias = random(seed ^ 2, &[o]);
        let y = conv2d(&x, &weight, Some(&bias), config).unwrap();
        assert_close(&values(&y), &naive(&x, &weight, &bias, config), 1e-12);
        check_gradient(|x| conv2d(x, &weight, Some(&bias), config), &x, seed ^ 3);
        check_gradient(|weight| conv2d(&x, weight, Some(&bias), config), &weight, seed ^ 4);
        check_gradient(|bias| conv2d(&x, &weight, Some(bias), config), &bias, seed ^ 5);
    }

    #[test]
    fn transposed_convolution_is_the_adjoint(case in cases()) {
        // <conv(x), y> = <x, conv_transpose(y)> defines the transpose.
        let Case { n, c, o, h, w, k, stride, pad, seed, .. } = case;
        prop_assume!(pad < k && h + 2 * pad >= k && w + 2 * pad >= k);
        let output_padding = (h + 2 * pad - k) % stride;
        prop_assume!(output_padding == (w + 2 * pad - k) % stride);
        let x = random(seed, &[n, c, h, w]);
        let weight = random(seed ^ 1, &[o, c, k, k]);
        let forward = conv2d(&x, &weight, None, Conv2dConfig::new(stride, Padding::Zero(pad))).unwrap();
        let y = random(seed ^ 2, forward.dims());
        let config = ConvTranspose2dConfig { stride, padding: pad, output_padding, precision: Precision::Full };
        let back = conv_transpose2d(&y, &weight, None, config).unwrap();
        let dot = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap();
        prop_assert!((dot(&forward, &y) - dot(&x, &back)).abs() < 1e-9);
        let bias = random(seed ^ 3, &[c]);
        check_gradient(|y| conv_transpose2d(y, &weight, Some(&bias), config), &y, seed ^ 4);
        check_gradient(|weight| conv_transpose2d(&y, weight, Some(&bias), config), &weight, seed ^ 5);
        check_gradient(|bias| conv_transpose2d(&y, &weight, Some(bias), config), &bias, seed ^ 6);
    }
}

#[test]
fn sizes_of_the_networks_agree_with_the_definition_in_f32() {
    for (c, o, size, k, stride, padding) in [
        (1, 16, 40, 7, 1, Padding::Zero(3)),
        (16, 1, 40, 7, 1, Padding::Reflect(3)),
        (16, 32, 40, 3, 2, Padding::Zero(1)),
        (24, 24, 32, 3, 1, Padding::Reflect(1)),
        (8, 16, 33, 4, 2, Padding::Zero(2)),
        (16, 1, 9, 4, 1, Padding::Zero(2)),
    ] {
        let (x, w) = (random(1, &[1, c, size, size]), random(2, &[o, c, k, k]));
        let bias = random(3, &[o]);
        let config = Conv2dConfig::new(stride, padding);
        let y = conv2d(
            &x.to_dtype(DType::F32).unwrap(),
            &w.to_dtype(DType::F32).unwrap(),
            Some(&bias.to_dtype(DType::F32).unwrap()),
            config,
        );
        assert_close(&values(&y.unwrap()), &naive(&x, &w, &bias, config), 2e-4);
    }
}

/// The rounding of the transforms, relative to the size of the result.
#[test]
fn error_stays_near_rounding() {
    for (k, channels) in [(3, 64), (3, 128), (4, 128)] {
        let (x, w) = (random(1, &[1, channels, 24, 24]), random(2, &[channels, channels, k, k]));
        let config = Conv2dConfig::new(1, Padding::Zero(1));
        let single = |t: &Tensor| t.to_dtype(DType::F32).unwrap();
        let exact = values(&conv2d(&x, &w, None, config).unwrap());
        let ours = values(&conv2d(&single(&x), &single(&w), None, config).unwrap());
        let square = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>();
        let error = square(&mut exact.iter().zip(&ours).map(|(a, b)| a - b));
        let relative = (error / square(&mut exact.iter().copied())).sqrt();
        assert!(relative < 1.5e-6, "{k} x {k}, {channels} channels: {relative:e}");
    }
}

/// What rounding to bfloat16 does to a convolution and its gradients, relative to their size: two thousandths where the factors
/// themselves are rounded, fifteen where Winograd's transforms of them are.
#[test]
fn rounded_factors_are_off_by_no_more_than_their_rounding() {
    let relative = |ours: &[f64], exact: &[f64]| {
        let square = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>();
        let error = square(&mut exact.iter().zip(ours).map(|(a, b)| a - b));
        (error / square(&mut exact.iter().copied())).sqrt()
    };
    for (k, stride, limit) in [(3, 1, 2e-2), (4, 1, 2e-2), (3, 2, 4e-3), (4, 2, 4e-3), (7, 1, 4e-3)] {
        let (x, w) = (random(1, &[2, 16, 24, 20]), random(2, &[24, 16, k, k]));
        let results = |dtype: DType, precision: Precision| {
            let [x, w] = [&x, &w].map(|t| Var::from_tensor(&t.to_dtype(dtype).unwrap()).unwrap());
            let config = Conv2dConfig { precision, ..Conv2dConfig::new(stride, Padding::Zero(1)) };
            let y = conv2d(&x, &w, None, config).unwrap();
            let to = random(3, y.dims()).to_dtype(dtype).unwrap();
            let grads = (&y * to).unwrap().sum_all().unwrap().backward().unwrap();
            [&y, grads.get(&x).unwrap(), grads.get(&w).unwrap()].map(values)
        };
        let exact = results(DType::F64, Precision::Full);
        assert_eq!(results(DType::F64, Precision::Bf16), exact, "f64 is not rounded");
        let rounded = results(DType::F32, Precision::Bf16);
        for (ours, exact) in rounded.iter().zip(&exact) {
            let error = relative(ours, exact);
            assert!(error > 1e-4 && error < limit, "{k} x {k}, stride {stride}: {error:e}");
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (x, w) = (random(1, &[2, 8, 24, 20]), random(2, &[8, 8, 3, 3]));
    let (x, w) = (x.to_dtype(DType::F32).unwrap(), w.to_dtype(DType::F32).unwrap());
    let run = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let w = Var::from_tensor(&w).unwrap();
            let config = Conv2dConfig::new(1, Padding::Zero(1));
            let y = conv2d(&x, &w, None, config).unwrap();
            let grads = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            (values(&y), values(grads.get(&w).unwrap()))
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn gradients_that_lead_nowhere_are_not_made() {
    let x = random(1, &[1, 2, 6, 6]);
    let w = Var::from_tensor(&random(2, &[2, 2, 3, 3])).unwrap();
    let y = conv2d(&x, &w, None, Conv2dConfig::default()).unwrap();
    let grads = y.sum_all().unwrap().backward().unwrap();
    assert!(grads.get(&x).is_none());
    assert!(grads.get(&w).is_some());
}

#[test]
fn misfits_are_errors() {
    let x = random(1, &[1, 2, 4, 4]);
    let w = random(2, &[3, 2, 3, 3]);
    let conv = |x: &Tensor, w: &Tensor, padding| conv2d(x, w, None, Conv2dConfig::new(1, padding));
    assert!(conv(&x, &random(3, &[3, 1, 3, 3]), Padding::Zero(0)).is_err());
    assert!(conv(&x, &random(3, &[3, 2, 3, 2]), Padding::Zero(0)).is_err());
    assert!(conv(&x, &w, Padding::Reflect(4)).is_err());
    assert!(conv(&x, &random(3, &[3, 2, 7, 7]), Padding::Zero(1)).is_err());
    assert!(conv(&x.to_dtype(DType::F16).unwrap(), &w, Padding::Zero(0)).is_err());
    assert!(conv2d(&x, &w, Some(&random(3, &[2])), Conv2dConfig::default()).is_err());
}
