//! The manifests in `data-manifests/` speak the words of this crate, say what their schema asks for, and their counts add up.

use mammo_dataset::{DataManifest, Dataset, NoteKind, Source};
use std::path::Path;
use toml::{Table, Value};

#[test]
fn manifests_speak_the_words_of_the_crate_and_their_counts_add_up() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
    let schema = std::fs::read_to_string(dir.join("README.md")).unwrap();
    let mut names = Vec::new();
    let mut rules = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let table: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        let manifest: DataManifest = Value::Table(table.clone()).try_into().unwrap();
        assert_eq!(manifest.dataset, name.parse().unwrap(), "{name}");
        assert_eq!(
            DataManifest::of(manifest.dataset),
            Some(manifest.clone()),
            "{name}: built into the program"
        );
        format!("{}:DIR", table["source_prefix"].as_str().unwrap()).parse::<Source>().unwrap();
        for (key, value) in &table {
            assert!(
                schema.contains(&format!("`{key}`")) || schema.contains(&format!("[{key}]")),
                "{name}: {key} is not documented"
            );
            if key == "layout" {
                for file in value.as_array().unwrap() {
                    for field in ["path", "required", "holds"] {
                        assert!(file.get(field).is_some(), "{name}: {field}");
                    }
                }
            }
        }
        let expected = &manifest.expected;
        for kind in expected.quirks.keys() {
            serde_json::from_value::<NoteKind>(kind.as_str().into()).unwrap();
        }
        for counts in [&expected.laterality, &expected.view, &expected.birads, &expected.density] {
            let sum: usize = counts.values().sum();
            assert!(counts.is_empty() || Some(sum) == expected.images, "{name}: {counts:?}");
        }
        for rule in &expected.rule {
            assert_eq!(Some(rule.healthy + rule.cancer + rule.left_out), expected.images, "{name}: {rule:?}");
            rules += 1;
        }
        names.push(manifest.dataset);
    }
    names.sort();
    let released: Vec<Dataset> = Dataset::ALL.into_iter().filter(|d| *d != Dataset::Manifest).collect();
    assert_eq!(names, released);
    assert_eq!(rules, 9);
}
