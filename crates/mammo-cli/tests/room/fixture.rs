//! A finished run without a training, and a reading room as a process of its own.

pub(crate) use crate::run_folder::run_folder;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder that goes away with the test.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder")
}

/// The program with arguments.
pub(crate) fn mammo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mammo"));
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs to a good end and gives standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("mammo starts");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("UTF-8").trim().to_owned()
}

/// Runs to a failure and gives its sentence.
pub(crate) fn fail(command: &mut Command) -> String {
    let output = command.output().expect("mammo starts");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{command:?}: {text}");
    assert!(
        !text.contains("panicked") && text.lines().last().is_some_and(|l| l.starts_with("mammo: ")),
        "{text}"
    );
    text
}

/// A study of the plan `toml`, or of experiment 1, drawn from [`run_folder`].
pub(crate) fn study(dir: &Path, patients: usize, toml: Option<&str>) -> PathBuf {
    let run = run_folder(dir, patients);
    let study = dir.join("study");
    let mut command = mammo();
    command.args(["study", "design", "--seed", "3", "--run"]).arg(&run).arg("--out").arg(&study);
    if let Some(toml) = toml {
        let path = dir.join("plan.toml");
        fs::write(&path, toml).unwrap();
        command.arg("--design").arg(path);
    }
    succeed(&mut command);
    study
}

/// A small study: 8 images in one sitting, 2 training images, 2 second looks, 3 pairs side by side.
pub(crate) const SMALL: &str = "title = 'Pilot'\nsessions = 1\nminimum_gap = 1\nrepeats = 2\ntraining_cases = 2\n\
    side_by_side = true\nbreak_every = 5\n[[part]]\npairs = 3\nmodified_only = 1\noriginal_only = 1\n";

/// Adds a reader and gives the code.
pub(crate) fn add(study: &Path, name: &str) -> String {
    succeed(mammo().args(["study", "reader", "add"]).arg(study).arg(name))
}

/// Adds a coordinator and gives the code.
pub(crate) fn add_coordinator(study: &Path, name: &str) -> String {
    succeed(mammo().args(["study", "reader", "add"]).arg(study).args([name, "--coordinator"]))
}

/// A reading room that is closed with the test.
pub(crate) struct Room {
    process: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Room {
    /// Opens a room on a free port.
    pub(crate) fn open(study: &Path) -> Self {
        Self::open_at(study, "127.0.0.1:0")
    }

    pub(crate) fn open_at(study: &Path, address: &str) -> Self {
        let mut command = mammo();
        command.args(["study", "serve"]).arg(study).args(["--bind", address]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("mammo starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "the room does not open: {url:?}");
        Self { process, url }
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").expect("an address")
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("a process");
        self.process.wait().expect("its end");
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Checks the log and gives its end.
pub(crate) fn verify(study: &Path) -> String {
    succeed(mammo().args(["study", "verify"]).arg(study))
}
