//! The most memory of a GPU that is taken while a program runs, by what `nvidia-smi` sees: the same for us and for the peer, whose own
//! counts leave out different things.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Between two looks.
const EVERY_MS: &str = "50";

/// Looks at a GPU's memory until it is asked for the peak.
pub(super) struct Watch {
    child: Child,
    mebibytes: Receiver<f64>,
    /// Before the program starts.
    before: f64,
}

impl Watch {
    /// Starts looking; nothing where `nvidia-smi` is missing or does not tell.
    pub(super) fn start(gpu: usize) -> Option<Self> {
        let mut command = Command::new("nvidia-smi");
        command.args(["--query-gpu=memory.used", "--format=csv,noheader,nounits", "-lms", EVERY_MS]);
        command.arg(format!("--id={gpu}")).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().ok()?;
        let lines = BufReader::new(child.stdout.take()?).lines();
        let (send, mebibytes) = channel();
        // Ends with the program that it reads.
        std::thread::spawn(move || {
            for number in lines.map_while(Result::ok).filter_map(|line| line.trim().parse().ok()) {
                if send.send(number).is_err() {
                    break;
                }
            }
        });
        let first = mebibytes.recv_timeout(Duration::from_secs(10)).ok();
        let mut watch = Self { child, mebibytes, before: 0.0 };
        // Dropping it ends the program where that does not tell.
        watch.before = first?;
        Some(watch)
    }

    /// The most that was taken since the start, in MiB.
    pub(super) fn peak_mib(self) -> f64 {
        let most = self.mebibytes.try_iter().fold(self.before, f64::max);
        most - self.before
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
