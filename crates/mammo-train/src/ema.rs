//! Exponential moving averages of generators, whose images flicker less from step to step than those of the last weights
//! (Yazici et al., arXiv 1806.04498).

use mammo_models::{Parameters, ResnetGenerator};
use mammo_ops::Followed;

use crate::TrainError;

/// The averages of both generators.
pub(crate) struct Averages {
    pub(crate) g_ab: ResnetGenerator,
    pub(crate) g_ba: ResnetGenerator,
}

impl Averages {
    /// Moves both a step towards the generators as they are after `step` steps.
    ///
    /// The average begins by following closely, as far as `(1 + step) / (10 + step)` is below the decay: the first weights are
    /// random and should be forgotten soon.
    pub(crate) fn follow(
        &self,
        g_ab: &ResnetGenerator,
        g_ba: &ResnetGenerator,
        decay: f64,
        step: usize,
    ) -> Result<(), TrainError> {
        let decay = decay.min((1.0 + step as f64) / (10.0 + step as f64));
        follow(self.g_ab.parameters(), g_ab.parameters(), decay)?;
        follow(self.g_ba.parameters(), g_ba.parameters(), decay)
    }
}

fn follow(average: &Parameters, now: &Parameters, decay: f64) -> Result<(), TrainError> {
    let pairs = average.iter().zip(now.iter());
    let all: Vec<Followed> = pairs
        .map(|((_, average), (_, now))| Followed { average: average.as_tensor(), now: now.as_tensor() })
        .collect();
    Ok(mammo_ops::follow(&all, decay)?)
}
