//! Runs the repository.
fn main() {}
