//! Every member of the JSON that the summaries print is on the page that describes it.

use mammo_readout::{
    Interval,
    mrmc::{
        BootstrapSettings, GallasSettings, MrmcSettings, Reading, Study, bootstrap, compare_with_standalone,
        dorfman_berbaum_metz, gallas, obuchowski_rockette,
    },
    summary::{Summary, single_reader},
};
use serde_json::Value;
use std::collections::BTreeSet;

fn study() -> Study {
    let mut rows = Vec::new();
    for (reader, shift) in [("r1", 0.0), ("r2", 0.7), ("r3", 0.2)] {
        for (treatment, gain) in [("original", 1.0), ("modified", 0.2)] {
            for case in 0..16 {
                let noise = f64::from(case * 7 % 12) / 6.0 + shift * f64::from(case % 3);
                let positive = case % 2 == 0;
                // Reader r3 separates the classes, so that flags appear.
                let rating = if reader == "r3" { f64::from(u8::from(positive)) } else { noise };
                rows.push(Reading {
                    reader: reader.into(),
                    treatment: treatment.into(),
                    case: case.to_string(),
                    positive,
                    rating: rating + if positive { gain } else { 0.0 },
                });
            }
        }
    }
    Study::from_readings(rows).unwrap()
}

fn members(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                into.insert(key.clone());
                members(inner, into);
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| members(inner, into)),
        _ => {}
    }
}

#[test]
fn the_page_names_every_member() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/statistics/json.md");
    let Ok(page) = std::fs::read_to_string(path) else {
        eprintln!("skipped: docs/statistics/json.md is not there");
        return;
    };
    let study = study();
    let one = study.select_treatments(&["original"]).unwrap();
    let settings = MrmcSettings::default();
    let draws = BootstrapSettings { replicates: 200, ..BootstrapSettings::default() };
    let interval = Interval::default();
    let by_reader = single_reader(&study, interval).unwrap();
    let summaries = [
        Summary::obuchowski_rockette(&obuchowski_rockette(&study, settings).unwrap())
            .with_margin(0.1)
            .unwrap(),
        Summary::dorfman_berbaum_metz(&dorfman_berbaum_metz(&study, settings).unwrap()),
        Summary::gallas(&gallas(&study, GallasSettings::default()).unwrap()),
        Summary::standalone(&compare_with_standalone(&one, "r1", settings).unwrap()),
        Summary::single_reader(&by_reader, interval).unwrap(),
        Summary::bootstrap(&bootstrap(&study, draws).unwrap()),
    ];
    let mut found = BTreeSet::new();
    for summary in &summaries {
        members(&summary.json(), &mut found);
        assert!(page.contains(&format!("`{}`", summary.json()["method"].as_str().unwrap())));
    }
    let absent: Vec<&String> = found.iter().filter(|key| !page.contains(&format!("`{key}`"))).collect();
    assert!(absent.is_empty(), "docs/statistics/json.md does not name {absent:?}");
    assert!(found.len() > 60, "{}", found.len());
}
