//! Every operation of `mammo-ops`, and trainings, on every device at hand against the CPU in double precision: values and all
//! gradients.

use candle_core::{DType, Device, Result, Tensor, Var};
use mammo_core::{Plane, Seed, Stream};
use mammo_models::{DiscriminatorConfig, GeneratorConfig};
use mammo_ops::{
    Activation, AdamClock, AdamConfig, AdamEntry, Conv2dConfig, ConvTranspose2dConfig, Followed, Padding,
    Precision, Replay, adam_update, add_relu, blur_double, conv_transpose2d, conv2d, doubled_conv2d, follow,
    hinge_loss, instance_norm, instance_norm_residual, l1_loss, leaky_relu, least_squares_loss,
    logistic_loss, nearest_double, relu, tanh, tanh_sum,
};
use mammo_tests::{on_every_device, on_the_gpu};
use mammo_train::{
    CycleGan, GanMode, ImagePool, Losses, Observer, StepRecordings, StepReport, TrainConfig, TrainingSet,
    UpdateOrder, train, train_step,
};
use rand::Rng;

type Operation = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

fn random(shape: &[usize], rng: &mut Stream) -> Vec<f64> {
    (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The value of an operation and the gradients of a random direction's product with it to all operands.
fn run(operation: &Operation, shapes: &[&[usize]], dtype: DType, device: &Device) -> Vec<Vec<f64>> {
    let mut rng = Seed(7).stream("devices");
    let operands: Vec<Var> = shapes
        .iter()
        .map(|shape| {
            let tensor = Tensor::from_vec(random(shape, &mut rng), *shape, device).unwrap();
            Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap()
        })
        .collect();
    let tensors: Vec<Tensor> = operands.iter().map(|var| var.as_tensor().clone()).collect();
    let made = operation(&tensors).unwrap();
    let direction = Tensor::from_vec(random(made.dims(), &mut rng), made.dims(), device).unwrap();
    let product = (&made * direction.to_dtype(dtype).unwrap()).unwrap();
    let gradients = product.sum_all().unwrap().backward().unwrap();
    let mut all = vec![values(&made)];
    all.extend(operands.iter().map(|var| gradients.get(var).map(values).unwrap_or_default()));
    all
}

/// Distance over length.
fn relative(ours: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut ours.iter().zip(expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied()).max(1e-3)
}

fn compare(name: &str, shapes: &[&[usize]], bounds: &[(DType, f64)], operation: &Operation) {
    let expected = run(operation, shapes, DType::F64, &Device::Cpu);
    on_every_device(|device| {
        for &(dtype, bound) in bounds {
            let ours = run(operation, shapes, dtype, device);
            for (i, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
                let apart = relative(ours, expected);
                assert!(apart < bound, "{name} {shapes:?} {dtype:?} on {device:?}, result {i}: {apart:e}");
            }
        }
    });
}

/// As tight as the element types allow.
const EXACT: [(DType, f64); 2] = [(DType::F64, 1e-12), (DType::F32, 2e-6)];

fn exactly(name: &str, shapes: &[&[usize]], operation: impl Fn(&[Tensor]) -> Result<Tensor> + 'static) {
    let operation: Operation = Box::new(operation);
    compare(name, shapes, &EXACT, &operation);
}

#[test]
fn activations_agree() {
    for shape in [&[1usize, 1, 1, 1] as &[usize], &[2, 3, 5, 7], &[1, 4, 160, 130]] {
        exactly("relu", &[shape], |x| relu(&x[0]));
        exactly("leaky_relu", &[shape], |x| leaky_relu(&x[0], 0.2));
        exactly("tanh", &[shape], |x| tanh(&x[0]));
        exactly("add_relu", &[shape, shape], |x| add_relu(&x[0], &x[1]));
        exactly("tanh_sum", &[shape, shape], |x| tanh_sum(&x[0], &x[1]));
    }
}

#[test]
fn losses_agree() {
    for shape in [&[1usize, 1, 1, 1] as &[usize], &[2, 1, 5, 7], &[1, 1, 180, 200]] {
        exactly("l1_loss", &[shape, shape], |x| l1_loss(&x[0], &x[1]));
        exactly("least_squares_loss", &[shape], |x| least_squares_loss(&x[0], 1.0));
        exactly("hinge_loss", &[shape], |x| hinge_loss(&x[0], -1.0));
        exactly("logistic_loss", &[shape, shape, shape], |x| {
            let (target, weight) = (x[1].affine(0.5, 0.5)?, x[2].affine(0.5, 0.5)?);
            logistic_loss(&x[0].affine(20.0, 0.0)?, &target, &weight)
        });
    }
}

#[test]
fn norms_agree() {
    // One pixel more than a block takes of a plane, several blocks, several images.
    for shape in [&[2usize, 3, 5, 7] as &[usize], &[1, 2, 17, 241], &[2, 3, 96, 100]] {
        let channels = &[shape[1]][..];
        for activation in [Activation::Identity, Activation::Relu, Activation::LeakyRelu(0.2)] {
            exactly("instance_norm", &[shape], move |x| instance_norm(&x[0], None, 1e-5, activation));
            exactly("instance_norm, affine", &[shape, channels, channels], move |x| {
                instance_norm(&x[0], Some((&x[1], &x[2])), 1e-5, activation)
            });
            exactly("residual", &[shape, shape], move |x| {
                instance_norm_residual(&x[0], None, 1e-5, &x[1], activation)
            });
            exactly("residual, affine", &[shape, shape, channels, channels], move |x| {
                instance_norm_residual(&x[0], Some((&x[2], &x[3])), 1e-5, &x[1], activation)
            });
        }
    }
}

#[test]
fn enlargements_agree() {
    for shape in [&[1usize, 1, 1, 1] as &[usize], &[2, 3, 5, 4], &[1, 2, 40, 33]] {
        exactly("nearest_double", &[shape], |x| nearest_double(&x[0]));
        exactly("blur_double", &[shape], |x| blur_double(&x[0]));
        let (weight, bias) = ([4, shape[1], 3, 3], [4]);
        for padding in [Padding::Zero(1), Padding::Reflect(1)] {
            if shape[2] == 1 && padding == Padding::Reflect(1) {
                continue;
            }
            exactly("doubled_conv2d", &[shape, &weight, &bias], move |x| {
                doubled_conv2d(&x[0], &x[1], Some(&x[2]), Conv2dConfig::new(1, padding))
            });
        }
    }
}

/// Input, output channels, kernel, stride, padding: what the networks use and what they do not, odd sizes and even.
fn convolutions() -> Vec<([usize; 4], usize, usize, usize, Padding)> {
    vec![
        ([1, 1, 16, 13], 4, 7, 1, Padding::Reflect(3)),
        ([1, 1, 16, 13], 4, 7, 1, Padding::Zero(3)),
        ([2, 3, 16, 13], 5, 3, 2, Padding::Zero(1)),
        ([2, 8, 9, 12], 8, 3, 1, Padding::Reflect(1)),
        ([1, 33, 12, 40], 34, 3, 1, Padding::Zero(1)),
        ([1, 2, 15, 12], 3, 4, 2, Padding::Zero(2)),
        ([1, 4, 8, 8], 1, 4, 1, Padding::Zero(1)),
        ([2, 2, 4, 4], 2, 3, 1, Padding::Reflect(2)),
        ([1, 1, 1, 1], 1, 1, 1, Padding::Zero(0)),
    ]
}

fn convolve(precision: Precision, bounds: &[(DType, f64)]) {
    for (x, to, kernel, stride, padding) in convolutions() {
        let (weight, bias) = ([to, x[1], kernel, kernel], [to]);
        let config = Conv2dConfig { precision, ..Conv2dConfig::new(stride, padding) };
        compare(
            "conv2d",
            &[&x, &weight, &bias],
            bounds,
            &(Box::new(move |x: &[Tensor]| conv2d(&x[0], &x[1], Some(&x[2]), config)) as Operation),
        );
        compare(
            "conv2d, no bias",
            &[&x, &weight],
            bounds,
            &(Box::new(move |x: &[Tensor]| conv2d(&x[0], &x[1], None, config)) as Operation),
        );
        if matches!(padding, Padding::Reflect(_)) {
            continue;
        }
        let (weight, bias) = ([x[1], to, kernel, kernel], [to]);
        for output_padding in 0..stride {
            let config = ConvTranspose2dConfig {
                stride,
                padding: padding.pixels_of_zero(),
                output_padding,
                precision,
            };
            compare(
                "conv_transpose2d",
                &[&x, &weight, &bias],
                bounds,
                &(Box::new(move |x: &[Tensor]| conv_transpose2d(&x[0], &x[1], Some(&x[2]), config))
                    as Operation),
            );
        }
    }
}

trait Pixels {
    fn pixels_of_zero(self) -> usize;
}

impl Pixels for Padding {
    fn pixels_of_zero(self) -> usize {
        match self {
            Padding::Zero(pixels) => pixels,
            Padding::Reflect(_) => 0,
        }
    }
}

#[test]
fn convolutions_agree() {
    convolve(Precision::Full, &[(DType::F64, 1e-12), (DType::F32, 1e-5)]);
}

#[test]
fn convolutions_in_tf32_agree_to_three_digits() {
    // Factors are off by up to 2^-11 each.
    convolve(Precision::Tf32, &[(DType::F32, 2e-3)]);
}

#[test]
fn convolutions_in_bf16_agree_to_two_digits() {
    // Factors are off by up to 2^-9 each, which Winograd's transforms on the CPU magnify; on a GPU so are results.
    convolve(Precision::Bf16, &[(DType::F32, 2e-2)]);
}

#[test]
fn adam_agrees() {
    let config = AdamConfig { learning_rate: 1e-2, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };
    // More parameters than one launch takes, of one number and of many.
    let shapes: Vec<Vec<usize>> = (0..70).map(|i| if i % 2 == 0 { vec![1] } else { vec![i, 37] }).collect();
    let run = |dtype, device: &Device| {
        let mut rng = Seed(3).stream("adam");
        let mut draw = |shape: &[usize]| {
            Tensor::from_vec(random(shape, &mut rng), shape, device).unwrap().to_dtype(dtype).unwrap()
        };
        let parameters: Vec<Var> =
            shapes.iter().map(|shape| Var::from_tensor(&draw(shape)).unwrap()).collect();
        let moments: Vec<Tensor> = parameters
            .iter()
            .map(|parameter| Tensor::zeros((2, parameter.elem_count()), dtype, device).unwrap())
            .collect();
        let mut clock = AdamClock::new(dtype, device).unwrap();
        for _ in 0..3 {
            let gradients: Vec<Tensor> = shapes.iter().map(|shape| draw(shape)).collect();
            let entries: Vec<AdamEntry> = parameters
                .iter()
                .zip(&moments)
                .zip(&gradients)
                .map(|((parameter, moments), gradient)| AdamEntry { parameter, moments, gradient })
                .collect();
            clock.tick(config).unwrap();
            adam_update(&entries, &clock, config).unwrap();
        }
        parameters
            .iter()
            .map(|parameter| values(parameter))
            .chain(moments.iter().map(values))
            .collect::<Vec<_>>()
    };
    let expected = run(DType::F64, &Device::Cpu);
    on_every_device(|device| {
        for (dtype, bound) in EXACT {
            for (ours, expected) in run(dtype, device).iter().zip(&expected) {
                assert!(relative(ours, expected) < bound, "{dtype:?} on {device:?}");
            }
        }
    });
}

#[test]
fn averages_agree() {
    on_every_device(|device| {
        for dtype in [DType::F64, DType::F32] {
            let mut rng = Seed(4).stream("averages");
            let pairs: Vec<(Vec<f64>, Vec<f64>)> =
                (1..71).map(|len| (random(&[len], &mut rng), random(&[len], &mut rng))).collect();
            let on =
                |values: &Vec<f64>| Tensor::new(values.as_slice(), device).unwrap().to_dtype(dtype).unwrap();
            let tensors: Vec<(Tensor, Tensor)> = pairs.iter().map(|(a, n)| (on(a), on(n))).collect();
            let all: Vec<Followed> = tensors.iter().map(|(average, now)| Followed { average, now }).collect();
            follow(&all, 0.9).unwrap();
            for ((average, _), (was, now)) in tensors.iter().zip(&pairs) {
                let expected: Vec<f64> = was.iter().zip(now).map(|(a, n)| 0.9 * a + 0.1 * n).collect();
                assert!(relative(&values(average), &expected) < 1e-6, "{dtype:?} on {device:?}");
            }
        }
    });
}

#[test]
fn what_is_replayed_is_what_was_done() {
    on_every_device(|device| {
        let mut replay = Replay::default();
        let kept = Var::zeros(3, DType::F32, device).unwrap();
        for step in 0..6 {
            let x = Tensor::full(step as f32, 3, device).unwrap();
            let made = replay
                .run(&[&x], |inputs| {
                    let doubled = inputs[0].affine(2.0, 1.0)?;
                    Ok::<_, candle_core::Error>(vec![tanh_sum(&doubled, &kept)?, doubled.sqr()?])
                })
                .unwrap();
            let expected = f64::from(2 * step + 1);
            assert!((values(&made[0])[1] - expected.tanh()).abs() < 1e-6, "step {step} on {device:?}");
            assert_eq!(values(&made[1]), [expected * expected; 3], "step {step} on {device:?}");
        }
        assert_eq!(replay.refusal(), None, "on {device:?}");
    });
}

fn small(order: UpdateOrder, gan: GanMode, becker2: bool) -> TrainConfig {
    let (generator, discriminator) = if becker2 {
        (GeneratorConfig::becker2(2, 1), DiscriminatorConfig::becker2(2))
    } else {
        (GeneratorConfig::zhu(3, 2), DiscriminatorConfig::zhu(3))
    };
    let mut config =
        TrainConfig { order, gan, ..TrainConfig::new(generator, discriminator, 32, 32, Seed(5)) };
    config.weights.lambda_identity = 0.5;
    config.ema_decay = becker2.then_some(0.9);
    config
}

/// The losses of some steps, of which the last are replayed on a GPU.
fn losses(config: &TrainConfig, dtype: DType, device: &Device) -> Vec<Losses> {
    let mut model = CycleGan::new(config, dtype, device).unwrap();
    let mut pools = (ImagePool::new(2), ImagePool::new(2));
    let mut recordings = StepRecordings::default();
    let mut rng = Seed(6).stream("pools");
    let mut noise = Seed(8).stream("images");
    let steps = (0..6)
        .map(|step| {
            let mut image = || {
                let values = random(&[1, 1, 32, 32], &mut noise);
                Tensor::from_vec(values, (1, 1, 32, 32), device).unwrap().to_dtype(dtype).unwrap()
            };
            let (a, b) = (image(), image());
            let settings = config.step_settings(step);
            train_step(&mut model, (&a, &b), &mut pools, &settings, step, &mut recordings, &mut rng).unwrap()
        })
        .collect();
    assert_eq!(recordings.refusal(), None, "on {device:?}");
    steps
}

fn apart(a: &Losses, b: &Losses) -> f32 {
    let all = |l: &Losses| {
        [l.adversarial_ab, l.adversarial_ba, l.cycle_a, l.cycle_b, l.identity_a, l.identity_b, l.d_a, l.d_b]
    };
    all(a).iter().zip(all(b)).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f32::max)
}

#[test]
fn steps_agree_and_repeat_to_the_bit() {
    for config in [
        small(UpdateOrder::Joint, GanMode::LeastSquares, false),
        small(UpdateOrder::Alternating, GanMode::Hinge, true),
    ] {
        let expected = losses(&config, DType::F64, &Device::Cpu);
        on_every_device(|device| {
            for (dtype, bound) in [(DType::F64, 1e-6), (DType::F32, 2e-3)] {
                let ours = losses(&config, dtype, device);
                for (step, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
                    let apart = apart(ours, expected);
                    assert!(
                        apart < bound,
                        "{:?} step {step} {dtype:?} on {device:?}: {apart:e}",
                        config.order
                    );
                }
                assert_eq!(losses(&config, dtype, device), ours, "{dtype:?} on {device:?}");
            }
        });
    }
}

/// Keeps what a training reports.
struct Reports(Vec<StepReport>);

impl Observer for Reports {
    fn step(&mut self, report: &StepReport) -> bool {
        self.0.push(*report);
        true
    }
}

#[test]
fn trainings_end_at_the_same_losses_and_resume() {
    let steps = steps();
    on_the_gpu(|_| {
        let mut noise = Seed(9).stream("set");
        let mut image = |level: f32| {
            Plane::from_fn(32, 32, |x, _| level + x as f32 / 100.0 + noise.random_range(0.0..0.1))
        };
        let set = TrainingSet {
            healthy: vec![image(0.2), image(0.3)],
            cancer: vec![image(0.5), image(0.6)],
            regions: None,
        };
        let config = |device: &str, precision| TrainConfig {
            steps,
            constant_steps: steps / 2,
            learning_rate: 2e-3,
            batch_size: 2,
            checkpoint_every_steps: steps / 2,
            augmentation: Some(mammo_augment::Augmentation::default()),
            device: device.parse().unwrap(),
            precision,
            ..TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(5))
        };
        let end = |reports: &[StepReport]| {
            let last = &reports[reports.len() - steps / 4..];
            let sum: f32 = last.iter().map(|r| r.losses.cycle_a + r.losses.cycle_b).sum();
            sum / last.len() as f32
        };
        let run = |config: &TrainConfig| {
            let dir = tempfile::tempdir().unwrap();
            let mut reports = Reports(Vec::new());
            let outcome = train(config, &set, dir.path(), false, &mut reports).unwrap();
            let injected = outcome.model.inject(&set.healthy[0]).unwrap();
            (dir, reports.0, injected)
        };
        let (_, on_cpu, _) = run(&config("cpu", Precision::Full));
        for precision in [Precision::Full, Precision::Tf32, Precision::Bf16] {
            let config = config("cuda:0", precision);
            let (dir, on_gpu, injected) = run(&config);
            let (cpu, gpu, start) = (end(&on_cpu), end(&on_gpu), end(&on_cpu[..steps / 4]));
            assert!(
                (gpu - cpu).abs() < 0.1 * start,
                "{precision:?}: {gpu} on the GPU, {cpu} on the CPU, {start} first"
            );
            // The stored networks translate on the CPU as on the GPU.
            let (stored, _) = CycleGan::load(dir.path()).unwrap();
            let again = stored.inject(&set.healthy[0]).unwrap();
            let apart =
                injected.data().iter().zip(again.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-3, "{precision:?}: {apart}");
            // Half of it again from the checkpoint in the middle ends in the same state.
            let checkpoints = dir.path().join("checkpoints");
            let state = |dir: &std::path::Path| {
                std::fs::read(dir.join(format!("step-{steps:07}/state.safetensors"))).unwrap()
            };
            let whole = state(&checkpoints);
            std::fs::remove_dir_all(checkpoints.join(format!("step-{steps:07}"))).unwrap();
            train(&config, &set, dir.path(), true, &mut mammo_train::Silent).unwrap();
            assert!(state(&checkpoints) == whole, "{precision:?}: resumed to another state");
        }
    });
}

/// Steps of the trainings that are compared; fewer where the device is not a GPU but something slower that stands in for one.
fn steps() -> usize {
    std::env::var("MAMMO_GPU_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(400)
}
