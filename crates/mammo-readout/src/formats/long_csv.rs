use super::{Dataset, ExtraColumns, FormatError, ReadOptions, number};
use crate::mrmc::{Reading, Study};
use std::collections::BTreeMap;

/// Reads a long table with a header. `file` names it in errors.
///
/// # Errors
/// [`FormatError`] for a missing column, a case in two clusters, a rating that is not a finite number, a truth that is not 0 or 1, a duplicate
/// reading, a case with two truths, or no rows.
///
/// ```
/// use mammo_readout::formats::{ReadOptions, read_long_csv};
/// let text = "who,arm,image,cancer,score,seconds\n1,a,x,1,3.5,12\n1,a,y,0,2,7\n";
/// let columns = ["who", "arm", "image", "cancer", "score"].map(str::to_owned);
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions { columns, ..ReadOptions::default() })?;
/// assert_eq!(data.study.rating(0, 0, 1), Some(2.0));
/// assert_eq!(data.extra.names, ["seconds"]);
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn read_long_csv(text: &str, file: &str, options: &ReadOptions) -> Result<Dataset, FormatError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| malformed(file, &e))?.clone();
    if header.iter().all(str::is_empty) {
        return Err(FormatError::at(file, 0, "the file is empty", "give a header and one reading a row"));
    }
    if let (1, Some(sign)) = (header.len(), [';', '\t'].into_iter().find(|&s| header[0].contains(s))) {
        let name = if sign == ';' { "semicolons" } else { "tabs" };
        let problem = format!("the columns are separated by {name}");
        return Err(FormatError::at(file, 1, problem, "separate them by commas"));
    }
    let column = |name: &str| {
        header.iter().position(|h| h == name).ok_or_else(|| {
            FormatError::at(
                file,
                1,
                format!(
                    "the column {name:?} is missing among {}",
                    header.iter().collect::<Vec<_>>().join(", ")
                ),
                "add it, or say which columns hold reader, treatment, case, truth and rating",
            )
        })
    };
    let at = options.columns.iter().map(|name| column(name)).collect::<Result<Vec<_>, _>>()?;
    let filter = options
        .filter
        .iter()
        .map(|(name, value)| Ok((column(name)?, value.as_str())))
        .collect::<Result<Vec<_>, FormatError>>()?;
    let cluster_at = options.cluster.as_deref().map(column).transpose()?;
    let others: Vec<usize> = (0..header.len()).filter(|i| !at.contains(i)).collect();

    let mut readings = Vec::new();
    let mut lines = Vec::new();
    let mut extras = Vec::new();
    let mut clusters: BTreeMap<String, String> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|e| malformed(file, &e))?;
        let line = record.position().map_or(0, |p| p.line() as usize);
        if filter.iter().any(|&(i, value)| record.get(i) != Some(value)) {
            continue;
        }
        let field = |i: usize| record.get(at[i]).unwrap_or_default();
        for (i, what) in ["reader", "treatment", "case"].into_iter().enumerate() {
            if field(i).is_empty() {
                return Err(FormatError::at(file, line, format!("the {what} is empty"), "give its name"));
            }
        }
        if let Some(cluster) = cluster_at.map(|i| record.get(i).unwrap_or_default()) {
            let known = clusters.entry(field(2).to_owned()).or_insert_with(|| cluster.to_owned());
            if cluster.is_empty() || known != cluster {
                let problem =
                    format!("case {:?} has the cluster {cluster:?}, before it was {known:?}", field(2));
                return Err(FormatError::at(
                    file,
                    line,
                    problem,
                    "give each case one cluster in all its rows",
                ));
            }
        }
        readings.push(Reading {
            reader: field(0).to_owned(),
            treatment: field(1).to_owned(),
            case: field(2).to_owned(),
            positive: number::truth(field(3), file, line)?,
            rating: number::rating(field(4), file, line)?,
        });
        lines.push(line);
        extras.push(others.iter().map(|&i| record.get(i).unwrap_or_default().to_owned()).collect::<Vec<_>>());
    }
    if readings.is_empty() {
        let (problem, remedy) = if options.filter.is_empty() {
            ("there are no readings below the header", "give one reading a row")
        } else {
            ("no row has the values asked for", "check the names and values of the filter")
        };
        return Err(FormatError::at(file, 0, problem, remedy));
    }
    // The first prefix that fails ends with the row at fault.
    let study = Study::from_readings(readings.iter().cloned()).map_err(|error| {
        let line = first_at_fault(&readings).map_or(0, |i| lines[i]);
        FormatError::study(file, line, &error)
    })?;
    let study = match cluster_at {
        // Every case of the study was met in a row.
        Some(_) => study.with_clusters(|case| clusters.get(&case.name).cloned().unwrap_or_default()),
        None => study,
    };
    let names = others.iter().map(|&i| header[i].to_owned()).collect::<Vec<_>>();
    let values = if names.is_empty() { BTreeMap::new() } else { by_place(&study, &readings, extras) };
    Ok(Dataset {
        study: study.with_truth_name(options.columns[3].clone()),
        extra: ExtraColumns { names, values },
    })
}

