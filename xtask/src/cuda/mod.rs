//! The feature `cuda`: a toolkit to build it with, its checks, and what goes to machines that have a GPU.

mod architecture;
mod assemble;
mod build;
mod check;
mod elf;
mod gpu;
mod pack;
mod stand_in;
mod test;
mod toolkit;
mod versions;

pub(crate) use build::{Programs, build};
pub(crate) use check::check;
pub(crate) use toolkit::Toolkit;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask cuda TASK

  toolkit [DIR]      assemble CUDA 13.0 with cuDNN 9 from NVIDIA's Python wheels, where none is installed (2.1 GB)
                     [default: target/cuda-toolkit]
  check [--stand-in] types and lints of everything with the feature `cuda`; with a stand-in for nvcc where there is no toolkit
  build              mammo, bench_step and the device tests with the feature, to target/cuda
  test [-- ARGS]     the device tests on the GPU at hand; without one says so and runs nothing
  test --emulated [-- ARGS]
                     the same on the emulator of tests/cuda-emulator, which is no GPU
  pack [--out DIR]   all that a machine with a GPU needs to test, measure and train, in one folder and one archive
                     [default: target/mammo-cuda]

A toolkit is looked for in CUDA_HOME, CUDA_PATH, where nvcc on PATH lies, /usr/local/cuda, /opt/cuda and target/cuda-toolkit.
CUDA_COMPUTE_CAP says for which GPU kernels are compiled [default: the GPU at hand, else 90]; docs/cuda.md says more.
";

/// One of the tasks.
pub(crate) fn cuda(args: &[String]) -> Result<ExitCode, String> {
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        ["toolkit"] => assemble::assemble(&default_toolkit()),
        ["toolkit", dir] if !dir.starts_with('-') => assemble::assemble(&here(dir)?),
        ["check"] => check::check(false),
        ["check", "--stand-in"] => check::check(true),
        ["build"] => build::task(),
        ["test"] => test::on_gpu(&[]),
        ["test", "--", ref rest @ ..] => test::on_gpu(rest),
        ["test", "--emulated"] => test::emulated(&[]),
        ["test", "--emulated", "--", ref rest @ ..] => test::emulated(rest),
        ["pack"] => pack::pack(&crate::cargo::target().join("mammo-cuda")),
        ["pack", "--out", dir] => pack::pack(&here(dir)?),
        ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        [] => Ok(usage("cuda wants a task")),
        _ => Ok(usage(&format!("cuda {} is not a task", words.join(" ")))),
    }
}

fn usage(what: &str) -> ExitCode {
    eprintln!("xtask: {what}\n\n{HELP}");
    ExitCode::from(2)
}

/// Where `cuda toolkit` puts a toolkit unless told otherwise, and where one is looked for last.
fn default_toolkit() -> PathBuf {
    crate::cargo::target().join("cuda-toolkit")
}

/// The folder that cargo builds the feature into: default builds keep theirs.
fn cuda_target() -> PathBuf {
    crate::cargo::target().join("cuda")
}

/// A path of the command line, seen from where the user is.
pub(crate) fn here(path: &str) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{path}: {error}"))
}

fn make_dir(dir: &Path) -> Result<(), String> {
    std::fs::create_dir_all(dir).map_err(|error| format!("{}: cannot be made: {error}", dir.display()))
}

/// Writes a file aside and renames it: it is whole or absent. A file that says the same already is left alone.
fn write(path: &Path, contents: &[u8], executable: bool) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: cannot be written: {error}", path.display());
    if std::fs::read(path).is_ok_and(|now| now == contents) {
        return Ok(());
    }
    let aside = path.with_extension("tmp");
    std::fs::write(&aside, contents).map_err(cannot)?;
    if executable {
        make_executable(&aside)?;
    }
    std::fs::rename(&aside, path).map_err(cannot)
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: cannot be made executable: {error}", path.display()))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<(), String> {
    Ok(())
}

/// A symbolic link at `link`, in the place of one that is there.
#[cfg(unix)]
fn link(to: &Path, link: &Path) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: cannot be linked: {error}", link.display());
    match std::fs::remove_file(link) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot(error)),
    }
    std::os::unix::fs::symlink(to, link).map_err(cannot)
}

#[cfg(not(unix))]
fn link(_: &Path, link: &Path) -> Result<(), String> {
    Err(format!("{}: links are made on Unix alone", link.display()))
}
