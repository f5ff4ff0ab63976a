//! The machine's memory: what this program has used at most, and what is free.

/// Most memory this process has had at a time, bytes; known on Linux.
pub fn peak() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// Memory this process has now, bytes; known on Linux.
pub fn now() -> Option<u64> {
    field("/proc/self/status", "VmRSS:")
}

/// Memory that programs can still get without others being pushed out, bytes; known on Linux.
pub fn available() -> Option<u64> {
    field("/proc/meminfo", "MemAvailable:")
}

/// A field of one of the kernel's lists, which are in KiB.
fn field(path: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_peak_grows_with_what_is_used() {
        let before = peak().unwrap();
        let block = vec![1u8; 64 << 20];
        assert!(block.iter().map(|b| u64::from(*b)).sum::<u64>() == 64 << 20);
        assert!(peak().unwrap() >= before && peak().unwrap() > 64 << 20);
        assert!(now().unwrap() <= peak().unwrap());
        assert!(available().unwrap() > 1 << 20);
    }
}
