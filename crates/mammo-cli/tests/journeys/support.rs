//! Running the program, a study small enough to be run many times, and comparing what runs leave.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The smoke preset with everything smaller still. `STEPS` is 12.
const TINY: &str = r#"
description = "tiny: for tests"
test_fraction = 0.4
[plan]
pairs = 4
modified_only = 2
original_only = 2
[phantom]
patients = 10
width_px = 80
height_px = 104
lesion_fraction = 0.9
[train]
height_px = 48
width_px = 48
batch_size = 1
steps = 12
constant_steps = 6
learning_rate = 2e-4
beta1 = 0.5
beta2 = 0.999
pool_size = 3
checkpoint_every_steps = 2
sample_every_steps = 6
[train.generator]
ngf = 2
n_blocks = 1
padding = "zero"
leaky_slope = 0.2
affine = true
relu_after_sum = true
input_skip = true
[train.discriminator]
ndf = 2
n_layers = 3
padding = 2
affine = true
[train.weights]
lambda_cycle = 10.0
lambda_identity = 0.0
[train.augmentation]
rotation_deg = [-4.0, 4.0]
scale = [0.98, 1.13]
contrast = [0.8, 1.2]
vertical_flip = false
"#;

/// Steps of [`TINY`].
pub(crate) const STEPS: usize = 12;

/// A folder that goes away with the test.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a scratch folder")
}

/// The program with arguments.
pub(crate) fn mammo<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mammo"));
    command.args(args).env_remove("RAYON_NUM_THREADS").current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Writes the tiny preset, changed by `change`, and gives its path.
pub(crate) fn preset(dir: &Path, change: impl Fn(&str) -> String) -> PathBuf {
    let path = dir.join("tiny.toml");
    fs::write(&path, change(TINY)).expect("a preset");
    path
}

/// `reproduce-exp1` with the tiny preset. The preset's path is part of a run's configuration, so it is one for all.
pub(crate) fn tiny(out: &Path) -> Command {
    static PRESET: OnceLock<PathBuf> = OnceLock::new();
    let path = PRESET.get_or_init(|| {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journeys-tiny.toml");
        fs::write(&path, TINY).expect("a preset");
        path
    });
    tiny_by(path, out)
}

/// `reproduce-exp1` with a preset of the test's own.
pub(crate) fn tiny_by(preset: &Path, out: &Path) -> Command {
    let mut command = mammo(["reproduce-exp1", "--preset"]);
    command.arg(preset).arg("--out").arg(out);
    command
}

/// Runs to a good end.
pub(crate) fn succeed(command: &mut Command) -> Output {
    let output = command.output().expect("mammo starts");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, stderr(&output));
    output
}

/// What a person sees.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8 on stderr")
}

/// Runs to a failure of the work (exit code 1) and gives its one sentence, which must hold all `parts`: it is the last
/// line on stderr and the only one of its kind, and stdout has nothing.
pub(crate) fn fail(command: &mut Command, parts: &[&str]) -> String {
    let output = command.output().expect("mammo starts");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{command:?}\n{text}");
    assert!(output.stdout.is_empty(), "{command:?}");
    assert!(!text.contains("panicked"), "{text}");
    let sentences: Vec<&str> = text.lines().filter(|line| line.starts_with("mammo: ")).collect();
    assert_eq!(sentences.len(), 1, "{text}");
    assert_eq!(text.lines().last(), Some(sentences[0]), "{text}");
    expect(sentences[0], parts);
    sentences[0].to_owned()
}

/// Runs to a refusal of the command line (exit code 2), whose message must hold all `parts`.
pub(crate) fn refuse(command: &mut Command, parts: &[&str]) {
    let output = command.output().expect("mammo starts");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{command:?}\n{text}");
    assert!(output.stdout.is_empty(), "{command:?}");
    assert!(!text.contains("panicked"), "{text}");
    expect(&text, parts);
}

fn expect(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

/// Whether a folder holds anything that looks like a finished run.
pub(crate) fn looks_whole(out: &Path) -> bool {
    out.join("finished.json").exists() || out.join("report.html").exists()
}

/// All files below a folder with their bytes.
pub(crate) fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_owned();
                found.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(root, root, &mut found);
    found
}

/// The files of a run that its settings decide to the last byte: all but the clock's readings (`timing.json`, TensorBoard's events),
/// the page that prints it, and the digests of that page.
pub(crate) fn decided(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(run);
    for name in ["timing.json", "report.html", "finished.json"] {
        assert!(found.remove(Path::new(name)).is_some(), "{name} is missing in {}", run.display());
    }
    found.retain(|name, _| !name.starts_with("tensorboard"));
    found
}

/// Fails with the names of the files in which two runs differ.
pub(crate) fn same(a: &BTreeMap<PathBuf, Vec<u8>>, b: &BTreeMap<PathBuf, Vec<u8>>) {
    let names: std::collections::BTreeSet<&PathBuf> = a.keys().chain(b.keys()).collect();
    let different: Vec<_> = names.into_iter().filter(|name| a.get(*name) != b.get(*name)).collect();
    assert!(different.is_empty(), "these files differ: {different:?}");
}

/// A finished tiny run of seed 1, made once. Tests that change something copy it.
pub(crate) fn finished_run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("journeys-finished-run");
        if out.exists() {
            fs::remove_dir_all(&out).expect("the run of an earlier test goes away");
        }
        succeed(&mut tiny(&out));
        out
    })
}

/// A copy of [`finished_run`] to be changed.
pub(crate) fn copied_run(dir: &Path) -> PathBuf {
    let out = dir.join("run");
    copy(finished_run(), &out);
    out
}

/// A copy of the phantom release of [`finished_run`], which reads like any INbreast release.
pub(crate) fn copied_release(dir: &Path) -> PathBuf {
    let release = dir.join("release");
    copy(&finished_run().join("release"), &release);
    release
}

/// Copies a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for (name, bytes) in files(from) {
        let path = to.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a copy");
    }
}

/// The first file of a folder by name with this ending.
pub(crate) fn first(dir: &Path, ending: &str) -> PathBuf {
    let names = files(dir).into_keys();
    dir.join(names.into_iter().find(|name| name.to_string_lossy().ends_with(ending)).expect("such a file"))
}

/// Changes a text file.
pub(crate) fn edit(path: &Path, change: impl Fn(&str) -> String) {
    let text = fs::read_to_string(path).expect("a text");
    let changed = change(&text);
    assert_ne!(text, changed, "{} did not change", path.display());
    fs::write(path, changed).expect("the changed text");
}
