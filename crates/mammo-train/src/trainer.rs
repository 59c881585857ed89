use candle_core::{DType, Device};
use mammo_files::JsonLines;
use mammo_ops::AdamConfig;
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::checkpoint::{self, SkippedCheckpoint};
use crate::{CycleGan, ImagePool, Losses, TrainConfig, TrainError, TrainingSet, learning_rate, train_step};

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Steps done, counted from 1.
    pub step: usize,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Its losses.
    #[serde(flatten)]
    pub losses: Losses,
}

/// Watches a training: shows progress, takes samples, or asks for it to stop.
pub trait Observer: Send {
    /// Called once, when training begins or resumes after `done` steps.
    fn started(&mut self, _done: usize, _skipped: &[SkippedCheckpoint]) {}

    /// Called after every step. Returning `false` ends the training after a checkpoint.
    fn step(&mut self, _report: &StepReport) -> bool {
        true
    }

    /// Called every `sample_every_steps` steps and at the end with the networks as they are.
    ///
    /// # Errors
    /// Whatever ends the training.
    fn sample(
        &mut self,
        _step: usize,
        _model: &CycleGan,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(())
    }
}

/// Watches nothing.
pub struct Silent;

impl Observer for Silent {}

/// How a training ended.
pub struct Outcome {
    /// The networks.
    pub model: CycleGan,
    /// Steps done; fewer than configured if an observer ended it.
    pub step: usize,
}

/// The operations form a chain as long as the networks are deep, and candle walks it by recursion.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Trains in `dir`, which receives `checkpoints/` and `metrics.jsonl`; with `resume` it goes on from the newest whole
/// checkpoint there and ends in the same state, to the bit, as a training that was never interrupted.
///
/// # Errors
/// [`TrainError`] for an unfit configuration or images, a checkpoint of another run, files that cannot be written,
/// and losses that are no longer numbers.
pub fn train(
    config: &TrainConfig,
    set: &TrainingSet,
    dir: &Path,
    resume: bool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    config.check()?;
    set.check(config)?;
    // Inside a pool of its own, so that handing work to the other threads needs no switch of threads.
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .stack_size(STACK_BYTES)
        .thread_name(|i| format!("training-{i}"))
        .build()
        .map_err(|e| TrainError::Config(format!("threads cannot be started: {e}")))?;
    pool.install(|| run(config, set, dir, resume, observer))
}

