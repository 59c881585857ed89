//! Assembles a CUDA toolkit from the wheels that NVIDIA publishes for Python: what building with the feature needs, on a
//! machine that has neither GPU nor driver nor the right to install packages.
//!
//! The wheels lie in a virtual environment in the folder; beside it links lay them out as a toolkit. The list of wheels is
//! written last: without it the folder is not taken for a toolkit, and the next call goes on.

use super::{link, make_dir, make_executable, write};
use crate::cargo::run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Everything with its version, the compiler's own needs included, so that two machines get the same toolkit.
const WHEELS: [&str; 9] = [
    "nvidia-cublas==13.1.0.3",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cudnn-cu13==9.28.1.4",
    "nvidia-curand==10.4.0.35",
    "nvidia-nvvm==13.0.88",
];

/// Where the wheels are installed, in the folder of the toolkit.
const ENVIRONMENT: &str = "wheels";

/// Folders that are made of links, in the folder of the toolkit.
const LINKED: [&str; 4] = ["bin", "include", "nvvm", "lib64"];

/// The file that says that all is there.
const MARKER: &str = "complete";

/// Whether a toolkit of ours, with these wheels, is complete in this folder.
pub(super) fn is_whole(dir: &Path) -> bool {
    std::fs::read_to_string(dir.join(MARKER)).is_ok_and(|list| list == marker())
        && dir.join("bin/nvcc").exists()
}

fn marker() -> String {
    WHEELS.join("\n") + "\n"
}

