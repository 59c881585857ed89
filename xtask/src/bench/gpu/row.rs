//! What the turns of one configuration say.

use super::limits::{Floor, Limits};
use super::options::Precision;
use super::work::{self, Config};
use crate::bench::median;
use crate::bench::turn::{Turn, ratio};
use serde_json::{Map, Value, json};

/// The turns of one program.
#[derive(Default)]
pub(super) struct Series {
    pub(super) turns: Vec<Turn>,
    /// The most memory of the GPU that each turn took, where that is known.
    pub(super) device_mib: Vec<f64>,
    /// Why it could not be measured.
    pub(super) error: Option<String>,
}

impl Series {
    fn milliseconds(&self) -> Vec<f64> {
        self.turns.iter().map(|turn| turn.mean() * 1e3).collect()
    }

    /// Middle, least and greatest time of a step, and memory.
    fn summary(&self) -> Map<String, Value> {
        let all = self.milliseconds();
        let peak = |values: &mut dyn Iterator<Item = f64>| values.filter(|v| v.is_finite()).reduce(f64::max);
        let value = json!({
            "ms": median(&all),
            "ms_low": all.iter().copied().reduce(f64::min),
            "ms_high": all.iter().copied().reduce(f64::max),
            "gpu_peak_mib": peak(&mut self.device_mib.iter().copied()),
            "gpu_tensors_peak_mib": peak(&mut self.turns.iter().map(|turn| turn.gpu_peak_mib)),
        });
        value.as_object().cloned().unwrap_or_default()
    }

    fn is_measured(&self) -> bool {
        self.error.is_none() && !self.turns.is_empty()
    }
}

