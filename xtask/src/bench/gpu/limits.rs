//! What the GPU at hand does at best, as PyTorch measures it.

use super::options::Precision;
use super::work::Work;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = include_str!("limits.py");

/// Rates of the machine.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// All that was measured and with what, for the results.
    pub(super) measured: Value,
}

impl Limits {
    /// Measures them; fails in one sentence where this Python's torch sees no GPU.
    pub(super) fn measure(python: &Path, device: &str) -> Result<Self, String> {
        let config = json!({ "device": device, "side": 8192, "copy_mib": 1024 }).to_string();
        let output = Command::new(python)
            .args(["-c", SCRIPT, &config])
            .output()
            .map_err(|error| format!("{}: cannot be started: {error}", python.display()))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said.trim().lines().last().unwrap_or("nothing").to_owned();
            return Err(format!(
                "the limits of the GPU cannot be measured ({last}): the benchmark wants a python3 on PATH whose torch sees {device}"
            ));
        }
        let measured: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("limits.py: no JSON: {error}"))?;
        Ok(Self { measured })
    }

    fn rate(&self, name: &str) -> f64 {
        self.measured[name].as_f64().unwrap_or(f64::NAN)
    }

    /// The least time that so much work takes, and what bounds it.
    pub(super) fn floor(&self, work: Work, precision: Precision) -> Floor {
        let operations_s = work.operations / self.rate(precision.name());
        let bytes_s = work.bytes / self.rate("copy");
        if operations_s >= bytes_s {
            Floor { seconds: operations_s, by: "operations" }
        } else {
            Floor { seconds: bytes_s, by: "bytes" }
        }
    }
}

/// A least time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Floor {
    pub(super) seconds: f64,
    pub(super) by: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_both_times_is_the_floor() {
        let limits = Limits { measured: json!({ "f32": 10.0, "bf16": 1000.0, "copy": 100.0 }) };
        let work = Work { operations: 100.0, bytes: 200.0 };
        assert_eq!(limits.floor(work, Precision::F32), Floor { seconds: 10.0, by: "operations" });
        assert_eq!(limits.floor(work, Precision::Bf16), Floor { seconds: 2.0, by: "bytes" });
    }
}
