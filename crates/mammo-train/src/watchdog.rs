use serde::{Deserialize, Serialize};

use crate::{GanMode, Losses, TrainError};

/// Times the lowest mean of the cycle losses up to which a state counts as good.
const GOOD: f64 = 1.5;

/// When a training is given up, because nothing good can come of it any more.
///
/// Losses of GANs go up and down, so it looks at running means, and what it waits for is far from all that trainings that
/// end well have shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watchdog {
    /// Steps that the running means look back over; nothing is judged before as many are done. 0 judges nothing.
    pub window_steps: usize,
    /// The training has diverged when the mean of the cycle losses is this many times the lowest that it has been.
    pub divergence_factor: f64,
    /// A discriminator has collapsed when the mean of its loss is below this share of what chance gives: it tells every fake, the
    /// generator hears nothing but "fake", and both stand still.
    pub collapse_share: f64,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { window_steps: 200, divergence_factor: 5.0, collapse_share: 0.004 }
    }
}

impl Watchdog {
    /// Checks every number.
    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let fine = self.divergence_factor > GOOD && (0.0..1.0).contains(&self.collapse_share);
        if fine {
            return Ok(());
        }
        Err(TrainError::Config(format!(
            "watchdog: divergence_factor must be above {GOOD}, not {}, and collapse_share from 0 to below 1, not {}",
            self.divergence_factor, self.collapse_share
        )))
    }
}

/// Running means of a training.
pub(crate) struct Watch {
    limits: Watchdog,
    chance: f64,
    seen: usize,
    cycle: f64,
    lowest_cycle: f64,
    judges: [f64; 2],
}

impl Watch {
    pub(crate) fn new(limits: &Watchdog, gan: GanMode) -> Self {
        let chance = gan.chance_loss();
        Self {
            limits: limits.clone(),
            chance,
            seen: 0,
            cycle: 0.0,
            lowest_cycle: f64::INFINITY,
            judges: [chance; 2],
        }
    }

    fn warm(&self) -> bool {
        self.limits.window_steps > 0 && self.seen >= self.limits.window_steps
    }

    /// Takes in a step and says what is wrong, if it is.
    pub(crate) fn step(&mut self, losses: &Losses) -> Option<String> {
        // A plain mean until the window is full, so that the start does not weigh more than the rest.
        let weight = 1.0 / (self.seen + 1).min(self.limits.window_steps.max(1)) as f64;
        let mix = |mean: &mut f64, value: f32| *mean += weight * (f64::from(value) - *mean);
        mix(&mut self.cycle, losses.cycle_a + losses.cycle_b);
        mix(&mut self.judges[0], losses.d_a);
        mix(&mut self.judges[1], losses.d_b);
        self.seen += 1;
        if !self.warm() {
            return None;
        }
        self.lowest_cycle = self.lowest_cycle.min(self.cycle);
        if self.cycle > self.limits.divergence_factor * self.lowest_cycle {
            return Some(format!(
                "the training diverged: the cycle losses have risen to {:.3} on average, {:.1} times their lowest; lower the \
                 learning rate",
                self.cycle,
                self.cycle / self.lowest_cycle
            ));
        }
        let won = ["healthy", "cancer"].into_iter().zip(self.judges);
        won.into_iter().find(|(_, loss)| *loss < self.limits.collapse_share * self.chance).map(|(what, loss)| {
            format!(
                "the discriminator of {what} images has collapsed: it tells every fake (loss {loss:.1e} on average against {:.2} \
                 by chance), so that its generator learns nothing more; lower its learning rate or its width (ndf), or raise \
                 lambda_identity",
                self.chance
            )
        })
    }

    /// Whether the state is worth going back to.
    pub(crate) fn is_good(&self) -> bool {
        !self.warm()
            || (self.cycle <= GOOD * self.lowest_cycle
                && self.judges.iter().all(|loss| *loss > 2.0 * self.limits.collapse_share * self.chance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(cycle: f32, judge: f32) -> Losses {
        Losses {
            adversarial_ab: 0.3,
            adversarial_ba: 0.3,
            cycle_a: cycle / 2.0,
            cycle_b: cycle / 2.0,
            identity_a: 0.0,
            identity_b: 0.0,
            d_a: judge,
            d_b: 0.25,
        }
    }

    fn watch() -> Watch {
        Watch::new(&Watchdog { window_steps: 20, ..Watchdog::default() }, GanMode::LeastSquares)
    }

    #[test]
    fn ordinary_ups_and_downs_are_left_alone() {
        let mut watch = watch();
        for i in 0..500 {
            let cycle = 2.0 / (1.0 + i as f32 / 50.0) + 0.5 * (i as f32 * 1.7).sin().abs();
            assert_eq!(watch.step(&losses(cycle, 0.02 + 0.2 * (i as f32).sin().abs())), None, "{i}");
        }
        assert!(watch.is_good());
    }

    #[test]
    fn a_cycle_loss_that_rises_for_good_is_a_divergence() {
        let mut watch = watch();
        let found = (0..400).find_map(|i| {
            let cycle = if i < 100 { 0.5 } else { 0.5 * 1.05f32.powi(i - 100) };
            let was_good = watch.is_good();
            watch.step(&losses(cycle, 0.25)).map(|text| (i, text, was_good))
        });
        let (step, text, good) = found.unwrap();
        assert!(step > 120 && text.contains("diverged") && !good, "{step} {text} {good}");
    }

    #[test]
    fn a_discriminator_that_knows_everything_has_collapsed() {
        let mut watch = watch();
        let found = (0..400).find_map(|i| watch.step(&losses(0.5, if i < 50 { 0.2 } else { 1e-5 })));
        let text = found.unwrap();
        assert!(text.contains("healthy") && text.contains("collapsed"), "{text}");
    }

    #[test]
    fn a_window_of_nothing_judges_nothing() {
        let mut watch = Watch::new(&Watchdog { window_steps: 0, ..Watchdog::default() }, GanMode::Hinge);
        assert!((0..100).all(|i| watch.step(&losses(i as f32, 0.0)).is_none()));
        assert!(Watchdog { divergence_factor: 1.0, ..Watchdog::default() }.check().is_err());
    }
}
