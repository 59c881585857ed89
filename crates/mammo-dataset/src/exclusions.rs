use crate::{DatasetError, ImageRecord, table::Table};
use mammo_files::FileError;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Images that someone decided to leave out, and why. A table with a column `image_id` or `filename` (separated by commas
/// or semicolons, as the authors' own list was) and, if it likes, a column `reason`. An entry is an image id, or the name
/// of its file with or without extension or folders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions {
    reasons: BTreeMap<String, String>,
}

impl Exclusions {
    /// Reads a list from a file.
    ///
    /// # Errors
    /// [`DatasetError`], naming the file: it cannot be read, or has no column that names images.
    pub fn read(path: &Path) -> Result<Self, DatasetError> {
        Self::parse(&fs_err::read(path).map_err(FileError::from)?, path)
    }

    /// Reads a list from bytes; `path` is for messages alone.
    ///
    /// # Errors
    /// As [`Exclusions::read`].
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, DatasetError> {
        let table = Table::from_csv(bytes, path)?;
        let name = match table.find(&["image_id", "filename", "file name", "file"]) {
            Some(column) => column,
            None => table.column("image_id")?,
        };
        let reason = table.find(&["reason"]);
        let rows = table.rows.iter().filter(|row| !row.cell(name).is_empty()).map(|row| {
            let reason = row.optional(reason).unwrap_or("on the list").chars().take(80).collect();
            (row.cell(name).replace('\\', "/"), reason)
        });
        Ok(Self { reasons: rows.collect() })
    }

    /// Why an image is left out; `None` where it is not.
    pub fn reason(&self, record: &ImageRecord) -> Option<&str> {
        names(record).iter().find_map(|key| self.reasons.get(key)).map(String::as_str)
    }

    /// Entries that name none of these images: a list for another data set, or with typing errors.
    pub fn unmatched<'a>(&self, records: impl IntoIterator<Item = &'a ImageRecord>) -> usize {
        let matched: BTreeSet<String> = records.into_iter().flat_map(names).collect();
        self.reasons.keys().filter(|key| !matched.contains(*key)).count()
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.reasons.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }
}

/// What an entry may call an image.
fn names(record: &ImageRecord) -> [String; 4] {
    let path = record.path.to_string_lossy().into_owned();
    let name = record.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = record.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    [record.image_id.to_string(), path, name, stem]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::tests::release;

    #[test]
    fn images_are_named_by_id_or_file() {
        let release = release(&["1 CC 2", "2 CC 5", "3 CC 5"]);
        let list = b"Filename;Reason\n0;implant\nfolder\\1.dcm;x\n2.dcm;\n";
        let list = Exclusions::parse(list, Path::new("list.csv")).unwrap();
        let reasons: Vec<_> = release.records.iter().map(|r| list.reason(r)).collect();
        assert_eq!(reasons, [Some("implant"), None, Some("on the list")]);
        assert_eq!(list.unmatched(&release.records), 1, "the one with a folder");
        assert!(Exclusions::parse(b"a;b\n1;2\n", Path::new("list.csv")).is_err());
    }
}
