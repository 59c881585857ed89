//! Times DeLong's test for two paired curves: `bench_delong DIRECTORY [CASES] [REPEATS]`.
//!
//! Ratings are drawn from a seed and left in DIRECTORY as little-endian f64 (`a.f64`, `b.f64`, `truth.f64`), so that
//! `benches/delong_numpy.py DIRECTORY` times the same work on the same numbers. Prints one line of JSON.

use mammo_readout::{Interval, compare_paired};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::{error::Error, fs, hint::black_box, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("give a directory for the data")?);
    let cases: usize = arguments.next().map_or(Ok(1_000_000), |a| a.parse())?;
    let repeats: usize = arguments.next().map_or(Ok(5), |a| a.parse())?;
    let mut random = ChaCha8Rng::seed_from_u64(20190705);
    let (mut a, mut b, mut positive) = (Vec::new(), Vec::new(), Vec::new());
    for case in 0..cases {
        let truth = case % 2 == 0;
        let common: f64 = random.sample(StandardNormal);
        let mut rating = |signal: f64| {
            let own: f64 = random.sample(StandardNormal);
            common + own + if truth { signal } else { 0.0 }
        };
        a.push(rating(1.2));
        b.push(rating(1.19));
        positive.push(truth);
    }
    fs::create_dir_all(&directory)?;
    let truth: Vec<f64> = positive.iter().map(|&p| f64::from(u8::from(p))).collect();
    for (name, values) in [("a.f64", &a), ("b.f64", &b), ("truth.f64", &truth)] {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        fs::write(directory.join(name), bytes)?;
    }
    let mut seconds = Vec::new();
    let mut test = compare_paired(&a, &b, &positive, Interval::default())?;
    for _ in 0..repeats {
        let start = Instant::now();
        test = black_box(compare_paired(
            black_box(&a),
            black_box(&b),
            black_box(&positive),
            Interval::default(),
        )?);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let line = serde_json::json!({
        "name": "mammo-readout delong paired", "cases": cases, "seconds": seconds,
        "difference": test.difference, "se": test.se, "p": test.p,
    });
    println!("{line}");
    Ok(())
}
