//! Settings that a sweep goes through.

use crate::preset::Preset;
use anyhow::{Context, bail};
use serde_json::Value;

/// One combination of settings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// What sets it apart, for tables and folders.
    pub(super) name: String,
    /// Dotted path of a setting of the preset, and its value.
    pub(super) settings: Vec<(String, Value)>,
}

impl Cell {
    /// The preset with the cell's settings.
    pub(super) fn apply(&self, preset: Preset) -> anyhow::Result<Preset> {
        if self.settings.is_empty() {
            return Ok(preset);
        }
        let mut tree = serde_json::to_value(&preset)?;
        for (path, value) in &self.settings {
            let mut place = &mut tree;
            let mut names: Vec<&str> = path.split('.').collect();
            let last = names.pop().unwrap_or_default();
            for name in names {
                place =
                    place.get_mut(name).with_context(|| format!("--set {path}: the preset has no {name}"))?;
            }
            let Some(table) = place.as_object_mut() else {
                bail!("--set {path}: {last} is no part of a table of the preset");
            };
            // Settings that are left out where they have their usual value are made here; unknown ones are refused below.
            table.insert(last.to_owned(), value.clone());
        }
        serde_json::from_value(tree).with_context(|| format!("--set: {} makes no preset", self.name))
    }
}

/// Every combination of the values that `--set PATH=VALUE,VALUE` gives; one cell without settings where there are none.
pub(super) fn grid(sets: &[String]) -> anyhow::Result<Vec<Cell>> {
    let mut cells = vec![Cell { name: String::new(), settings: Vec::new() }];
    for set in sets {
        let Some((path, values)) =
            set.split_once('=').filter(|(path, values)| !path.is_empty() && !values.is_empty())
        else {
            bail!(
                "--set {set}: write it as PATH=VALUE,VALUE, for example train.weights.lambda_identity=0,0.5"
            );
        };
        let short = path.rsplit('.').next().unwrap_or(path);
        let mut more = Vec::new();
        for cell in &cells {
            for text in values.split(',').map(str::trim) {
                // What is no number or truth value is a word, such as resize.
                let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
                let mut cell = cell.clone();
                let setting = format!("{short}={text}");
                cell.name = if cell.name.is_empty() { setting } else { [cell.name, setting].join(" ") };
                cell.settings.push((path.to_owned(), value));
                more.push(cell);
            }
        }
        cells = more;
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_every_combination_and_changes_the_preset() {
        let sets = ["train.weights.lambda_identity=0,0.5", "train.generator.upsampling=transposed,resize"];
        let cells = grid(&sets.map(str::to_owned)).unwrap();
        let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
        assert_eq!(names.len(), 4);
        assert_eq!(names[3], "lambda_identity=0.5 upsampling=resize");
        let preset = cells[3].apply(Preset::find("smoke").unwrap()).unwrap();
        assert_eq!(preset.train.weights.lambda_identity, 0.5);
        assert_eq!(preset.train.generator.upsampling, mammo_models::Upsampling::Resize);
        let plain = grid(&[]).unwrap();
        assert_eq!(plain[0].apply(Preset::find("smoke").unwrap()).unwrap(), Preset::find("smoke").unwrap());
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for (set, says) in
            [("train.speed=1", "speed"), ("nowhere.at_all=1", "nowhere"), ("train.steps=fast", "steps")]
        {
            let error = grid(&[set.to_owned()]).and_then(|cells| cells[0].apply(Preset::find("smoke")?));
            let message = format!("{:#}", error.unwrap_err());
            assert!(message.contains(says) || message.contains("invalid type"), "{set}: {message}");
        }
        assert!(grid(&["train.steps".to_owned()]).is_err());
    }
}
