use crate::{DatasetError, Note};
use fs_err as fs;
use mammo_core::{AcrDensity, BiRads, ImageId, Laterality, UnknownWord, ViewPosition};
use mammo_files::FileError;
use std::{collections::BTreeMap, path::Path, str::FromStr};

/// One row of `INbreast.csv`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) laterality: Laterality,
    pub(super) view: ViewPosition,
    pub(super) birads: BiRads,
    pub(super) density: Option<AcrDensity>,
    pub(super) mass_flag: Option<bool>,
}

/// Reads the table by the names of its columns, trimmed and in lower case, since copies leave out or add columns.
/// The column `mass` exists in exports of the spreadsheet only.
pub(super) fn read(path: &Path, notes: &mut Vec<Note>) -> Result<BTreeMap<ImageId, Row>, DatasetError> {
    let bytes = fs::read(path).map_err(FileError::from)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let first_line = text.lines().next().unwrap_or_default();
    let delimiter = if first_line.contains(';') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let broken = |e: &csv::Error| DatasetError::Line {
        path: path.to_owned(),
        line: e.position().map_or(1, csv::Position::line),
        reason: e.to_string(),
    };
    let names: Vec<String> = reader
        .headers()
        .map_err(|e| broken(&e))?
        .iter()
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let column = |column: &'static str| {
        names.iter().position(|name| name == column).ok_or_else(|| DatasetError::MissingColumn {
            path: path.to_owned(),
            column,
            found: names.join(", "),
        })
    };
    let (side, view, file) = (column("laterality")?, column("view")?, column("file name")?);
    let (acr, birads) = (column("acr")?, column("bi-rads")?);
    let mass = column("mass").ok();

    let mut rows = BTreeMap::new();
    // The reader's own line numbers are one too small after CRLF; the table has one line a row.
    for (record, line) in reader.records().zip(2u64..) {
        let record = record.map_err(|e| broken(&e))?;
        let cell = |index: usize| record.get(index).unwrap_or_default().trim();
        // A spreadsheet's number becomes "22678622.0"; its totals and blank rows name no file.
        let id = cell(file).strip_suffix(".0").unwrap_or(cell(file));
        if id.is_empty() {
            notes.push(Note::new("INbreast.csv", format!("line {line} names no file; left out")));
            continue;
        }
        let row = Row {
            laterality: word(path, line, cell(side))?,
            view: word(path, line, cell(view))?,
            birads: word(path, line, cell(birads))?,
            density: density(path, line, cell(acr), notes)?,
            mass_flag: mass.map(|index| cell(index).eq_ignore_ascii_case("x")),
        };
        if rows.insert(ImageId::new(id), row).is_some() {
            let reason = format!("image {id} has a second row; keep one");
            return Err(DatasetError::Line { path: path.to_owned(), line, reason });
        }
    }
    Ok(rows)
}

fn word<T: FromStr<Err = UnknownWord>>(path: &Path, line: u64, text: &str) -> Result<T, DatasetError> {
    text.parse().map_err(|source| DatasetError::Word { path: path.to_owned(), line, source })
}

fn density(
    path: &Path,
    line: u64,
    text: &str,
    notes: &mut Vec<Note>,
) -> Result<Option<AcrDensity>, DatasetError> {
    if text.is_empty() {
        notes.push(Note::new("INbreast.csv", format!("line {line}: the density (ACR) is blank")));
        return Ok(None);
    }
    // 0 is no class, so a text that is no number gets the message about the classes.
    let class = text.strip_suffix(".0").unwrap_or(text).parse().unwrap_or(0);
    AcrDensity::new(class).map(Some).map_err(|source| DatasetError::Word {
        path: path.to_owned(),
        line,
        source: UnknownWord { value: text.to_owned(), ..source },
    })
}
