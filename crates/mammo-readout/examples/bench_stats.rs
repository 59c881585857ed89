//! The side of `cargo xtask bench stats` that is ours: `bench_stats data FOLDER` draws the studies from a seed and leaves them
//! as raw little-endian 64-bit floats, `bench_stats TASK FOLDER` times a task on them and prints one line of JSON.
//!
//! `delong_N_a.f64`, `delong_N_b.f64` and `delong_N_truth.f64` are two curves on N cases. `mrmc.f64` and `small.f64` hold
//! ratings by treatment, reader and case, negatives first, of the sizes in `SIZES`.

use mammo_readout::{
    Interval, compare_paired,
    mrmc::{
        BootstrapSettings, Case, CovarianceMethod, GallasSettings, MrmcSettings, Study, bootstrap, gallas,
        obuchowski_rockette,
    },
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use std::{fs, hint::black_box, path::Path, time::Instant};

type Failure = Box<dyn std::error::Error>;

const CURVES: [usize; 4] = [250_000, 500_000, 1_000_000, 2_000_000];

/// Stem, treatments, readers, negatives, positives.
const SIZES: [(&str, usize, usize, usize, usize); 2] = [("mrmc", 2, 20, 2500, 2500), ("small", 2, 5, 69, 45)];

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let (Some(task), Some(folder)) = (args.next(), args.next()) else {
        return Err("bench_stats TASK FOLDER".into());
    };
    let folder = Path::new(&folder);
    let or = |covariance| MrmcSettings { covariance, ..MrmcSettings::default() };
    let result = match task.as_str() {
        "data" => return data(folder),
        "or_delong" | "or_jackknife" => {
            let study = study(folder, "mrmc")?;
            let method =
                if task == "or_delong" { CovarianceMethod::DeLong } else { CovarianceMethod::Jackknife };
            time(3, || Ok(obuchowski_rockette(&study, or(method))?.components.cov2))?
        }
        "gallas" => {
            let study = study(folder, "mrmc")?;
            time(3, || Ok(gallas(&study, GallasSettings::default())?.differences[0].variance))?
        }
        "bootstrap" => {
            let study = study(folder, "small")?;
            let settings = BootstrapSettings { replicates: 10_000, ..BootstrapSettings::default() };
            time(3, || Ok(bootstrap(&study, settings)?.differences[0].se))?
        }
        curves => {
            let cases = curves.strip_prefix("delong_").ok_or_else(|| format!("{curves} is no task"))?;
            let [a, b, truth] =
                ["a", "b", "truth"].map(|part| floats(&folder.join(format!("delong_{cases}_{part}.f64"))));
            let (a, b) = (a?, b?);
            let positive: Vec<bool> = truth?.iter().map(|&t| t > 0.5).collect();
            time(5, || Ok(compare_paired(&a, &b, &positive, Interval::default())?.se))?
        }
    };
    let (seconds, value) = result;
    println!("{}", serde_json::json!({ "seconds": seconds, "value": value, "peak_mib": peak_mib() }));
    Ok(())
}

fn time(repeats: usize, run: impl Fn() -> Result<f64, Failure>) -> Result<(Vec<f64>, f64), Failure> {
    let mut seconds = Vec::new();
    let mut value = 0.0;
    for _ in 0..repeats {
        let clock = Instant::now();
        value = black_box(run()?);
        seconds.push(clock.elapsed().as_secs_f64());
    }
    Ok((seconds, value))
}

/// The most memory that this process has held, where the system tells.
fn peak_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

fn data(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder)?;
    let write = |name: String, values: &[f64]| {
        fs::write(folder.join(name), values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>())
    };
    let mut random = ChaCha8Rng::seed_from_u64(20_190_705);
    for cases in CURVES {
        let (mut a, mut b, mut truth) = (Vec::new(), Vec::new(), Vec::new());
        for case in 0..cases {
            let positive = case % 2 == 0;
            let common: f64 = random.sample(StandardNormal);
            let mut rating = |signal: f64| {
                let own: f64 = random.sample(StandardNormal);
                common + own + if positive { signal } else { 0.0 }
            };
            a.push(rating(1.2));
            b.push(rating(1.19));
            truth.push(f64::from(u8::from(positive)));
        }
        for (part, values) in [("a", &a), ("b", &b), ("truth", &truth)] {
            write(format!("delong_{cases}_{part}.f64"), values)?;
        }
    }
    for (stem, treatments, readers, negatives, positives) in SIZES {
        let cases = negatives + positives;
        let common: Vec<f64> = (0..cases).map(|_| random.sample(StandardNormal)).collect();
        let mut ratings = Vec::new();
        for treatment in 0..treatments {
            for _ in 0..readers {
                let skill = 1.5 + 0.1 * treatment as f64 + 0.3 * random.sample::<f64, _>(StandardNormal);
                for (case, shared) in common.iter().enumerate() {
                    let own: f64 = random.sample(StandardNormal);
                    ratings.push(shared + own + if case >= negatives { skill } else { 0.0 });
                }
            }
        }
        write(format!("{stem}.f64"), &ratings)?;
    }
    Ok(())
}

fn floats(path: &Path) -> Result<Vec<f64>, Failure> {
    let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(bytes.chunks_exact(8).map(|b| f64::from_le_bytes(std::array::from_fn(|i| b[i]))).collect())
}

fn study(folder: &Path, stem: &str) -> Result<Study, Failure> {
    let size = SIZES.into_iter().find(|s| s.0 == stem).ok_or("no such study")?;
    let (_, treatments, readers, negatives, positives) = size;
    let mut ratings = floats(&folder.join(format!("{stem}.f64")))?.into_iter();
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let (r, t, c) = (names("r", readers), names("t", treatments), names("c", negatives + positives));
    let of_cases =
        c.iter().enumerate().map(|(k, name)| Case { name: name.clone(), positive: k >= negatives });
    let mut study = Study::declared(r.clone(), t.clone(), of_cases)?;
    for treatment in &t {
        for reader in &r {
            for case in &c {
                study.read(reader, treatment, case, ratings.next().ok_or("the file is too short")?)?;
            }
        }
    }
    Ok(study)
}
