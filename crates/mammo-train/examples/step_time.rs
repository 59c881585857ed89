//! Times training steps: `cargo run --release -p mammo-train --example step_time -- SIZE NGF NDF BLOCKS STEPS`.

use mammo_core::{Plane, Seed};
use mammo_models::{DiscriminatorConfig, GeneratorConfig};
use mammo_train::{Observer, StepReport, TrainConfig, TrainingSet, train};
use rand::Rng;
use std::time::Instant;

struct Clock(Vec<Instant>);

impl Observer for Clock {
    fn step(&mut self, _: &StepReport) -> bool {
        self.0.push(Instant::now());
        true
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [size, ngf, ndf, blocks, steps] = numbers[..] else {
        return Err("expected SIZE NGF NDF BLOCKS STEPS".into());
    };
    let mut rng = Seed(1).stream("noise");
    let mut noise = || Plane::from_fn(size, size, |_, _| rng.random_range(0.0..1.0));
    let set = TrainingSet { healthy: vec![noise()], cancer: vec![noise()] };
    let generator = GeneratorConfig::becker(ngf, blocks);
    let config = TrainConfig {
        steps,
        constant_steps: 0,
        checkpoint_every_steps: usize::MAX,
        sample_every_steps: usize::MAX,
        ..TrainConfig::new(generator, DiscriminatorConfig::becker(ndf), size, size, Seed(1))
    };
    let dir = std::env::temp_dir().join(format!("mammo-step-time-{}", std::process::id()));
    let mut clock = Clock(Vec::new());
    train(&config, &set, &dir, false, &mut clock)?;
    std::fs::remove_dir_all(&dir)?;
    let mut seconds: Vec<f64> =
        clock.0.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64()).collect();
    seconds.sort_by(f64::total_cmp);
    println!(
        "{size} x {size}, ngf {ngf}, ndf {ndf}, {blocks} blocks: median {:.3} s a step, fastest {:.3}, slowest {:.3}",
        seconds[seconds.len() / 2],
        seconds[0],
        seconds[seconds.len() - 1]
    );
    Ok(())
}
