//! Event files that grow.

use crate::message::{Content, Picture, encode};
use crate::{EventError, record};
use fs_err as fs;
use std::{
    io::Write,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// What the name of every event file begins with; TensorBoard reads no others.
const PREFIX: &str = "events.out.tfevents.";

/// An event file of TensorBoard that grows while a training runs.
///
/// Each call is one write of one whole record, so that TensorBoard sees it at once, and a kill leaves whole records and
/// at most one cut end, which TensorBoard and [`read_scalars`](crate::read_scalars) pass over.
pub struct EventFile {
    path: PathBuf,
    file: fs::File,
    /// Bytes of whole records.
    len: u64,
    clock: Box<dyn FnMut() -> SystemTime + Send>,
}

impl EventFile {
    /// Begins a file in `folder`, which is made if it is missing: `events.out.tfevents.<seconds after 1970>.mammo`.
    ///
    /// `first_step` is the first step that will be written: 1 for a new training whose steps count from 1, and one beyond
    /// the checkpoint for a training that goes on. Whatever other files of the folder say of this step and later ones is void,
    /// and TensorBoard drops it. These files are left as they are.
    ///
    /// `clock` says what time it is, once a call; a program hands in [`SystemTime::now`].
    ///
    /// # Errors
    /// [`EventError::Io`].
    pub fn create(
        folder: &Path,
        first_step: usize,
        clock: impl FnMut() -> SystemTime + Send + 'static,
    ) -> Result<Self, EventError> {
        let mut clock = Box::new(clock);
        fs::create_dir_all(folder)?;
        let (path, file) = create_last(folder, seconds(clock()) as u64)?;
        let mut events = Self { path, file, len: 0, clock };
        let now = events.now();
        let mut records = Vec::new();
        record::push(&mut records, &encode(now, 0, &Content::Version));
        record::push(&mut records, &encode(now, signed(first_step), &Content::Start));
        events.append(&records)?;
        Ok(events)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds numbers of one step by their names. TensorBoard shows names with the same beginning before a `/` together. NaN
    /// and infinities are kept; TensorBoard marks them.
    ///
    /// # Errors
    /// [`EventError::Io`]; then the file is as it was, as far as the system allows.
    pub fn scalars(&mut self, step: usize, scalars: &[(&str, f32)]) -> Result<(), EventError> {
        if scalars.is_empty() { Ok(()) } else { self.push(step, &Content::Scalars(scalars)) }
    }

    /// Adds a picture, a PNG as mammo-png encodes it: TensorBoard hands it on byte by byte, so only pictures that say that
    /// they are synthetic are taken. Width and height are those of its header.
    ///
    /// # Errors
    /// [`EventError::NotMarked`] when it does not say that it is synthetic, and [`EventError::Io`] as above.
    pub fn picture(&mut self, step: usize, tag: &str, png: &[u8]) -> Result<(), EventError> {
        mammo_png::decode_mark(png)
            .map_err(|source| EventError::NotMarked { tag: tag.to_owned(), source })?;
        self.push(step, &Content::Picture(header(tag, png)))
    }

    /// Returns once everything written is on the disk, where it outlives a loss of power. Nothing needs this in order to be seen
    /// by TensorBoard.
    ///
    /// # Errors
    /// [`EventError::Io`].
    pub fn sync(&mut self) -> Result<(), EventError> {
        Ok(self.file.sync_data()?)
    }

    fn now(&mut self) -> f64 {
        seconds((self.clock)())
    }

    fn push(&mut self, step: usize, content: &Content) -> Result<(), EventError> {
        let mut bytes = Vec::new();
        record::push(&mut bytes, &encode(self.now(), signed(step), content));
        self.append(&bytes)
    }

    fn append(&mut self, records: &[u8]) -> Result<(), EventError> {
        if let Err(error) = self.file.write_all(records) {
            // A torn record hides all that come after it, so it goes away; the error that matters is the one above.
            let _ = self.file.set_len(self.len);
            return Err(error.into());
        }
        self.len += records.len() as u64;
        Ok(())
    }
}

/// Makes a file whose name comes after those of all event files in the folder. TensorBoard reads them in the order of their
/// names, so one second with two files, or a clock that was set back, must not put a new file before an old one.
fn create_last(folder: &Path, seconds: u64) -> Result<(PathBuf, fs::File), EventError> {
    let mut seconds = seconds;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let old = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('.').next().and_then(|digits| digits.parse::<u64>().ok()));
        seconds = seconds.max(old.map_or(0, |old| old.saturating_add(1)));
    }
    loop {
        let path = folder.join(format!("{PREFIX}{seconds:010}.mammo"));
        match fs::OpenOptions::new().append(true).create_new(true).open(&path) {
            // Somebody else was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && seconds < u64::MAX => {
                seconds += 1;
            }
            result => return Ok((path, result?)),
        }
    }
}

/// Seconds after 1970; 0 before.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Steps are signed in the file. No training reaches the last of them.
fn signed(step: usize) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

