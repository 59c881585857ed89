//! Deflated data sets (PS3.5 section A.5). What comes out is never longer than what the reader asks for, so a file that
//! unpacks to more than a mammogram takes no memory for it.

use flate2::read::DeflateDecoder;
use std::io::Read;

/// Most bytes that a header may take.
const LIMIT_HEADER_BYTES: usize = 4 << 20;

/// The beginning of what was deflated; shorter where the data is damaged.
pub(crate) fn head(deflated: &[u8]) -> Vec<u8> {
    inflate(deflated, LIMIT_HEADER_BYTES)
}

/// The first `limit` bytes of what was deflated, or as many as there are.
pub(crate) fn inflate(deflated: &[u8], limit: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What stands before an error is used; what is missing is noticed by its length.
    let _ = DeflateDecoder::new(deflated).take(limit as u64).read_to_end(&mut bytes);
    bytes
}
