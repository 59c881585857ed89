use mammo_files::FileError;
use std::path::PathBuf;

/// Why a DICOM file could not be read or written. Every message names the file or the value, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum DicomError {
    /// The operating system refused; its message names the path.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file does not begin as DICOM files do.
    #[error("{}: not a DICOM file (no DICM mark after the 128-byte preamble); give a DICOM Part 10 file", path.display())]
    NotDicom {
        /// The file.
        path: PathBuf,
    },
    /// The file begins as DICOM but breaks off or contradicts itself.
    #[error("{}: damaged or truncated DICOM data ({reason}); fetch the file again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
    /// Fewer pixels than rows times columns.
    #[error(
        "{}: truncated pixel data: {expected_bytes} bytes are needed, {found_bytes} are there; fetch the file again",
        path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that one frame needs.
        expected_bytes: u64,
        /// Bytes found.
        found_bytes: u64,
    },
    /// An attribute that every image needs is absent.
    #[error("{}: attribute {attribute} is missing, so the file holds no readable image", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Name and tag.
        attribute: &'static str,
    },
    /// An attribute has a value that cannot be used.
    #[error("{}: attribute {attribute} is {value:?}; expected {expected}", path.display())]
    Attribute {
        /// The file.
        path: PathBuf,
        /// Name and tag.
        attribute: &'static str,
        /// The value found.
        value: String,
        /// What can be used.
        expected: &'static str,
    },
    /// The pixels are compressed in a way that cannot be decoded.
    #[error(
        "{}: transfer syntax {name} ({uid}) is not supported; convert the file to Explicit VR Little Endian, \
         for example with gdcmconv --raw",
        path.display()
    )]
    UnsupportedTransferSyntax {
        /// The file.
        path: PathBuf,
        /// The transfer syntax UID.
        uid: String,
        /// Its name.
        name: String,
    },
    /// Lossless JPEG with restart intervals, which the decoder would turn into bands without an error.
    #[error(
        "{}: lossless JPEG with restart intervals (marker FFDD) would be decoded wrongly; convert the file to \
         Explicit VR Little Endian, for example with gdcmconv --raw",
        path.display()
    )]
    RestartIntervals {
        /// The file.
        path: PathBuf,
    },
    /// More pixels than any mammogram has.
    #[error("{}: {columns} x {rows} pixels exceed the limit of {limit_px} pixels; the header is probably damaged", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Columns claimed.
        columns: u64,
        /// Rows claimed.
        rows: u64,
        /// Largest number of pixels that is read.
        limit_px: u64,
    },
    /// The decoder failed.
    #[error("{}: pixels in {transfer_syntax} could not be decoded ({reason}); fetch the file again", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Name of the transfer syntax.
        transfer_syntax: String,
        /// What the decoder found.
        reason: String,
    },
    /// An image to be written whose pixels do not fit its size.
    #[error("{width} x {height} pixels need {} values, but there are {len}; sides must be 1 to 65535", width * height)]
    WrongLength {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Values given.
        len: usize,
    },
    /// An image to be written whose pixels do not fit its bits.
    #[error(
        "bits_stored is {bits_stored} and the largest pixel is {largest}; bits_stored must be 8 to 16 and hold every pixel"
    )]
    BitsStored {
        /// Bits stored.
        bits_stored: u16,
        /// Largest pixel value.
        largest: u16,
    },
    /// The encoder failed.
    #[error("{}: could not be encoded as DICOM: {reason}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// What the encoder found.
        reason: String,
    },
}
