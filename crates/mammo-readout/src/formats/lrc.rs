use super::{FormatError, number};
use crate::mrmc::{Case, MrmcError, Study};
use std::fmt::Write;

/// Reads the layout of LABMRMC and OR-DBM MRMC. After a title each reader has a line with a name, the first one followed
/// by the treatments' names in quotes and by `L` for each (large ratings are positive; `S` for small ones is refused,
/// since direction is never changed silently). Rows hold one rating a treatment and may end with the case's name; `*` ends
/// negatives and then positives, `#` the file.
///
/// # Errors
/// [`FormatError`] for a block that is cut off, a row with too few ratings, readers with different cases, or what makes a
/// study impossible.
///
/// ```
/// use mammo_readout::formats::read_lrc;
/// let text = "title\nr1\n\"film\" \"screen\"\nL L\n1 2\n*\n4 5\n*\n#\n";
/// let study = read_lrc(text, "study.lrc")?;
/// assert_eq!((study.treatments().len(), study.rating(1, 0, 1)), (2, Some(5.0)));
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn read_lrc(text: &str, file: &str) -> Result<Study, FormatError> {
    let mut lines = text.lines().enumerate().map(|(i, l)| (i + 1, l.trim())).filter(|(_, l)| !l.is_empty());
    let cut_off = || FormatError::at(file, text.lines().count(), "the file ends too early", "end it with #");
    lines.next().ok_or_else(cut_off)?;
    let mut treatments: Vec<String> = Vec::new();
    let mut readers: Vec<String> = Vec::new();
    let mut cases: Vec<Case> = Vec::new();
    let mut rows: Vec<(usize, usize, usize, f64)> = Vec::new();
    loop {
        let (at, name) = lines.next().ok_or_else(cut_off)?;
        if name.starts_with('#') {
            break;
        }
        let reader = readers.len();
        readers.push(name.trim_matches('"').to_owned());
        if reader == 0 {
            treatments = names(lines.next().ok_or_else(cut_off)?.1);
            let (line, directions) = lines.next().ok_or_else(cut_off)?;
            let directions: Vec<&str> = fields(directions);
            if directions.len() != treatments.len() {
                let problem = format!("{} directions for {} treatments", directions.len(), treatments.len());
                return Err(FormatError::at(file, line, problem, "give L for each treatment"));
            }
            if let Some(other) = directions.iter().find(|d| !d.to_ascii_uppercase().starts_with('L')) {
                let problem = format!("the direction is {other:?}");
                return Err(FormatError::at(file, line, problem, "negate the ratings and write L"));
            }
        }
        let mut position = 0;
        for positive in [false, true] {
            loop {
                let (line, row) = lines.next().ok_or_else(cut_off)?;
                if row.starts_with('*') {
                    break;
                }
                let values = fields(row);
                if values.len() < treatments.len() || values.len() > treatments.len() + 1 {
                    let problem = format!("the row {row:?} has {} fields", values.len());
                    let remedy = format!("give {} ratings and, if wanted, the case", treatments.len());
                    return Err(FormatError::at(file, line, problem, remedy));
                }
                let named = values.get(treatments.len()).map(|name| (*name).to_owned());
                if reader == 0 {
                    let name = named.unwrap_or_else(|| (position + 1).to_string());
                    cases.push(Case { name, positive });
                } else {
                    check_case(&cases, position, named.as_deref(), positive, file, line)?;
                }
                for (t, value) in values[..treatments.len()].iter().enumerate() {
                    rows.push((t, reader, position, number::rating(value, file, line)?));
                }
                position += 1;
            }
        }
        if position != cases.len() {
            let problem = format!("reader {name:?} has {position} cases, the first reader {}", cases.len());
            return Err(FormatError::at(
                file,
                at,
                problem,
                "this format needs every reader to read every case",
            ));
        }
    }
    let fail = |e: MrmcError| FormatError::study(file, 0, &e);
    let mut study = Study::declared(readers.clone(), treatments.clone(), cases.clone()).map_err(fail)?;
    for (t, r, c, rating) in rows {
        study.read(&readers[r], &treatments[t], &cases[c].name, rating).map_err(fail)?;
    }
    Ok(study)
}

fn check_case(
    cases: &[Case],
    position: usize,
    named: Option<&str>,
    positive: bool,
    file: &str,
    line: usize,
) -> Result<(), FormatError> {
    let Some(case) = cases.get(position) else {
        return Err(FormatError::at(
            file,
            line,
            "there are more cases than the first reader's",
            "give every reader the same",
        ));
    };
    if case.positive != positive || named.is_some_and(|name| name != case.name) {
        let problem =
            format!("case {} is not the first reader's {:?} of the same class", position + 1, case.name);
        return Err(FormatError::at(
            file,
            line,
            problem,
            "list the cases in the same order for every reader",
        ));
    }
    Ok(())
}

/// Names in quotes, or words where there are none.
fn names(line: &str) -> Vec<String> {
    if line.contains('"') {
        line.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    } else {
        fields(line).into_iter().map(str::to_owned).collect()
    }
}

fn fields(line: &str) -> Vec<&str> {
    line.split(|c: char| c.is_whitespace() || c == ',').filter(|f| !f.is_empty()).collect()
}

/// The study in the layout of LABMRMC and OR-DBM MRMC.
///
/// # Errors
/// [`FormatError`] for missing readings and for names that the layout cannot hold.
///
/// ```
/// use mammo_readout::formats::{ReadOptions, read_long_csv, read_lrc, write_lrc};
/// let text = "reader,treatment,case,truth,rating\nr1,film,a,1,4\nr1,film,b,0,2\n";
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
/// let back = read_lrc(&write_lrc(&data.study)?, "study.lrc")?;
/// assert_eq!(back.class_sizes(), (1, 1));
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn write_lrc(study: &Study) -> Result<String, FormatError> {
    study.complete_or("the lrc layout").map_err(|e| FormatError::study("lrc", 0, &e))?;
    let bad =
        |name: &&String| name.contains(['"', '\n', '\r']) || name.starts_with(['#', '*']) || name.is_empty();
    if let Some(name) = study.readers().iter().chain(study.treatments()).find(bad) {
        return Err(FormatError::at("lrc", 0, format!("the name {name:?} cannot be written"), "rename it"));
    }
    if let Some(case) =
        study.cases().iter().find(|c| c.name.contains(char::is_whitespace) || c.name.contains(','))
    {
        let problem = format!("the case {:?} holds a blank or a comma", case.name);
        return Err(FormatError::at("lrc", 0, problem, "rename it"));
    }
    let quoted: Vec<String> = study.treatments().iter().map(|t| format!("\"{t}\"")).collect();
    let mut out = String::from("Reader study\n");
    for (r, reader) in study.readers().iter().enumerate() {
        let _ = writeln!(out, "{reader}");
        if r == 0 {
            let _ = writeln!(out, "{}\n{}", quoted.join("\t"), vec!["L"; quoted.len()].join("\t"));
        }
        for positive in [false, true] {
            for (c, case) in study.cases().iter().enumerate().filter(|(_, case)| case.positive == positive) {
                for t in 0..quoted.len() {
                    let _ = write!(out, "{}\t", study.rating(t, r, c).map_or_else(String::new, number::text));
                }
                let _ = writeln!(out, "{}", case.name);
            }
            out.push_str("*\n");
        }
    }
    out.push_str("#\n");
    Ok(out)
}
