//! Threads over a list of images, no more than fit the memory. They are not rayon's: a rayon worker that waits for a part of
//! one image may be handed the next image, and then holds both.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that the threads may take together.
const MEMORY_BYTES: usize = 700 << 20;
/// Memory that one pixel of a file takes while it is prepared: its bytes, its stored and display values, masks and copies.
const BYTES_PER_PX: usize = 24;

/// As many threads as there are cores, but no more than fit the memory when each has the largest image.
pub(crate) fn threads(sizes_px: impl Iterator<Item = (usize, usize)>) -> usize {
    let largest = sizes_px.map(|(width, height)| width * height * BYTES_PER_PX).max().unwrap_or(1);
    (MEMORY_BYTES / largest.max(1)).clamp(1, rayon::current_num_threads())
}

/// Calls `work` with every index below `count`, on so many threads, in no order; ends early where it returns false.
pub(crate) fn run(count: usize, threads: usize, work: impl Fn(usize) -> bool + Sync) {
    let next = AtomicUsize::new(0);
    let worker = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            if !work(index) {
                next.store(count, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(worker);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn every_index_is_worked_on_once_and_an_end_is_an_end() {
        let seen = Mutex::new(Vec::new());
        run(100, 3, |i| {
            seen.lock().unwrap().push(i);
            true
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        let count = AtomicUsize::new(0);
        run(100, 1, |i| {
            count.fetch_add(1, Ordering::Relaxed);
            i < 4
        });
        assert_eq!(count.into_inner(), 5);
    }

    #[test]
    fn large_images_take_fewer_threads() {
        assert_eq!(threads([(10_000, 10_000)].into_iter()), 1);
        assert!(threads([(64, 64)].into_iter()) >= 1);
    }
}
