//! Finds a CUDA toolkit, and makes cargo use it.

use super::architecture::Architecture;
use super::{assemble, default_toolkit};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Libraries that a build with the feature links, without `lib` and `.so`.
const LINKED: [&str; 7] = ["cuda", "cudart", "cublas", "cublasLt", "curand", "nvrtc", "cudnn"];

/// Folders of a toolkit that hold libraries, by how it was installed.
const LIBRARY_FOLDERS: [&str; 6] = [
    "lib64",
    "lib64/stubs",
    "targets/x86_64-linux/lib",
    "targets/x86_64-linux/lib/stubs",
    "targets/sbsa-linux/lib",
    "targets/sbsa-linux/lib/stubs",
];

/// A folder with nvcc, headers and libraries.
#[derive(Debug)]
pub(crate) struct Toolkit {
    root: PathBuf,
    nvcc: PathBuf,
    version: (u32, u32),
    libraries: Vec<PathBuf>,
}

impl Toolkit {
    /// The first of the usual places that has one.
    pub(crate) fn find() -> Result<Self, String> {
        Self::find_or_none()?.ok_or_else(|| {
            "no CUDA toolkit is found (CUDA_HOME, CUDA_PATH, nvcc on PATH, /usr/local/cuda, /opt/cuda, target/cuda-toolkit): \
             assemble one with `cargo xtask cuda toolkit`"
                .to_owned()
        })
    }

