use super::{FormatError, number};
use crate::mrmc::{Case, Reading, Study};
use std::{collections::HashMap, fmt::Write};

/// Reads an iMRMC input file: after a line `BEGIN DATA:`, rows `reader,case,modality,score`, the truth of a case being the
/// row whose reader and modality are both `truth`.
///
/// # Errors
/// [`FormatError`] for a missing `BEGIN DATA:`, a row without four fields, a case without truth, or what makes a study
/// impossible.
///
/// ```
/// use mammo_readout::formats::read_imrmc;
/// let text = "a study\nBEGIN DATA:\ntruth,c1,truth,1\ntruth,c2,truth,0\nr1,c1,film,4\nr1,c2,film,2\n";
/// let study = read_imrmc(text, "study.imrmc")?;
/// assert_eq!((study.class_sizes(), study.rating(0, 0, 0)), ((1, 1), Some(4.0)));
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn read_imrmc(text: &str, file: &str) -> Result<Study, FormatError> {
    let is_start = |line: &str| line.trim().to_ascii_uppercase().starts_with("BEGIN DATA");
    let Some(start) = text.lines().position(is_start) else {
        return Err(FormatError::at(
            file,
            0,
            "there is no line \"BEGIN DATA:\"",
            "put it before the first row of data",
        ));
    };
    let mut truths: HashMap<&str, bool> = HashMap::new();
    let mut order = Vec::new();
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().skip(start + 1).filter(|(_, l)| !l.trim().is_empty()) {
        let number = i + 1;
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let [reader, case, modality, score] = fields[..] else {
            let problem = format!("the row {line:?} has {} fields", fields.len());
            return Err(FormatError::at(file, number, problem, "give reader,case,modality,score"));
        };
        let of_truth = |name: &str| name.eq_ignore_ascii_case("truth");
        if of_truth(reader) && of_truth(modality) {
            let positive = number::truth(score, file, number)?;
            if truths.insert(case, positive).is_some() {
                let problem = format!("the truth of case {case:?} is given twice");
                return Err(FormatError::at(file, number, problem, "keep one row"));
            }
            order.push(Case { name: case.to_owned(), positive });
        } else {
            rows.push((number, reader, case, modality, number::rating(score, file, number)?));
        }
    }
    if rows.is_empty() {
        return Err(FormatError::at(file, 0, "there are no readings", "put them after the rows of truth"));
    }
    let (mut readers, mut modalities) = (Vec::<String>::new(), Vec::<String>::new());
    for &(number, reader, case, modality, _) in &rows {
        if !truths.contains_key(case) {
            let problem = format!("case {case:?} has no truth");
            return Err(FormatError::at(
                file,
                number,
                problem,
                format!("add the row truth,{case},truth,0 or 1"),
            ));
        }
        for (list, name) in [(&mut readers, reader), (&mut modalities, modality)] {
            if !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
    }
    let mut study =
        Study::declared(readers, modalities, order).map_err(|e| FormatError::study(file, 0, &e))?;
    for (number, reader, case, modality, rating) in rows {
        study.read(reader, modality, case, rating).map_err(|e| FormatError::study(file, number, &e))?;
    }
    Ok(study)
}

/// The study as an iMRMC input file.
///
/// # Errors
/// [`FormatError`] for names with a comma or a line break, or a reader or treatment named `truth`.
///
/// ```
/// use mammo_readout::formats::{ReadOptions, read_long_csv, write_imrmc};
/// let text = "reader,treatment,case,truth,rating\nr1,film,a,1,4\nr1,film,b,0,2\n";
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
/// assert!(write_imrmc(&data.study)?.ends_with("truth,a,truth,1\ntruth,b,truth,0\nr1,a,film,4\nr1,b,film,2\n"));
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn write_imrmc(study: &Study) -> Result<String, FormatError> {
    let names = study.readers().iter().chain(study.treatments()).chain(study.cases().iter().map(|c| &c.name));
    if let Some(name) = names.clone().find(|name| name.contains([',', '\n', '\r'])) {
        let problem = format!("the name {name:?} holds a comma or a line break");
        return Err(FormatError::at("imrmc", 0, problem, "rename it"));
    }
    if study.readers().iter().chain(study.treatments()).any(|name| name.eq_ignore_ascii_case("truth")) {
        return Err(FormatError::at("imrmc", 0, "a reader or treatment is named \"truth\"", "rename it"));
    }
    let mut out = String::from("Reader study\nBEGIN DATA:\n");
    for case in study.cases() {
        let _ = writeln!(out, "truth,{},truth,{}", case.name, u8::from(case.positive));
    }
    for Reading { reader, treatment, case, rating, .. } in study.readings() {
        let _ = writeln!(out, "{reader},{case},{treatment},{}", number::text(rating));
    }
    Ok(out)
}
