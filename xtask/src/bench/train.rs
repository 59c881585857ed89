//! The training step beside PyTorch's: same networks, same sizes, same threads, whole step with Adam, batch 1. Both in f32, then,
//! where the CPU multiplies bfloat16, ours with `precision = "bf16"` beside PyTorch's under bf16 autocast.

use super::turn::{self, Turn, ratio};
use super::{median, python};
use crate::cargo::{cargo, root, run};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Turns of us and the peer, alternately, so that what else the machine does falls on both.
const ROUNDS: usize = 5;
const THREADS: usize = 2;

/// Network, side, ngf, ndf, residual blocks, and steps of one turn.
const CONFIGS: [(&str, usize, usize, usize, usize, usize); 4] = [
    ("becker", 128, 16, 32, 6, 10),
    ("becker", 128, 32, 64, 9, 5),
    ("becker", 256, 32, 64, 9, 3),
    ("zhu", 128, 64, 64, 9, 3),
];

pub(crate) fn train(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    let python = python::with(&["numpy", "torch"])?;
    run("the build", cargo(&["build", "--release", "--package", "mammo-train", "--example", "bench_step"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let ours = target.join("release").join("examples").join("bench_step");
    let script = root().join("crates").join("mammo-train").join("benches").join("torch_step.py");
    let bf16 = multiplies_bf16();
    if !bf16 {
        eprintln!("this CPU has no instructions for bfloat16: only f32 is compared");
    }
    if !as_json {
        println!(
            "{:<42} {:>9} {:>9} {:>20} {:>16} {:>9} {:>9} {:>20}",
            "configuration",
            "ours [s]",
            "peer [s]",
            "ratio (spread)",
            "memory [MiB]",
            "bf16 [s]",
            "peer [s]",
            "ratio (spread)"
        );
    }
    for (net, side, ngf, ndf, blocks, steps) in
        CONFIGS.into_iter().take(if quick { 1 } else { CONFIGS.len() })
    {
        let name = format!("{net} {side}x{side}, ngf {ngf}, ndf {ndf}, {blocks} blocks");
        let config = |bf16: bool| {
            json!({
                "net": net, "height": side, "width": side, "ngf": ngf, "ndf": ndf, "blocks": blocks,
                "steps": steps, "threads": THREADS, "bf16": bf16,
            })
            .to_string()
        };
        let [mut our_turns, mut peer_turns, mut our_bf16_turns, mut peer_bf16_turns] =
            [(); 4].map(|()| Vec::new());
        for _ in 0..if quick { 1 } else { ROUNDS } {
            let plain = (false, &mut our_turns, &mut peer_turns);
            let rounded = bf16.then_some((true, &mut our_bf16_turns, &mut peer_bf16_turns));
            for (bf16, our_turns, peer_turns) in std::iter::once(plain).chain(rounded) {
                let mut command = Command::new(&ours);
                command.arg(config(bf16));
                our_turns.push(Turn::of(&name, command)?);
                let mut command = Command::new(&python);
                command.arg(&script).arg(config(bf16));
                peer_turns.push(Turn::of(&name, command)?);
            }
        }
        let (ratio, low, high) = ratio(&our_turns, &peer_turns, Turn::median);
        let all = |turns: &[Turn]| median(&turns.iter().flat_map(|t| t.seconds.clone()).collect::<Vec<_>>());
        let peak = |turns: &[Turn]| turns.iter().map(|t| t.peak_mib).fold(0.0, f64::max);
        let (ours_s, peer_s) = (all(&our_turns), all(&peer_turns));
        let in_bf16 = bf16.then(|| (all(&our_bf16_turns), all(&peer_bf16_turns)));
        let bf16_ratio = bf16.then(|| turn::ratio(&our_bf16_turns, &peer_bf16_turns, Turn::median));
        if as_json {
            println!(
                "{}",
                json!({
                    "config": name, "threads": THREADS, "ours_s": ours_s, "peer_s": peer_s, "ratio": ratio,
                    "ratio_low": low, "ratio_high": high,
                    "ours_peak_mib": peak(&our_turns), "peer_peak_mib": peak(&peer_turns),
                    "ours_bf16_s": in_bf16.map(|s| s.0), "peer_bf16_s": in_bf16.map(|s| s.1),
                    "ratio_bf16": bf16_ratio.map(|r| r.0), "ratio_bf16_low": bf16_ratio.map(|r| r.1),
                    "ratio_bf16_high": bf16_ratio.map(|r| r.2),
                })
            );
        } else {
            let spread = |(ratio, low, high): (f64, f64, f64)| format!("{ratio:.2} ({low:.2} to {high:.2})");
            let seconds = |s: Option<f64>| s.map_or("-".to_owned(), |s| format!("{s:.3}"));
            println!(
                "{name:<42} {ours_s:>9.3} {peer_s:>9.3} {:>20} {:>16} {:>9} {:>9} {:>20}",
                spread((ratio, low, high)),
                format!("{:.0} / {:.0}", peak(&our_turns), peak(&peer_turns)),
                seconds(in_bf16.map(|s| s.0)),
                seconds(in_bf16.map(|s| s.1)),
                bf16_ratio.map_or("-".to_owned(), spread),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the CPU has the instructions that `precision = "bf16"` is for; without them it saves nothing.
fn multiplies_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
