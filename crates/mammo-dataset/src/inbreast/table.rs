use crate::{
    DatasetError, Note, NoteKind, Problem,
    table::{Table, guarded},
};
use mammo_core::{AcrDensity, BiRads, ImageId, Laterality, UnknownWord, ViewPosition};
use std::{collections::BTreeMap, path::Path};

/// One row of `INbreast.csv` or of the first sheet of `INbreast.xls`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) laterality: Laterality,
    pub(super) view: ViewPosition,
    pub(super) birads: BiRads,
    pub(super) density: Option<AcrDensity>,
    pub(super) mass_flag: Option<bool>,
}

/// What a table says, by image; rows that cannot be understood are problems.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) by_image: BTreeMap<ImageId, Row>,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<Note>,
}

impl Rows {
    /// Whether the table names the image, in a row that can be understood or not.
    pub(super) fn names(&self, id: &ImageId) -> bool {
        self.by_image.contains_key(id) || self.problems.iter().any(|p| p.image_id.as_ref() == Some(id))
    }
}

pub(crate) fn from_csv(bytes: &[u8], path: &Path) -> Result<Table, DatasetError> {
    Table::from_csv(bytes, path)
}

pub(crate) fn from_xls(bytes: &[u8], path: &Path) -> Result<Table, DatasetError> {
    Table::from_spreadsheet(bytes, path, "Sheet1")
}

/// Reads the table by the names of its columns, since copies leave out or add columns. The column `mass` is in the
/// spreadsheet and its exports only; its header has a blank at its end.
pub(super) fn read(table: &Table) -> Result<Rows, DatasetError> {
    let name = table.path.file_name().map_or(table.path.as_path(), Path::new).to_owned();
    let (side, view, file) = (table.column("laterality")?, table.column("view")?, table.column("file name")?);
    let (acr, birads) = (table.column("acr")?, table.column("bi-rads")?);
    let mass = table.find(&["mass"]);

    let mut read = Rows::default();
    for row in &table.rows {
        // An export turns a spreadsheet's number into "22678622.0"; its totals and blank rows name no file.
        let cell = row.cell(file);
        let id = ImageId::new(cell.strip_suffix(".0").unwrap_or(cell));
        if id.as_str().is_empty() {
            let text = format!("line {} names no file; left out", row.line);
            read.notes.push(Note::new(NoteKind::EmptyRow, &name, text));
            continue;
        }
        let mut notes = Vec::new();
        let mut understood = || -> Result<Row, DatasetError> {
            Ok(Row {
                laterality: table.word(row, side)?,
                view: table.word(row, view)?,
                birads: table.word(row, birads)?,
                density: density(table, row.line, row.cell(acr), &name, &mut notes)?,
                mass_flag: mass.map(|index| row.cell(index).eq_ignore_ascii_case("x")),
            })
        };
        let understood = understood();
        read.notes.extend(notes);
        let error = match understood {
            Ok(understood) if !read.names(&id) => {
                read.by_image.insert(id, understood);
                continue;
            }
            Ok(_) => table.error(row, format!("image {id} has a second row; keep one")),
            Err(error) => error,
        };
        read.by_image.remove(&id);
        read.problems.push(Problem::new(name.clone(), Some(id), error));
    }
    Ok(read)
}

fn density(
    table: &Table,
    line: u64,
    text: &str,
    name: &Path,
    notes: &mut Vec<Note>,
) -> Result<Option<AcrDensity>, DatasetError> {
    if text.is_empty() {
        notes.push(Note::new(
            NoteKind::BlankDensity,
            name,
            format!("line {line}: the density (ACR) is blank"),
        ));
        return Ok(None);
    }
    // 0 is no class, so a text that is no number gets the message about the classes.
    let class = text.strip_suffix(".0").unwrap_or(text).parse().unwrap_or(0);
    AcrDensity::new(class).map(Some).map_err(|source| DatasetError::Word {
        path: table.path.clone(),
        line,
        source: guarded(UnknownWord { value: text.to_owned(), ..source }),
    })
}
