//! A stand-in for nvcc, with which everything of the feature that is Rust can be checked where no toolkit is installed: it
//! says that it is CUDA 13.0's and makes empty files where the compiler would make code. Nothing that is built with it runs.

use super::{make_dir, write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What build scripts ask nvcc for: those of cudarc and cudaforge read its version, cudaforge compiles `--ptx` into a folder,
/// `-c` to a file, and gathers objects with `--lib`. Anything else is refused, so that a new wish is seen.
const NVCC: &str = r#"#!/bin/sh
# A stand-in for nvcc: makes empty files, for checking Rust code where no CUDA toolkit is installed.
set -eu
mode= output= folder=.
inputs=
while [ $# -gt 0 ]; do
    case $1 in
    --version | -V)
        echo 'nvcc: NVIDIA (R) Cuda compiler driver (a stand-in that compiles nothing)'
        echo 'Copyright (c) of nobody'
        echo 'Built on no day'
        echo 'Cuda compilation tools, release 13.0, V13.0.0'
        exit 0
        ;;
    --list-gpu-code)
        printf 'sm_%s\n' 75 80 86 89 90 100 120
        exit 0
        ;;
    --ptx | -ptx) mode=ptx ;;
    --compile | -c) mode=object ;;
    --lib | -lib) mode=library ;;
    --output-file | -o) output=$2 && shift ;;
    --output-directory | -odir) folder=$2 && shift ;;
    --default-stream | -default-stream | --compiler-options | -Xcompiler | -ccbin | --compiler-bindir) shift ;;
    -*) ;;
    *) inputs="$inputs
$1" ;;
    esac
    shift
done
case $mode in
ptx)
    if [ -n "$output" ]; then
        echo '// A stand-in compiled nothing.' >"$output"
        exit 0
    fi
    echo "$inputs" | while IFS= read -r input; do
        [ -z "$input" ] || echo '// A stand-in compiled nothing.' >"$folder/$(basename "${input%.*}").ptx"
    done
    ;;
object) "${CC:-cc}" -x c -c -o "${output:?a stand-in for nvcc wants -o FILE}" /dev/null ;;
library) printf '!<arch>\n' >"${output:?a stand-in for nvcc wants -o FILE}" ;;
*)
    echo "the stand-in for nvcc does not know what to make: extend xtask/src/cuda/stand_in.rs" >&2
    exit 1
    ;;
esac
"#;

/// Writes the stand-in and gives the folder that all of it, and what is built with it, stays in.
pub(super) fn lay() -> Result<PathBuf, String> {
    let dir = crate::cargo::target().join("cuda-stand-in");
    make_dir(&dir.join("bin"))?;
    write(&dir.join("bin").join("nvcc"), NVCC.as_bytes(), true)?;
    Ok(dir)
}

/// Makes a call of cargo take the stand-in in `dir` for nvcc.
pub(super) fn set(command: &mut Command, dir: &Path) {
    let bin = dir.join("bin");
    command.env("CUDA_HOME", dir).env("CUDA_PATH", dir).env("NVCC", bin.join("nvcc"));
    command.env("PATH", super::toolkit::before("PATH", &[bin]));
    // Not that of the GPU at hand: what is checked is the same everywhere.
    command.env("CUDA_COMPUTE_CAP", "90").env("CARGO_TARGET_DIR", dir.join("target"));
    command.env_remove("CUDARC_CUDA_VERSION");
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn it_answers_what_build_scripts_ask() {
        let dir = std::env::temp_dir().join(format!("mammo stand-in {}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let nvcc = dir.join("nvcc");
        write(&nvcc, NVCC.as_bytes(), true).unwrap();
        let call = |args: &[&str]| Command::new(&nvcc).args(args).current_dir(&dir).output().unwrap();
        let said = String::from_utf8(call(&["--version"]).stdout).unwrap();
        // cudarc reads the fourth line, cudaforge any with a release.
        let line = said.lines().nth(3).unwrap();
        assert_eq!(line.split(", ").nth(1).unwrap().split(' ').nth(1), Some("13.0"));
        let ptx = ["-gencode=arch=compute_90a,code=sm_90a", "--ptx", "--default-stream", "per-thread"];
        assert!(call(&[&ptx[..], &["--output-directory", ".", "src/a b.cu"]].concat()).status.success());
        assert!(dir.join("a b.ptx").exists());
        assert!(call(&["-c", "-o", "x.o", "-Xcompiler", "-fPIC", "x.cu"]).status.success());
        assert!(call(&["--lib", "-o", "libx.a", "x.o"]).status.success());
        assert!(dir.join("x.o").exists() && dir.join("libx.a").exists());
        assert!(!call(&["x.cu"]).status.success());
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
