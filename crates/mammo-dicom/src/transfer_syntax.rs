//! Which transfer syntaxes (PS3.5 section 10, PS3.6 table A-1) can be decoded, and what they are called.

/// How pixels are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    /// As they are, row after row.
    Native,
    /// As they are, in fragments.
    Encapsulated,
    Jpeg,
    Rle,
    Jpeg2000,
    /// In a way that cannot be decoded here.
    None,
}

const JPEG_2000: Codec = if cfg!(feature = "jpeg2000") { Codec::Jpeg2000 } else { Codec::None };

/// Transfer syntaxes by UID: name, and how their pixels are decoded.
const KNOWN: [(&str, &str, Codec); 24] = [
    ("1.2.840.10008.1.2", "Implicit VR Little Endian", Codec::Native),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian", Codec::Native),
    ("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", Codec::Encapsulated),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", Codec::Native),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian", Codec::Native),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", Codec::Jpeg),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 & 4)", Codec::Jpeg),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", Codec::Jpeg),
    ("1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, first-order prediction)", Codec::Jpeg),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", Codec::None),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", Codec::None),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", JPEG_2000),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000", JPEG_2000),
    ("1.2.840.10008.1.2.4.92", "JPEG 2000 Multi-component (Lossless Only)", Codec::None),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 Multi-component", Codec::None),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", Codec::None),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", Codec::None),
    ("1.2.840.10008.1.2.4.112", "JPEG XL", Codec::None),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", Codec::None),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Options (Lossless Only)", Codec::None),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", Codec::None),
    ("1.2.840.10008.1.2.5", "RLE Lossless", Codec::Rle),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", Codec::None),
    ("1.2.840.113619.5.2", "GE Private Implicit VR Big Endian", Codec::None),
];

pub(crate) const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// The standard's name, or "unknown".
pub(crate) fn name(uid: &str) -> &'static str {
    KNOWN.iter().find(|(known, ..)| *known == uid).map_or("unknown", |(_, name, _)| name)
}

/// How pixels are decoded; `None` where not even the header can be read, because nothing is known about the syntax.
pub(crate) fn codec(uid: &str) -> Option<Codec> {
    let known = KNOWN.iter().find(|(known, ..)| *known == uid)?;
    // Not even the header of this one is written as the standard wants it.
    (known.0 != "1.2.840.113619.5.2").then_some(known.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_has_one_name_and_unknown_ones_none() {
        for (at, (uid, name, _)) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..at].iter().all(|(u, n, _)| u != uid && n != name), "{uid}");
        }
        assert_eq!((name("1.2.3"), codec("1.2.3")), ("unknown", None));
        assert_eq!(codec("1.2.840.10008.1.2.4.80"), Some(Codec::None));
    }
}
