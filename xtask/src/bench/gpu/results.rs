//! Results as they come: to the terminal, and to a file that a later call goes on with.

use super::limits::Limits;
use super::options::{Options, Precision};
use super::row;
use serde_json::Value;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

pub(super) struct Results {
    file: Option<PathBuf>,
    json: bool,
    variants: Vec<&'static str>,
    rows: Vec<Value>,
}

impl Results {
    /// Shows the head of the table, and what an earlier call has measured.
    pub(super) fn open(options: &Options, limits: &Limits) -> Result<Self, String> {
        let rows = match &options.out {
            Some(path) if path.exists() => {
                if !options.resume {
                    return Err(format!(
                        "{}: holds results already: go on with --resume, or choose another --out",
                        path.display()
                    ));
                }
                let rows = read(path)?;
                same_gpu(path, &rows, &limits.measured["gpu"])?;
                rows
            }
            _ => Vec::new(),
        };
        let results =
            Self { file: options.out.clone(), json: options.json, variants: options.variants.clone(), rows };
        if !results.json {
            println!("{}", row::head(&results.variants));
        }
        for row in &results.rows {
            results.show(row);
        }
        Ok(results)
    }

    /// Whether this was measured.
    pub(super) fn has(&self, name: &str, precision: Precision) -> bool {
        self.rows.iter().any(|row| row["config"] == name && row["precision"] == precision.name())
    }

    /// Keeps a result and shows it.
    pub(super) fn add(&mut self, row: &Value) -> Result<(), String> {
        if let Some(path) = &self.file {
            append(path, &row.to_string())?;
        }
        self.show(row);
        self.rows.push(row.clone());
        Ok(())
    }

    fn show(&self, row: &Value) {
        if self.json {
            println!("{row}");
        } else {
            println!("{}", row::line(row, &self.variants));
        }
    }
}

/// The results of a file. A last line that was cut off in the middle is none, and is taken away.
fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    if whole.len() < text.len() {
        std::fs::write(path, whole).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let rows = whole.lines().enumerate().map(|(i, line)| {
        serde_json::from_str(line).map_err(|error| format!("{}: line {}: {error}", path.display(), i + 1))
    });
    rows.collect()
}

/// Times of two GPUs do not belong into one table.
fn same_gpu(path: &Path, rows: &[Value], gpu: &Value) -> Result<(), String> {
    match rows.iter().map(|row| &row["limits"]["gpu"]).find(|&of_row| of_row != gpu) {
        Some(other) => Err(format!(
            "{}: holds results of {other} and this is {gpu}: choose another --out",
            path.display()
        )),
        None => Ok(()),
    }
}

fn append(path: &Path, line: &str) -> Result<(), String> {
    let mut file = OpenOptions::new().create(true).append(true).open(path);
    file.as_mut()
        .map_err(|error| error.to_string())
        .and_then(|file| file.write_all(format!("{line}\n").as_bytes()).map_err(|error| error.to_string()))
        .map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_are_gone_on_with() {
        let path = std::env::temp_dir().join(format!("mammo-results-{}.jsonl", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let row = json!({ "config": "a", "precision": "f32", "limits": { "gpu": "one" } });
        append(&path, &row.to_string()).unwrap();
        // The next line was being written when the process ended.
        std::fs::write(&path, format!("{row}\n{{\"config\": \"b")).unwrap();
        let rows = read(&path).unwrap();
        assert_eq!(rows, std::slice::from_ref(&row));
        append(&path, &row.to_string()).unwrap();
        assert_eq!(read(&path).unwrap().len(), 2);
        assert!(same_gpu(&path, &rows, &json!("one")).is_ok());
        assert!(same_gpu(&path, &rows, &json!("two")).unwrap_err().contains("\"two\""));
        std::fs::write(&path, "no JSON\n").unwrap();
        assert!(read(&path).unwrap_err().contains("line 1"));
        std::fs::remove_file(&path).unwrap();
    }
}
