//! The reading room as readers and their machines meet it: through HTTP and, where there is one, in a real browser.

mod attacks;
mod blinding;
mod browser;
mod by_hand;
mod crashes;
mod fixture;
mod http;
#[path = "../fixtures/run_folder.rs"]
mod run_folder;
mod whole_way;
