use candle_core::DType;
use mammo_files::JsonLines;
use serde::{Deserialize, Serialize};
use std::path::Path;

use crate::checkpoint::{self, SkippedCheckpoint, State};
use crate::data::with_batches;
use crate::watchdog::Watch;
use crate::{
    CycleGan, ImagePool, Losses, StepRecordings, TrainConfig, TrainError, TrainingSet, learning_rate,
    train_step,
};

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

/// What an observer says of the networks that it was shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Verdict {
    /// They are the best so far: their checkpoint is kept whatever comes after ([`CycleGan::load_best`]).
    pub best: bool,
    /// More training would lead nowhere: it ends here, as if these steps had been all.
    pub stop: bool,
}

/// Watches a training: shows progress, takes samples, or asks for it to stop.
pub trait Observer: Send {
    /// Called once, when training begins or resumes after `done` steps.
    fn started(&mut self, _done: usize, _skipped: &[SkippedCheckpoint]) {}

    /// Called when there is something that whoever waits should know and that is no error, in one sentence.
    fn note(&mut self, _text: &str) {}

    /// Called after every step. Returning `false` ends the training after a checkpoint.
    fn step(&mut self, _report: &StepReport) -> bool {
        true
    }

    /// Called every `sample_every_steps` steps and at the end with the networks as they are. A training that is resumed calls
    /// it again for steps after its checkpoint.
    ///
    /// # Errors
    /// Whatever ends the training.
    fn sample(
        &mut self,
        _step: usize,
        _model: &CycleGan,
    ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Verdict::default())
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
    /// Whether it is over: all steps are done, or an observer said that more would lead nowhere. Otherwise it can be resumed.
    pub finished: bool,
}

/// The operations form a chain as long as the networks are deep, and candle walks it by recursion.
const STACK_BYTES: usize = 256 * 1024 * 1024;

/// Trains in `dir`, which receives `checkpoints/` and `metrics.jsonl`; with `resume` it goes on from the newest whole
/// checkpoint there and ends in the same state, to the bit, as a training that was never interrupted.
///
/// # Errors
/// [`TrainError`] for an unfit configuration or images, a checkpoint of another run, files that cannot be written,
/// losses that are no longer numbers, and what the [`crate::Watchdog`] gives up.
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
    let device = config.device.open()?;
    let mut model = CycleGan::new(config, DType::F32, &device)?;
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
    let metrics_path = dir.join("metrics.jsonl");
    let mut metrics = JsonLines::open(&metrics_path, done)?;
    let mut watch = Watch::new(&config.watchdog, config.gan);
    for report in mammo_files::read_json_lines::<StepReport>(&metrics_path)? {
        // The steps before a resumption count as they did then; what they were given up for was said then.
        let _ = watch.step(&report.losses);
    }
    let stopped = dir.join(STOPPED);
    let mut finished = done == config.steps || (done > 0 && stopped.exists());
    let mut recordings = StepRecordings::default();
    let mut told_of_refusal = false;
    with_batches(set, config, &device, done..config.steps, |next_batch| -> Result<(), TrainError> {
        while !finished {
            let (real_a, real_b) = next_batch()?;
            let mut rng = config.seed.stream_at("train/pool", done as u64);
            let settings = config.step_settings(done);
            let losses = train_step(
                &mut model,
                (&real_a, &real_b),
                &mut pools,
                &settings,
                done,
                &mut recordings,
                &mut rng,
            )?;
            if let (false, Some(reason)) = (told_of_refusal, recordings.refusal()) {
                observer
                    .note(&format!("steps could not be recorded and are launched piece by piece: {reason}"));
                told_of_refusal = true;
            }
            let rate = learning_rate(config, done);
            done += 1;
            if let Some(loss) = losses.not_finite() {
                let last_good = checkpoint::newest_good(&checkpoints);
                return Err(TrainError::Diverged { step: done, loss, last_good });
            }
            let report = StepReport { step: done, learning_rate: rate, losses };
            metrics.push(&report)?;
            if let Some(what) = watch.step(&losses) {
                let last_good = checkpoint::newest_good(&checkpoints);
                return Err(TrainError::GivenUp { step: done, what, last_good });
            }
            let go_on = observer.step(&report);
            let last = done == config.steps;
            let state = State {
                model: &model,
                pools: &pools,
                step: done,
                config,
                data_sha256: &digest,
                good: watch.is_good(),
            };
            // Before the checkpoint: a run that is killed in between draws the sample again and never goes without.
            let mut verdict = Verdict::default();
            if last || done % config.sample_every_steps == 0 {
                verdict = observer.sample(done, &model).map_err(TrainError::Observer)?;
                if verdict.best {
                    checkpoint::save_best(&checkpoints, &state)?;
                }
            }
            finished = last || verdict.stop;
            if finished || !go_on || done % config.checkpoint_every_steps == 0 {
                checkpoint::save(&checkpoints, &state)?;
            }
            if verdict.stop {
                mammo_files::write(&stopped, format!("{done}\n").as_bytes())?;
            }
            if !go_on {
                break;
            }
        }
        Ok(())
    })?;
    Ok(Outcome { model, step: done, finished })
}

