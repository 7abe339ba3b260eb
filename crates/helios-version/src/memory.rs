//! How much memory the machine has.

/// Bytes of memory that this process may use, if the operating system tells: the machine's, or less where a
/// container's limit is lower.
pub(crate) fn physical() -> Option<u64> {
    let total = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = total.lines().find_map(|line| {
        let number = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        number.trim().parse::<u64>().ok()?.checked_mul(1024)
    })?;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    // "max" where there is none.
    let limit = limit.and_then(|limit| limit.trim().parse::<u64>().ok());
    Some(limit.map_or(total, |limit| limit.min(total)))
}
