use crate::{Arm, Question, Rating};
use mammo_core::Label;
use mammo_files::FileError;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The columns of a ratings file, in the order in which they are written.
pub(crate) const COLUMNS: [&str; 10] = [
    "reader",
    "case",
    "arm",
    "truth_label",
    "truth_modified",
    "intended_label",
    "pair",
    "question",
    "rating",
    "simulated",
];

/// Why a file of ratings could not be used. Lines are counted from 1, the header being line 1.
#[derive(Debug, thiserror::Error)]
pub enum RatingsError {
    /// The file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a table.
    #[error("{}: not a readable csv table: {source}", path.display())]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: csv::Error,
    },
    /// A column is missing.
    #[error("{}, line 1: column {column:?} is missing; the header must hold {needed}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
        /// All columns that are needed.
        needed: String,
    },
    /// No line below the header.
    #[error("{}: no ratings; write one line for each reader, case and question below the header", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A field holds something else than its column allows.
    #[error("{}, line {line}, column {column:?}: {value:?} found; write {expected}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
        /// What the field holds.
        value: String,
        /// What it should hold.
        expected: String,
    },
    /// One reader answers one question about one case twice.
    #[error(
        "{}, line {line}: {reader} already rated {question} of case {case} in line {first_line}; delete one of them",
        path.display()
    )]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The second line.
        line: u64,
        /// The first line.
        first_line: u64,
        /// The reader.
        reader: String,
        /// The case.
        case: String,
        /// The question.
        question: Question,
    },
}

/// A csv table held as trimmed text, with line numbers, and access by column name.
pub(crate) struct Table {
    path: PathBuf,
    columns: BTreeMap<String, usize>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl Table {
    /// Reads a table with commas or, as some spreadsheets write it, semicolons.
    pub(crate) fn read(path: &Path) -> Result<Self, RatingsError> {
        let bytes = std::fs::read(path).map_err(|e| {
            // std's message does not name the file.
            FileError::Io(std::io::Error::new(e.kind(), format!("{}: {e}", path.display())))
        })?;
        let csv_error = |source| RatingsError::Csv { path: path.to_owned(), source };
        let header = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
        let delimiter = if header.contains(&b';') && !header.contains(&b',') { b';' } else { b',' };
        let mut reader =
            csv::ReaderBuilder::new().trim(csv::Trim::All).delimiter(delimiter).from_reader(bytes.as_slice());
        let columns = reader
            .headers()
            .map_err(csv_error)?
            .iter()
            .enumerate()
            .map(|(i, name)| (name.trim_start_matches('\u{feff}').to_owned(), i))
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(csv_error)?;
            rows.push((record.position().map_or(0, csv::Position::line), record));
        }
        if rows.is_empty() {
            return Err(RatingsError::Empty { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), columns, rows })
    }

    pub(crate) fn need(&self, columns: &[&'static str]) -> Result<(), RatingsError> {
        match columns.iter().find(|&&c| !self.columns.contains_key(c)) {
            None => Ok(()),
            Some(&column) => Err(RatingsError::MissingColumn {
                path: self.path.clone(),
                column,
                needed: columns.join(", "),
            }),
        }
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }

    /// Refuses a second answer of the same reader to the same question about the same case.
    pub(crate) fn no_duplicates<'a>(
        &self,
        ratings: impl Iterator<Item = (u64, &'a Rating)>,
    ) -> Result<(), RatingsError> {
        let mut seen = BTreeMap::new();
        for (line, r) in ratings {
            if let Some(first_line) = seen.insert((&r.reader, &r.case, r.question), line) {
                return Err(RatingsError::Duplicate {
                    path: self.path.clone(),
                    line,
                    first_line,
                    reader: r.reader.clone(),
                    case: r.case.clone(),
                    question: r.question,
                });
            }
        }
        Ok(())
    }
}

/// One line of a [`Table`].
pub(crate) struct Row<'a> {
    table: &'a Table,
    pub(crate) line: u64,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    /// The text of a field; empty where the table lacks the column.
    pub(crate) fn text(&self, column: &'static str) -> &str {
        self.table.columns.get(column).and_then(|&i| self.record.get(i)).unwrap_or_default()
    }

