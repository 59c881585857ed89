//! The pack: everything that a machine with a GPU and without Rust needs, in one folder and one archive.

use super::build::{Built, Programs, build};
use super::{elf, make_dir, make_executable, versions, write};
use crate::cargo::{root, run};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

const LAUNCHER: &str = include_str!("run.sh");
const ON_GPU: &str = include_str!("on-gpu.sh");
const README: &str = include_str!("README.txt");

/// The most that an archive may have: some machines take no more.
const LARGEST_BYTES: u64 = 64 * 1024 * 1024;

/// The file that makes a folder one of ours, which may be replaced.
const VERSIONS: &str = "versions";

/// Writes the launcher beside a build, with the folder of the toolkit that it was built with.
pub(super) fn write_launcher(built: &mut Built) -> Result<(), String> {
    write(&built.launcher, LAUNCHER.as_bytes(), true)?;
    let mut text = versions::versions(built)?;
    for folder in built.toolkit.runtime_folders() {
        let _ = writeln!(text, "toolkit {}", folder.display());
    }
    write(&built.launcher.with_file_name(VERSIONS), text.as_bytes(), false)
}

/// Builds and lays a pack in `dir`, and an archive beside it.
pub(super) fn pack(dir: &Path) -> Result<ExitCode, String> {
    if dir.exists() && !dir.join(VERSIONS).exists() && !is_empty(dir) {
        return Err(format!(
            "{}: the folder holds something that is no pack: choose another --out",
            dir.display()
        ));
    }
    let built = build(Programs::All)?;
    // Laid aside and renamed, so that a pack that is there is whole.
    let aside = beside(dir, ".part");
    remove(&aside)?;
    lay(&built, &aside)?;
    remove(dir)?;
    std::fs::rename(&aside, dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let archive = archive(dir)?;
    let size = versions::mebibytes(&archive)?;
    println!("{}\n{}  {size}", dir.display(), archive.display());
    let length = std::fs::metadata(&archive).map_or(0, |data| data.len());
    if length > LARGEST_BYTES {
        return Err(format!(
            "{}: has {size}, and {} MiB are allowed: install xz, which packs tightest",
            archive.display(),
            LARGEST_BYTES / 1024 / 1024
        ));
    }
    eprintln!("runs on {}; on such a machine: tar -xf {}", built.architecture.runs_on(), name_of(&archive));
    Ok(ExitCode::SUCCESS)
}

fn lay(built: &Built, dir: &Path) -> Result<(), String> {
    let bin = dir.join("bin");
    make_dir(&bin)?;
    let xtask = std::env::current_exe()
        .map_err(|error| format!("this program does not know where it lies: {error}"))?;
    let programs = built.programs.iter().map(|program| (program.path.as_path(), program.name.as_str()));
    for (from, name) in programs.chain([(xtask.as_path(), "xtask")]) {
        strip(from, &bin.join(name))?;
    }
    write(&dir.join("run"), LAUNCHER.as_bytes(), true)?;
    write(&dir.join("on-gpu.sh"), ON_GPU.as_bytes(), true)?;
    write(&dir.join("README.txt"), README.as_bytes(), false)?;
    let step = root().join("crates").join("mammo-train").join("benches").join("torch_step.py");
    copy(&step, &dir.join("torch_step.py"))?;
    // What the golden tests compare with.
    let golden = dir.join("golden");
    make_dir(&golden)?;
    let shipped = root().join("tests").join("golden");
    let cannot = |error: std::io::Error| format!("{}: {error}", shipped.display());
    for entry in std::fs::read_dir(&shipped).map_err(cannot)? {
        let file = entry.map_err(cannot)?.path();
        if file.extension().is_some_and(|ending| ending == "safetensors") {
            copy(&file, &golden.join(file.file_name().unwrap_or_default()))?;
        }
    }
    write(&dir.join(VERSIONS), versions::versions(built)?.as_bytes(), false)?;
    // What was stripped must still be a program with its libraries.
    for program in &built.programs {
        elf::needs(&bin.join(&program.name))?;
    }
    Ok(())
}

/// A copy without symbols, which are half of a program; with them where there is no `strip`.
fn strip(from: &Path, to: &Path) -> Result<(), String> {
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(to).arg(from);
    if strip.status().is_ok_and(|status| status.success()) {
        return make_executable(to);
    }
    eprintln!(
        "{}: cannot be stripped (install binutils), it stays larger than it needs to be",
        from.display()
    );
    copy(from, to)?;
    make_executable(to)
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| format!("{}: cannot be copied: {error}", from.display()))
}

/// Packs the folder with what packs tightest of that which is installed.
fn archive(dir: &Path) -> Result<PathBuf, String> {
    // The programs hold the same kernels: a window of 64 MiB sees them again.
    let ways: [(&str, &str, &[&str]); 3] = [
        ("xz", ".tar.xz", &["--use-compress-program=xz -T1 --lzma2=preset=9,dict=64MiB"]),
        ("zstd", ".tar.zst", &["--use-compress-program=zstd -19 --long=26"]),
        ("gzip", ".tar.gz", &["--gzip"]),
    ];
    let is_installed = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    for (_, ending, _) in ways {
        remove(&beside(dir, ending))?;
    }
    let (_, ending, flags) = ways
        .into_iter()
        .find(|(program, ..)| is_installed(program))
        .ok_or("neither xz nor zstd nor gzip is installed: one of them packs the archive")?;
    let (archive, aside) = (beside(dir, ending), beside(dir, ".archive"));
    let mut tar = Command::new("tar");
    tar.args(["--owner=0", "--group=0", "--sort=name", "--create"]).args(flags);
    tar.arg("--file").arg(&aside).arg("--directory").arg(dir.parent().unwrap_or(dir)).arg(name_of(dir));
    run("tar", tar)?;
    std::fs::rename(&aside, &archive).map_err(|error| format!("{}: {error}", archive.display()))?;
    Ok(archive)
}

/// A file or folder beside `dir`, with its name and an ending.
fn beside(dir: &Path, ending: &str) -> PathBuf {
    dir.with_file_name(name_of(dir) + ending)
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or("mammo-cuda".into(), |name| name.to_string_lossy()).into_owned()
}

fn is_empty(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Takes away a file or folder that an earlier call made.
fn remove(path: &Path) -> Result<(), String> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests;