fn run(
    config: &TrainConfig,
    set: &TrainingSet,
    dir: &Path,
    resume: bool,
    observer: &mut dyn Observer,
) -> Result<Outcome, TrainError> {
    let checkpoints = dir.join("checkpoints");
    mammo_files::create_dir(&checkpoints)?;
    let digest = set.digest();
    let mut model = CycleGan::new(config, DType::F32, &Device::Cpu)?;
    let mut pools = (ImagePool::new(config.pool_size), ImagePool::new(config.pool_size));
    let mut done = 0;
    let mut skipped = Vec::new();
    if resume {
        let (found, passed_over) = checkpoint::load(&checkpoints, &mut model, config, &digest)?;
        skipped = passed_over;
        if let Some((step, stored)) = found {
            done = step;
            pools = stored;
        }
    }
    observer.started(done, &skipped);
    let mut metrics = JsonLines::open(&dir.join("metrics.jsonl"), done)?;
    while done < config.steps {
        let rate = learning_rate(config, done);
        let (real_a, real_b) = set.batch(config, done)?;
        let adam =
            AdamConfig { learning_rate: rate, beta1: config.beta1, beta2: config.beta2, epsilon: 1e-8 };
        let mut rng = config.seed.stream_at("train/pool", done as u64);
        let losses = train_step(&mut model, (&real_a, &real_b), &mut pools, &config.weights, adam, &mut rng)?;
        done += 1;
        if let Some(loss) = losses.not_finite() {
            return Err(TrainError::Diverged { step: done, loss });
        }
        let report = StepReport { step: done, learning_rate: rate, losses };
        metrics.push(&report)?;
        let go_on = observer.step(&report);
        let last = done == config.steps;
        // Before the checkpoint: a run that is killed in between draws the sample again and never goes without.
        if last || done % config.sample_every_steps == 0 {
            observer.sample(done, &model).map_err(TrainError::Observer)?;
        }
        if last || !go_on || done % config.checkpoint_every_steps == 0 {
            checkpoint::save(&checkpoints, &model, &pools, done, config, &digest)?;
        }
        if !go_on {
            break;
        }
    }
    Ok(Outcome { model, step: done })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::{Plane, Seed};
    use mammo_models::{DiscriminatorConfig, GeneratorConfig};
    use rand::Rng;

    fn config(steps: usize) -> TrainConfig {
        TrainConfig {
            steps,
            constant_steps: 6,
            pool_size: 3,
            checkpoint_every_steps: 2,
            ..TrainConfig::new(GeneratorConfig::becker(2, 1), DiscriminatorConfig::becker(2), 32, 32, Seed(5))
        }
    }

    fn set() -> TrainingSet {
        let mut rng = Seed(9).stream("test");
        let mut noise = || Plane::from_fn(32, 32, |_, _| rng.random_range(0.0..1.0));
        TrainingSet { healthy: vec![noise(), noise()], cancer: vec![noise(), noise(), noise()] }
    }

    /// Ends the training after a number of steps, as an interrupt does.
    struct StopAfter(usize);

    impl Observer for StopAfter {
        fn step(&mut self, report: &StepReport) -> bool {
            report.step < self.0
        }
    }

    fn state(dir: &Path, step: usize) -> Vec<u8> {
        std::fs::read(dir.join(format!("checkpoints/step-{step:07}/state.safetensors"))).unwrap()
    }

    #[test]
    fn resumed_trainings_end_in_the_same_bits() {
        let whole = tempfile::tempdir().unwrap();
        train(&config(10), &set(), whole.path(), false, &mut Silent).unwrap();
        let again = tempfile::tempdir().unwrap();
        train(&config(10), &set(), again.path(), false, &mut StopAfter(7)).unwrap();
        // A kill -9 loses the checkpoint of step 7 and leaves metrics of steps that will be done again.
        std::fs::remove_dir_all(again.path().join("checkpoints/step-0000007")).unwrap();
        let outcome = train(&config(10), &set(), again.path(), true, &mut Silent).unwrap();
        assert_eq!(outcome.step, 10);
        assert_eq!(state(whole.path(), 10), state(again.path(), 10));
        let metrics = |dir: &Path| std::fs::read(dir.join("metrics.jsonl")).unwrap();
        assert_eq!(metrics(whole.path()), metrics(again.path()));
    }

    #[test]
    fn a_truncated_checkpoint_is_passed_over_for_the_one_before() {
        struct Watch(Option<(usize, usize)>);
        impl Observer for Watch {
            fn started(&mut self, done: usize, skipped: &[SkippedCheckpoint]) {
                self.0 = Some((done, skipped.len()));
            }
        }
        let dir = tempfile::tempdir().unwrap();
        train(&config(6), &set(), dir.path(), false, &mut Silent).unwrap();
        let newest = dir.path().join("checkpoints/step-0000006/state.safetensors");
        let bytes = std::fs::read(&newest).unwrap();
        std::fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
        let mut watch = Watch(None);
        train(&config(6), &set(), dir.path(), true, &mut watch).unwrap();
        assert_eq!(watch.0, Some((4, 1)));
        assert_eq!(state(dir.path(), 6), bytes);
    }

    #[test]
    fn checkpoints_of_another_run_are_refused_with_the_difference() {
        let dir = tempfile::tempdir().unwrap();
        train(&config(6), &set(), dir.path(), false, &mut StopAfter(4)).unwrap();
        let other = TrainConfig { learning_rate: 1e-3, ..config(6) };
        let message = train(&other, &set(), dir.path(), true, &mut Silent).err().unwrap().to_string();
        assert!(message.contains("learning_rate was 0.0002 and is now 0.001"), "{message}");
        let fewer = TrainingSet { cancer: set().cancer[..1].to_vec(), ..set() };
        let message = train(&config(6), &fewer, dir.path(), true, &mut Silent).err().unwrap().to_string();
        assert!(message.contains("images differ"), "{message}");
    }

    #[test]
    fn samples_are_drawn_before_the_checkpoint_that_would_skip_them() {
        struct FailAt(usize);
        impl Observer for FailAt {
            fn sample(
                &mut self,
                step: usize,
                _: &CycleGan,
            ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
                if step == self.0 { Err("killed".into()) } else { Ok(()) }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let config = TrainConfig { sample_every_steps: 4, ..config(6) };
        train(&config, &set(), dir.path(), false, &mut FailAt(4)).err().unwrap();
        assert!(dir.path().join("checkpoints/step-0000002").exists());
        assert!(!dir.path().join("checkpoints/step-0000004").exists());
    }

    #[test]
    fn losses_fall_on_two_flat_domains() {
        let flat = |level: f32| Plane::filled(32, 32, level);
        let set = TrainingSet { healthy: vec![flat(0.3)], cancer: vec![flat(0.6)] };
        let dir = tempfile::tempdir().unwrap();
        let config = TrainConfig { learning_rate: 2e-3, ..config(60) };
        train(&config, &set, dir.path(), false, &mut Silent).unwrap();
        let reports: Vec<StepReport> =
            mammo_files::read_json_lines(&dir.path().join("metrics.jsonl")).unwrap();
        let cycle = |range: std::ops::Range<usize>| {
            reports[range].iter().map(|r| r.losses.cycle_a + r.losses.cycle_b).sum::<f32>()
        };
        assert!(cycle(50..60) < 0.5 * cycle(0..10), "{} then {}", cycle(0..10), cycle(50..60));
    }
}
