//! Which transfer syntaxes (PS3.5 section 10, PS3.6 table A-1) can be decoded, and what they are called.

/// Transfer syntaxes by UID: name, and whether pixels stored in it can be decoded here.
const KNOWN: [(&str, &str, bool); 18] = [
    ("1.2.840.10008.1.2", "Implicit VR Little Endian", true),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian", true),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", true),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian", true),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", true),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 & 4)", true),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", true),
    ("1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, first-order prediction)", true),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", false),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", false),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", cfg!(feature = "jpeg2000")),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000", cfg!(feature = "jpeg2000")),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", false),
    ("1.2.840.10008.1.2.4.112", "JPEG XL", false),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", false),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)", false),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", false),
    ("1.2.840.10008.1.2.5", "RLE Lossless", true),
];

pub(crate) const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";
const JPEG_LOSSLESS: [&str; 2] = ["1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"];

/// The standard's name, or "unknown".
pub(crate) fn name(uid: &str) -> &'static str {
    KNOWN.iter().find(|(known, ..)| *known == uid).map_or("unknown", |(_, name, _)| name)
}

/// Whether pixels of `bits_stored` bits in this transfer syntax can be decoded. JPEG Extended is decoded up to
/// 8 bits only: no pure Rust decoder reads its 12-bit form.
pub(crate) fn is_supported(uid: &str, bits_stored: u16) -> bool {
    KNOWN.iter().any(|(known, _, decodes)| *known == uid && *decodes)
        && !(uid == JPEG_EXTENDED && bits_stored > 8)
}

/// Whether pixels are stored as they are, row after row.
pub(crate) fn is_native(uid: &str) -> bool {
    !uid.starts_with("1.2.840.10008.1.2.4.") && uid != "1.2.840.10008.1.2.5"
}

/// Whether the pixels are lossless JPEG.
pub(crate) fn is_lossless_jpeg(uid: &str) -> bool {
    JPEG_LOSSLESS.contains(&uid)
}

/// Whether a JPEG stream sets a restart interval (marker FFDD with a value that is not 0) before its first scan
/// (ITU-T T.81 section B.2.4.4).
pub(crate) fn has_restart_interval(jpeg: &[u8]) -> bool {
    let mut at = 2; // after SOI
    while let Some(&[0xff, marker, high, low, ..]) = jpeg.get(at..at + 6).map(|s| &s[..4]) {
        match marker {
            0xff => at += 1, // fill byte
            0xda => return false,
            0xdd => return jpeg[at + 4] != 0 || jpeg[at + 5] != 0,
            _ => at += 2 + usize::from(u16::from_be_bytes([high, low])),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bit_jpeg_extended_is_known_and_refused() {
        assert!(is_supported(JPEG_EXTENDED, 8));
        assert!(!is_supported(JPEG_EXTENDED, 12));
        assert!(!is_supported("1.2.3", 12));
        assert_eq!(name("1.2.3"), "unknown");
    }

    #[test]
    fn restart_intervals_are_found_before_the_scan_only() {
        let soi = [0xff, 0xd8];
        let comment = [0xff, 0xfe, 0, 4, 0xff, 0xdd]; // the marker's bytes inside a comment mean nothing
        let dri = [0xff, 0xdd, 0, 4, 0, 16];
        let off = [0xff, 0xdd, 0, 4, 0, 0];
        let scan = [0xff, 0xda, 0, 8, 1, 0, 0, 0, 0, 0];
        assert!(has_restart_interval(&[&soi[..], &comment, &dri, &scan].concat()));
        assert!(!has_restart_interval(&[&soi[..], &comment, &scan, &dri].concat()));
        assert!(!has_restart_interval(&[&soi[..], &off, &scan].concat()));
        assert!(!has_restart_interval(&[]));
    }
}
