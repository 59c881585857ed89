//! The networks and the training step against three steps that PyTorch computed in double precision
//! (`tests/golden/README.md`), in f64 and in the f32 that trainings run in, on every device at hand.

use candle_core::{DType, Device, Tensor, backprop::GradStore};
use mammo_core::Seed;
use mammo_models::{DiscriminatorConfig, GeneratorConfig, Parameters};
use mammo_ops::AdamConfig;
use mammo_tests::on_every_device;
use mammo_train::{
    CycleGan, GanMode, ImagePool, LossWeights, StepRecordings, StepSettings, TrainConfig, Trained,
    UpdateOrder, Way, cycle_pass, discriminator_loss, train_step,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

const ADAM: AdamConfig = AdamConfig { learning_rate: 2e-4, beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };

struct Golden {
    name: String,
    tensors: HashMap<String, Tensor>,
    config: serde_json::Value,
    dtype: DType,
    device: Device,
}

impl Golden {
    fn read(path: &Path, dtype: DType, device: &Device) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let config =
            header.metadata().as_ref().and_then(|m| m.get("config")).expect("a config in the metadata");
        Self {
            name: path.display().to_string(),
            tensors: candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap(),
            config: serde_json::from_str(config).unwrap(),
            dtype,
            device: device.clone(),
        }
    }

    fn number(&self, key: &str) -> usize {
        self.config[key].as_u64().unwrap() as usize
    }

    fn tensor(&self, key: &str) -> Tensor {
        self.tensors[key].to_dtype(self.dtype).unwrap().to_device(&self.device).unwrap()
    }

    /// All tensors below a prefix, without it.
    fn below(&self, prefix: &str) -> HashMap<String, Tensor> {
        self.tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
            .collect()
    }

    fn model(&self) -> CycleGan {
        let (ngf, ndf, blocks) = (self.number("ngf"), self.number("ndf"), self.number("blocks"));
        let (generator, discriminator) = match self.config["net"].as_str().unwrap() {
            "zhu" => (GeneratorConfig::zhu(ngf, blocks), DiscriminatorConfig::zhu(ndf)),
            "becker" => (GeneratorConfig::becker(ngf, blocks), DiscriminatorConfig::becker(ndf)),
            other => panic!("unknown network {other}"),
        };
        let (height, width) = (self.number("height"), self.number("width"));
        let config = TrainConfig::new(generator, discriminator, height, width, Seed(0));
        let model = CycleGan::new(&config, self.dtype, &self.device).unwrap();
        for (network, parameters) in networks(&model) {
            parameters.load(&self.below(&format!("init.{network}."))).unwrap();
        }
        model
    }

    fn weights(&self) -> LossWeights {
        LossWeights { lambda_cycle: 10.0, lambda_identity: self.config["identity"].as_f64().unwrap() }
    }

    fn settings(&self) -> StepSettings {
        StepSettings {
            weights: self.weights(),
            gan: GanMode::LeastSquares,
            order: UpdateOrder::Joint,
            generators: ADAM,
            discriminators: ADAM,
            ema_decay: None,
        }
    }

    fn inputs(&self, step: usize) -> (Tensor, Tensor) {
        (self.tensor(&format!("input.x{step}")), self.tensor(&format!("input.y{step}")))
    }
}

