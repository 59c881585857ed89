//! What a build is of and what it needs, as the launcher reads it: a word and its value a line.

use super::build::Built;
use super::elf;
use crate::cargo::root;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// The lines about a build.
pub(super) fn versions(built: &Built) -> Result<String, String> {
    let mut libraries: Vec<String> = Vec::new();
    let mut glibc = None;
    for program in &built.programs {
        let needs = elf::needs(&program.path)?;
        glibc = glibc.max(needs.glibc);
        for library in needs.libraries.into_iter().filter(|name| is_of_cuda(name)) {
            if !libraries.contains(&library) {
                libraries.push(library);
            }
        }
    }
    let (major, minor) = built.toolkit.version();
    let mut text = String::new();
    let mut line = |word: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "{word} {value}");
        }
    };
    line("mammo", env!("CARGO_PKG_VERSION"));
    line("commit", &commit());
    line("candle", &locked("candle-core").unwrap_or_default());
    line("cudarc", &locked("cudarc").unwrap_or_default());
    line("cuda", &format!("{major}.{minor}"));
    line("architecture", &built.architecture.to_string());
    line("driver", &driver_for(major, minor).to_string());
    line("glibc", &glibc.map_or(String::new(), |(major, minor)| format!("{major}.{minor}")));
    line("libraries", &libraries.join(" "));
    Ok(text)
}

/// The libraries that come with the driver, CUDA or cuDNN, and not with the system.
pub(super) fn is_of_cuda(library: &str) -> bool {
    library.starts_with("libcu") || library.starts_with("libnv")
}

/// The oldest driver that finishes the kernels of a CUDA release: one of that release, because their assembly is of its
/// version. From NVIDIA's release notes, table "CUDA Toolkit and Corresponding Driver Versions".
fn driver_for(major: u32, minor: u32) -> u32 {
    match (major, minor) {
        (..12, _) | (12, 0) => 525,
        (12, 1) => 530,
        (12, 2) => 535,
        (12, 3) => 545,
        (12, 4) => 550,
        (12, 5) => 555,
        (12, 6) => 560,
        (12, 7 | 8) => 570,
        (12, _) => 575,
        (13, 0) => 580,
        (13, 1) => 590,
        _ => 595,
    }
}

/// The commit that is built, and whether files differ from it; nothing outside of a repository.
fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").args(args).current_dir(root()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "HEAD"]) else { return String::new() };
    let differs = git(&["status", "--porcelain"]).is_some_and(|files| !files.is_empty());
    if differs { format!("{commit} and changes") } else { commit }
}

/// The version of a package in the lock file.
fn locked(package: &str) -> Option<String> {
    locked_in(&std::fs::read_to_string(root().join("Cargo.lock")).ok()?, package)
}

fn locked_in(lock: &str, package: &str) -> Option<String> {
    let after = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?.1;
    Some(after.split('"').next()?.to_owned())
}

/// A file's size, for people.
pub(super) fn mebibytes(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len();
    Ok(format!("{:.1} MiB", length as f64 / 1024.0 / 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"candle-core\"\nversion = \"0.11.1\"\n\n[[package]]\nname = \"x\"\n";
        assert_eq!(locked_in(lock, "candle-core").as_deref(), Some("0.11.1"));
        assert_eq!(locked_in(lock, "candle"), None);
    }

    #[test]
    fn a_newer_release_wants_a_newer_driver() {
        assert_eq!(driver_for(13, 0), 580);
        assert!(driver_for(12, 9) < driver_for(13, 0) && driver_for(13, 0) < driver_for(13, 2));
    }

    #[test]
    fn libraries_of_the_system_are_not_looked_for() {
        assert!(["libcuda.so.1", "libcudnn.so.9", "libnvrtc.so.13"].into_iter().all(is_of_cuda));
        assert!(["libc.so.6", "libstdc++.so.6", "libm.so.6"].into_iter().all(|name| !is_of_cuda(name)));
    }
}
