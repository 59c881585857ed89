//! The scripts of the pack, run against made-up machines: what stands in for `nvidia-smi`, `ldconfig` and `python3` lies first
//! on PATH.

use super::{LAUNCHER, ON_GPU, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A pack with a program that prints how it was started, on a machine whose parts are made one by one.
struct Machine(PathBuf);

impl Machine {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("mammo pack {name} {}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        let machine = Self(root);
        machine.script("pack/run", LAUNCHER);
        machine.script("pack/on-gpu.sh", ON_GPU);
        machine.script("pack/bin/mammo", "#!/bin/sh\necho \"mammo $* with $LD_LIBRARY_PATH\"\nexit 7\n");
        machine.versions("90a");
        machine.answers("ldconfig", "");
        machine.answers("python3", "");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn script(&self, name: &str, text: &str) {
        self.file(name);
        write(&self.path(name), text.as_bytes(), true).unwrap();
    }

    /// An empty file.
    fn file(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "").unwrap();
        path
    }

    /// A program on PATH that prints this text.
    fn answers(&self, program: &str, text: &str) {
        self.script(&format!("commands/{program}"), &format!("#!/bin/sh\ncat <<'END'\n{text}\nEND\n"));
    }

    /// Libraries with names that no machine has, so that the one that runs the tests does not matter.
    fn versions(&self, architecture: &str) {
        let text = format!(
            "cuda 13.0\narchitecture {architecture}\ndriver 580\nlibraries libcuda.so.made-up libcublas.made-up libcudnn.made-up\n"
        );
        self.file("pack/versions");
        std::fs::write(self.path("pack/versions"), text).unwrap();
    }

    /// A driver, a GPU, and libraries in wheels of the two layouts.
    fn with_all(self) -> Self {
        self.file("driver/libcuda.so.made-up");
        let driver = self.path("driver/libcuda.so.made-up");
        self.answers("ldconfig", &format!("\tlibcuda.so.made-up (libc6,x86-64) => {}", driver.display()));
        self.answers("nvidia-smi", "580.95.05, 9.0");
        self.file("site/nvidia/cu13/lib/libcublas.made-up");
        self.file("site/nvidia/cudnn/lib/libcudnn.made-up");
        let wheels = [self.path("site/nvidia/cu13/lib"), self.path("site/nvidia/cudnn/lib")];
        self.answers("python3", &wheels.map(|dir| dir.display().to_string()).join("\n"));
        self
    }

    fn call(&self, script: &str, args: &[&str]) -> (i32, String, String) {
        let commands = self.path("commands");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(commands).chain(std::env::split_paths(&path));
        let mut command = Command::new(self.path("pack").join(script));
        command.args(args).env("PATH", std::env::join_paths(path).unwrap()).current_dir(&self.0);
        for name in ["LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "CONDA_PREFIX"] {
            command.env_remove(name);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        self.call("run", args)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One sentence on stderr and the code for what is missing.
fn assert_missing((code, stdout, stderr): (i32, String, String), what: &[&str]) {
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(what.iter().all(|word| stderr.contains(word)), "{stderr}");
}

#[test]
fn a_program_starts_with_the_libraries_of_wheels() {
    let machine = Machine::new("wheels").with_all();
    let (code, stdout, stderr) = machine.run(&["mammo", "a b", "--c"]);
    assert_eq!((code, stderr.as_str()), (7, ""));
    let folders = ["driver", "site/nvidia/cu13/lib", "site/nvidia/cudnn/lib"];
    let folders = folders.map(|name| machine.path(name).display().to_string()).join(":");
    assert_eq!(stdout.trim(), format!("mammo a b --c with {folders}"));
    let (code, stdout, _) = machine.run(&["--where"]);
    assert_eq!((code, stdout.lines().count()), (0, 3));
}

#[test]
fn a_system_goes_before_wheels_unless_told_otherwise() {
    let machine = Machine::new("system").with_all();
    machine.file("cuda/lib64/libcublas.made-up");
    let versions = std::fs::read_to_string(machine.path("pack/versions")).unwrap();
    let folder = machine.path("cuda/lib64");
    std::fs::write(machine.path("pack/versions"), format!("{versions}toolkit {}\n", folder.display()))
        .unwrap();
    let place = |args: &[&str]| {
        let (_, stdout, _) = machine.run(args);
        stdout.lines().find(|line| line.starts_with("libcublas")).unwrap().to_owned()
    };
    assert!(place(&["--where"]).ends_with("cuda/lib64"));
    assert!(place(&["--from", "python", "--where"]).ends_with("cu13/lib"));
    assert_eq!(machine.run(&["--from", "moon", "--where"]).0, 2);
}

#[test]
fn what_is_missing_is_one_sentence() {
    let machine = Machine::new("missing");
    assert_missing(machine.run(&["mammo"]), &["driver", "580"]);
    let machine = machine.with_all();
    machine.answers("python3", "");
    assert_missing(machine.run(&["mammo"]), &["libcublas.made-up", "CUDA 13.0", "pip install torch"]);
    let machine = machine.with_all();
    machine.answers("nvidia-smi", "570.12, 9.0");
    assert_missing(machine.run(&["mammo"]), &["570", "580", "update the driver"]);
    machine.script("commands/nvidia-smi", "#!/bin/sh\nexit 9\n");
    assert_missing(machine.run(&["mammo"]), &["nvidia-smi"]);
    let (code, _, stderr) = machine.run(&["nothing"]);
    assert!(code == 2 && stderr.contains("nothing"), "{stderr}");
}

#[test]
fn kernels_run_on_the_gpus_that_they_are_for() {
    let machine = Machine::new("architecture").with_all();
    let code = |built_for: &str, gpus: &str| {
        machine.versions(built_for);
        machine.answers("nvidia-smi", gpus);
        machine.run(&["mammo"]).0
    };
    for (built_for, gpu, runs) in [
        ("90a", "9.0", true),
        ("90a", "8.6", false),
        ("90a", "10.0", false),
        ("80", "8.0", true),
        ("80", "12.0", true),
        ("80", "7.5", false),
        ("100f", "10.3", true),
        ("100f", "12.0", false),
        ("121f", "12.1", true),
    ] {
        let expected = if runs { 7 } else { 3 };
        assert_eq!(code(built_for, &format!("580.95, {gpu}")), expected, "{built_for} on {gpu}");
    }
    // One of several is enough; a driver that does not tell is believed.
    assert_eq!(code("90a", "580.95, 8.6\n580.95, 9.0"), 7);
    assert_eq!(code("90a", "580.95, [N/A]"), 7);
    machine.answers("nvidia-smi", "580.95, 8.6");
    assert_missing(machine.run(&["mammo"]), &["90a", "8.6", "CUDA_COMPUTE_CAP"]);
}

#[test]
fn stages_are_run_with_their_limits_and_go_on() {
    let machine = Machine::new("stages").with_all();
    let options =
        |name: &str| std::fs::read_to_string(machine.path(&format!("out/{name}"))).unwrap_or_default();
    // A training that writes how it was called and what a run folder has.
    machine.script(
        "pack/bin/mammo",
        "#!/bin/sh\necho \"$*\" >>out/calls\nmkdir -p out/phantoms\n: >out/phantoms/run.json\nexit 0\n",
    );
    assert_eq!(machine.call("on-gpu.sh", &["phantoms", "--out", "out", "--precision", "tf32"]).0, 0);
    let calls = options("calls");
    assert!(
        calls.contains("reproduce-exp1 --device cuda:0") && calls.contains("--preset becker-exp1"),
        "{calls}"
    );
    assert!(calls.contains("--precision tf32") && !calls.contains("--resume"), "{calls}");
    let (code, _, stderr) = machine.call("on-gpu.sh", &["phantoms", "--out", "out"]);
    assert!(code == 1 && stderr.contains("--resume"), "{stderr}");
    assert_eq!(machine.call("on-gpu.sh", &["phantoms", "--out", "out", "--resume"]).0, 0);
    assert!(options("calls").lines().last().unwrap().ends_with("--resume"));
    std::fs::write(machine.path("out/phantoms/finished.json"), "").unwrap();
    let before = options("calls");
    assert_eq!(machine.call("on-gpu.sh", &["phantoms", "--out", "out", "--resume"]).0, 0);
    assert_eq!(options("calls"), before);
    // One that meets its limit and says, as mammo does, that it was interrupted.
    machine.script("pack/bin/mammo", "#!/bin/sh\nexit 130\n");
    let mias = ["--data", ".", "mini-mias", "--limit", "mini-mias=60", "--out", "out"];
    let (code, _, stderr) = machine.call("on-gpu.sh", &mias);
    assert!(code == 124 && stderr.contains("met its limit"), "{code} {stderr}");
    assert_eq!(options("stages.tsv").lines().last().unwrap().split('\t').nth(2), Some("124"));
}

#[test]
fn device_tests_are_all_run_and_kept() {
    let machine = Machine::new("tests").with_all();
    machine.script("pack/bin/test-devices", "#!/bin/sh\necho 'test a ... FAILED'\nexit 101\n");
    machine.script("pack/bin/test-golden", "#!/bin/sh\necho \"test b ... ok $MAMMO_GPU_EXPECTED\"\n");
    let (code, stdout, _) = machine.call("on-gpu.sh", &["tests", "--limit", "60", "--out", "out"]);
    assert!(code == 1 && stdout.contains("FAILED") && stdout.contains("test b"), "{stdout}");
    assert!(std::fs::read_to_string(machine.path("out/test-golden.txt")).unwrap().contains("ok 1"));
    // A machine without a GPU ends it at once.
    machine.answers("nvidia-smi", "470.1, 9.0");
    assert_eq!(machine.call("on-gpu.sh", &["tests", "phantoms", "--out", "out"]).0, 3);
}

#[test]
fn stages_and_options_are_checked_before_anything_runs() {
    let machine = Machine::new("usage");
    let calls: [&[&str]; 6] = [
        &[],
        &["dance"],
        &["mini-mias"],
        &["bench", "--limit", "x"],
        &["bench", "--device", "cpu"],
        &["tests", "--out"],
    ];
    for args in calls {
        let (code, _, stderr) = machine.call("on-gpu.sh", args);
        assert!(code == 2 && stderr.lines().count() == 1, "{args:?}: {stderr}");
    }
    let (code, stdout, _) = machine.call("on-gpu.sh", &["--help"]);
    assert!(code == 0 && stdout.contains("mini-mias") && !stdout.contains("pipefail"), "{stdout}");
}

#[test]
fn scripts_are_those_of_this_folder() {
    // `run` is for any shell, so it must not lean on bash.
    assert!(LAUNCHER.starts_with("#!/bin/sh\n") && !LAUNCHER.contains("[["));
    assert!(Path::new(file!()).ends_with("pack/tests.rs"));
}
