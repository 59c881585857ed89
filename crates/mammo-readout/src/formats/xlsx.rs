use super::{FormatError, number};
use crate::mrmc::{Case, MrmcError, Study};
use calamine::{Data, DataType, Range, Reader, Xlsx, open_workbook};
use rust_xlsxwriter::{Workbook, Worksheet, XlsxError};
use std::path::Path;

/// Reads an ROC study from a JAFROC workbook: sheets TRUTH (CaseID, LesionID, ...), TP or LL (ReaderID, ModalityID, CaseID,
/// LesionID, rating) and FP or NL (ReaderID, ModalityID, CaseID, rating). A LesionID of 0 marks a negative case.
///
/// # Errors
/// [`FormatError`] for a missing sheet or column, a case with several lesions or ratings (free-response data), or what
/// makes a study impossible.
///
/// ```
/// use mammo_readout::formats::read_xlsx;
/// assert!(read_xlsx("no-such-file.xlsx".as_ref()).is_err());
/// ```
pub fn read_xlsx(path: &Path) -> Result<Study, FormatError> {
    let file = path.display().to_string();
    let mut book: Xlsx<_> = open_workbook(path).map_err(|e: calamine::XlsxError| {
        FormatError::at(&file, 0, e.to_string(), "check that it is an .xlsx workbook")
    })?;
    let mut sheet = |names: [&str; 2]| -> Result<(String, Range<Data>), FormatError> {
        let found = book.sheet_names().into_iter().find(|s| names.iter().any(|n| s.eq_ignore_ascii_case(n)));
        let Some(name) = found else {
            let problem = format!("there is no sheet {}", names[0]);
            return Err(FormatError::at(&file, 0, problem, "give the sheets TRUTH, TP and FP"));
        };
        let range = book.worksheet_range(&name);
        let range = range.map_err(|e| FormatError::at(&file, 0, e.to_string(), "save the workbook again"))?;
        Ok((format!("{file}, sheet {name}"), range))
    };
    let truth = sheet(["TRUTH", "TRUTH"])?;
    let positives = sheet(["TP", "LL"])?;
    let negatives = sheet(["FP", "NL"])?;

    let mut cases: Vec<Case> = Vec::new();
    for (line, row) in rows(&truth.1) {
        let name = cell(row, 0, &truth.0, line)?;
        let positive = cell(row, 1, &truth.0, line)? != "0";
        if cases.iter().any(|c| c.name == name) {
            let problem = format!("case {name:?} has several lesions");
            return Err(FormatError::at(
                &truth.0,
                line,
                problem,
                "only ROC workbooks are read: one lesion a case",
            ));
        }
        cases.push(Case { name, positive });
    }
    let mut found = Vec::new();
    for (sheet, rating_at, positive) in [(&positives, 4, true), (&negatives, 3, false)] {
        for (line, row) in rows(&sheet.1) {
            let [reader, treatment, case] =
                [cell(row, 0, &sheet.0, line)?, cell(row, 1, &sheet.0, line)?, cell(row, 2, &sheet.0, line)?];
            let rating = number::rating(&cell(row, rating_at, &sheet.0, line)?, &sheet.0, line)?;
            if cases.iter().any(|c| c.name == case && c.positive != positive) {
                let problem = format!("case {case:?} is of the other class");
                return Err(FormatError::at(
                    &sheet.0,
                    line,
                    problem,
                    "only ROC workbooks are read: TP for positive, FP for negative cases",
                ));
            }
            found.push((&sheet.0, line, reader, treatment, case, rating));
        }
    }
    let names = |pick: &dyn Fn(usize) -> String| {
        let mut list: Vec<String> = Vec::new();
        for i in 0..found.len() {
            let name = pick(i);
            if !list.contains(&name) {
                list.push(name);
            }
        }
        list
    };
    let (readers, treatments) = (names(&|i| found[i].2.clone()), names(&|i| found[i].3.clone()));
    let fail = |sheet: &str, line, e: MrmcError| FormatError::study(sheet, line, &e);
    let mut study = Study::declared(readers, treatments, cases).map_err(|e| fail(&file, 0, e))?;
    for (sheet, line, reader, treatment, case, rating) in &found {
        study.read(reader, treatment, case, *rating).map_err(|e| fail(sheet, *line, e))?;
    }
    Ok(study)
}

