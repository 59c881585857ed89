//! The figures of the runs of a series, and their mean and spread over the seeds.

use super::config::SeriesConfig;
use crate::run::RunFolder;
use crate::runs::figures::{KINDS, read_figures};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A value with its 95 % interval, where there is one.
type Measured = (f64, Option<(f64, f64)>);

/// `series.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Results {
    /// Whether readers were programs.
    pub(super) simulated: bool,
    pub(super) figures: Vec<Row>,
    /// Names of the cells.
    pub(super) cells: Vec<String>,
    pub(super) seeds: Vec<u64>,
}

/// One figure, cell by cell.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) title: String,
    /// Whether it says something about readers.
    pub(super) of_readers: bool,
    pub(super) cells: Vec<Spread>,
    /// The first cell less the second where there are two.
    pub(super) difference: Option<Difference>,
}

/// A figure of one cell over the seeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Spread {
    /// Seed by seed, with the interval over patients that each run gives.
    pub(super) values: Vec<Option<f64>>,
    pub(super) intervals_95: Vec<Option<(f64, f64)>>,
    pub(super) mean: Option<f64>,
    /// Standard deviation over the seeds; none for one seed.
    pub(super) deviation: Option<f64>,
    pub(super) range: Option<(f64, f64)>,
}

/// How far two cells are apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Difference {
    /// Mean of the differences seed by seed.
    pub(super) mean: f64,
    /// 95 % interval over patients, from the runs' own intervals as if the cells had other patients and errors were normal; the
    /// seeds are taken as given.
    pub(super) interval_95: Option<(f64, f64)>,
}

/// Reads the figures of all runs.
pub(super) fn collect(config: &SeriesConfig, folder: &RunFolder) -> anyhow::Result<Results> {
    let mut cells: Vec<String> = Vec::new();
    let mut seeds: Vec<u64> = Vec::new();
    for member in &config.members {
        if !cells.contains(&member.cell) {
            cells.push(member.cell.clone());
        }
        if !seeds.contains(&member.seed) {
            seeds.push(member.seed);
        }
    }
    let mut notes = Vec::new();
    let read: Vec<_> = config
        .members
        .iter()
        .map(|member| (member, read_figures(&folder.path(&member.folder()), &mut notes)))
        .collect();
    anyhow::ensure!(notes.is_empty(), "{}", notes.join("; "));
    let mut rows = Vec::new();
    for kind in KINDS {
        let of_cell = |cell: &String| {
            let values: Vec<Option<Measured>> = seeds
                .iter()
                .map(|seed| {
                    let found = read.iter().find(|(m, _)| m.cell == *cell && m.seed == *seed);
                    found.and_then(|(_, figures)| figures.value(kind.name))
                })
                .collect();
            Spread::of(&values)
        };
        let spreads: Vec<Spread> = cells.iter().map(of_cell).collect();
        if spreads.iter().all(|spread| spread.mean.is_none()) {
            continue;
        }
        let difference = if let [a, b] = spreads.as_slice() { Difference::of(a, b) } else { None };
        rows.push(Row {
            name: kind.name.to_owned(),
            title: kind.title.to_owned(),
            of_readers: kind.of_readers,
            cells: spreads,
            difference,
        });
    }
    let simulated = read.iter().any(|(_, figures)| figures.readers.as_ref().is_some_and(|r| r.simulated));
    Ok(Results { simulated, figures: rows, cells, seeds })
}