    pub(crate) fn wrong(&self, column: &'static str, expected: impl Into<String>) -> RatingsError {
        RatingsError::Field {
            path: self.table.path.clone(),
            line: self.line,
            column,
            value: self.text(column).to_owned(),
            expected: expected.into(),
        }
    }

    pub(crate) fn name(&self, column: &'static str) -> Result<String, RatingsError> {
        match self.text(column) {
            "" => Err(self.wrong(column, "a name")),
            name => Ok(name.to_owned()),
        }
    }

    pub(crate) fn question(&self) -> Result<Question, RatingsError> {
        self.text("question").parse().map_err(|_| self.wrong("question", "malignancy or tampering"))
    }

    pub(crate) fn rating(&self) -> Result<f64, RatingsError> {
        let number = self.text("rating").parse::<f64>().ok().filter(|r| r.is_finite());
        number.ok_or_else(|| {
            self.wrong("rating", "a number (1 to 5, higher is more likely), or delete the line")
        })
    }

    fn label(&self, column: &'static str) -> Result<Label, RatingsError> {
        parse_label(self.text(column)).ok_or_else(|| self.wrong(column, "healthy or cancer"))
    }

    fn rating_record(&self) -> Result<Rating, RatingsError> {
        let arm: Arm = self.text("arm").parse().map_err(|_| self.wrong("arm", "original or modified"))?;
        let truth_modified = match (self.text("truth_modified"), arm) {
            ("0", Arm::Original) => false,
            ("1", Arm::Modified) => true,
            _ => return Err(self.wrong("truth_modified", "0 for originals and 1 for modified images")),
        };
        let truth_label = self.label("truth_label")?;
        let intended_label = self.label("intended_label")?;
        if arm == Arm::Original && intended_label != truth_label {
            return Err(self.wrong("intended_label", format!("{truth_label}, an original's own label")));
        }
        let simulated = match self.text("simulated") {
            "true" => true,
            "false" => false,
            _ => return Err(self.wrong("simulated", "true or false")),
        };
        Ok(Rating {
            reader: self.name("reader")?,
            case: self.name("case")?,
            arm,
            truth_label,
            truth_modified,
            intended_label,
            pair: Some(self.text("pair").to_owned()).filter(|p| !p.is_empty()),
            question: self.question()?,
            rating: self.rating()?,
            simulated,
        })
    }
}

/// The word of a label in files.
pub(crate) fn parse_label(text: &str) -> Option<Label> {
    [Label::Healthy, Label::Cancer].into_iter().find(|l| l.to_string() == text)
}

/// The fields of a rating as the file holds them, in the order of [`COLUMNS`].
pub(crate) fn fields(r: &Rating) -> [String; 10] {
    [
        r.reader.clone(),
        r.case.clone(),
        r.arm.to_string(),
        r.truth_label.to_string(),
        u8::from(r.truth_modified).to_string(),
        r.intended_label.to_string(),
        r.pair.clone().unwrap_or_default(),
        r.question.to_string(),
        r.rating.to_string(),
        r.simulated.to_string(),
    ]
}

/// Reads a ratings file: a csv table (comma or semicolon) with the columns `reader, case, arm, truth_label,
/// truth_modified, intended_label, pair, question, rating, simulated`, whose words are those of [`Rating`]'s
/// fields. Only `pair` may be empty. Other columns are ignored.
///
/// # Errors
/// [`RatingsError`], naming the file, the line, the column and what to write there: a missing column, an unknown
/// word, a rating that is no finite number, fields that contradict each other, or an answer that is given twice.
pub fn read_ratings(path: &Path) -> Result<Vec<Rating>, RatingsError> {
    let table = Table::read(path)?;
    table.need(&COLUMNS)?;
    let mut ratings: Vec<(u64, Rating)> = Vec::new();
    let mut first_of_case: BTreeMap<String, usize> = BTreeMap::new();
    for row in table.rows() {
        let rating = row.rating_record()?;
        let first = *first_of_case.entry(rating.case.clone()).or_insert(ratings.len());
        if let Some((line, known)) = ratings.get(first) {
            // What is true of a case cannot change from line to line.
            let (here, there) = (fields(&rating), fields(known));
            if let Some(i) = (2..=6).find(|&i| here[i] != there[i]) {
                let said = format!("{:?} as for this case in line {line}", there[i]);
                return Err(row.wrong(COLUMNS[i], said));
            }
        }
        ratings.push((row.line, rating));
    }
    table.no_duplicates(ratings.iter().map(|(line, r)| (*line, r)))?;
    Ok(ratings.into_iter().map(|(_, r)| r).collect())
}

