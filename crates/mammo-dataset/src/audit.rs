//! What a copy of a data set holds and what is wrong with it. Every file is read and decoded; nothing is written.

use crate::{
    DataManifest, DatasetError, Difference, Digests, ImageRecord, ImageSize, NoteKind, Source, ViewFilter,
    place, prepare_bytes, scan_release, side, workers,
};
use mammo_core::{Label, LabelRule};
use mammo_dicom::{DicomError, Header, Photometric};
use mammo_files::FileError;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Pixels at which images are prepared on trial.
const TRIAL_PX: usize = 128;

/// How often each value of something occurs.
pub type Counts = BTreeMap<String, usize>;

/// An audit in numbers. It names files and pseudonyms, but no person, date or free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditReport {
    /// The release, as it was given.
    pub source: String,
    /// Image files that were read and decoded.
    pub images_readable: usize,
    /// Image files and rows that cannot be used.
    pub images_unusable: usize,
    /// Files that a table names and that are not there.
    pub files_missing: usize,
    /// Bytes of the image files that were read.
    pub bytes: u64,
    /// People.
    pub patients: usize,
    /// Images that are made.
    pub synthetic: usize,
    /// Files whose SHA-256 was compared with one that is known.
    pub digests_compared: usize,
    /// Images by data set, projection, side, BI-RADS, density, medium.
    pub counts: BTreeMap<String, Counts>,
    /// Images by the label that each rule gives them.
    pub rules: Vec<RuleCount>,
    /// Pairs of rules that label images differently.
    pub rules_disagree: Vec<RuleDisagreement>,
    /// Images by matrix, bits, photometric interpretation, transfer syntax, window, padding, presentation intent.
    pub pixels: BTreeMap<String, Counts>,
    /// Quirks that are known of the release and were dealt with.
    pub quirks: Counts,
    /// What has to be looked into.
    pub findings: Vec<Finding>,
    /// Counts of a complete copy beside those found; empty for phantoms and tables of one's own.
    pub expected: Vec<Difference>,
}

/// Images by the label that one rule gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule.
    pub rule: LabelRule,
    /// Projections.
    pub views: ViewFilter,
    /// Images labelled healthy.
    pub healthy: usize,
    /// Images labelled cancer.
    pub cancer: usize,
    /// Images of these projections without a label.
    pub no_label: usize,
}

/// How many images two rules label differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleDisagreement {
    /// One rule.
    pub first: LabelRule,
    /// The other.
    pub second: LabelRule,
    /// Images that both label.
    pub images: usize,
    /// Images that they label differently.
    pub differ: usize,
}

/// Something to look into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The file, relative to the release's root.
    pub path: PathBuf,
    /// What kind it is, in a word.
    pub kind: String,
    /// What is wrong.
    pub text: String,
}

