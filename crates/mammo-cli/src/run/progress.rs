use crate::{interrupt, progress::Progress};
use mammo_train::{SkippedCheckpoint, StepReport};

/// A CycleGAN's training on the terminal.
pub(crate) struct TrainingProgress {
    progress: Progress,
    /// Running mean of the cycle losses, which alone say how far the training is.
    cycle: f32,
}

impl TrainingProgress {
    pub(crate) fn new(steps: usize) -> Self {
        Self { progress: Progress::new("training", steps), cycle: 0.0 }
    }

    /// Something worth knowing.
    #[allow(clippy::unused_self)] // said where the training is shown
    pub(crate) fn note(&self, text: &str) {
        eprintln!("note: {text}");
    }

    /// Says where the training begins, and which checkpoints it passed over.
    pub(crate) fn started(&self, done: usize, skipped: &[SkippedCheckpoint]) {
        for checkpoint in skipped {
            eprintln!("note: {}: passed over: {}", checkpoint.path.display(), checkpoint.reason);
        }
        if done > 0 {
            eprintln!("training goes on after step {done}");
            self.progress.skip(done);
        }
    }

    /// Shows a step; false when an end has been asked for.
    pub(crate) fn step(&mut self, report: &StepReport) -> bool {
        let losses = report.losses;
        let cycle = losses.cycle_a + losses.cycle_b;
        self.cycle = if self.cycle == 0.0 { cycle } else { 0.95 * self.cycle + 0.05 * cycle };
        self.progress.set(report.step, || {
            format!(
                "cycle {:.2}, adversarial {:.2} {:.2}, discriminators {:.2} {:.2}",
                self.cycle, losses.adversarial_ab, losses.adversarial_ba, losses.d_a, losses.d_b
            )
        });
        !interrupt::asked()
    }

    pub(crate) fn finish(self, steps: usize) {
        self.progress.finish(&format!("{steps} steps"));
    }
}
