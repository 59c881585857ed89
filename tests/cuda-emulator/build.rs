//! Writes a stub for every symbol of `symbols/` that no source file under `src/api` defines.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Libraries and the status their functions return for what is not supported.
const LIBRARIES: [(&str, u32); 7] = [
    ("driver", 801),
    ("cudart", 801),
    ("cudnn", 3000),
    ("cublas", 15),
    ("cublaslt", 15),
    ("curand", 999),
    ("nvrtc", 11),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=symbols");
    println!("cargo::rerun-if-changed=src/api");
    let mut defined = BTreeSet::new();
    for path in sources(Path::new("src/api")) {
        let text = fs::read_to_string(&path).expect("sources are text");
        for part in text.split("extern \"C\" fn ").skip(1) {
            defined.insert(part.split('(').next().unwrap_or_default().trim().to_owned());
        }
        // Functions that a macro makes, named by its arguments.
        for part in text.split("\ntyped!(").skip(1) {
            defined
                .extend(part.split(')').next().unwrap_or_default().split(',').map(|n| n.trim().to_owned()));
        }
    }
    let mut out = String::new();
    let mut seen = BTreeSet::new();
    for (library, status) in LIBRARIES {
        let names = fs::read_to_string(format!("symbols/{library}.txt"))
            .expect("the symbol lists are part of the crate");
        for name in names.lines().map(str::trim).filter(|n| !n.is_empty()) {
            if defined.contains(name) || !seen.insert(name.to_owned()) {
                continue;
            }
            writeln!(
                out,
                "#[unsafe(no_mangle)]\npub extern \"C\" fn {name}() -> u32 {{\n    super::not_supported(\"{name}\", {status})\n}}"
            )
            .expect("writing to a string");
        }
    }
    let path = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("stubs.rs");
    fs::write(path, out).expect("the output folder can be written");
}

/// All files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("src/api is part of the crate");
    let paths = entries.map(|entry| entry.expect("src/api can be listed").path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}
