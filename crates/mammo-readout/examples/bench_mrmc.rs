//! Times the multi-reader analyses on a folder of raw little-endian 64-bit floats and prints one JSON line each:
//! `bench_mrmc FOLDER REPEATS`.
//!
//! `mrmc_shape.f64` holds treatments, readers, negatives and positives; `mrmc_ratings.f64` the ratings by treatment, reader
//! and case, negatives first. `mrmc_boot_shape.f64` and `mrmc_boot_ratings.f64` hold the study that is resampled.

use mammo_readout::mrmc::{
    BootstrapSettings, Case, CovarianceMethod, GallasSettings, MrmcSettings, Study, bootstrap, gallas,
    obuchowski_rockette,
};
use std::{hint::black_box, path::Path, time::Instant};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(repeats)) = (args.next(), args.next()) else {
        return Err("bench_mrmc FOLDER REPEATS".into());
    };
    let (folder, repeats) = (Path::new(&folder), repeats.parse::<usize>()?);
    let study = read(folder, "mrmc")?;
    for (name, covariance) in
        [("mrmc_or_delong", CovarianceMethod::DeLong), ("mrmc_or_jackknife", CovarianceMethod::Jackknife)]
    {
        let settings = MrmcSettings { covariance, ..MrmcSettings::default() };
        time(name, repeats, || Ok(obuchowski_rockette(&study, settings)?.values[0][0]))?;
    }
    time("mrmc_gallas", repeats, || Ok(gallas(&study, GallasSettings::default())?.treatments[0].variance))?;
    let study = read(folder, "mrmc_boot")?;
    let settings = BootstrapSettings { replicates: 10_000, ..BootstrapSettings::default() };
    time("mrmc_bootstrap_10000", repeats, || Ok(bootstrap(&study, settings)?.treatments[0].se))
}

fn time(name: &str, repeats: usize, run: impl Fn() -> Result<f64, Failure>) -> Result<(), Failure> {
    let mut seconds = Vec::new();
    for _ in 0..repeats {
        let clock = Instant::now();
        black_box(run()?);
        seconds.push(clock.elapsed().as_secs_f64());
    }
    println!("{}", serde_json::json!({ "name": name, "seconds": seconds }));
    Ok(())
}

fn read(folder: &Path, stem: &str) -> Result<Study, Failure> {
    let floats = |name: String| -> Result<Vec<f64>, Failure> {
        let bytes = std::fs::read(folder.join(&name)).map_err(|e| format!("{name}: {e}"))?;
        Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(std::array::from_fn(|i| b[i]))).collect())
    };
    let shape: Vec<usize> = floats(format!("{stem}_shape.f64"))?.iter().map(|&n| n as usize).collect();
    let [treatments, readers, negatives, positives] = shape[..] else {
        return Err(format!("{stem}_shape.f64 must hold four numbers").into());
    };
    let ratings = floats(format!("{stem}_ratings.f64"))?;
    let cases = negatives + positives;
    if ratings.len() != treatments * readers * cases {
        return Err(format!(
            "{stem}_ratings.f64 holds {} numbers, not {}",
            ratings.len(),
            treatments * readers * cases
        )
        .into());
    }
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let (r, t, c) = (names("r", readers), names("t", treatments), names("c", cases));
    let of_cases =
        c.iter().enumerate().map(|(k, name)| Case { name: name.clone(), positive: k >= negatives });
    let mut study = Study::declared(r.clone(), t.clone(), of_cases)?;
    let mut next = ratings.into_iter();
    for treatment in &t {
        for reader in &r {
            for case in &c {
                study.read(reader, treatment, case, next.next().unwrap_or(f64::NAN))?;
            }
        }
    }
    Ok(study)
}
