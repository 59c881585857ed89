//! Detectors on 1,000 images of 256 x 256 pixels: seconds of each kind, and the network beside the same network in PyTorch.

use super::turn::Turn;
use super::{median, python};
use crate::cargo::{cargo, root, run};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Turns of us and the peer, alternately.
const ROUNDS: usize = 5;
const THREADS: usize = 2;
/// Scores in log odds that differ by more are not of the same network.
const TOLERANCE: f64 = 1e-3;

pub(crate) fn detect(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    let python = python::with(&["numpy", "torch"])?;
    run(
        "the build",
        cargo(&["build", "--release", "--package", "mammo-detect", "--example", "score_thousand"]),
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let ours = target.join("release").join("examples").join("score_thousand");
    let script = root().join("crates").join("mammo-detect").join("benches").join("torch_scores.py");
    let folder = target.join("bench-detect");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (mut measures, mut network, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if quick { 1 } else { ROUNDS } {
        measures.push(our_turn(&ours, "measures", &folder)?);
        network.push(our_turn(&ours, "network", &folder)?);
        let mut command = Command::new(&python);
        command.arg(&script).arg(&folder).arg(THREADS.to_string());
        peer.push(Turn::of("PyTorch", command)?);
    }
    let apart = network.iter().zip(&peer).map(|(n, p)| (n.value - p.value).abs()).fold(0.0, f64::max);
    if apart > TOLERANCE {
        return Err(format!(
            "our network and PyTorch's differ by {apart} log odds in the mean; they do not do the same work"
        ));
    }
    let seconds = |turns: &[Turn]| median(&turns.iter().map(Turn::median).collect::<Vec<_>>());
    let ratios: Vec<f64> = network.iter().zip(&peer).map(|(n, p)| n.median() / p.median()).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, 0.0f64), |(low, high), &r| (low.min(r), high.max(r)));
    let ratio = median(&ratios);
    let (measures_s, network_s, peer_s) = (seconds(&measures), seconds(&network), seconds(&peer));
    if as_json {
        println!(
            "{}",
            json!({
                "images": 1000, "side_px": 256, "threads": THREADS, "measures_s": measures_s, "network_s": network_s,
                "network_peer_s": peer_s, "ratio": ratio, "ratio_low": low, "ratio_high": high,
                "difference_log_odds": apart,
            })
        );
    } else {
        println!("1,000 images of 256 x 256 pixels, {THREADS} threads");
        println!("measures  {measures_s:.2} s");
        println!(
            "network   {network_s:.2} s, PyTorch {peer_s:.2} s, ratio {ratio:.2} ({low:.2} to {high:.2})"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn our_turn(program: &Path, kind: &str, folder: &Path) -> Result<Turn, String> {
    let mut command = Command::new(program);
    command
        .arg(kind)
        .arg(folder)
        .env("RAYON_NUM_THREADS", THREADS.to_string())
        .env("CANDLE_NUM_THREADS", "1");
    Turn::of(kind, command)
}