impl AuditReport {
    /// Whether there is nothing to look into.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What was read from one image file.
struct Read {
    bytes: u64,
    blake3: String,
    sha256: Option<String>,
    header: Option<Header>,
    error: Option<DatasetError>,
}

/// Audits a release. `known` are digests from elsewhere, besides those that phantoms and tables of one's own bring along.
/// `progress` hears of files read and of all.
///
/// # Errors
/// [`DatasetError`] where nothing of the release can be used.
pub fn audit(
    source: &Source,
    known: &Digests,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<AuditReport, DatasetError> {
    let scan = scan_release(source)?;
    let release = &scan.release;
    let mut digests = Digests::of_release(source, &release.root);
    digests.extend(known);

    let (done, total) = (AtomicUsize::new(0), release.records.len());
    let read: Mutex<BTreeMap<usize, Read>> = Mutex::new(BTreeMap::new());
    workers::run(total, workers::threads(release.records.iter().map(|record| record.size_px)), |index| {
        let one = read_one(&release.root, &release.records[index], &digests);
        read.lock().unwrap_or_else(PoisonError::into_inner).insert(index, one);
        progress(done.fetch_add(1, Ordering::Relaxed) + 1, total);
        true
    });
    let read = read.into_inner().unwrap_or_else(PoisonError::into_inner);

    let mut findings = Vec::new();
    for problem in &scan.problems {
        findings.push(finding(&problem.path, &problem.error, &release.root));
    }
    let mut quirks = Counts::new();
    for note in &release.notes {
        let kind = word(note.kind);
        if note.kind.is_finding() {
            findings.push(Finding { path: note.path.clone(), kind, text: note.text.clone() });
        } else {
            *quirks.entry(kind).or_default() += 1;
        }
    }
    for (index, one) in &read {
        let record = &release.records[*index];
        findings.extend(one.error.as_ref().map(|error| finding(&record.path, error, &release.root)));
    }
    findings.extend(duplicates(&release.records, &read));
    let (compared, others) = compare_digests(&release.root, &digests, &release.records, &read);
    findings.extend(others);

    let usable: Vec<&ImageRecord> =
        read.iter().filter(|(_, one)| one.error.is_none()).map(|(i, _)| &release.records[*i]).collect();
    let mut expected = Vec::new();
    let datasets: BTreeSet<_> = release.records.iter().map(|record| record.dataset).collect();
    for dataset in datasets {
        let records: Vec<&ImageRecord> =
            release.records.iter().filter(|record| record.dataset == dataset).collect();
        if let Some(manifest) = DataManifest::of(dataset).filter(|_| !records.iter().all(|r| r.synthetic)) {
            expected.extend(manifest.compare(&records, &release.notes));
        }
    }
    for different in expected.iter().filter(|d| d.certain && d.expected != d.found) {
        findings.push(Finding {
            path: PathBuf::new(),
            kind: "incomplete_or_altered".to_owned(),
            text: format!(
                "{}: {}: {} in a complete copy, {} here",
                different.dataset, different.what, different.expected, different.found
            ),
        });
    }
    findings.sort();
    let missing =
        scan.problems.iter().filter(|p| matches!(*p.error, DatasetError::MissingFile { .. })).count()
            + release.notes.iter().filter(|note| note.kind == NoteKind::MissingFile).count();
    Ok(AuditReport {
        source: source.to_string(),
        images_readable: usable.len(),
        images_unusable: total - usable.len() + scan.problems.len(),
        files_missing: missing,
        bytes: read.values().map(|one| one.bytes).sum(),
        patients: usable.iter().map(|r| (r.dataset.family(), &r.patient_id)).collect::<BTreeSet<_>>().len(),
        synthetic: usable.iter().filter(|record| record.synthetic).count(),
        digests_compared: compared,
        counts: counts(&usable),
        rules: rules(&usable),
        rules_disagree: disagreements(&usable),
        pixels: pixels(&release.records, &read),
        quirks,
        findings,
        expected,
    })
}

fn read_one(root: &Path, record: &ImageRecord, digests: &Digests) -> Read {
    let mut one = Read { bytes: 0, blake3: String::new(), sha256: None, header: None, error: None };
    let mut read = || -> Result<(), DatasetError> {
        let path = place::inside(root, &record.path)?;
        let bytes = fs_err::read(&path).map_err(FileError::from)?;
        one.bytes = bytes.len() as u64;
        one.blake3 = blake3::hash(&bytes).to_hex().to_string();
        one.sha256 = digests.get(&record.path).map(|_| mammo_files::sha256(&bytes));
        if crate::picture::is_dicom(&bytes) {
            one.header = Some(mammo_dicom::read_header(&path)?);
        }
        let size = ImageSize::new(TRIAL_PX, TRIAL_PX)?;
        let prepared = prepare_bytes(&bytes, &path, record, size)?;
        side::check_side(&prepared, record, &path)
    };
    let result = read();
    one.error = result.err();
    one
}

/// An error in a word and a sentence.
fn finding(path: &Path, error: &DatasetError, root: &Path) -> Finding {
    let text = error.to_string().replace(&format!("{}/", root.display()), "");
    Finding { path: path.to_owned(), kind: kind_of(error).to_owned(), text }
}

fn kind_of(error: &DatasetError) -> &'static str {
    let io = |error: &FileError| match error {
        FileError::Io(error) if error.kind() == ErrorKind::PermissionDenied => "permission_denied",
        FileError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => "truncated",
        _ => "unreadable",
    };
    match error {
        DatasetError::File(error) | DatasetError::Dicom(DicomError::File(error)) => io(error),
        DatasetError::EmptyFile { .. } => "empty",
        DatasetError::MissingFile { .. } => "missing_file",
        DatasetError::Outside { .. } => "leads_outside",
        DatasetError::OtherSide { .. } => "swapped",
        DatasetError::NoBreast { .. } => "no_breast",
        DatasetError::Dicom(DicomError::NotDicom { .. }) => "not_an_image",
        DatasetError::Dicom(DicomError::Truncated { .. }) => "truncated",
        DatasetError::Dicom(DicomError::UnsupportedTransferSyntax { .. }) => "unsupported",
        DatasetError::Outline { .. } => "unreadable_regions",
        DatasetError::Line { .. } | DatasetError::Word { .. } => "bad_row",
        _ => "damaged",
    }
}

fn word(kind: NoteKind) -> String {
    serde_json::to_value(kind).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Files with the same bytes.
fn duplicates(records: &[ImageRecord], read: &BTreeMap<usize, Read>) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Path> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, one) in read.iter().filter(|(_, one)| !one.blake3.is_empty()) {
        let path = &records[*index].path;
        if let Some(other) = first.get(one.blake3.as_str()) {
            let text = format!("holds the same bytes as {}", other.display());
            findings.push(Finding { path: path.clone(), kind: "duplicate".to_owned(), text });
        } else {
            first.insert(&one.blake3, path);
        }
    }
    findings
}

