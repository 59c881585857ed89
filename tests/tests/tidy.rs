//! The shape of the workspace: which crate may use which, what every crate has, and what no file may hold.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each crate uses of the workspace, and what its tests and examples use beyond that. `docs/architecture.md` shows
/// the same table.
const ARROWS: [(&str, &str, &str); 21] = [
    ("mammo-core", "", ""),
    ("mammo-files", "", ""),
    ("mammo-png", "core, files", ""),
    ("mammo-dicom", "core, files", ""),
    ("mammo-dataset", "core, files, png, dicom", ""),
    ("mammo-phantom", "core, files, dicom", "forensics, png"),
    ("mammo-augment", "core", ""),
    ("mammo-ops", "", ""),
    ("mammo-models", "ops", ""),
    ("mammo-train", "core, files, augment, ops, models", ""),
    ("mammo-forensics", "core", ""),
    ("mammo-detect", "core, models, train, forensics", ""),
    ("mammo-readout", "", ""),
    ("mammo-reader", "core, files, readout", ""),
    ("mammo-room", "core, files, png, reader", ""),
    ("mammo-seal", "files, png, dicom", "core"),
    ("mammo-report", "files", "core, png"),
    ("mammo-tensorboard", "png", "core, files"),
    (
        "mammo-cli",
        "core, files, png, dicom, dataset, phantom, augment, ops, models, train, forensics, detect, readout, reader, room, seal, report, tensorboard",
        "",
    ),
    ("mammo-tests", "ops", "core, files, augment, dataset, phantom, models, train"),
    ("xtask", "", ""),
];

/// Crates that may use a family of foreign crates, by the beginning of its names.
const WALLS: [(&str, &[&str]); 2] =
    [("candle-", &["mammo-ops", "mammo-models", "mammo-train", "mammo-tests"]), ("dicom-", &["mammo-dicom"])];

/// No source file is longer.
const LONGEST: usize = 700;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the workspace")
        .to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn run(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// `cargo metadata` for this machine, from the lock file and without a network.
fn metadata(more: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked", "--offline"]).args(more);
    serde_json::from_str(&run(&mut command)).expect("JSON")
}

fn members() -> Vec<Value> {
    metadata(&["--no-deps"])["packages"].as_array().expect("packages").clone()
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a name")
}

/// Names of direct dependencies: those of the crate and its build, and those of its tests and examples.
fn dependencies(package: &Value) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let all = package["dependencies"].as_array().expect("dependencies");
    let (dev, normal): (Vec<_>, Vec<_>) = all.iter().partition(|d| d["kind"] == "dev");
    (normal.into_iter().map(name).collect(), dev.into_iter().map(name).collect())
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',')
        .map(str::trim)
        .filter(|w| !w.is_empty() && *w != "-")
        .map(|w| format!("mammo-{w}"))
        .collect()
}

#[test]
fn arrows_are_those_of_the_table() {
    let members = members();
    let ours: BTreeSet<&str> = members.iter().map(name).collect();
    assert_eq!(ours, ARROWS.iter().map(|row| row.0).collect(), "the table lists other crates");
    for (crate_name, uses, tests_use) in ARROWS {
        let package = members.iter().find(|p| name(p) == crate_name).expect("a crate of the table");
        let (normal, dev) = dependencies(package);
        let of_ours = |names: &BTreeSet<&str>| -> BTreeSet<String> {
            names.iter().filter(|n| ours.contains(*n)).map(|&n| n.to_owned()).collect()
        };
        assert_eq!(of_ours(&normal), words(uses), "{crate_name} uses");
        let beyond: BTreeSet<&str> = dev.difference(&normal).copied().collect();
        assert_eq!(of_ours(&beyond), words(tests_use), "the tests of {crate_name} use");
        for (family, allowed) in WALLS {
            let foreign = normal.union(&dev).find(|n| n.starts_with(family));
            assert!(allowed.contains(&crate_name) || foreign.is_none(), "{crate_name} uses {foreign:?}");
        }
    }
}

#[test]
fn the_architecture_page_shows_the_table() {
    let page = read("docs/architecture.md");
    let section = page.split("\n## ").find(|s| s.starts_with("Arrows")).expect("a section Arrows");
    let shown: Vec<(String, BTreeSet<String>, BTreeSet<String>)> = section
        .lines()
        .filter(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            assert_eq!(cells.len(), 3, "{line}");
            (cells[0].to_owned(), words(cells[1]), words(cells[2]))
        })
        .collect();
    let table: Vec<_> = ARROWS.iter().map(|(c, u, t)| ((*c).to_owned(), words(u), words(t))).collect();
    assert_eq!(shown, table);
}