/// Ours and PyTorch's variants.
pub(super) struct Cell {
    pub(super) ours: Series,
    peers: Vec<(&'static str, Series)>,
}

impl Cell {
    pub(super) fn new(variants: &[&'static str]) -> Self {
        Self {
            ours: Series::default(),
            peers: variants.iter().map(|&name| (name, Series::default())).collect(),
        }
    }

    /// Ours without a variant.
    pub(super) fn series(&mut self, variant: Option<&str>) -> &mut Series {
        let peer = self.peers.iter_mut().find(|(name, _)| Some(*name) == variant);
        peer.map_or(&mut self.ours, |(_, series)| series)
    }

    /// Only the rounds that everyone has taken part in.
    pub(super) fn of_rounds(mut self, rounds: usize) -> Self {
        for series in self.peers.iter_mut().map(|(_, series)| series).chain([&mut self.ours]) {
            series.turns.truncate(rounds);
        }
        self
    }
}

/// One result, as a line of JSON: `ratio` is our time over theirs, of turns in the same round.
pub(super) fn row(
    name: &str,
    config: &Config,
    precision: Precision,
    cell: &Cell,
    floor: Floor,
    limits: &Limits,
) -> Value {
    let mut peers = Map::new();
    let mut best: Option<(&str, f64)> = None;
    for (variant, series) in &cell.peers {
        if let Some(error) = &series.error {
            peers.insert((*variant).to_owned(), json!({ "error": error }));
            continue;
        }
        if !series.is_measured() {
            continue;
        }
        let mut summary = series.summary();
        if cell.ours.is_measured() {
            let (middle, low, high) = ratio(&cell.ours.turns, &series.turns, Turn::mean);
            summary.extend([
                ("ratio".to_owned(), json!(middle)),
                ("ratio_low".to_owned(), json!(low)),
                ("ratio_high".to_owned(), json!(high)),
            ]);
        }
        let time = median(&series.milliseconds());
        if best.is_none_or(|(_, least)| time < least) {
            best = Some((variant, time));
        }
        peers.insert((*variant).to_owned(), Value::Object(summary));
    }
    let work = work::work(config, precision.bytes());
    let mut row = json!({
        "config": name, "ngf": config.ngf, "ndf": config.ndf, "blocks": config.blocks, "precision": precision.name(),
        "rounds": cell.peers.iter().map(|(_, series)| series.turns.len()).chain([cell.ours.turns.len()]).max(),
        "peers": peers, "best": best.map(|(name, _)| name),
        "floor_ms": floor.seconds * 1e3, "floor_by": floor.by, "operations": work.operations, "bytes": work.bytes,
        "limits": limits.measured,
    });
    if cell.ours.is_measured() {
        row["ours"] = Value::Object(cell.ours.summary());
    } else {
        row["ours_error"] = json!(cell.ours.error);
    }
    row
}

/// The head of the table.
pub(super) fn head(variants: &[&str]) -> String {
    let peers = variants.iter().map(|name| format!(" {:>13}", short(name))).collect::<Vec<_>>().concat();
    format!(
        "{:<24} {:<5} {:>9}{peers} {:>20} {:>33} {:>17} {:>18} {:>8}",
        "configuration",
        "",
        "ours [ms]",
        "to eager (spread)",
        "to the fastest (spread)",
        "memory [MiB]",
        "floor [ms]",
        "of floor",
    )
}

/// A line of the table, from a result: times in ms, ratios of our time to theirs, memory of ours and of the fastest.
pub(super) fn line(row: &Value, variants: &[&str]) -> String {
    let number = |value: &Value, digits: usize| {
        value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
    };
    let ratio = |peer: &Value| match peer["ratio"].as_f64() {
        Some(ratio) => {
            format!("{ratio:.2} ({} to {})", number(&peer["ratio_low"], 2), number(&peer["ratio_high"], 2))
        }
        None => "-".to_owned(),
    };
    let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let (ours, peers, best) = (&row["ours"], &row["peers"], text("best"));
    let times = variants
        .iter()
        .map(|&name| {
            let failed = peers[name]["error"].is_string();
            format!(" {:>13}", if failed { "failed".to_owned() } else { number(&peers[name]["ms"], 2) })
        })
        .collect::<Vec<_>>()
        .concat();
    let ours_ms = if row["ours_error"].is_string() { "failed".to_owned() } else { number(&ours["ms"], 2) };
    let over = ours["ms"].as_f64().zip(row["floor_ms"].as_f64()).map(|(ours, floor)| ours / floor);
    format!(
        "{:<24} {:<5} {ours_ms:>9}{times} {:>20} {:>33} {:>17} {:>18} {:>8}",
        text("config"),
        text("precision"),
        ratio(&peers["eager"]),
        format!("{} {}", short(&best), ratio(&peers[&best])),
        format!("{} / {}", number(&ours["gpu_peak_mib"], 0), number(&peers[&best]["gpu_peak_mib"], 0)),
        format!("{} {}", number(&row["floor_ms"], 2), text("floor_by")),
        number(&json!(over), 1),
    )
}

/// A variant's name where there is little room.
fn short(variant: &str) -> String {
    variant.replace("channels_last", "chl.").replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(seconds: &[f64]) -> Series {
        let turn = |&second: &f64| Turn {
            seconds: vec![second, second],
            value: f64::NAN,
            peak_mib: f64::NAN,
            gpu_peak_mib: 5.0,
        };
        Series { turns: seconds.iter().map(turn).collect(), device_mib: vec![10.0, 20.0], error: None }
    }

    fn example() -> (Cell, Value) {
        let mut cell = Cell::new(&["eager", "compiled", "graph"]);
        *cell.series(None) = series(&[0.002, 0.003, 0.004]);
        *cell.series(Some("eager")) = series(&[0.004, 0.004, 0.004]);
        *cell.series(Some("graph")) = series(&[0.001, 0.003, 0.002]);
        cell.series(Some("compiled")).error = Some("no compiler".to_owned());
        let config = Config { becker: true, height: 256, width: 256, ngf: 32, ndf: 64, blocks: 9, batch: 1 };
        let limits = Limits { measured: json!({ "gpu": "a GPU" }) };
        let floor = Floor { seconds: 0.0015, by: "bytes" };
        let row = row("becker 256x256 batch 1", &config, Precision::Tf32, &cell, floor, &limits);
        (cell, row)
    }

    #[test]
    fn ratios_are_of_turns_of_one_round() {
        let (_, row) = example();
        assert_eq!(row["best"], "graph");
        let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-9;
        assert!(near(&row["ours"]["ms"], 3.0) && near(&row["peers"]["eager"]["ratio"], 0.75), "{row}");
        let graph = &row["peers"]["graph"];
        assert!(
            near(&graph["ratio"], 2.0) && near(&graph["ratio_low"], 1.0) && near(&graph["ratio_high"], 2.0)
        );
        assert!(near(&row["ours"]["gpu_peak_mib"], 20.0) && near(&row["ours"]["gpu_tensors_peak_mib"], 5.0));
        assert_eq!(row["peers"]["compiled"]["error"], "no compiler");
        // JSON has no NaN: what was not measured is null.
        assert_eq!(serde_json::from_str::<Value>(&row.to_string()).unwrap(), row);
    }

    #[test]
    fn a_line_is_as_wide_as_its_head() {
        let (_, row) = example();
        let variants = ["eager", "compiled", "graph"];
        let line = line(&row, &variants);
        assert_eq!(line.chars().count(), head(&variants).chars().count(), "{line}");
        assert!(line.contains("failed") && line.contains("graph 2.00 (1.00 to 2.00)"), "{line}");
        assert!(line.contains("20 / 20") && line.contains("1.50 bytes") && line.ends_with("2.0"), "{line}");
    }

    #[test]
    fn a_failure_of_ours_leaves_the_others() {
        let (mut cell, _) = example();
        cell.ours = Series { error: Some("out of memory".to_owned()), ..Series::default() };
        let config = Config { becker: true, height: 256, width: 256, ngf: 32, ndf: 64, blocks: 9, batch: 1 };
        let limits = Limits { measured: Value::Null };
        let floor = Floor { seconds: f64::NAN, by: "bytes" };
        let row = row("x", &config, Precision::F32, &cell, floor, &limits);
        assert_eq!(row["ours_error"], "out of memory");
        assert!(row["peers"]["eager"]["ms"].is_f64() && row["peers"]["eager"]["ratio"].is_null());
        assert!(line(&row, &["eager", "graph"]).contains("failed"));
    }

    #[test]
    fn rounds_that_were_not_finished_do_not_count() {
        let (cell, _) = example();
        let cell = cell.of_rounds(1);
        assert_eq!((cell.ours.turns.len(), cell.peers[0].1.turns.len()), (1, 1));
    }
}
