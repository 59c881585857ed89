use crate::TrainConfig;

/// The learning rate of step `step`, counted from 0: constant at first, then falling in a straight line that would
/// reach zero one step after the last (Zhu et al. section 7.1, by steps instead of epochs).
pub fn learning_rate(config: &TrainConfig, step: usize) -> f64 {
    config.learning_rate * rate_share(config, step)
}

/// What is left of the learning rates in step `step`: 1 at first.
pub(crate) fn rate_share(config: &TrainConfig, step: usize) -> f64 {
    let falling = config.steps.saturating_sub(config.constant_steps);
    let into = (step + 1).saturating_sub(config.constant_steps);
    (1.0 - into as f64 / (falling + 1) as f64).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mammo_core::Seed;
    use mammo_models::{DiscriminatorConfig, GeneratorConfig};

    #[test]
    fn the_rate_holds_and_then_falls_and_never_reaches_zero() {
        let config = TrainConfig {
            steps: 10,
            constant_steps: 5,
            learning_rate: 6.0,
            ..TrainConfig::new(GeneratorConfig::becker(1, 1), DiscriminatorConfig::becker(1), 32, 32, Seed(0))
        };
        let rates: Vec<f64> = (0..10).map(|step| learning_rate(&config, step)).collect();
        for (rate, expected) in rates.iter().zip([6.0, 6.0, 6.0, 6.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]) {
            assert!((rate - expected).abs() < 1e-12, "{rates:?}");
        }
    }
}
