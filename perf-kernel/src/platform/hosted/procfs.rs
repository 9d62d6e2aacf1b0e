//! Numbers out of the text of procfs (proc(5)). A field that is not there is absent.

use std::string::String;

/// Nanoseconds in a tick of /proc/stat: USER_HZ is 100 on this architecture.
const NS_PER_TICK: u64 = 10_000_000;
/// Where the stolen time stands behind the name of a CPU in /proc/stat.
const STEAL_FIELD: usize = 7;

/// The whole of a file of procfs.
pub(super) fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The number behind `key` in lines like `MemTotal:  16318480 kB`.
pub(super) fn field(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The microcode revision in /proc/cpuinfo.
pub(super) fn microcode(cpuinfo: &str) -> Option<u32> {
    let line = cpuinfo.lines().find(|line| line.starts_with("microcode"))?;
    let digits = line.split(':').nth(1)?.trim().strip_prefix("0x")?;
    u32::from_str_radix(digits, 16).ok()
}

/// Nanoseconds stolen from `cpu`, out of /proc/stat.
pub(super) fn steal_ns(stat: &str, cpu: usize) -> Option<u64> {
    let name = std::format!("cpu{cpu}");
    let line = stat.lines().find(|line| line.split_whitespace().next() == Some(name.as_str()))?;
    let ticks: u64 = line.split_whitespace().nth(1 + STEAL_FIELD)?.parse().ok()?;
    ticks.checked_mul(NS_PER_TICK)
}

/// Interrupts that `cpu` has taken, out of /proc/interrupts: the sum of its column.
pub(super) fn interrupts(text: &str, cpu: usize) -> Option<u64> {
    let mut lines = text.lines();
    let name = std::format!("CPU{cpu}");
    let column = lines.next()?.split_whitespace().position(|heading| heading == name)?;
    let count = |line: &str| line.split_whitespace().nth(column + 1)?.parse::<u64>().ok();
    Some(lines.filter_map(count).fold(0, u64::saturating_add))
}

/// How often a thread has been given a CPU, out of its schedstat: the third number.
pub(super) fn time_slices(schedstat: &[u8]) -> Option<u64> {
    let text = core::str::from_utf8(schedstat).ok()?;
    text.split_ascii_whitespace().nth(2)?.parse().ok()
}

/// Bytes that a thread has read from and written to devices, out of its io.
pub(super) fn io_bytes(io: &str) -> Option<u64> {
    field(io, "read_bytes")?.checked_add(field(io, "write_bytes")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_key() {
        let text = "MemTotalX: 5 kB\nMemTotal:       16318480 kB\nMemFree: x kB\n";
        assert_eq!(field(text, "MemTotal"), Some(16_318_480));
        assert_eq!(field(text, "MemFree"), None);
        assert_eq!(field(text, "Swap"), None);
    }

    #[test]
    fn stolen_time_is_that_of_the_cpu() {
        let stat = "cpu  1 2 3 4 5 6 7 800 0 0\ncpu1 1 2 3 4 5 6 7 8 0 0\ncpu11 1 2 3 4 5 6 7 9 0 0\n";
        assert_eq!(steal_ns(stat, 1), Some(80_000_000));
        assert_eq!(steal_ns(stat, 11), Some(90_000_000));
        assert_eq!(steal_ns(stat, 2), None);
        assert_eq!(steal_ns("cpu0 1 2", 0), None);
    }

    #[test]
    fn interrupts_are_summed_by_column() {
        let text = "           CPU0       CPU3\n 24:          1          5  IO-APIC   5-edge   ACPI:Ged\n\
                    LOC:         10         20   Local timer interrupts\nERR:          0\n";
        assert_eq!(interrupts(text, 0), Some(11));
        assert_eq!(interrupts(text, 3), Some(25));
        assert_eq!(interrupts(text, 1), None);
        assert_eq!(interrupts("", 0), None);
    }

    #[test]
    fn the_rest_is_read_or_absent() {
        assert_eq!(microcode("processor\t: 0\nmicrocode\t: 0xa0011d5\n"), Some(0x0a00_11d5));
        assert_eq!(microcode("processor\t: 0\n"), None);
        assert_eq!(time_slices(b"81234 9912 17\n"), Some(17));
        assert_eq!(time_slices(b"\xff"), None);
        assert_eq!(io_bytes("rchar: 1\nread_bytes: 4096\nwrite_bytes: 512\n"), Some(4608));
    }
}
