//! Memory of the machine and of this process: free memory, used memory, and the usage of a piece of work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sysinfo::{MemoryRefreshKind, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Time between two samples while work is measured; shorter passes are small ones.
const SAMPLE_EVERY: Duration = Duration::from_millis(2);

/// Largest sample of this process so far, bytes.
static HIGHEST_SAMPLE: AtomicU64 = AtomicU64::new(0);

/// Current resident memory of this process in bytes; `None` if the system does not report it.
pub fn now() -> Option<u64> {
    static SAMPLER: OnceLock<Mutex<Sampler>> = OnceLock::new();
    SAMPLER.get_or_init(|| Mutex::new(Sampler::new())).lock().sample()
}

/// Most resident memory this process has had so far, bytes: the kernel's own high-water mark on Linux, elsewhere the
/// highest of the samples taken so far.
pub fn peak() -> Option<u64> {
    let sampled = now().map(|_| HIGHEST_SAMPLE.load(Ordering::Relaxed));
    high_water_mark().or(sampled)
}

/// Memory available to programs without swapping, in bytes; `None` if the system does not report it.
pub fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
    Some(system.available_memory()).filter(|bytes| *bytes > 0)
}

/// Resident memory of this process around a piece of work, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Before it.
    pub before: u64,
    /// The most while it ran.
    pub highest: u64,
}

impl Usage {
    /// What the work needed on top, bytes.
    pub fn growth(self) -> u64 {
        self.highest.saturating_sub(self.before)
    }
}

/// Runs `work` and samples this process's memory meanwhile. Unlike the kernel's high-water mark, which never falls,
/// this measures the second piece of work in a process as well as the first. `None` if the system does not report it.
pub fn measure<T>(work: impl FnOnce() -> T) -> (T, Option<Usage>) {
    let mut sampler = Sampler::new();
    let Some(before) = sampler.sample() else { return (work(), None) };
    let highest = AtomicU64::new(before);
    let done = AtomicBool::new(false);
    let result = std::thread::scope(|scope| {
        let watch = || {
            while !done.load(Ordering::Relaxed) {
                if let Some(bytes) = sampler.sample() {
                    highest.fetch_max(bytes, Ordering::Relaxed);
                }
                std::thread::park_timeout(SAMPLE_EVERY);
            }
        };
        let watcher = std::thread::Builder::new().name("whence-memory".into()).spawn_scoped(scope, watch);
        if let Err(error) = &watcher {
            tracing::warn!("memory is not measured: {error}");
        }
        // A panic in the work must not leave the watcher running, for the scope waits for it.
        let _stop = StopOnDrop(&done);
        work()
    });
    let highest = highest.into_inner().max(now().unwrap_or(before));
    (result, Some(Usage { before, highest }))
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Reads this process's memory again and again.
struct Sampler {
    system: System,
    process: Pid,
}

impl Sampler {
    fn new() -> Self {
        Self { system: System::new(), process: Pid::from_u32(std::process::id()) }
    }

    fn sample(&mut self) -> Option<u64> {
        let kind = ProcessRefreshKind::nothing().with_memory().without_tasks();
        self.system.refresh_processes_specifics(ProcessesToUpdate::Some(&[self.process]), true, kind);
        let bytes = self.system.process(self.process)?.memory();
        HIGHEST_SAMPLE.fetch_max(bytes, Ordering::Relaxed);
        Some(bytes).filter(|bytes| *bytes > 0)
    }
}

/// `VmHWM` of /proc/self/status, which sysinfo does not give.
#[cfg(target_os = "linux")]
fn high_water_mark() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(not(target_os = "linux"))]
fn high_water_mark() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tests that allocate run sequentially, because each measures the memory of the entire process.
    static ALONE: Mutex<()> = Mutex::new(());

    /// Larger than the blocks that the C library's allocator retains for reuse.
    const SIZE: usize = 96 << 20;

    fn touch() -> u64 {
        let block = vec![1u8; SIZE];
        std::thread::sleep(Duration::from_millis(30));
        std::hint::black_box(&block).iter().step_by(4096).map(|b| u64::from(*b)).sum()
    }

    #[test]
    fn work_is_measured_as_large_the_second_time_as_the_first() {
        let _alone = ALONE.lock();
        for round in 0..3 {
            let (pages, usage) = measure(touch);
            assert_eq!(pages, (SIZE / 4096) as u64);
            let growth = usage.unwrap().growth() as f64 / SIZE as f64;
            // Other modules' tests run in this process at the same time, and their memory is sampled too.
            assert!((0.6..4.0).contains(&growth), "round {round}: {growth} of its size");
        }
    }

    #[test]
    fn the_figures_fit_each_other() {
        let _alone = ALONE.lock();
        let block = vec![1u8; SIZE];
        let used = now().unwrap();
        assert!(used > SIZE as u64, "{used}");
        assert_eq!(std::hint::black_box(&block).len(), SIZE);
        // The kernel counts lazily per thread, so its mark may lag a little behind a sample.
        assert!(peak().unwrap() + (8 << 20) >= used);
        assert!(available().unwrap() > 1 << 20);
    }

    #[test]
    fn a_panic_in_measured_work_passes_through() {
        let panic = std::panic::catch_unwind(|| measure(|| std::panic::resume_unwind(Box::new(7))).0);
        assert!(panic.is_err());
    }
}
