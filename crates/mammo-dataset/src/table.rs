//! Tables of labels as rows of trimmed texts, whatever they were stored in.

use crate::{DatasetError, spreadsheet};
use mammo_core::UnknownWord;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// Largest table that is read. The largest one released (outlines of BCDR-D02) has some megabytes.
const LIMIT_BYTES: usize = 256 << 20;

/// Names by which a line of headings is known as one.
const HEADINGS: [&str; 10] = [
    "laterality",
    "view",
    "file name",
    "patient_id",
    "image_id",
    "image_filename",
    "path",
    "id1",
    "filename",
    "finding_categories",
];

/// A table with named columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    /// Trimmed and in lower case.
    columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
}

/// One row; cells are trimmed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Line of the file, or row of the sheet, from 1.
    pub(crate) line: u64,
    cells: Vec<String>,
}

impl Row {
    /// The cell of a column; empty where the row is too short.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The cell of a column that the table may lack.
    pub(crate) fn optional(&self, column: Option<usize>) -> Option<&str> {
        column.map(|column| self.cell(column)).filter(|text| !text.is_empty())
    }
}

impl Table {
    /// Reads separated values; `path` is for messages alone. Semicolons or commas, by the first line; a byte order mark,
    /// CRLF and rows of other lengths are accepted.
    pub(crate) fn from_csv(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        check_length(bytes, path)?;
        let text = String::from_utf8_lossy(bytes);
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
        let columns = reader.headers().map_err(|e| broken(&e))?.iter().map(column_name).collect();
        let mut rows = Vec::new();
        // The reader's own line numbers are one too small after CRLF; the tables have one line a row.
        for (record, line) in reader.records().zip(2u64..) {
            let record = record.map_err(|e| broken(&e))?;
            rows.push(Row { line, cells: record.iter().map(|cell| cell.trim().to_owned()).collect() });
        }
        Ok(Self { path: path.to_owned(), columns, rows })
    }

    /// Reads one sheet of a spreadsheet (xls or xlsx): that called `sheet`, else the first one. Other sheets are not looked
    /// at: a circulating `INbreast.xls` has a second one with dates, ages and diagnoses.
    pub(crate) fn from_spreadsheet(bytes: &[u8], path: &Path, sheet: &str) -> Result<Self, DatasetError> {
        check_length(bytes, path)?;
        let broken = |reason: String| DatasetError::Spreadsheet { path: path.to_owned(), reason };
        let mut sheet_rows = spreadsheet::rows(bytes, sheet).map_err(broken)?.into_iter();
        let columns = sheet_rows.next().unwrap_or_default().iter().map(|name| column_name(name)).collect();
        let rows = sheet_rows.zip(2u64..).map(|(cells, line)| Row { line, cells }).collect();
        Ok(Self { path: path.to_owned(), columns, rows })
    }

    /// The place of a column.
    pub(crate) fn column(&self, column: &'static str) -> Result<usize, DatasetError> {
        self.find(&[column]).ok_or_else(|| DatasetError::MissingColumn {
            path: self.path.clone(),
            column,
            found: self.found(),
        })
    }

    /// The names of the columns for a message, if it is a line of names and no first row of data, which may be of a person.
    fn found(&self) -> String {
        if self.find(&HEADINGS).is_some() {
            self.columns.join(", ")
        } else {
            format!("{} columns and none of the names that such a table has", self.columns.len())
        }
    }

    /// The place of the first of several names of a column.
    pub(crate) fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.columns.iter().position(|column| column == name))
    }

    /// The names of the columns.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    /// A cell as a word of the domain.
    pub(crate) fn word<T: FromStr<Err = UnknownWord>>(
        &self,
        row: &Row,
        column: usize,
    ) -> Result<T, DatasetError> {
        row.cell(column).parse().map_err(|source| DatasetError::Word {
            path: self.path.clone(),
            line: row.line,
            source: guarded(source),
        })
    }

    /// An error about a row.
    pub(crate) fn error(&self, row: &Row, reason: impl Into<String>) -> DatasetError {
        DatasetError::Line { path: self.path.clone(), line: row.line, reason: reason.into() }
    }
}

/// Longest text of a cell that messages repeat. The words of the domain are shorter; a longer text may be a name that stands
/// in a wrong column, and goes no further.
const SHOWN_CHARS: usize = 5;

/// A message about a word that repeats it only if it is short.
pub(crate) fn guarded(error: UnknownWord) -> UnknownWord {
    let chars = error.value.trim().chars().count();
    let value = if chars > SHOWN_CHARS { format!("a text of {chars} characters") } else { error.value };
    UnknownWord { value, ..error }
}

fn check_length(bytes: &[u8], path: &Path) -> Result<(), DatasetError> {
    if bytes.len() > LIMIT_BYTES {
        let reason = format!("{} bytes are more than any table of labels has", bytes.len());
        return Err(DatasetError::Line { path: path.to_owned(), line: 1, reason });
    }
    Ok(())
}

fn column_name(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separators_marks_and_blanks_do_not_matter() {
        for text in ["\u{feff}View; b \r\n1 ;2;3\r\n", "view,B\n 1,2\n"] {
            let table = Table::from_csv(text.as_bytes(), Path::new("t.csv")).unwrap();
            assert_eq!((table.column("view").unwrap(), table.column("b").unwrap()), (0, 1));
            assert_eq!((table.rows[0].cell(0), table.rows[0].cell(1), table.rows[0].cell(9)), ("1", "2", ""));
            let message = table.column("bi-rads").unwrap_err().to_string();
            assert!(message.contains("t.csv: column \"bi-rads\" is missing; found view, b"), "{message}");
        }
    }

    #[test]
    fn names_in_a_wrong_column_are_not_repeated() {
        let table = Table::from_csv(b"laterality\nMaria Example\nup\n", Path::new("t.csv")).unwrap();
        let message =
            |row: usize| table.word::<mammo_core::Laterality>(&table.rows[row], 0).unwrap_err().to_string();
        assert_eq!(
            message(0),
            "t.csv: line 2: \"a text of 13 characters\" is not a laterality; expected L or R"
        );
        assert!(message(1).contains("\"up\""));
        let headless = Table::from_csv(b"Maria Example,L\n", Path::new("t.csv")).unwrap();
        let message = headless.column("view").unwrap_err().to_string();
        assert!(message.contains("2 columns") && !message.to_lowercase().contains("maria"), "{message}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_table_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let path = Path::new("t");
            let _ = Table::from_csv(&bytes, path);
            let _ = Table::from_spreadsheet(&bytes, path, "Sheet1");
        }
    }
}
