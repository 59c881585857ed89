//! Helpers of the tests across crates; the tests themselves are in `tests/tests`.
