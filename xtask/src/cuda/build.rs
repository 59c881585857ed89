//! Release builds with the feature.

use super::architecture::Architecture;
use super::{Toolkit, cuda_target, pack, versions};
use crate::cargo::{cargo, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Test targets that run the same checks on every device, and their names in a pack.
const DEVICE_TESTS: [(&str, &str); 2] = [("devices", "test-devices"), ("golden", "test-golden")];

/// A crate of the workspace that has the feature `cuda`.
pub(super) struct Member {
    pub(super) name: String,
    /// Its folder, in which its tests run.
    folder: PathBuf,
    /// Names of its targets with their kinds.
    targets: Vec<(String, String)>,
}

impl Member {
    fn has(&self, kind: &str, name: &str) -> bool {
        self.targets.iter().any(|(of_kind, of_name)| of_kind == kind && of_name == name)
    }
}

/// The crates with the feature, by what their manifests say.
pub(super) fn members_with_cuda() -> Result<Vec<Member>, String> {
    let output = cargo(&["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo metadata cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed ({})", output.status));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: no JSON: {error}"))?;
    let members = members(&metadata);
    if members.is_empty() {
        return Err("no crate of the workspace has a feature cuda".to_owned());
    }
    Ok(members)
}

fn members(metadata: &Value) -> Vec<Member> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let with_cuda = packages.filter(|package| package["features"].get("cuda").is_some());
    with_cuda
        .map(|package| {
            let manifest = PathBuf::from(text(&package["manifest_path"]));
            let targets = package["targets"].as_array().into_iter().flatten();
            Member {
                name: text(&package["name"]),
                folder: manifest.parent().map(Path::to_owned).unwrap_or_default(),
                targets: targets.map(|target| (text(&target["kind"][0]), text(&target["name"]))).collect(),
            }
        })
        .collect()
}

/// What a build is to make.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Programs {
    /// `mammo`, the step that the benchmark times, and the device tests.
    All,
    /// The step that the benchmark times.
    BenchStep,
    /// The device tests.
    DeviceTests,
}

/// A program of a build.
pub(crate) struct Program {
    /// Its name in a pack.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// The folder of its crate.
    pub(super) folder: PathBuf,
}

/// What a build made.
pub(crate) struct Built {
    pub(crate) programs: Vec<Program>,
    pub(super) architecture: Architecture,
    pub(super) toolkit: Toolkit,
    /// Starts a program with the libraries that it needs.
    pub(crate) launcher: PathBuf,
}

/// The programs of `members` that are asked for: member, kind of target, target, name in a pack.
fn wanted(
    members: &[Member],
    programs: Programs,
) -> Vec<(&Member, &'static str, &'static str, &'static str)> {
    let mut wanted = Vec::new();
    for member in members {
        if programs == Programs::All && member.has("bin", "mammo") {
            wanted.push((member, "bin", "mammo", "mammo"));
        }
        if programs != Programs::DeviceTests && member.has("example", "bench_step") {
            wanted.push((member, "example", "bench_step", "bench_step"));
        }
        if programs != Programs::BenchStep {
            let tests = DEVICE_TESTS.into_iter().filter(|(target, _)| member.has("test", target));
            wanted.extend(tests.map(|(target, name)| (member, "test", target, name)));
        }
    }
    wanted
}

/// Makes cargo work on all members with the feature. Always on all of them, because which features their dependencies have
/// depends on it, and kernels would be compiled again for each choice.
pub(super) fn select(command: &mut Command, members: &[Member]) {
    for member in members {
        command.args(["--package", &member.name, "--features", &format!("{}/cuda", member.name)]);
    }
}