/// Writes a ratings file that [`read_ratings`] reads back, in one step.
///
/// # Errors
/// [`RatingsError`]; then `path` is as it was.
pub fn write_ratings(path: &Path, ratings: &[Rating]) -> Result<(), RatingsError> {
    write_table(path, &COLUMNS, ratings.iter().map(fields))
}

pub(crate) fn write_table<const N: usize>(
    path: &Path,
    columns: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<(), RatingsError> {
    let csv_error = |source| RatingsError::Csv { path: path.to_owned(), source };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(columns).map_err(csv_error)?;
    for row in rows {
        writer.write_record(row).map_err(csv_error)?;
    }
    let bytes = writer.into_inner().map_err(|e| FileError::Io(std::io::Error::other(e.to_string())))?;
    Ok(mammo_files::write(path, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "reader,case,arm,truth_label,truth_modified,intended_label,pair,question,rating,simulated\n";

    fn read(body: &str) -> Result<Vec<Rating>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ratings.csv");
        std::fs::write(&path, format!("{HEADER}{body}")).unwrap();
        read_ratings(&path).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_written_is_read_back() {
        let ratings = read(
            "r1,C001,original,cancer,0,cancer,img7,malignancy,4,false\n\
             r1,C002,modified,cancer,1,healthy,img7,tampering,0.1,true\n\
             \"r,2\",C003,modified,healthy,1,cancer,,malignancy,-3e-7,false\n",
        )
        .unwrap();
        assert_eq!(ratings[1].cluster(), "img7");
        assert_eq!(ratings[2].cluster(), "C003");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("again.csv");
        write_ratings(&path, &ratings).unwrap();
        assert_eq!(read_ratings(&path).unwrap(), ratings);
    }

    #[test]
    fn errors_name_line_column_and_remedy() {
        let good = "r1,C001,original,cancer,0,cancer,,malignancy,4,false\n";
        for (body, parts) in [
            (good.replace("cancer,0", "sick,0"), vec!["line 2", "truth_label", "healthy or cancer"]),
            (good.replace(",4,", ",NaN,"), vec!["line 2", "\"rating\"", "1 to 5"]),
            (good.replace(",4,", ",,"), vec!["line 2", "\"rating\"", "delete the line"]),
            (good.replace("original", "changed"), vec!["\"arm\"", "original or modified"]),
            (good.replace(",0,", ",1,"), vec!["truth_modified", "0 for originals"]),
            (good.replace("0,cancer", "0,healthy"), vec!["intended_label", "own label"]),
            (format!("{good}{good}"), vec!["line 3", "line 2", "delete one"]),
            (
                format!("{good}r2,C001,modified,cancer,1,cancer,,malignancy,4,false\n"),
                vec!["line 3", "\"arm\"", "line 2"],
            ),
            (String::new(), vec!["no ratings"]),
        ] {
            let message = read(&body).unwrap_err();
            assert!(message.contains("ratings.csv"), "{message}");
            for part in parts {
                assert!(message.contains(part), "{part:?} in {message}");
            }
        }
    }

    #[test]
    fn a_missing_column_is_named_and_semicolons_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.csv");
        std::fs::write(&path, "reader,case\nr1,C001\n").unwrap();
        assert!(read_ratings(&path).unwrap_err().to_string().contains("column \"arm\" is missing"));
        let text = format!("\u{feff}{HEADER}r1,C001,original,cancer,0,cancer,,malignancy,4,false\n");
        std::fs::write(&path, text.replace(',', ";")).unwrap();
        assert_eq!(read_ratings(&path).unwrap()[0].rating, 4.0);
    }
}