/// The file that says after which step an observer ended the training for good.
const STOPPED: &str = "stopped";

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
        TrainingSet {
            healthy: vec![noise(), noise()],
            cancer: vec![noise(), noise(), noise()],
            regions: None,
        }
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

    /// Everything that has a state at once: averages, spectral norms, regions of interest, another loss and order.
    fn rich(steps: usize) -> TrainConfig {
        let mut config = TrainConfig {
            gan: crate::GanMode::Hinge,
            order: crate::UpdateOrder::Alternating,
            ema_decay: Some(0.9),
            discriminator_learning_rate: Some(1e-4),
            augmentation: Some(mammo_augment::Augmentation::default()),
            checkpoint_every_steps: 5,
            sample_every_steps: 3,
            ..config(steps)
        };
        config.generator = GeneratorConfig { roi_channel: true, ..GeneratorConfig::becker2(2, 1) };
        config.discriminator = DiscriminatorConfig { roi_channel: true, ..DiscriminatorConfig::becker2(2) };
        config
    }

    fn set_with_regions() -> TrainingSet {
        let mask = |i: usize| mammo_core::Mask::from_fn(32, 32, move |x, y| x.abs_diff(y) < 3 + i);
        let regions = crate::RegionsOfInterest {
            healthy: (0..2).map(mask).collect(),
            cancer: (2..5).map(mask).collect(),
        };
        TrainingSet { regions: Some(regions), ..set() }
    }

    #[test]
    fn twenty_kills_at_random_leave_no_trace() {
        struct KillAt(usize);
        impl Observer for KillAt {
            fn step(&mut self, report: &StepReport) -> bool {
                // A kill leaves no checkpoint of its own step, so the whole process is torn down by a panic.
                assert!(report.step != self.0, "killed");
                true
            }
        }
        let steps = 24;
        let whole = tempfile::tempdir().unwrap();
        train(&rich(steps), &set_with_regions(), whole.path(), false, &mut Silent).unwrap();
        let mut rng = Seed(20).stream("kills");
        let again = tempfile::tempdir().unwrap();
        let mut kills = 0;
        while kills < 20 {
            // Anywhere in the rest of the training, or early in it, so that all of it is done in pieces.
            let at = 1 + rng.random_range(0..steps - 1);
            let dir = again.path().to_owned();
            let killed = std::thread::spawn(move || {
                train(&rich(24), &set_with_regions(), &dir, true, &mut KillAt(at)).is_ok()
            })
            .join();
            if killed.is_err() {
                kills += 1;
            }
            if again.path().join("checkpoints/step-0000024").exists() {
                // It came through: check it and begin anew.
                assert_eq!(state(whole.path(), steps), state(again.path(), steps));
                std::fs::remove_dir_all(again.path().join("checkpoints")).unwrap();
            }
        }
        train(&rich(steps), &set_with_regions(), again.path(), true, &mut Silent).unwrap();
        assert_eq!(state(whole.path(), steps), state(again.path(), steps));
        let metrics = |dir: &Path| std::fs::read(dir.join("metrics.jsonl")).unwrap();
        assert_eq!(metrics(whole.path()), metrics(again.path()));
    }

    #[test]
    fn the_last_checkpoints_and_the_best_are_kept() {
        struct Judge(usize);
        impl Observer for Judge {
            fn sample(
                &mut self,
                step: usize,
                _: &CycleGan,
            ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Verdict { best: step <= self.0, stop: step == 8 })
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let config = TrainConfig { sample_every_steps: 1, keep_checkpoints: 3, ..config(12) };
        let outcome = train(&config, &set(), dir.path(), false, &mut Judge(3)).unwrap();
        assert_eq!((outcome.step, outcome.finished), (8, true));
        let mut names: Vec<String> = std::fs::read_dir(dir.path().join("checkpoints"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["best-0000003", "step-0000004", "step-0000006", "step-0000008"]);
        let (_, best) = CycleGan::load_best(dir.path()).unwrap();
        let (_, newest) = CycleGan::load(dir.path()).unwrap();
        assert_eq!((best.step, newest.step), (3, 8));
        // It was ended for good: resuming it does nothing more.
        let outcome = train(&config, &set(), dir.path(), true, &mut Judge(3)).unwrap();
        assert_eq!((outcome.step, outcome.finished), (8, true));
    }

    #[test]
    fn a_training_that_leads_nowhere_is_given_up_with_a_checkpoint_to_go_back_to() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(400);
        // A discriminator a little better than chance counts as one that has won.
        config.watchdog =
            crate::Watchdog { window_steps: 6, collapse_share: 0.99, ..crate::Watchdog::default() };
        let error = train(&config, &set(), dir.path(), false, &mut Silent).err().unwrap();
        let TrainError::GivenUp { step, last_good: Some(path), .. } = &error else { panic!("{error}") };
        assert!(*step > 6 && path.is_dir(), "{error}");
        let message = error.to_string();
        assert!(message.contains("collapsed") && message.contains("lower its learning rate"), "{message}");
    }

    #[test]
    fn all_ways_of_training_learn() {
        let flat = |level: f32| Plane::filled(32, 32, level);
        let set = TrainingSet { healthy: vec![flat(0.3)], cancer: vec![flat(0.6)], regions: None };
        let plain = TrainConfig { learning_rate: 2e-3, ..config(60) };
        let mut spectral = plain.clone();
        spectral.generator.spectral_norm = true;
        spectral.discriminator.spectral_norm = true;
        for config in [
            TrainConfig { gan: crate::GanMode::Log, ..plain.clone() },
            TrainConfig { gan: crate::GanMode::Minimax, ..plain.clone() },
            TrainConfig { gan: crate::GanMode::Hinge, ..plain.clone() },
            TrainConfig { order: crate::UpdateOrder::Alternating, ..plain.clone() },
            TrainConfig { precision: mammo_ops::Precision::Bf16, ..plain.clone() },
            TrainConfig { ema_decay: Some(0.9), ..plain },
            spectral,
        ] {
            let dir = tempfile::tempdir().unwrap();
            let outcome = train(&config, &set, dir.path(), false, &mut Silent).unwrap();
            let reports: Vec<StepReport> =
                mammo_files::read_json_lines(&dir.path().join("metrics.jsonl")).unwrap();
            let cycle = |range: std::ops::Range<usize>| {
                reports[range].iter().map(|r| r.losses.cycle_a + r.losses.cycle_b).sum::<f32>()
            };
            assert!(cycle(50..60) < 0.6 * cycle(0..10), "{config:?}");
            let back = outcome.model.inject(&flat(0.3)).unwrap();
            let stored = CycleGan::load(dir.path()).unwrap().0;
            assert_eq!(stored.inject(&flat(0.3)).unwrap(), back, "{config:?}");
        }
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
            ) -> Result<Verdict, Box<dyn std::error::Error + Send + Sync>> {
                if step == self.0 { Err("killed".into()) } else { Ok(Verdict::default()) }
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
        let set = TrainingSet { healthy: vec![flat(0.3)], cancer: vec![flat(0.6)], regions: None };
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
