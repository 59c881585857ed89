//! PTX: parsing, and translation of kernels into instructions of [`crate::exec`].

pub mod arithmetic;
pub mod atomics;
pub mod compile;
pub mod convert;
pub mod float;
pub mod handlers;
pub mod lexer;
pub mod memory_access;
pub mod module;
pub mod types;
