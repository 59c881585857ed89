//! Numbers back from an event file.

use crate::{EventError, message, record};
use fs_err as fs;
use std::path::Path;

/// A number of an event file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// When it was written, in seconds after 1970 (UTC).
    pub wall_time_s: f64,
    /// The step that it belongs to.
    pub step: i64,
    /// Its name, for instance `loss/cycle_a`.
    pub tag: String,
    /// The number itself, which may be NaN or infinite.
    pub value: f32,
}

/// Reads the numbers of one event file in the order in which they were written, this crate's or of others who write
/// them as `simple_value` (PyTorch does; TensorFlow 2 writes tensors, which are passed over as pictures are). A last
/// record that is cut, as a kill leaves it, is left out.
///
/// Files of one folder are read by themselves: what a later one declares void is still here.
///
/// # Errors
/// [`EventError::Io`] when the file cannot be read, and [`EventError::Damaged`] when a whole record of it does not fit its
/// checksums or is no event.
pub fn read_scalars(path: &Path) -> Result<Vec<Scalar>, EventError> {
    let bytes = fs::read(path)?;
    let (mut rest, mut scalars) = (bytes.as_slice(), Vec::new());
    loop {
        let offset = bytes.len() - rest.len();
        let damaged = |what| EventError::Damaged { path: path.to_owned(), offset, what };
        let Some(message) = record::pop(&mut rest).map_err(damaged)? else { return Ok(scalars) };
        let event = message::decode(message).ok_or_else(|| damaged("a record that is no event"))?;
        let (wall_time_s, step) = (event.wall_time_s, event.step);
        scalars.extend(event.values.into_iter().map(|(tag, value)| Scalar { wall_time_s, step, tag, value }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EventFile;
    use std::time::{Duration, SystemTime};

    /// A file with three numbers at steps 1 to 3, and its bytes.
    fn file(dir: &Path) -> (std::path::PathBuf, Vec<u8>) {
        let clock = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut events = EventFile::create(dir, 1, clock).unwrap();
        for step in 1..=3 {
            events.scalars(step, &[("loss", step as f32)]).unwrap();
        }
        (events.path().to_owned(), std::fs::read(events.path()).unwrap())
    }

    #[test]
    fn a_file_cut_anywhere_gives_what_was_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = file(dir.path());
        let mut found = Vec::new();
        for end in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..end]).unwrap();
            found.push(read_scalars(&path).unwrap().len());
        }
        assert!(found.is_sorted());
        found.dedup();
        assert_eq!(found, [0, 1, 2, 3]);
    }

    #[test]
    fn no_changed_bit_goes_unseen() {
        let dir = tempfile::tempdir().unwrap();
        let (path, bytes) = file(dir.path());
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&path, changed).unwrap();
            let message = read_scalars(&path).unwrap_err().to_string();
            assert!(message.contains("tfevents") && message.contains("damaged"), "{message}");
        }
    }

    #[test]
    fn damage_is_said_where_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (path, mut bytes) = file(dir.path());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        let Err(EventError::Damaged { offset, .. }) = read_scalars(&path) else { panic!("not refused") };
        let mut whole = &bytes[..offset];
        while record::pop(&mut whole).unwrap().is_some() {}
        assert!(whole.is_empty() && offset > bytes.len() / 2);
    }

    #[test]
    fn a_record_that_is_no_event_and_a_foreign_file_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        let mut bytes = Vec::new();
        record::push(&mut bytes, b"\x0b hello");
        std::fs::write(&path, &bytes).unwrap();
        assert!(read_scalars(&path).unwrap_err().to_string().contains("no event"));
        std::fs::write(&path, "step,loss\n1,0.5\n2,0.25\n").unwrap();
        assert!(matches!(read_scalars(&path), Err(EventError::Damaged { offset: 0, .. })));
        let message = read_scalars(&dir.path().join("missing")).unwrap_err().to_string();
        assert!(message.contains("missing"), "{message}");
    }
}