/// Rows below the header that are not empty, with their number in the sheet.
fn rows(range: &Range<Data>) -> impl Iterator<Item = (usize, &[Data])> {
    let first = range.start().map_or(0, |(row, _)| row as usize);
    range
        .rows()
        .enumerate()
        .skip(1)
        .filter(|(_, row)| row.iter().any(|c| !c.is_empty()))
        .map(move |(i, row)| (first + i + 1, row))
}

fn cell(row: &[Data], at: usize, sheet: &str, line: usize) -> Result<String, FormatError> {
    let value = row.get(at).filter(|c| !c.is_empty());
    let text = value.and_then(DataType::as_string).map(|text| text.trim().to_owned());
    text.filter(|t| !t.is_empty()).ok_or_else(|| {
        let column = char::from(b'A' + at as u8);
        FormatError::at(sheet, line, format!("column {column} is empty"), "fill it in")
    })
}

/// Writes the study as a JAFROC workbook of the ROC kind, with the columns ReaderID, ModalityID and Paradigm in TRUTH.
/// Missing readings are left out of TP and FP.
///
/// # Errors
/// [`FormatError`] when the file cannot be written.
///
/// ```
/// use mammo_readout::formats::{ReadOptions, read_long_csv, read_xlsx, write_xlsx};
/// let text = "reader,treatment,case,truth,rating\nr1,film,a,1,4\nr1,film,b,0,2\n";
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
/// let path = std::env::temp_dir().join(format!("mammo-readout-{}.xlsx", std::process::id()));
/// write_xlsx(&data.study, &path)?;
/// assert_eq!(read_xlsx(&path)?.class_sizes(), (1, 1));
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn write_xlsx(study: &Study, path: &Path) -> Result<(), FormatError> {
    let file = path.display().to_string();
    build(study, path)
        .map_err(|e| FormatError::at(&file, 0, e.to_string(), "check the path and its permissions"))
}

fn build(study: &Study, path: &Path) -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    // A fixed date: the same study gives the same bytes.
    let date = rust_xlsxwriter::ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&date));
    let (readers, treatments) = (study.readers().join(", "), study.treatments().join(", "));
    let truth = book.add_worksheet().set_name("TRUTH")?;
    header(truth, &["CaseID", "LesionID", "Weight", "ReaderID", "ModalityID", "Paradigm"])?;
    for (row, case) in (1u32..).zip(study.cases()) {
        name(truth, row, 0, &case.name)?;
        truth.write_number(row, 1, f64::from(u8::from(case.positive)))?;
        truth.write_number(row, 2, 0.0)?;
        truth.write_string(row, 3, &readers)?;
        truth.write_string(row, 4, &treatments)?;
        if row <= 2 {
            truth.write_string(row, 5, if row == 1 { "ROC" } else { "FCTRL" })?;
        }
    }
    for (sheet, columns, positive) in [
        ("TP", &["ReaderID", "ModalityID", "CaseID", "LesionID", "TP_Rating"][..], true),
        ("FP", &["ReaderID", "ModalityID", "CaseID", "FP_Rating"][..], false),
    ] {
        let page = book.add_worksheet().set_name(sheet)?;
        header(page, columns)?;
        for (row, reading) in (1u32..).zip(study.readings().filter(|r| r.positive == positive)) {
            name(page, row, 0, &reading.reader)?;
            name(page, row, 1, &reading.treatment)?;
            name(page, row, 2, &reading.case)?;
            if positive {
                page.write_number(row, 3, 1.0)?;
            }
            page.write_number(row, columns.len() as u16 - 1, reading.rating)?;
        }
    }
    let bytes = book.save_to_buffer()?;
    Ok(super::write_whole(path, &bytes)?)
}

fn header(sheet: &mut Worksheet, columns: &[&str]) -> Result<(), XlsxError> {
    for (at, column) in (0u16..).zip(columns) {
        sheet.write_string(0, at, *column)?;
    }
    Ok(())
}

/// A name, as a number where it is a plain one: other programs expect those.
fn name(sheet: &mut Worksheet, row: u32, column: u16, text: &str) -> Result<(), XlsxError> {
    match text.parse::<u32>() {
        Ok(value) if value.to_string() == text => sheet.write_number(row, column, f64::from(value))?,
        _ => sheet.write_string(row, column, text)?,
    };
    Ok(())
}
