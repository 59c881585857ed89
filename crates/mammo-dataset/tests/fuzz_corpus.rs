//! Replays what the fuzz targets of `tests/fuzz` start from and found interesting: none of it panics.

use mammo_core::Seed;
use mammo_dataset::parse;
use mammo_dicom::{Look, Mammogram};
use rand::Rng;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 7] = [
    ("dicom", dicom),
    ("inbreast_csv", |bytes| drop(parse::inbreast_csv(bytes))),
    ("inbreast_xls", |bytes| drop(parse::inbreast_xls(bytes))),
    ("inbreast_plist", |bytes| drop(parse::inbreast_outlines(bytes, 2560, 3328))),
    ("bcdr_csv", |bytes| {
        drop(parse::bcdr_images_csv(bytes));
        drop(parse::bcdr_outlines_csv(bytes));
    }),
    ("pgm", |bytes| {
        drop(parse::picture(bytes));
        let _ = parse::mini_mias_info(bytes);
    }),
    ("manifest", |bytes| {
        drop(parse::manifest_jsonl(bytes));
        drop(parse::manifest_csv(bytes));
    }),
];

fn dicom(bytes: &[u8]) {
    if let Ok(mammogram) = Mammogram::from_bytes(bytes, Path::new("fuzzed.dcm")) {
        let header = mammogram.header();
        assert_eq!(mammogram.words().len(), header.columns_px * header.rows_px);
        // Damage may ask for a large picture; one is shown as well as the other.
        if mammogram.words().len() < 1 << 16 {
            let _ = (mammogram.display_plane(), mammogram.look(Look::File));
        }
    }
}

/// The inputs of a target, by name.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&dir)
        .expect(target)
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{target}: no inputs");
    inputs
}

#[test]
fn no_input_of_the_corpus_panics() {
    for (target, read) in TARGETS {
        for (name, bytes) in inputs(target) {
            assert!(catch_unwind(AssertUnwindSafe(|| read(&bytes))).is_ok(), "{target}: {name} panics");
        }
    }
}

/// One to eight changes: bytes, numbers that lie, pieces taken out, doubled or moved.
fn damaged(bytes: &[u8], random: &mut impl Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let len = random.random_range(1..=16usize).min(bytes.len() - at);
        match random.random_range(0..7) {
            0 => bytes[at] = random.random(),
            1 => bytes[at] ^= 1 << random.random_range(0..8),
            2 => bytes[at..at + len.min(4)].fill([0, 0xff, 0x7f, 0x80][random.random_range(0..4)]),
            3 => drop(bytes.drain(at..at + len)),
            4 => {
                let piece = bytes[at..at + len].to_vec();
                let to = random.random_range(0..=bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            5 => bytes.truncate(at),
            _ => {
                let other = random.random_range(0..bytes.len());
                bytes.swap(at, other);
            }
        }
    }
    bytes
}

/// A short walk; the long one is below.
#[test]
fn damage_to_the_corpus_does_not_panic() {
    for (target, read) in TARGETS {
        let mut random = Seed(7).stream(target);
        for (name, bytes) in inputs(target) {
            for _ in 0..10 {
                let bytes = damaged(&bytes, &mut random);
                let result = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
                assert!(result.is_ok(), "{target}: {name}, damaged to {bytes:?}, panics");
            }
        }
    }
}

/// For machines without a C++ compiler: `cargo test --release -p mammo-dataset --test fuzz_corpus -- --ignored --nocapture`.
#[test]
#[ignore = "takes ten minutes"]
fn ten_minutes_of_damage_to_each_target() {
    // Another walk each time; a failure shows its input.
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    std::thread::scope(|scope| {
        for (target, read) in TARGETS {
            scope.spawn(move || {
                let inputs = inputs(target);
                let mut random = Seed(seed).stream(target);
                let (start, mut count) = (Instant::now(), 0u64);
                while start.elapsed() < Duration::from_mins(10) {
                    let (name, bytes) = &inputs[random.random_range(0..inputs.len())];
                    let bytes = damaged(bytes, &mut random);
                    let result = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
                    assert!(result.is_ok(), "{target}: {name}, damaged to {bytes:?}, panics");
                    count += 1;
                }
                println!("{target}: {count} inputs");
            });
        }
    });
}