pub(super) fn assemble(dir: &Path) -> Result<ExitCode, String> {
    if !cfg!(target_os = "linux") {
        return Err(
            "NVIDIA has these wheels for Linux alone: install CUDA 13 as its documentation says".to_owned()
        );
    }
    if is_whole(dir) {
        eprintln!("the toolkit is complete already");
    } else {
        prepare(dir)?;
        install(dir)?;
        lay_out(dir)?;
        stub_driver(dir)?;
        write(&dir.join(MARKER), marker().as_bytes(), false)?;
    }
    println!("{}", dir.display());
    if dir == super::default_toolkit() {
        eprintln!("`cargo xtask cuda build` uses it where no other toolkit is installed");
    } else {
        eprintln!("use it by CUDA_HOME={} cargo xtask cuda build", dir.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder that is new, empty, or of an earlier call; what says that it is complete is taken away.
fn prepare(dir: &Path) -> Result<(), String> {
    make_dir(dir)?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    if entries.next().is_some() && !dir.join(ENVIRONMENT).is_dir() {
        return Err(format!(
            "{}: the folder is not empty and no toolkit of an earlier call: choose another",
            dir.display()
        ));
    }
    match std::fs::remove_file(dir.join(MARKER)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(format!("{}: cannot be removed: {error}", dir.join(MARKER).display()))
        }
        _ => Ok(()),
    }
}

/// Installs the wheels. pip leaves alone what is there already.
fn install(dir: &Path) -> Result<(), String> {
    let environment = dir.join(ENVIRONMENT);
    let python = environment.join("bin").join("python");
    let has_pip = |python: &Path| {
        let mut command = Command::new(python);
        command.args(["-m", "pip", "--version"]).stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if !has_pip(&python) {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv", "--clear"]).arg(&environment);
        run("python3 -m venv", venv)
            .map_err(|error| format!("{error}: install Python 3 with its module venv"))?;
    }
    eprintln!("installing {} wheels into {} (1 GB to fetch)", WHEELS.len(), environment.display());
    let mut pip = Command::new(&python);
    // What the wheels say they need is in the list, so that nothing else comes along.
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--quiet"]).args(WHEELS);
    run("pip install", pip).map_err(|error| format!("{error}: see its message above, then call this again"))
}

/// The folder `nvidia` of the environment.
fn wheels(dir: &Path) -> Result<PathBuf, String> {
    let lib = dir.join(ENVIRONMENT).join("lib");
    let cannot = |error: &dyn std::fmt::Display| format!("{}: {error}", lib.display());
    for entry in std::fs::read_dir(&lib).map_err(|error| cannot(&error))? {
        let nvidia = entry.map_err(|error| cannot(&error))?.path().join("site-packages").join("nvidia");
        if nvidia.join("cu13").is_dir() {
            return Ok(nvidia);
        }
    }
    Err(cannot(&"the wheels are not where they are expected (site-packages/nvidia/cu13)"))
}

/// Links the files of the wheels to where a toolkit has them.
fn lay_out(dir: &Path) -> Result<(), String> {
    for folder in LINKED {
        let folder = dir.join(folder);
        if folder.exists() {
            std::fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        make_dir(&folder)?;
    }
    let wheels = wheels(dir)?.canonicalize().map_err(|error| format!("{}: {error}", dir.display()))?;
    let (cuda, cudnn) = (wheels.join("cu13"), wheels.join("cudnn"));
    for folder in ["bin", "nvvm/bin"] {
        // Wheels do not keep the right to be executed.
        each_file(&cuda.join(folder), &mut |file| make_executable(file))?;
    }
    for (from, to) in [
        (cuda.join("bin"), "bin"),
        (cuda.join("include"), "include"),
        (cuda.join("nvvm"), "nvvm"),
        (cudnn.join("include"), "include"),
    ] {
        let to = dir.join(to);
        each_file(&from, &mut |file| {
            let place = to.join(file.strip_prefix(&from).unwrap_or(file));
            place.parent().map_or(Ok(()), make_dir)?;
            link(file, &place)
        })?;
    }
    let lib = dir.join("lib64");
    for from in [cuda.join("lib"), cudnn.join("lib")] {
        each_file(&from, &mut |file| {
            for name in names_of_library(&file.file_name().unwrap_or_default().to_string_lossy()) {
                link(file, &lib.join(name))?;
            }
            Ok(())
        })?;
    }
    // nvcc looks in lib, cargo's build scripts in lib64.
    link(Path::new("lib64"), &dir.join("lib"))
}

/// Under which names a library lies in a toolkit: its own, and the one without version that linkers ask for.
fn names_of_library(file: &str) -> Vec<String> {
    match file.split_once(".so.") {
        Some((stem, _)) => vec![file.to_owned(), format!("{stem}.so")],
        None if Path::new(file).extension().is_some_and(|ending| ending == "a") => vec![file.to_owned()],
        None => Vec::new(),
    }
}

fn each_file(dir: &Path, what: &mut impl FnMut(&Path) -> Result<(), String>) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{}: {error}", dir.display());
    for entry in std::fs::read_dir(dir).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.is_dir() {
            each_file(&path, what)?;
        } else {
            what(&path)?;
        }
    }
    Ok(())
}

/// Makes a library with the names of the driver's functions and no code: the real one belongs to the driver, and where there
/// is none programs must be linked all the same.
fn stub_driver(dir: &Path) -> Result<(), String> {
    let header = dir.join("include").join("cuda.h");
    let text = std::fs::read_to_string(&header).map_err(|error| format!("{}: {error}", header.display()))?;
    let functions = driver_functions(&text);
    if functions.is_empty() {
        return Err(format!("{}: names no function of the driver", header.display()));
    }
    let code = functions.into_iter().fold(String::new(), |code, name| code + "void " + name + "(void) {}\n");
    let stubs = dir.join("lib64").join("stubs");
    make_dir(&stubs)?;
    let source = stubs.join("libcuda.c");
    write(&source, code.as_bytes(), false)?;
    let mut cc = Command::new("cc");
    cc.args(["-w", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o"])
        .arg(stubs.join("libcuda.so"))
        .arg(&source);
    run("the C compiler (cc)", cc)
}

/// Names of the driver's functions in its header: declared ones, and those that a shorter name stands for.
fn driver_functions(header: &str) -> BTreeSet<&str> {
    let is_name = |word: &str| {
        word.strip_prefix("cu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut names = BTreeSet::new();
    for line in header.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["#define", short, long, ..] = words[..] {
            names.extend([long].into_iter().filter(|_| is_name(short)).filter(|long| is_name(long)));
        }
        for (at, _) in line.match_indices('(') {
            let word = line[..at].trim_end().rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
            names.extend(word.filter(|word| is_name(word)));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drivers_functions_are_found_in_its_header() {
        let header = "#define cuDeviceTotalMem cuDeviceTotalMem_v2\n\
                      #define cuMemcpy __CUDA_API_PTDS(cuMemcpy)\n\
                      CUresult CUDAAPI cuInit(unsigned int Flags);\n\
                      CUresult CUDAAPI cuCtxCreate (CUcontext *pctx);\n\
                      typedef uint32_t cuuint32_t; int other(int);\n";
        let names: Vec<&str> = driver_functions(header).into_iter().collect();
        assert_eq!(names, ["cuCtxCreate", "cuDeviceTotalMem_v2", "cuInit"]);
    }

    #[test]
    fn libraries_have_the_name_that_linkers_ask_for() {
        assert_eq!(names_of_library("libcudnn.so.9"), ["libcudnn.so.9", "libcudnn.so"]);
        assert_eq!(names_of_library("libnvrtc-builtins.so.13.0").last().unwrap(), "libnvrtc-builtins.so");
        assert_eq!(names_of_library("libcudart_static.a"), ["libcudart_static.a"]);
        assert!(names_of_library("__init__.py").is_empty());
    }

    #[test]
    fn a_folder_of_others_is_left_alone() {
        let dir = std::env::temp_dir().join(format!("mammo-toolkit-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("photographs")).unwrap();
        assert!(prepare(&dir).unwrap_err().contains("not empty"));
        assert!(!is_whole(&dir));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
