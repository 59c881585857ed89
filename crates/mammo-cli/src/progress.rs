//! What people see while work goes on, on stderr: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A line of progress where there is no terminal at most this often.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Progress of one stage.
pub(crate) struct Progress {
    label: &'static str,
    total: std::sync::atomic::AtomicUsize,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Begins a stage of `total` pieces.
    pub(crate) fn new(label: &'static str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(
                "{prefix:>12} {bar:30} {pos}/{len}  {elapsed} elapsed, {eta} left  {wide_msg}",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_prefix(label);
            bar
        });
        if bar.is_none() {
            eprintln!("{label} ...");
        }
        let now = Instant::now();
        Self { label, total: total.into(), bar, started: now, last_line: Mutex::new(now) }
    }

    /// Says that the first `done` pieces were done before, so that they do not count for the time left.
    pub(crate) fn skip(&self, done: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.reset_eta();
        }
    }

    /// Corrects the number of pieces, where it becomes known late.
    pub(crate) fn set_total(&self, total: usize) {
        self.total.store(total, std::sync::atomic::Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.set_length(total as u64);
        }
    }

    /// Says how many pieces are done.
    pub(crate) fn set(&self, done: usize, message: impl FnOnce() -> String) {
        if let Some(bar) = &self.bar {
            bar.set_message(message());
            bar.set_position(done as u64);
            return;
        }
        let Ok(mut last) = self.last_line.lock() else { return };
        if last.elapsed() >= LINE_EVERY {
            *last = Instant::now();
            eprintln!(
                "{}: {done}/{} after {:.0} s  {}",
                self.label,
                self.total.load(std::sync::atomic::Ordering::Relaxed),
                self.started.elapsed().as_secs_f64(),
                message()
            );
        }
    }

    /// Ends the stage with one line that stays.
    pub(crate) fn finish(self, summary: &str) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{:>12} {summary} ({:.1} s)", self.label, self.started.elapsed().as_secs_f64());
    }
}
