//! Journeys: the program `mammo` as a person runs it, from the command line to the files that it leaves.
//!
//! They live here and not in the package `mammo-tests` because cargo builds the program for the tests of its own
//! package only (`CARGO_BIN_EXE_mammo`); from elsewhere they would test whatever binary happens to lie around.

mod bad_data;
mod bad_options;
mod bad_run_folder;
mod data_sets;
mod detect;
mod detection;
mod determinism;
mod experiments;
mod held_out;
mod quick_run;
mod ratings;
mod resume;
#[path = "../fixtures/run_folder.rs"]
mod run_folder;
mod runs;
mod seal;
mod stats;
mod support;
mod translate;