fn networks(model: &CycleGan) -> [(&'static str, &Parameters); 4] {
    [
        ("ga", model.g_ab.parameters()),
        ("gb", model.g_ba.parameters()),
        ("da", model.d_a.parameters()),
        ("db", model.d_b.parameters()),
    ]
}

fn golden_files() -> Vec<PathBuf> {
    // Asked for when the test runs: a program that was packed for another machine is told where its files are.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let own = Path::new(&own).join("golden");
    let others = std::env::var_os("MAMMO_GOLDEN_DIR").map(PathBuf::from);
    let mut files: Vec<PathBuf> = [Some(own), others]
        .into_iter()
        .flatten()
        .flat_map(|dir| std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
        .collect();
    files.sort();
    assert!(files.len() >= 2, "the project ships two golden files");
    files
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    values(a).iter().zip(values(b)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Euclidean distance over the length of the expected gradient.
fn relative_difference(ours: &Tensor, expected: &Tensor) -> f64 {
    assert_eq!(ours.dims(), expected.dims());
    let (ours, expected) = (values(ours), values(expected));
    let norm = |v: &mut dyn Iterator<Item = f64>| v.map(|x| x * x).sum::<f64>().sqrt();
    norm(&mut ours.iter().zip(&expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied())
}

/// A bias in front of a norm has no gradient but rounding: there is no relative error to check, and Adam, which divides
/// by the size of the gradient, moves it by noise.
fn is_rounding(gradient: &Tensor) -> bool {
    values(gradient).iter().all(|v| v.abs() < 1e-6)
}

fn every_file(check: impl Fn(&Golden)) {
    on_every_device(|device| {
        for path in golden_files() {
            for dtype in [DType::F64, DType::F32] {
                check(&Golden::read(&path, dtype, device));
            }
        }
    });
}

#[test]
fn forward_passes_agree_to_1e_4() {
    every_file(|golden| {
        let model = golden.model();
        let (x, y) = golden.inputs(0);
        let fake_y = model.g_ab.forward(&x).unwrap();
        let fake_x = model.g_ba.forward(&y).unwrap();
        let outputs = [
            ("rec_x", model.g_ba.forward(&fake_y).unwrap()),
            ("rec_y", model.g_ab.forward(&fake_x).unwrap()),
            ("idt_x", model.g_ba.forward(&x).unwrap()),
            ("idt_y", model.g_ab.forward(&y).unwrap()),
            ("logits.db_fake_y", model.d_b.forward(&fake_y).unwrap()),
            ("logits.da_fake_x", model.d_a.forward(&fake_x).unwrap()),
            ("fake_y", fake_y),
            ("fake_x", fake_x),
        ];
        for (name, ours) in outputs {
            let difference = largest_difference(&ours, &golden.tensor(&format!("step0.{name}")));
            assert!(difference < 1e-4, "{} {:?} {name}: {difference:e}", golden.name, golden.dtype);
        }
    });
}

#[test]
fn gradients_agree_to_1e_3() {
    every_file(|golden| {
        let mut model = golden.model();
        let (x, y) = golden.inputs(0);
        let least = GanMode::LeastSquares;
        let ab = cycle_pass(&model, Way::AToB, &x, Trained::Both, &golden.weights(), least).unwrap();
        let ba = cycle_pass(&model, Way::BToA, &y, Trained::Both, &golden.weights(), least).unwrap();
        let check = |gradients: &[GradStore], model: &CycleGan, of: &[&str]| {
            let mut compared = 0;
            for (network, parameters) in networks(model) {
                let expected = golden.below(&format!("grad0.{network}."));
                for (name, var) in parameters.iter().filter(|_| of.contains(&network)) {
                    let expected = &expected[name];
                    let parts = gradients.iter().filter_map(|part| part.get(var.as_tensor()).cloned());
                    let ours = parts.reduce(|a, b| (a + b).unwrap()).expect("a gradient for every parameter");
                    if is_rounding(expected) {
                        assert!(values(&ours).iter().all(|v| v.abs() < 1e-4), "{network}.{name}");
                        continue;
                    }
                    let difference = relative_difference(&ours, expected);
                    assert!(
                        difference < 1e-3,
                        "{} {:?} {network}.{name}: {difference:e}",
                        golden.name,
                        golden.dtype
                    );
                    compared += 1;
                }
            }
            assert!(compared > 10, "{compared} gradients compared");
        };
        check(&[ab.gradients, ba.gradients].into_iter().flatten().collect::<Vec<_>>(), &model, &["ga", "gb"]);
        let d_a = discriminator_loss(&model.d_a, &x, &ba.fake, least).unwrap();
        let d_b = discriminator_loss(&model.d_b, &y, &ab.fake, least).unwrap();
        check(&[(d_a + d_b).unwrap().backward().unwrap()], &model, &["da", "db"]);
        // The pools must not change anything while they fill.
        let mut pools = (ImagePool::new(50), ImagePool::new(50));
        let mut rng = Seed(0).stream("golden");
        let mut recordings = StepRecordings::default();
        train_step(&mut model, (&x, &y), &mut pools, &golden.settings(), 0, &mut recordings, &mut rng)
            .unwrap();
    });
}

#[test]
fn losses_of_three_steps_and_the_final_weights_agree_to_1e_4() {
    every_file(|golden| {
        let mut model = golden.model();
        let mut pools = (ImagePool::new(50), ImagePool::new(50));
        let mut rng = Seed(0).stream("golden");
        let mut recordings = StepRecordings::default();
        for step in 0..3 {
            let (x, y) = golden.inputs(step);
            let losses = train_step(
                &mut model,
                (&x, &y),
                &mut pools,
                &golden.settings(),
                step,
                &mut recordings,
                &mut rng,
            )
            .unwrap();
            for (name, ours) in [
                ("g_adv_a", losses.adversarial_ab),
                ("g_adv_b", losses.adversarial_ba),
                ("cycle_x", losses.cycle_a),
                ("cycle_y", losses.cycle_b),
                ("idt_x", losses.identity_a),
                ("idt_y", losses.identity_b),
                ("d_a", losses.d_a),
                ("d_b", losses.d_b),
            ] {
                let Some(expected) = golden.tensors.get(&format!("loss.{name}")) else { continue };
                let expected = values(expected)[step];
                let difference = (f64::from(ours) - expected).abs();
                assert!(
                    difference < 1e-4 * expected.abs().max(1.0),
                    "{} {:?} step {step} {name}: {ours} against {expected}",
                    golden.name,
                    golden.dtype
                );
            }
        }
        for (network, parameters) in networks(&model) {
            let gradients = golden.below(&format!("grad0.{network}."));
            for (name, expected) in golden.below(&format!("final.{network}.")) {
                if is_rounding(&gradients[&name]) {
                    continue;
                }
                let ours = parameters.get(&name).unwrap().as_detached_tensor();
                let difference = largest_difference(&ours, &expected.to_dtype(golden.dtype).unwrap());
                assert!(difference < 1e-4, "{} {network}.{name}: {difference:e}", golden.name);
            }
        }
    });
}
