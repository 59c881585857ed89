//! A stand-in for an NVIDIA GPU, for tests on machines without one.
//!
//! The crate is a shared library with the symbols of the CUDA driver, cuDNN, cuBLAS, cuRAND and the part of the CUDA
//! runtime that registers kernels. A program that finds it under those libraries' names runs without a GPU: kernels
//! given as PTX text are interpreted on the CPU ([`ptx`], [`exec`]), memory is host memory whose live ranges are known
//! ([`memory`]), and every access of a kernel is checked against them.
//!
//! The README says how to use it, what it checks and what it does not emulate.
//!
//! Layers, from the outside in: [`api`] holds the exported functions; [`device`] the streams, captures and graphs;
//! [`kernel`] loaded modules and launches; [`ptx`] translates PTX into instructions, which [`exec`] runs;
//! [`convolution`] and [`numeric`] do the work of cuDNN and cuBLAS.
// The exported functions have the names and arguments of the libraries they stand in for.
#![allow(non_snake_case, clippy::missing_safety_doc, clippy::too_many_arguments)]
// Comparisons that NaN satisfies are written as the negation they are; shifts and masks as in the PTX manual.
#![allow(clippy::neg_cmp_op_on_partial_ord, clippy::double_comparisons, clippy::precedence)]

pub mod api;
pub mod convolution;
pub mod device;
pub mod exec;
pub mod kernel;
pub mod memory;
pub mod numeric;
pub mod ptx;
