//! `mammo ingest` beside a pydicom + scikit-image script on the same files, in the same run.

use super::{median, python};
use crate::cargo::{build_mammo, cargo, root, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Turns of us and the peer, alternately, so that what else the machine does falls on both.
const ROUNDS: usize = 3;
const IMAGES: usize = 200;
const PROCESSES: usize = 2;
const SIDE: usize = 256;

pub(crate) fn ingest(as_json: bool, quick: bool) -> Result<ExitCode, String> {
    let python = python::with(&["numpy", "pydicom", "skimage=scikit-image"])?;
    let mammo = build_mammo()?;
    let (images, rounds) = if quick { (16, 1) } else { (IMAGES, ROUNDS) };
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let dir = Scratch(target.join("bench-ingest"));
    let release = dir.0.join("release");
    let _ = std::fs::remove_dir_all(&dir.0);
    eprintln!("making {images} files of 3328 x 4084 pixels in {}", release.display());
    let mut make = cargo(&[
        "run",
        "--release",
        "--quiet",
        "--package",
        "mammo-dataset",
        "--example",
        "bench_release",
        "--",
    ]);
    make.arg(&release).arg(images.to_string());
    run("the release", make)?;
    // Both read from the page cache.
    let bytes = warm(&release.join("AllDICOMs"))?;

    let script = root().join("crates").join("mammo-dataset").join("benches").join("skimage_ingest.py");
    let (mut ours, mut peers, mut our_peak, mut peer_peak) = (Vec::new(), Vec::new(), 0f64, 0f64);
    for round in 0..rounds {
        let out = dir.0.join(format!("ours-{round}"));
        let mut command = Command::new(&mammo);
        command.arg("ingest").arg(format!("inbreast:{}", release.display())).arg("--out").arg(&out);
        command.args(["--labels", "birads_ge3", "--size", &SIDE.to_string()]).stdout(Stdio::null());
        let (seconds, peak) = measured(command)?;
        let made = count(&out)?;
        if made != images {
            return Err(format!("mammo ingest made {made} of {images} pictures"));
        }
        ours.push(images as f64 / seconds);
        our_peak = our_peak.max(peak);

        let mut command = Command::new(&python);
        command.arg(&script).arg(release.join("AllDICOMs")).arg(dir.0.join(format!("peer-{round}")));
        command.args([SIDE.to_string(), PROCESSES.to_string()]);
        let output = command.output().map_err(|error| format!("the script cannot be started: {error}"))?;
        if !output.status.success() {
            return Err(format!("the script: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let turn: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("no JSON: {error}"))?;
        let seconds = turn["seconds"].as_f64().ok_or("the script timed nothing")?;
        peers.push(images as f64 / seconds);
        peer_peak = peer_peak.max(turn["peak_mib"].as_f64().unwrap_or(f64::NAN));
        eprintln!("round {}: {:.1} and {:.2} images a second", round + 1, ours[round], peers[round]);
    }
    let ratios: Vec<f64> = ours.iter().zip(&peers).map(|(o, p)| o / p).collect();
    let (low, high) = ratios.iter().fold((f64::MAX, 0f64), |(low, high), &r| (low.min(r), high.max(r)));
    if as_json {
        let line = json!({
            "images": images, "bytes": bytes, "rounds": rounds, "threads": PROCESSES, "size_px": SIDE,
            "ours_images_per_s": median(&ours), "peer_images_per_s": median(&peers),
            "ratio": median(&ratios), "ratio_low": low, "ratio_high": high,
            "ours_peak_mib": our_peak, "peer_peak_mib": peer_peak,
        });
        println!("{line}");
    } else {
        println!(
            "{images} files of 3328 x 4084 pixels to {SIDE} x {SIDE}, {rounds} turns each, page cache warm"
        );
        println!("mammo ingest         {:>7.1} images/s, {our_peak:.0} MiB at most", median(&ours));
        println!(
            "pydicom, skimage x {PROCESSES} {:>7.2} images/s, {peer_peak:.0} MiB at most",
            median(&peers)
        );
        println!("ratio                {:>7.1} ({low:.1} to {high:.1})", median(&ratios));
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder that is removed at the end, whatever the end is: the release takes 5.4 GB.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Reads every file once; the number of bytes.
fn warm(dir: &Path) -> Result<u64, String> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let mut file = std::fs::File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        bytes += std::io::copy(&mut file, &mut std::io::sink()).map_err(|e| e.to_string())?;
    }
    Ok(bytes)
}

/// Pictures of a prepared set.
fn count(out: &Path) -> Result<usize, String> {
    let mut count = 0;
    for folder in ["trainA", "trainB", "testA", "testB"] {
        let entries = std::fs::read_dir(out.join(folder)).map_err(|e| format!("{folder}: {e}"))?;
        count +=
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "png")).count();
    }
    Ok(count)
}

/// Runs a command; its seconds from start to end, and the most memory it had, in MiB.
fn measured(mut command: Command) -> Result<(f64, f64), String> {
    let start = Instant::now();
    let mut child =
        command.stderr(Stdio::null()).spawn().map_err(|e| format!("mammo cannot be started: {e}"))?;
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak_mib = f64::NAN;
    loop {
        let status = child.try_wait().map_err(|e| e.to_string())?;
        let seconds = start.elapsed().as_secs_f64();
        match status {
            Some(status) if status.success() => return Ok((seconds, peak_mib)),
            Some(status) => return Err(format!("mammo ingest failed ({status})")),
            None => {}
        }
        // The kernel keeps the maximum, so that looking now and then is enough.
        let status = std::fs::read_to_string(&status_file).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak_mib = kib.map_or(peak_mib, |kib| kib / 1024.0);
        std::thread::sleep(Duration::from_millis(5));
    }
}
