//! Files as they come from broken downloads and careless hands: the audit names each, the ingest stops at them or, asked to,
//! leaves them out and says so.

use crate::fixtures;
use crate::ingest::{config, files, manifest, run};
use mammo_dataset::{Digests, Source, audit::audit, ingest::IngestConfig, ingest::IngestError};
use std::{
    fs,
    path::{Path, PathBuf},
};

struct Release {
    dir: tempfile::TempDir,
    images: Vec<PathBuf>,
}

impl Release {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fixtures::inbreast(&dir.path().join("r"), 6);
        let mut images: Vec<PathBuf> =
            fs::read_dir(dir.path().join("r/AllDICOMs")).unwrap().map(|e| e.unwrap().path()).collect();
        images.sort();
        Self { dir, images }
    }

    fn source(&self) -> Source {
        Source::Inbreast(self.dir.path().join("r"))
    }

    /// Kinds that the audit finds for a file, or for none in particular.
    fn kinds(&self, known: &Digests) -> Vec<(PathBuf, String)> {
        let before = files(self.dir.path());
        let report = audit(&self.source(), known, &|_, _| {}).unwrap();
        assert_eq!(before, files(self.dir.path()), "an audit writes nothing");
        // What a copy lacks beside the released one is no damage.
        let found = report.findings.into_iter().filter(|f| f.kind != "incomplete_or_altered");
        found.map(|f| (f.path, f.kind)).collect()
    }

    fn relative(&self, at: usize) -> PathBuf {
        Path::new("AllDICOMs").join(self.images[at].file_name().unwrap())
    }

    /// The audit names the file, the ingest stops with one sentence, and with `skip_bad` lists it.
    fn is_noticed(&self, at: usize, kind: &str) {
        let kinds = self.kinds(&Digests::default());
        assert!(kinds.contains(&(self.relative(at), kind.to_owned())), "{kind}: {kinds:?}");
        let config = config(vec![self.source()]);
        let out = self.dir.path().join("set");
        let error = run(&config, &out).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, IngestError::Bad { .. }) && !message.contains('\n'), "{message}");
        assert!(!out.join("provenance.json").exists());
        let _ = fs::remove_dir_all(&out);
        run(&IngestConfig { skip_bad: true, ..config }, &out).unwrap();
        let (records, skipped) = manifest(&out);
        assert!(skipped.iter().any(|s| s.source == self.relative(at)), "{kind}: {skipped:?}");
        assert!(records.iter().all(|r| r.source != self.relative(at)));
    }
}

#[test]
fn a_whole_copy_has_nothing_to_look_into() {
    assert_eq!(Release::new().kinds(&Digests::default()), []);
}

#[test]
fn truncated_files_are_named() {
    let release = Release::new();
    let bytes = fs::read(&release.images[3]).unwrap();
    fs::write(&release.images[3], &bytes[..bytes.len() / 2]).unwrap();
    release.is_noticed(3, "damaged");
}

#[test]
fn empty_files_are_named() {
    let release = Release::new();
    fs::write(&release.images[3], "").unwrap();
    release.is_noticed(3, "empty");
}

#[test]
fn other_files_under_the_name_of_an_image_are_named() {
    let release = Release::new();
    fs::write(&release.images[3], vec![7; 5000]).unwrap();
    release.is_noticed(3, "not_an_image");
}

#[test]
fn duplicates_are_named() {
    let release = Release::new();
    // The same side and view of the next person: nothing but the bytes tells.
    fs::copy(&release.images[0], &release.images[4]).unwrap();
    release.is_noticed(4, "duplicate");
}

#[test]
fn files_swapped_between_sides_are_named() {
    let release = Release::new();
    let (left, right) = (fs::read(&release.images[0]).unwrap(), fs::read(&release.images[2]).unwrap());
    fs::write(&release.images[0], right).unwrap();
    fs::write(&release.images[2], left).unwrap();
    release.is_noticed(0, "swapped");
    release.is_noticed_after_clearing(2, "swapped");
}

#[test]
fn files_swapped_on_one_side_are_named_by_their_digests() {
    let release = Release::new();
    let list = release.dir.path().join("sums");
    let lines: Vec<String> = (0..release.images.len())
        .map(|at| {
            let digest = mammo_files::sha256_file(&release.images[at]).unwrap();
            format!("{digest}  {}\n", release.relative(at).display())
        })
        .collect();
    fs::write(&list, lines.concat()).unwrap();
    let known = Digests::read(&list).unwrap();
    assert_eq!(release.kinds(&known), []);
    let (one, other) = (fs::read(&release.images[0]).unwrap(), fs::read(&release.images[4]).unwrap());
    fs::write(&release.images[0], other).unwrap();
    fs::write(&release.images[4], one).unwrap();
    fs::remove_file(&release.images[8]).unwrap();
    let kinds = release.kinds(&known);
    for (at, kind) in [(0, "swapped"), (4, "swapped"), (8, "missing_file")] {
        assert!(kinds.contains(&(release.relative(at), kind.to_owned())), "{kinds:?}");
    }
}

#[test]
fn renamed_files_are_named_and_missed() {
    let release = Release::new();
    fs::rename(&release.images[3], release.images[3].with_file_name("scan 3.dcm")).unwrap();
    let kinds: Vec<String> = release.kinds(&Digests::default()).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["unlisted_file", "missing_file"]);
    assert!(matches!(
        run(&config(vec![release.source()]), &release.dir.path().join("set")),
        Err(IngestError::Bad { .. })
    ));
}

#[cfg(unix)]
#[test]
fn links_out_of_the_release_are_named() {
    let release = Release::new();
    let elsewhere = release.dir.path().join("elsewhere.dcm");
    fs::rename(&release.images[3], &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &release.images[3]).unwrap();
    release.is_noticed(3, "leads_outside");
}

#[cfg(unix)]
#[test]
fn files_that_may_not_be_read_are_named() {
    use std::os::unix::fs::PermissionsExt;
    let release = Release::new();
    fs::set_permissions(&release.images[3], fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&release.images[3]).is_ok() {
        eprintln!("skipped: this user may read every file, as root does");
        return;
    }
    let kinds = audit(&release.source(), &Digests::default(), &|_, _| {}).unwrap().findings;
    assert!(
        kinds.iter().any(|f| f.path == release.relative(3) && f.kind == "permission_denied"),
        "{kinds:?}"
    );
    assert!(matches!(
        run(&config(vec![release.source()]), &release.dir.path().join("set")),
        Err(IngestError::Bad { .. })
    ));
}

impl Release {
    fn is_noticed_after_clearing(&self, at: usize, kind: &str) {
        fs::remove_dir_all(self.dir.path().join("set")).unwrap();
        self.is_noticed(at, kind);
    }
}
