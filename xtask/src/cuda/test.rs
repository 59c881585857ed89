//! The device tests: the checks that run on every device, here with a GPU, or what stands in for one.

use super::build::{Built, Programs, build};
use super::{elf, gpu, link, make_dir, toolkit};
use crate::cargo::{cargo, root, run, target};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// On the GPU at hand. Where there is none that is no failure: it says so and ends well.
pub(super) fn on_gpu(args: &[&str]) -> Result<ExitCode, String> {
    if let Some(reason) = gpu::why_none() {
        eprintln!("cuda test: nothing was run: {reason}");
        eprintln!("cuda test: `cargo xtask cuda test --emulated` runs the tests on an emulator");
        return Ok(ExitCode::SUCCESS);
    }
    let built = build(Programs::DeviceTests)?;
    let folders = built.toolkit.runtime_folders();
    each(&built, args, &folders, false)?;
    eprintln!("cuda test: all well on the GPU");
    Ok(ExitCode::SUCCESS)
}

/// On the emulator, which takes the place of the driver and of the libraries of CUDA and cuDNN.
pub(super) fn emulated(args: &[&str]) -> Result<ExitCode, String> {
    let folder = root().join("tests").join("cuda-emulator");
    if !folder.join("Cargo.toml").exists() {
        return Err("tests/cuda-emulator is missing: it is part of the repository".to_owned());
    }
    let built = build(Programs::DeviceTests)?;
    let into = target().join("cuda-emulator");
    let mut emulator = cargo(&["build", "--release", "--manifest-path"]);
    emulator.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", &into);
    run("the build of the emulator", emulator)?;
    let library = into.join("release").join("libcuda_emulator.so");
    let names = lay(&built, &library, &into.join("lib"))?;
    eprintln!("cuda test: ON AN EMULATOR, no GPU is used; it stands in for {}", names.join(", "));
    each(&built, args, &[into.join("lib")], true)?;
    eprintln!(
        "cuda test: all well ON THE EMULATOR; that says nothing about speed, and a GPU has not computed anything"
    );
    Ok(ExitCode::SUCCESS)
}

/// Makes a folder in which the emulator has the names of all libraries that the programs ask for.
fn lay(built: &Built, library: &Path, dir: &Path) -> Result<Vec<String>, String> {
    if dir.exists() {
        std::fs::remove_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    make_dir(dir)?;
    let mut names = Vec::new();
    for program in &built.programs {
        for name in elf::needs(&program.path)?.libraries {
            if super::versions::is_of_cuda(&name) && !names.contains(&name) {
                link(library, &dir.join(&name))?;
                names.push(name);
            }
        }
    }
    Ok(names)
}

/// Steps of the trainings that are compared, where each takes half a second.
const EMULATED_STEPS: &str = "24";

/// Runs each program of tests in the folder of its crate, as cargo does, and shows what they say.
fn each(built: &Built, args: &[&str], libraries: &[PathBuf], emulated: bool) -> Result<(), String> {
    for program in &built.programs {
        eprintln!("cuda test: {}", program.name);
        let mut command = Command::new(&program.path);
        command.arg("--show-output").args(args).current_dir(&program.folder);
        command.env("LD_LIBRARY_PATH", toolkit::before("LD_LIBRARY_PATH", libraries));
        // A device is expected: a test that does not find it fails instead of being left out.
        command.env("CARGO_MANIFEST_DIR", &program.folder).env("MAMMO_GPU_EXPECTED", "1");
        if emulated {
            command.env("MAMMO_GPU_STEPS", EMULATED_STEPS);
        }
        run(&program.name, command)?;
    }
    Ok(())
}
