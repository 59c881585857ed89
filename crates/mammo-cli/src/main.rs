//! The command `mammo`.
fn main() {}
