//! Times the scoring of 1,000 images of 256 x 256 pixels by both kinds of detectors, for `cargo xtask bench detect`.
//!
//! `score_thousand KIND FOLDER`: KIND is measures or network. It trains a detector on a few pictures, writes it to
//! FOLDER/KIND.json, the pictures to FOLDER/images.f32 and the scores to FOLDER/KIND-scores.json, and prints
//! `{"seconds": [...], "value": mean log odds, "peak_mib": ...}`. Pictures are noise with a spectrum like tissue; what
//! the scores are does not matter here, only that peers agree on them.

use mammo_core::{Plane, Seed};
use mammo_detect::{Detector, DetectorSettings, Method, Sample};
use rand::Rng;
use rayon::prelude::*;
use std::path::PathBuf;
use std::time::Instant;

const SIDE: usize = 256;
const IMAGES: u64 = 1000;

fn picture(index: u64) -> Plane {
    let mut random = Seed(1).stream_at("pictures", index);
    let waves: Vec<[f32; 3]> = (0..8).map(|_| [0; 3].map(|_| random.random_range(-0.2..0.2))).collect();
    let edge = random.random_range(120..200usize);
    Plane::from_fn(SIDE, SIDE, |x, y| {
        let cloud: f32 = waves.iter().map(|w| (w[0] * x as f32 + w[1] * y as f32).sin() * w[2]).sum();
        let grain: f32 = random.random_range(-0.03..0.03);
        if x > edge { 0.0 } else { (0.5 + 0.3 * cloud + grain).clamp(0.05, 1.0) }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(kind), Some(folder)) = (args.next(), args.next().map(PathBuf::from)) else {
        return Err("usage: score_thousand measures|network FOLDER".into());
    };
    let method = match kind.as_str() {
        "measures" => Method::Measures { ridge: 1.0 },
        "network" => Method::Network { epochs: 2 },
        other => return Err(format!("there is no kind {other:?}; use measures or network").into()),
    };
    let samples: Vec<Sample> = (IMAGES..IMAGES + 12)
        .map(|i| {
            let original = picture(i);
            let modified = vec![original.map(|v| if v > 0.0 { 0.5 + 0.9 * (v - 0.5) } else { 0.0 })];
            Sample { patient: i.to_string(), original, modified }
        })
        .collect();
    let settings = DetectorSettings { method, handled_copies: 0, ..DetectorSettings::default() };
    let detector =
        Detector::train(&samples, &settings, &mut |_, _| true)?.ok_or("nobody ends the training")?;
    let planes: Vec<Plane> = (0..IMAGES).into_par_iter().map(picture).collect();

    let clock = Instant::now();
    let scores: Vec<f64> = planes
        .par_iter()
        .map(|p| Ok(detector.score(p)?.log_odds))
        .collect::<Result<_, mammo_detect::DetectError>>()?;
    let seconds = clock.elapsed().as_secs_f64();

    let values: Vec<u8> = planes.iter().flat_map(|p| p.data().iter().flat_map(|v| v.to_le_bytes())).collect();
    std::fs::write(folder.join("images.f32"), values)?;
    std::fs::write(folder.join(format!("{kind}.json")), serde_json::to_vec(detector.file())?)?;
    std::fs::write(folder.join(format!("{kind}-scores.json")), serde_json::to_vec(&scores)?)?;
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    println!("{}", serde_json::json!({"seconds": [seconds], "value": mean, "peak_mib": peak_mib()}));
    Ok(())
}

/// Largest memory of this process, where the system tells.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib / 1024.0)
}
