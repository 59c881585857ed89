//! Times whole training steps on noise and prints one JSON line, `{"seconds": [...], "peak_mib": ...}`.
//!
//! `cargo xtask bench train` calls it beside the same step in PyTorch. By hand:
//!
//! ```text
//! cargo run --release -p mammo-train --example bench_step -- \
//!     '{"net": "becker", "height": 128, "width": 128, "ngf": 16, "ndf": 32, "blocks": 6, "steps": 10, "threads": 2}'
//! ```
//!
//! Further keys: `"batch": 1`, `"precision": "f32"` (or `"bf16"`, as `"bf16": true`; `"tf32"` on a GPU), `"device": "cpu"` (or `"cuda:0"` in a
//! build with the feature `cuda`).

use mammo_core::{Plane, Seed};
use mammo_models::{DiscriminatorConfig, GeneratorConfig};
use mammo_ops::{DeviceChoice, Precision};
use mammo_train::{Observer, StepReport, TrainConfig, TrainingSet, train};
use rand::Rng;
use serde::Deserialize;
use std::time::Instant;

/// As in the program `mammo`.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps that are run and not counted.
fn warm_up(device: DeviceChoice) -> usize {
    // A GPU loads its kernels and chooses between algorithms in the first ones.
    if device == DeviceChoice::Cpu { 3 } else { 10 }
}

#[derive(Deserialize)]
struct Config {
    net: String,
    height: usize,
    width: usize,
    ngf: usize,
    ndf: usize,
    blocks: usize,
    steps: usize,
    threads: usize,
    #[serde(default)]
    bf16: bool,
    #[serde(default)]
    precision: Precision,
    #[serde(default)]
    device: DeviceChoice,
    #[serde(default = "one")]
    batch: usize,
}

fn one() -> usize {
    1
}

struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn step(&mut self, _: &StepReport) -> bool {
        self.0.push(Instant::now());
        true
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    mammo_train::tune_process();
    let text = std::env::args().nth(1).ok_or("expected one argument, a configuration as JSON")?;
    let config: Config = serde_json::from_str(&text)?;
    let (generator, discriminator) = match config.net.as_str() {
        "becker" => {
            (GeneratorConfig::becker(config.ngf, config.blocks), DiscriminatorConfig::becker(config.ndf))
        }
        "zhu" => (GeneratorConfig::zhu(config.ngf, config.blocks), DiscriminatorConfig::zhu(config.ndf)),
        other => return Err(format!("net is becker or zhu, not {other}").into()),
    };
    let warm_up = warm_up(config.device);
    let mut rng = Seed(1).stream("noise");
    let mut noise = || Plane::from_fn(config.width, config.height, |_, _| rng.random_range(0.0..1.0));
    let set = TrainingSet { healthy: vec![noise()], cancer: vec![noise()], regions: None };
    let training = TrainConfig {
        steps: config.steps + warm_up,
        batch_size: config.batch,
        device: config.device,
        constant_steps: 0,
        checkpoint_every_steps: usize::MAX,
        sample_every_steps: usize::MAX,
        augmentation: None,
        precision: if config.bf16 { Precision::Bf16 } else { config.precision },
        ..TrainConfig::new(generator, discriminator, config.height, config.width, Seed(1))
    };
    let dir = tempfile::tempdir()?;
    let mut clock = Clock(Vec::new());
    let threads = rayon::ThreadPoolBuilder::new().num_threads(config.threads).build()?;
    threads.install(|| train(&training, &set, dir.path(), false, &mut clock))?;
    let seconds: Vec<f64> =
        clock.0[warm_up - 1..].windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64()).collect();
    println!("{}", serde_json::json!({ "seconds": seconds, "peak_mib": peak_mib() }));
    Ok(())
}

/// The most memory that the process has held, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").trim().parse::<f64>().ok()? / 1024.0)
}