    /// As [`Self::find`]; an error is a place that was named and holds none.
    pub(super) fn find_or_none() -> Result<Option<Self>, String> {
        for name in ["CUDA_HOME", "CUDA_PATH"] {
            if let Some(root) = std::env::var_os(name).filter(|root| !root.is_empty()) {
                let root = PathBuf::from(root);
                if !root.join("bin").join("nvcc").exists() {
                    return Err(format!(
                        "{name} is {}, where there is no bin/nvcc: correct it, or unset it to look elsewhere",
                        root.display()
                    ));
                }
                return Self::at(&root).map(Some);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(root) = std::env::split_paths(&path).find_map(|dir| root_of(&dir.join("nvcc"))) {
            return Self::at(&root).map(Some);
        }
        let usual = [PathBuf::from("/usr/local/cuda"), PathBuf::from("/opt/cuda")];
        let assembled = Some(default_toolkit()).filter(|dir| assemble::is_whole(dir));
        let found = usual.into_iter().filter(|root| root.join("bin/nvcc").exists()).chain(assembled).next();
        found.map(|root| Self::at(&root)).transpose()
    }

    fn at(root: &Path) -> Result<Self, String> {
        let nvcc = root.join("bin").join("nvcc");
        let output = Command::new(&nvcc)
            .arg("--version")
            .output()
            .map_err(|error| format!("{}: cannot be started: {error}", nvcc.display()))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let version =
            release(&said).ok_or_else(|| format!("{}: does not say which CUDA it is of", nvcc.display()))?;
        let libraries = LIBRARY_FOLDERS.iter().chain(&["lib"]).map(|folder| root.join(folder));
        // Where `lib` is another name of `lib64`, or the system's own folder, it is searched anyway.
        let libraries = libraries.filter(|dir| dir.is_dir() && dir != Path::new("/usr/lib")).collect();
        Ok(Self { root: root.to_owned(), nvcc, version, libraries })
    }

    /// Major and minor version of CUDA.
    pub(crate) fn version(&self) -> (u32, u32) {
        self.version
    }

    /// What is used, for people.
    pub(super) fn describe(&self) -> String {
        format!("CUDA {}.{} in {}", self.version.0, self.version.1, self.root.display())
    }

    /// Folders to load libraries from: without stubs, whose functions do nothing.
    pub(super) fn runtime_folders(&self) -> Vec<PathBuf> {
        self.libraries.iter().filter(|dir| !dir.ends_with("stubs")).cloned().collect()
    }

    /// Refuses a toolkit without a library that is linked in the end, before minutes go into kernels.
    pub(super) fn check_libraries(&self) -> Result<(), String> {
        let cudnn = ["CUDNN_LIB", "CUDA_ROOT"]
            .iter()
            .filter_map(std::env::var_os)
            .map(|dir| PathBuf::from(dir).join("lib"));
        let folders: Vec<PathBuf> = self.libraries.iter().cloned().chain(cudnn).collect();
        let missing = LINKED.into_iter().find(|name| {
            let file = format!("lib{name}.so");
            !folders.iter().any(|dir| dir.join(&file).exists()) && !linker_finds(&file)
        });
        missing.map_or(Ok(()), |name| {
            let package = if name == "cudnn" { "cuDNN 9's development package" } else { "the whole toolkit" };
            Err(format!(
                "{}: lib{name}.so, which programs are linked with, is missing: install {package}, or assemble a toolkit with \
                 `cargo xtask cuda toolkit` and name it in CUDA_HOME",
                self.root.display()
            ))
        })
    }

    /// Makes a call of cargo build with this toolkit for this architecture, in the folder `target`.
    pub(super) fn set(&self, command: &mut Command, architecture: Architecture, target: &Path) {
        let bin = self.root.join("bin");
        command.env("CUDA_HOME", &self.root).env("CUDA_PATH", &self.root).env("NVCC", &self.nvcc);
        command.env("CUDA_COMPUTE_CAP", architecture.to_string()).env("CARGO_TARGET_DIR", target);
        command.env("PATH", before("PATH", &[bin]));
        command.env("LIBRARY_PATH", before("LIBRARY_PATH", &self.libraries));
        // Flags separated by a byte of their own, because folders may have spaces in their names.
        let own = std::env::var_os("CARGO_ENCODED_RUSTFLAGS");
        let plain = std::env::var("RUSTFLAGS").ok();
        command.env("CARGO_ENCODED_RUSTFLAGS", flags(own, plain.as_deref(), &self.libraries));
        command.env_remove("RUSTFLAGS");
    }
}

/// The folder of which this nvcc is `bin/nvcc`: as it is called, or what it links to where headers lie there.
fn root_of(nvcc: &Path) -> Option<PathBuf> {
    if !nvcc.is_file() {
        return None;
    }
    let root = |path: &Path| path.parent().and_then(Path::parent).map(Path::to_owned);
    let has_headers = |root: &PathBuf| {
        ["include", "targets/x86_64-linux/include", "targets/sbsa-linux/include"]
            .iter()
            .any(|dir| root.join(dir).join("cuda.h").exists())
    };
    let called = root(nvcc)?;
    let meant = nvcc.canonicalize().ok().and_then(|path| root(&path)).filter(has_headers);
    if has_headers(&called) { Some(called) } else { meant.or(Some(called)) }
}

/// The release in what `nvcc --version` prints.
fn release(said: &str) -> Option<(u32, u32)> {
    let number = said.split_once("release ")?.1.split(',').next()?.trim();
    let (major, minor) = number.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether the linker finds a library without being told where: the compiler gives back a name that it does not know.
fn linker_finds(file: &str) -> bool {
    let output = Command::new("cc").arg(format!("-print-file-name={file}")).output();
    output
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() != file && output.status.success())
}

/// A list of folders in the environment with others before it.
pub(super) fn before(name: &str, folders: &[PathBuf]) -> OsString {
    let now = std::env::var_os(name).unwrap_or_default();
    let now = std::env::split_paths(&now).filter(|dir| !dir.as_os_str().is_empty());
    std::env::join_paths(folders.iter().cloned().chain(now)).unwrap_or_else(|_| {
        // A folder with a colon in its name cannot be in such a list.
        std::env::var_os(name).unwrap_or_default()
    })
}

/// The user's flags for rustc and a place to search for each folder, in the encoding of `CARGO_ENCODED_RUSTFLAGS`.
fn flags(encoded: Option<OsString>, plain: Option<&str>, folders: &[PathBuf]) -> OsString {
    const SEPARATOR: &str = "\u{1f}";
    let mut all = encoded.filter(|flags| !flags.is_empty()).unwrap_or_else(|| {
        plain.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(SEPARATOR).into()
    });
    for folder in folders {
        for word in [OsStr::new("-L"), folder.as_os_str()] {
            if !all.is_empty() {
                all.push(SEPARATOR);
            }
            all.push(word);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read() {
        let said = "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.88\n";
        assert_eq!(release(said), Some((13, 0)));
        assert_eq!(release("nothing"), None);
    }

    #[test]
    fn flags_of_the_user_stay_and_folders_may_have_spaces() {
        let folders = [PathBuf::from("/a b")];
        let flags = |encoded: Option<&str>, plain| flags(encoded.map(OsString::from), plain, &folders);
        assert_eq!(flags(None, None), "-L\u{1f}/a b");
        assert_eq!(flags(None, Some("-C  debuginfo=1")), "-C\u{1f}debuginfo=1\u{1f}-L\u{1f}/a b");
        assert_eq!(flags(Some("-Cx"), Some("-Cy")), "-Cx\u{1f}-L\u{1f}/a b");
    }

    #[test]
    fn a_folder_without_nvcc_is_no_toolkit() {
        assert_eq!(root_of(Path::new("/nowhere/bin/nvcc")), None);
    }
}