/// Builds programs with the feature, in the release profile, into a folder of their own.
pub(crate) fn build(programs: Programs) -> Result<Built, String> {
    let toolkit = Toolkit::find()?;
    toolkit.check_libraries()?;
    let architecture = Architecture::chosen()?;
    eprintln!("with {}, for {}", toolkit.describe(), architecture.runs_on());
    let members = members_with_cuda()?;
    let wanted = wanted(&members, programs);
    if wanted.is_empty() {
        return Err("no crate with the feature cuda has what is to be built".to_owned());
    }
    // Diagnostics go to stderr as always, and a line of JSON for each thing made to stdout.
    let mut command = cargo(&["build", "--release", "--message-format=json-render-diagnostics"]);
    select(&mut command, &members);
    let mut named: Vec<[&str; 2]> = Vec::new();
    for &(_, kind, target, _) in &wanted {
        let flag = match kind {
            "bin" => "--bin",
            "example" => "--example",
            _ => "--test",
        };
        if !named.contains(&[flag, target]) {
            named.push([flag, target]);
            command.args([flag, target]);
        }
    }
    toolkit.set(&mut command, architecture, &cuda_target());
    let made = executables(command)?;
    let mut found = Vec::new();
    for (member, kind, target, name) in wanted {
        let path = made
            .iter()
            .find(|one| one.kind == kind && one.target == target && one.folder == member.folder)
            .map(|one| one.path.clone())
            .ok_or_else(|| format!("cargo does not say where it built {target} of {}", member.name))?;
        found.push(Program { name: name.to_owned(), path, folder: member.folder.clone() });
    }
    let mut built = Built { programs: found, architecture, toolkit, launcher: cuda_target().join("run") };
    pack::write_launcher(&mut built)?;
    Ok(built)
}

/// An executable that cargo built.
#[derive(Debug, PartialEq)]
struct Executable {
    kind: String,
    target: String,
    folder: PathBuf,
    path: PathBuf,
}

/// Runs cargo and reads what it made.
fn executables(mut command: Command) -> Result<Vec<Executable>, String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("the build cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("the build failed ({})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(executable).collect())
}

/// The executable of one of cargo's messages.
fn executable(line: &str) -> Option<Executable> {
    let message: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Executable {
        path: PathBuf::from(text(&message["executable"])?),
        kind: text(&message["target"]["kind"][0])?,
        target: text(&message["target"]["name"])?,
        folder: PathBuf::from(text(&message["manifest_path"])?).parent()?.to_owned(),
    })
}

/// `cargo xtask cuda build`.
pub(super) fn task() -> Result<ExitCode, String> {
    let built = build(Programs::All)?;
    for program in &built.programs {
        println!("{}  {}", program.path.display(), versions::mebibytes(&program.path)?);
    }
    let launcher = built.launcher.strip_prefix(root()).unwrap_or(&built.launcher);
    eprintln!("start them by {} PROGRAM, which finds the libraries: {0} mammo --help", launcher.display());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata() -> Value {
        let target = |kind: &str, name: &str| json!({ "kind": [kind], "name": name });
        json!({ "packages": [
            { "name": "mammo-core", "features": {}, "manifest_path": "/w/core/Cargo.toml", "targets": [] },
            { "name": "mammo-tests", "features": { "cuda": [] }, "manifest_path": "/w/tests/Cargo.toml",
              "targets": [target("lib", "mammo_tests"), target("test", "devices"), target("test", "tidy")] },
            { "name": "mammo-cli", "features": { "cuda": [] }, "manifest_path": "/w/cli/Cargo.toml",
              "targets": [target("bin", "mammo")] },
        ] })
    }

    #[test]
    fn the_feature_says_which_crates_are_meant() {
        let members = members(&metadata());
        assert_eq!(members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["mammo-tests", "mammo-cli"]);
        let names = |programs| wanted(&members, programs).into_iter().map(|one| one.3).collect::<Vec<_>>();
        assert_eq!(names(Programs::All), ["test-devices", "mammo"]);
        assert_eq!(names(Programs::DeviceTests), ["test-devices"]);
        assert!(names(Programs::BenchStep).is_empty());
    }

    #[test]
    fn cargo_says_where_it_built_what() {
        let line = r#"{"reason":"compiler-artifact","manifest_path":"/w/tests/Cargo.toml","target":{"kind":["test"],"name":"devices"},"executable":"/t/devices-1"}"#;
        let one = executable(line).unwrap();
        assert_eq!((one.kind.as_str(), one.target.as_str()), ("test", "devices"));
        assert_eq!((one.folder, one.path), (PathBuf::from("/w/tests"), PathBuf::from("/t/devices-1")));
        assert!(executable(r#"{"reason":"build-finished","success":true}"#).is_none());
        assert!(executable(r#"{"executable":null,"target":{"kind":["lib"],"name":"x"}}"#).is_none());
    }
}