impl Spread {
    fn of(values: &[Option<Measured>]) -> Self {
        let known: Vec<f64> = values.iter().flatten().map(|(value, _)| *value).collect();
        let n = known.len() as f64;
        let mean = (!known.is_empty()).then(|| known.iter().sum::<f64>() / n);
        let deviation = mean
            .filter(|_| known.len() > 1)
            .map(|mean| (known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt());
        let range = mean.map(|_| {
            known
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)))
        });
        Self {
            values: values.iter().map(|v| v.map(|(value, _)| value)).collect(),
            intervals_95: values.iter().map(|v| v.and_then(|(_, interval)| interval)).collect(),
            mean,
            deviation,
            range,
        }
    }

    /// Mean and what is said of its spread; of a single seed the interval over patients.
    pub(super) fn text(&self, scale: f64) -> String {
        let Some(mean) = self.mean else { return "not measured".to_owned() };
        match (self.deviation, self.range, self.intervals_95.as_slice()) {
            (Some(deviation), Some((low, high)), _) => format!(
                "{:.2}, SD {:.2} ({:.2} to {:.2})",
                scale * mean,
                scale * deviation,
                scale * low,
                scale * high
            ),
            (_, _, [Some((low, high))]) => {
                format!("{:.2} (95 % interval {:.2} to {:.2})", scale * mean, scale * low, scale * high)
            }
            _ => format!("{:.2}", scale * mean),
        }
    }
}

impl Difference {
    fn of(a: &Spread, b: &Spread) -> Option<Self> {
        let pairs: Vec<(f64, f64)> = a.values.iter().zip(&b.values).filter_map(|(a, b)| a.zip(*b)).collect();
        if pairs.is_empty() {
            return None;
        }
        let n = pairs.len() as f64;
        let mean = pairs.iter().map(|(a, b)| a - b).sum::<f64>() / n;
        // The width of a 95 % interval is 3.92 standard errors.
        let variance = |spread: &Spread| -> Option<f64> {
            spread.intervals_95.iter().map(|i| i.map(|(low, high)| ((high - low) / 3.92).powi(2))).sum()
        };
        let interval_95 = variance(a).zip(variance(b)).map(|(a, b)| {
            let half = 1.96 * (a + b).sqrt() / n;
            (mean - half, mean + half)
        });
        Some(Self { mean, interval_95 })
    }

    pub(super) fn text(&self, scale: f64) -> String {
        let interval = self
            .interval_95
            .map_or_else(String::new, |(low, high)| format!(" ({:.2} to {:.2})", scale * low, scale * high));
        format!("{:.2}{interval}", scale * self.mean)
    }
}

/// What a table multiplies a figure by.
pub(super) fn scale_of(name: &str) -> f64 {
    KINDS.iter().find(|kind| kind.name == name).map_or(1.0, |kind| kind.scale)
}

impl Results {
    /// The results for a terminal.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for row in &self.figures {
            let scale = scale_of(&row.name);
            let readers = if row.of_readers && self.simulated { " [SIMULATED]" } else { "" };
            let _ = writeln!(text, "{}{readers}", row.title);
            for (cell, spread) in self.cells.iter().zip(&row.cells) {
                let name = if cell.is_empty() { "all seeds" } else { cell };
                let _ = writeln!(text, "    {name}: {}", spread.text(scale));
            }
            if let Some(difference) = &row.difference {
                let _ = writeln!(text, "    first less second: {}", difference.text(scale));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_spread_and_difference_are_those_of_the_seeds() {
        let a = Spread::of(&[Some((0.7, Some((0.6, 0.8)))), Some((0.9, Some((0.8, 1.0)))), None]);
        assert!((a.mean.unwrap() - 0.8).abs() < 1e-12);
        assert!((a.deviation.unwrap() - 0.02f64.sqrt()).abs() < 1e-12);
        assert_eq!(a.range, Some((0.7, 0.9)));
        let b =
            Spread::of(&[Some((0.5, Some((0.4, 0.6)))), Some((0.6, Some((0.5, 0.7)))), Some((0.1, None))]);
        let difference = Difference::of(&a, &b).unwrap();
        assert!((difference.mean - 0.25).abs() < 1e-12);
        // An interval is missing, so none can be given.
        assert_eq!(difference.interval_95, None);
        let one = |value: f64, half: f64| Spread::of(&[Some((value, Some((value - half, value + half))))]);
        let (low, high) = Difference::of(&one(0.5, 0.3), &one(0.2, 0.4)).unwrap().interval_95.unwrap();
        assert!((low + 0.2).abs() < 1e-9 && (high - 0.8).abs() < 1e-9, "{low} {high}");
    }
}