fn malformed(file: &str, error: &csv::Error) -> FormatError {
    let line = error.position().map_or(0, |p| p.line() as usize);
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        let problem = format!("the row has {len} fields, the header {expected_len}");
        return FormatError::at(file, line, problem, "give every row as many fields as the header");
    }
    FormatError::at(
        file,
        line,
        format!("the table is malformed ({error})"),
        "give every row as many fields as the header",
    )
}

/// The row that repeats a reading or contradicts a truth.
fn first_at_fault(readings: &[Reading]) -> Option<usize> {
    let mut truths = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    readings.iter().position(|r| {
        let contradicts = *truths.entry(&r.case).or_insert(r.positive) != r.positive;
        contradicts || !seen.insert((&r.reader, &r.treatment, &r.case))
    })
}

fn by_place(
    study: &Study,
    readings: &[Reading],
    extras: Vec<Vec<String>>,
) -> BTreeMap<(usize, usize, usize), Vec<String>> {
    let index = |names: &mut dyn Iterator<Item = String>| -> BTreeMap<String, usize> {
        names.enumerate().map(|(i, name)| (name, i)).collect()
    };
    let treatments = index(&mut study.treatments().iter().cloned());
    let readers = index(&mut study.readers().iter().cloned());
    let cases = index(&mut study.cases().iter().map(|c| c.name.clone()));
    readings
        .iter()
        .map(|r| (treatments[&r.treatment], readers[&r.reader], cases[&r.case]))
        .zip(extras)
        .collect()
}

/// The study as a long table, by treatment, reader and case, further columns behind.
///
/// # Errors
/// [`FormatError`] when the table cannot be formed, which a study that was read cannot cause.
///
/// ```
/// use mammo_readout::formats::{ReadOptions, read_long_csv, write_long_csv};
/// let text = "reader,treatment,case,truth,rating,seconds\nr1,film,a,1,4,12\n";
/// let data = read_long_csv(text, "ratings.csv", &ReadOptions::default())?;
/// assert_eq!(write_long_csv(&data)?, text);
/// # Ok::<(), mammo_readout::formats::FormatError>(())
/// ```
pub fn write_long_csv(data: &Dataset) -> Result<String, FormatError> {
    let study = &data.study;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fail = |e: &dyn std::fmt::Display| {
        FormatError::at("csv", 0, e.to_string(), "check the names of the columns")
    };
    let five = ["reader", "treatment", "case", "truth", "rating"].map(str::to_owned);
    writer.write_record(five.iter().chain(&data.extra.names)).map_err(|e| fail(&e))?;
    let none = vec![String::new(); data.extra.names.len()];
    for (t, treatment) in study.treatments().iter().enumerate() {
        for (r, reader) in study.readers().iter().enumerate() {
            for (c, case) in study.cases().iter().enumerate() {
                let Some(rating) = study.rating(t, r, c) else { continue };
                let truth = if case.positive { "1" } else { "0" }.to_owned();
                let row = [reader.clone(), treatment.clone(), case.name.clone(), truth, number::text(rating)];
                let extra = data.extra.values.get(&(t, r, c)).unwrap_or(&none);
                writer.write_record(row.iter().chain(extra)).map_err(|e| fail(&e))?;
            }
        }
    }
    let bytes = writer.into_inner().map_err(|e| fail(&e))?;
    String::from_utf8(bytes).map_err(|e| fail(&e))
}
