//! A virtual environment for the peers, under `target/`.

use crate::cargo::{root, run};
use std::path::PathBuf;
use std::process::Command;

/// The Python of an environment that can import `modules`; installs what is missing from the registry that pip is set to,
/// under the module's name or that behind a `=`.
pub(crate) fn with(modules: &[&str]) -> Result<PathBuf, String> {
    let dir = root().join("target").join("bench-venv");
    let python = dir.join("bin").join("python");
    if !python.exists() {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&dir);
        run("python3 -m venv", venv)?;
    }
    for module in modules {
        let (module, package) = module.split_once('=').unwrap_or((module, module));
        let mut import = Command::new(&python);
        import.args(["-c", &format!("import {module}")]).stderr(std::process::Stdio::null());
        if import.status().is_ok_and(|status| status.success()) {
            continue;
        }
        eprintln!("installing {package} into target/bench-venv");
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", package]);
        run(&format!("pip install {package}"), install)?;
    }
    Ok(python)
}
