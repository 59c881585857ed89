//! The manifests in `data-manifests/` speak the words of this crate, and their counts add up.

use mammo_core::LabelRule;
use mammo_dataset::{Source, ViewFilter};
use std::path::Path;
use toml::{Table, Value};

#[test]
fn manifests_speak_the_words_of_the_crate_and_their_counts_add_up() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data-manifests");
    let mut rules = 0;
    for name in ["inbreast.toml", "mini-mias.toml"] {
        let text = std::fs::read_to_string(dir.join(name)).unwrap();
        let manifest: Table = text.parse().unwrap();
        let prefix = manifest["source_prefix"].as_str().unwrap();
        format!("{prefix}:DIR").parse::<Source>().unwrap();
        let expected = manifest["expected"].as_table().unwrap();
        let images = expected["images"].as_integer().unwrap();
        for (field, counts) in expected.iter().filter_map(|(k, v)| Some((k, v.as_table()?))) {
            let sum: i64 = counts.values().filter_map(Value::as_integer).sum();
            assert_eq!(sum, images, "{name}: {field}");
        }
        for rule in expected["rule"].as_array().unwrap() {
            rule["rule"].as_str().unwrap().parse::<LabelRule>().unwrap();
            rule["views"].as_str().unwrap().parse::<ViewFilter>().unwrap();
            let sum: i64 =
                ["healthy", "cancer", "left_out"].iter().map(|k| rule[k].as_integer().unwrap()).sum();
            assert_eq!(sum, images, "{name}: {rule}");
            rules += 1;
        }
    }
    assert_eq!(rules, 8);
}
