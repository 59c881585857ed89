/// Environment variables that a process should be started with to train fast, and their values.
///
/// candle keeps threads of its own for sums of large tensors, which wait by spinning and so take a core from our kernels. And
/// a step allocates and frees the same hundreds of large tensors over and over: an allocator that gives their memory back to
/// the system each time has it cleared and mapped again, which costs a fifth of the step. glibc is told to keep it, and to
/// take all but the largest from the heap, where it fits new tensors into the gaps of old ones; other systems' allocators
/// differ, so that there a program does best with mimalloc, which has its own variable.
const VARIABLES: [(&str, &str); 4] = [
    ("CANDLE_NUM_THREADS", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "17179869184"),
    ("MIMALLOC_PURGE_DELAY", "10000"),
];

/// Replaces this process by the same program with the same arguments and an environment in which training is fast, unless
/// it is that already; variables that the user has set are left alone. To be called first thing in `main`: setting variables
/// inside a running process would be unsafe. Only on Unix; elsewhere nothing happens and training is somewhat slower.
pub fn tune_process() {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let missing = VARIABLES.iter().filter(|(name, _)| std::env::var_os(name).is_none());
        let missing: Vec<_> = missing.copied().collect();
        if !missing.is_empty()
            && let Ok(program) = std::env::current_exe()
        {
            let mut again = std::process::Command::new(program);
            again.args(std::env::args_os().skip(1)).envs(missing);
            // It returns only if it failed; then the work goes on here, somewhat slower.
            let _ = again.exec();
        }
    }
}
