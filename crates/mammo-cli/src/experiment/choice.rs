//! Which networks translate in the end, and when a training may end early.

use super::measures::Measures;
use mammo_train::Verdict;
use serde::{Deserialize, Serialize};

/// What networks are chosen by. All but the last are measured on patients set aside for it (`validation_fraction`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Criterion {
    /// Nothing is measured for it: the networks of the last step.
    #[default]
    Last,
    /// The smallest difference of images from what comes back of them.
    Cycle,
    /// The weakest grid in translated images.
    Grid,
    /// The smallest Fréchet distance from real images.
    Frechet,
    /// The smallest sliced Wasserstein distance from real images.
    SlicedWasserstein,
    /// The removal that comes closest to the true twins, which phantoms alone have.
    Counterfactual,
    /// The largest share of images that a SIMULATED malignancy observer sees moved as was meant.
    Observer,
}

/// `[choice]` of a preset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Choice {
    /// What the networks are chosen by.
    pub(crate) by: Criterion,
    /// Measurements in a row without a better one after which the training ends; never where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) patience: Option<usize>,
}

impl Criterion {
    /// What it goes by.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Last => "nothing",
            Self::Cycle => "the cycle error",
            Self::Grid => "the grid score",
            Self::Frechet => "the Fréchet distance",
            Self::SlicedWasserstein => "the sliced Wasserstein distance",
            Self::Counterfactual => "the approach to the true twins",
            Self::Observer => "the SIMULATED malignancy observer",
        }
    }

    /// What is to be small; `None` where it was not measured.
    pub(crate) fn value(self, measures: &Measures) -> Option<f64> {
        let (injected, removed) = (&measures.injected, &measures.removed);
        Some(match self {
            Self::Last => return None,
            Self::Cycle => measures.cycle_error,
            Self::Grid => [injected, removed]
                .iter()
                .map(|l| l.grid_half_db.max(l.grid_quarter_db))
                .fold(f64::NEG_INFINITY, f64::max),
            Self::Frechet => f64::midpoint(injected.frechet, removed.frechet),
            Self::SlicedWasserstein => f64::midpoint(injected.sliced_wasserstein, removed.sliced_wasserstein),
            Self::Counterfactual => -measures.twins?.approach,
            Self::Observer => -f64::midpoint(measures.observer_raised?, measures.observer_lowered?),
        })
    }
}

impl Choice {
    /// The verdict on the last of the measurements, in the order of their steps.
    pub(crate) fn verdict(&self, measures: &[Measures]) -> Verdict {
        let values: Vec<f64> = measures.iter().filter_map(|m| self.by.value(m)).collect();
        // The first of several as good: what came earlier had less time to learn a grid.
        let best = (0..values.len()).min_by(|&a, &b| values[a].total_cmp(&values[b]));
        let Some(best) = best else { return Verdict::default() };
        let since = values.len() - 1 - best;
        Verdict { best: since == 0, stop: self.patience.is_some_and(|patience| since >= patience) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::measures::tests::measures;
    use super::*;

    #[test]
    fn the_first_of_the_best_is_kept_and_patience_ends() {
        let choice = Choice { by: Criterion::Counterfactual, patience: Some(2) };
        let approaches = [0.1, 0.4, 0.4, 0.3, 0.5];
        let verdicts: Vec<(bool, bool)> = (1..=5)
            .map(|n| {
                let all: Vec<_> =
                    approaches[..n].iter().enumerate().map(|(i, a)| measures(i, 0.0, *a)).collect();
                let verdict = choice.verdict(&all);
                (verdict.best, verdict.stop)
            })
            .collect();
        assert_eq!(verdicts, [(true, false), (true, false), (false, false), (false, true), (true, false)]);
        let last = Choice::default().verdict(&[measures(1, 0.0, 0.0)]);
        assert_eq!(last, Verdict::default());
    }
}
