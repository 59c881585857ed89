//! Which runs a series has.

use crate::experiment::RunConfig;
use crate::run::Settings;
use serde::{Deserialize, Serialize};

/// `run.json` of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SeriesConfig {
    /// Name of the command.
    pub(super) experiment: String,
    /// Its runs, cell by cell.
    pub(super) members: Vec<Member>,
    /// Version of the program.
    pub(super) version: String,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Member {
    /// What sets its settings apart; empty where nothing but the seed does.
    pub(super) cell: String,
    /// Its seed.
    pub(super) seed: u64,
    /// Everything that decides its results.
    pub(super) config: RunConfig,
}

impl Member {
    /// Sub-folder of the series.
    pub(super) fn folder(&self) -> String {
        let cell: String = self
            .cell
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || "=._-".contains(c) { c } else { '-' })
            .collect();
        if cell.is_empty() { format!("seed{}", self.seed) } else { format!("{cell}-seed{}", self.seed) }
    }
}

impl Settings for SeriesConfig {
    fn results(&self) -> Vec<String> {
        ["run.json", "series.json", "report.html"].map(str::to_owned).to_vec()
    }

    fn name(&self) -> String {
        let first = self.members.first().map_or_else(String::new, |member| member.config.name());
        format!("{}-{first}", self.experiment.trim_start_matches("reproduce-"))
    }
}