/// Compares digests that are known with those of the files; also of files that are no images.
fn compare_digests(
    root: &Path,
    digests: &Digests,
    records: &[ImageRecord],
    read: &BTreeMap<usize, Read>,
) -> (usize, Vec<Finding>) {
    let of_images: BTreeMap<&Path, &str> = read
        .iter()
        .filter_map(|(index, one)| Some((records[*index].path.as_path(), one.sha256.as_deref()?)))
        .collect();
    let (mut compared, mut findings) = (0, Vec::new());
    for (path, expected) in digests.files() {
        let found = of_images.get(path).map_or_else(
            || place::inside(root, path).and_then(|file| Ok(mammo_files::sha256_file(&file)?)),
            |digest| Ok((*digest).to_owned()),
        );
        let Ok(found) = found else {
            let text = "its digest is known, but it cannot be read".to_owned();
            findings.push(Finding { path: path.to_owned(), kind: "missing_file".to_owned(), text });
            continue;
        };
        compared += 1;
        if found != expected {
            let (kind, text) = match digests.owner(&found) {
                Some(owner) => ("swapped", format!("holds the bytes that belong to {}", owner.display())),
                None => ("altered", "has another SHA-256 than the one that is known".to_owned()),
            };
            findings.push(Finding { path: path.to_owned(), kind: kind.to_owned(), text });
        }
    }
    (compared, findings)
}

fn counts(records: &[&ImageRecord]) -> BTreeMap<String, Counts> {
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    for record in records {
        let unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        let medium = format!("{:?}", record.medium).to_lowercase();
        for (name, value) in [
            ("dataset", record.dataset.to_string()),
            ("view", unknown(record.view.map(|v| v.to_string()))),
            ("laterality", record.laterality.to_string()),
            ("birads", unknown(record.assessment.birads.map(|b| b.to_string()))),
            ("density", unknown(record.density.map(|d| d.to_string()))),
            ("medium", medium),
            ("rois", if record.rois.is_empty() { "none" } else { "some" }.to_owned()),
        ] {
            *all.entry(name.to_owned()).or_default().entry(value).or_default() += 1;
        }
    }
    all
}

fn rules(records: &[&ImageRecord]) -> Vec<RuleCount> {
    let mut all = Vec::new();
    for views in [ViewFilter::All, ViewFilter::Cc, ViewFilter::Mlo] {
        for rule in LabelRule::ALL {
            let viewed: Vec<_> = records.iter().filter(|record| views.admits(record.view)).collect();
            let labels = viewed.iter().filter_map(|record| rule.apply(&record.assessment));
            let (mut healthy, mut cancer) = (0, 0);
            for label in labels {
                *(if label == Label::Cancer { &mut cancer } else { &mut healthy }) += 1;
            }
            if healthy + cancer > 0 {
                let no_label = viewed.len() - healthy - cancer;
                all.push(RuleCount { rule, views, healthy, cancer, no_label });
            }
        }
    }
    all
}

fn disagreements(records: &[&ImageRecord]) -> Vec<RuleDisagreement> {
    let mut all = Vec::new();
    for (at, first) in LabelRule::ALL.into_iter().enumerate() {
        for second in LabelRule::ALL.into_iter().skip(at + 1) {
            let both: Vec<_> = records
                .iter()
                .filter_map(|r| Some((first.apply(&r.assessment)?, second.apply(&r.assessment)?)))
                .collect();
            let differ = both.iter().filter(|(a, b)| a != b).count();
            if differ > 0 {
                all.push(RuleDisagreement { first, second, images: both.len(), differ });
            }
        }
    }
    all
}

fn pixels(records: &[ImageRecord], read: &BTreeMap<usize, Read>) -> BTreeMap<String, Counts> {
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    let mut add = |name: &str, value: String| {
        *all.entry(name.to_owned()).or_default().entry(value).or_default() += 1;
    };
    for (index, one) in read {
        let (width, height) = records[*index].size_px;
        add("matrix (width x height)", format!("{width} x {height}"));
        let Some(header) = &one.header else {
            let path = &records[*index].path;
            let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            add("picture format", extension);
            continue;
        };
        let sign = if header.signed { "signed" } else { "unsigned" };
        add("bits stored / allocated", format!("{} / {} {sign}", header.bits_stored, header.bits_allocated));
        let photometric = match header.photometric {
            Photometric::Monochrome1 => "MONOCHROME1",
            Photometric::Monochrome2 => "MONOCHROME2",
        };
        add("photometric interpretation", photometric.to_owned());
        add("transfer syntax", header.transfer_syntax_name().to_owned());
        let window = header.window.map(|w| format!("{} / {}", w.center, w.width));
        add("window center / width", window.unwrap_or_else(|| "none".to_owned()));
        let padding = header.padding.map(|(a, b)| if a == b { a.to_string() } else { format!("{a} to {b}") });
        add("pixel padding", padding.unwrap_or_else(|| "none".to_owned()));
        let intent = if header.for_processing { "for processing" } else { "for presentation or not said" };
        add("presentation intent", intent.to_owned());
        let spacing = header.spacing_mm.map(|(row, column)| format!("{row} x {column}"));
        add("pixel spacing, mm", spacing.unwrap_or_else(|| "none".to_owned()));
    }
    all
}