#[test]
fn every_crate_is_described_linted_documented_and_shown_in_use() {
    for package in members() {
        let crate_name = name(&package);
        let manifest = PathBuf::from(package["manifest_path"].as_str().expect("a path"));
        let folder = manifest.parent().expect("a folder");
        assert!(
            package["description"].as_str().is_some_and(|d| d.len() > 20),
            "{crate_name}: no description"
        );
        let text = std::fs::read_to_string(&manifest).expect("a manifest");
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{crate_name}: [lints] workspace = true is missing"
        );
        for target in package["targets"].as_array().expect("targets") {
            let path = Path::new(target["src_path"].as_str().expect("a path"));
            let source = std::fs::read_to_string(path).expect("a source file");
            assert!(source.starts_with("//! "), "{}: say in its first line what it is for", path.display());
            let is_library = target["kind"].as_array().expect("kinds").iter().any(|kind| kind == "lib");
            if is_library && crate_name != "mammo-tests" {
                let has_example = source.contains("//! ```\n") || folder.join("examples").is_dir();
                assert!(has_example, "{crate_name}: no example");
            }
        }
    }
}

#[test]
fn the_members_share_edition_licence_and_version() {
    let members = members();
    for field in ["edition", "license", "version", "rust_version", "repository"] {
        let values: BTreeSet<String> = members.iter().map(|p| p[field].to_string()).collect();
        assert_eq!(values.len(), 1, "{field}: {values:?}");
    }
    assert!(members.iter().all(|p| p["publish"] == serde_json::json!([])), "a crate could be published");
}

/// Files that belong to the repository, or will with the next commit.
fn files() -> Vec<PathBuf> {
    let list =
        run(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]));
    let names = list.split('\0').filter(|name| !name.is_empty());
    names.map(|name| root().join(name)).filter(|path| path.is_file()).collect()
}

#[test]
fn no_file_names_a_place_on_someones_machine() {
    // Put together here, so that this file does not hold them.
    let places = ["work", "tmp", "root", "home"].map(|name| format!("/{name}/"));
    for path in files() {
        let bytes = std::fs::read(&path).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        for place in &places {
            for (at, _) in text.match_indices(place.as_str()) {
                // Inside a longer word it is part of a relative path or an address, not a place on a machine.
                let before = text[..at].chars().next_back();
                let is_inside = before.is_some_and(|c| c.is_alphanumeric() || "._-/}>$".contains(c));
                assert!(is_inside, "{} names a path that begins with {place}", path.display());
            }
        }
    }
}

#[test]
fn no_source_file_is_too_long_to_read() {
    for path in files().into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs")) {
        let lines = std::fs::read_to_string(&path).expect("a source file").lines().count();
        assert!(lines <= LONGEST, "{}: {lines} lines; {LONGEST} are enough for one topic", path.display());
    }
}

/// Whether the licence expression can be fulfilled by allowed licences alone: AND binds closer than OR, and the old
/// slash means OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    if let Some(parts) = split(expression, &[" OR ", "/"]) {
        return parts.iter().any(|part| is_allowed(part, allowed));
    }
    if let Some(parts) = split(expression, &[" AND "]) {
        return parts.iter().all(|part| is_allowed(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(expression),
    }
}

/// The parts between any of the separators that stand outside of parentheses; `None` without such.
fn split<'a>(text: &'a str, separators: &[&str]) -> Option<Vec<&'a str>> {
    let (mut parts, mut start, mut depth, mut at) = (Vec::new(), 0, 0, 0);
    while at < text.len() {
        let rest = &text[at..];
        depth += i32::from(rest.starts_with('(')) - i32::from(rest.starts_with(')'));
        match separators.iter().find(|s| depth == 0 && rest.starts_with(**s)) {
            Some(separator) => {
                parts.push(&text[start..at]);
                at += separator.len();
                start = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    parts.push(&text[start..]);
    (parts.len() > 1).then_some(parts)
}

#[test]
fn licence_expressions_are_understood() {
    let allowed = BTreeSet::from(["MIT", "Apache-2.0", "Unicode-3.0"]);
    for (expression, fine) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND IJG", false),
        ("GPL-3.0 AND MIT OR Apache-2.0", true),
    ] {
        assert_eq!(is_allowed(expression, &allowed), fine, "{expression}");
    }
}

#[test]
fn every_dependency_comes_from_the_registry_under_an_allowed_licence() {
    let rules: toml::Value = toml::from_str(&read("deny.toml")).expect("TOML");
    let allowed = rules["licenses"]["allow"].as_array().expect("a list");
    let allowed: BTreeSet<&str> = allowed.iter().map(|l| l.as_str().expect("a name")).collect();
    let registry =
        format!("registry+{}", rules["sources"]["allow-registry"][0].as_str().expect("an address"));

    let version = run(Command::new("rustc").arg("-vV"));
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    let metadata = metadata(&["--filter-platform", host]);
    let used: BTreeSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|n| n["id"].as_str().expect("id"))
        .collect();
    let mut refused = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("packages") {
        if !used.contains(package["id"].as_str().expect("id")) {
            continue;
        }
        let licence = package["license"].as_str().unwrap_or("none");
        let is_from_registry = package["source"].is_null() || package["source"] == registry.as_str();
        if !is_allowed(licence, &allowed) || !is_from_registry {
            refused.insert(name(package), format!("{licence}, {}", package["source"]));
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}
