//! One turn of a benchmark: a program that prints what it measured as one JSON object.

use super::median;
use serde_json::Value;
use std::process::Command;

/// What one call measured.
pub(super) struct Turn {
    pub(super) seconds: Vec<f64>,
    /// The answer, where the call gives one.
    pub(super) value: f64,
    pub(super) peak_mib: f64,
    /// The most memory of a GPU, by the program's own count, where it gives one.
    pub(super) gpu_peak_mib: f64,
}

impl Turn {
    pub(super) fn of(name: &str, mut command: Command) -> Result<Self, String> {
        let output = command.output().map_err(|error| format!("{name}: cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let value: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("{name}: no JSON: {error}"))?;
        let seconds: Vec<f64> =
            value["seconds"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        if seconds.is_empty() {
            return Err(format!("{name}: nothing was timed"));
        }
        let number = |key: &str| value[key].as_f64().unwrap_or(f64::NAN);
        Ok(Self {
            seconds,
            value: number("value"),
            peak_mib: number("peak_mib"),
            gpu_peak_mib: number("gpu_peak_mib"),
        })
    }

    pub(super) fn median(&self) -> f64 {
        median(&self.seconds)
    }

    /// What a step takes in the long run: where work is handed to a GPU ahead of time, single steps are of unequal length.
    pub(super) fn mean(&self) -> f64 {
        self.seconds.iter().sum::<f64>() / self.seconds.len() as f64
    }
}

/// Median, least and greatest of the ratios of turns that followed each other.
pub(super) fn ratio(ours: &[Turn], peers: &[Turn], of: impl Fn(&Turn) -> f64) -> (f64, f64, f64) {
    let ratios: Vec<f64> = ours.iter().zip(peers).map(|(o, p)| of(o) / of(p)).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, 0.0f64), |(low, high), &r| (low.min(r), high.max(r)));
    (median(&ratios), low, high)
}