/// What the header of a PNG says, which is at the same place in all of them (PNG specification, 11.2.2). The bytes must
/// have been found to be a PNG.
fn header<'a>(tag: &'a str, png: &'a [u8]) -> Picture<'a> {
    let number = |at: usize| {
        png.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_be_bytes(*bytes))
    };
    let colorspace = match png.get(25) {
        Some(0) => 1,
        Some(4) => 2,
        Some(6) => 4,
        // Colour, with or without a palette.
        _ => 3,
    };
    Picture { tag, width: number(16), height: number(20), colorspace, png }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scalar, read_scalars};
    use mammo_core::Plane;
    use mammo_png::{Mark, encode_gray8, encode_rgb};
    use proptest::prelude::*;
    use std::time::Duration;

    fn clock() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500)
    }

    /// Written by the `RecordWriter` of the Python package `tensorboard` 2.21 from its own messages, and put together once
    /// more with `struct` and a CRC bit by bit. Its `EventAccumulator` reads back what is written here: the numbers, and
    /// after a restart those alone that count.
    #[test]
    fn a_file_is_that_of_tensorboard_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(dir.path(), 300, clock).unwrap();
        events.scalars(300, &[("loss/cycle_a", 0.3), ("d", 0.0)]).unwrap();
        let bytes = std::fs::read(events.path()).unwrap();
        let expected = [
            "1800000000000000a37f4b22",
            "0900002040fc54d9411a0d627261696e2e4576656e743a32",
            "2b353110",
            "100000000000000095fbfe18",
            "0900002040fc54d94110ac023a020801",
            "b94512a3",
            "2d000000000000003c418afb",
            "0900002040fc54d94110ac022a1f0a130a0c6c6f73732f6379636c655f61159a99993e0a080a01641500000000",
            "42f7edeb",
        ];
        assert_eq!(mammo_files::hex(&bytes), expected.concat());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn numbers_come_back_to_the_bit(
            steps in prop::collection::vec(
                (any::<u32>(), prop::collection::vec((any::<String>(), any::<u32>()), 0..4)),
                0..12,
            ),
            at_ms in 0_u64..10_000_000_000_000,
        ) {
            let dir = tempfile::tempdir().unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms);
            let mut events = EventFile::create(dir.path(), 0, move || time).unwrap();
            let mut written = Vec::new();
            for (step, scalars) in &steps {
                let scalars: Vec<(&str, f32)> =
                    scalars.iter().map(|(tag, bits)| (tag.as_str(), f32::from_bits(*bits))).collect();
                events.scalars(*step as usize, &scalars).unwrap();
                for (tag, value) in scalars {
                    written.push((i64::from(*step), tag.to_owned(), value.to_bits()));
                }
            }
            let read = read_scalars(events.path()).unwrap();
            prop_assert!(read.iter().all(|scalar| scalar.wall_time_s == at_ms as f64 / 1000.0));
            let read: Vec<_> = read.into_iter().map(|s| (s.step, s.tag, s.value.to_bits())).collect();
            prop_assert_eq!(read, written);
        }
    }

    #[test]
    fn a_training_that_goes_on_gets_a_file_that_is_read_last_and_leaves_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let write = |first_step: usize, clock: fn() -> SystemTime| {
            let mut events = EventFile::create(dir.path(), first_step, clock).unwrap();
            for step in first_step..first_step + 3 {
                events.scalars(step, &[("loss", first_step as f32)]).unwrap();
            }
            events.path().to_owned()
        };
        // The third clock was set back, and the names of others have words after the seconds.
        let foreign = dir.path().join("events.out.tfevents.1700000005.host.17.0");
        let mut paths = vec![write(1, clock), write(3, clock)];
        std::fs::write(&foreign, b"").unwrap();
        paths.extend([foreign, write(4, || SystemTime::UNIX_EPOCH)]);
        assert!(paths.is_sorted(), "{paths:?}");
        let steps = |path: &Path| -> Vec<i64> {
            read_scalars(path).unwrap().iter().map(|scalar: &Scalar| scalar.step).collect()
        };
        assert_eq!(
            (steps(&paths[0]), steps(&paths[1]), steps(&paths[3])),
            (vec![1, 2, 3], vec![3, 4, 5], vec![4, 5, 6])
        );
    }

    #[test]
    fn pictures_are_kept_whole_and_with_their_size() {
        let dir = tempfile::tempdir().unwrap();
        let mark = Mark::new("test", "samples");
        let grey = encode_gray8(&Plane::filled(300, 2, 0.5), &mark).unwrap();
        let coloured = encode_rgb(1, 2, &[9; 6], &mark).unwrap();
        let header_of = |png| {
            let picture = header("a", png);
            (picture.width, picture.height, picture.colorspace)
        };
        assert_eq!(header_of(&grey), (300, 2, 1));
        assert_eq!(header_of(&coloured), (1, 2, 3));
        let mut events = EventFile::create(dir.path(), 1, clock).unwrap();
        events.picture(1, "samples", &grey).unwrap();
        events.scalars(1, &[("loss", 1.0)]).unwrap();
        let bytes = std::fs::read(events.path()).unwrap();
        assert!(bytes.windows(grey.len()).any(|window| window == grey));
        assert_eq!(read_scalars(events.path()).unwrap().len(), 1);
    }

    #[test]
    fn pictures_without_a_mark_are_refused_and_leave_the_file_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(dir.path(), 1, clock).unwrap();
        let before = std::fs::read(events.path()).unwrap();
        let mut png = encode_gray8(&Plane::filled(8, 8, 0.5), &Mark::new("test", "samples")).unwrap();
        let at = png.windows(4).position(|window| window == b"tEXt").unwrap();
        png.truncate(at);
        for bytes in [&png[..], b"", b"GIF89a"] {
            let error = events.picture(1, "samples", bytes).unwrap_err();
            assert!(matches!(error, EventError::NotMarked { .. }));
            assert!(error.to_string().contains("samples"), "{error}");
        }
        assert_eq!(std::fs::read(events.path()).unwrap(), before);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a-file");
        std::fs::write(&file, "x").unwrap();
        let Err(error) = EventFile::create(&file, 1, clock) else { panic!("not refused") };
        assert!(error.to_string().contains("a-file"), "{error}");
    }
}
