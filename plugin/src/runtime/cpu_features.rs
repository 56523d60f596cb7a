//! What the CPU can do, as far as the choice of a precision and a thread count depends on it.

use std::num::NonZeroUsize;

/// The name of the instructions with which this CPU computes in bf16, if it has any.
pub fn bf16() -> Option<&'static str> {
    // The kernel lists only what it lets programs use, which cpuid alone does not tell.
    bf16_of(&std::fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// Threads for one inference: one a physical core, since two on a core share its vector units,
/// and no more than the process may use (affinity, control groups).
pub fn threads() -> usize {
    num_cpus::get_physical().clamp(1, usable_cpus())
}

/// The processors that the process may use.
pub fn usable_cpus() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// What the kernel calls the CPU, with its instructions: what a choice by speed depends on.
pub fn name() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let first = cpuinfo.split("\n\n").next().unwrap_or_default();
    let tells = |line: &&str| {
        // x86 and Arm; what else there is changes from moment to moment.
        let keys = ["model name", "flags", "CPU part", "CPU variant", "Features"];
        keys.iter().any(|key| line.starts_with(key))
    };
    first.lines().filter(tells).collect::<Vec<_>>().join("\n")
}

fn bf16_of(cpuinfo: &str) -> Option<&'static str> {
    let flags = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("flags")?.split_once(':'))?
        .1;
    let has = |flag| flags.split_whitespace().any(|f| f == flag);
    if has("amx_bf16") {
        Some("AMX-BF16")
    } else if has("avx512_bf16") {
        Some("AVX512-BF16")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_is_read_from_the_flags() {
        let cpu =
            |flags: &str| format!("processor\t: 0\nflags\t\t: fpu {flags} sse\nbugs\t: none\n");
        assert_eq!(bf16_of(&cpu("avx512_bf16 amx_bf16")), Some("AMX-BF16"));
        assert_eq!(bf16_of(&cpu("avx512_bf16")), Some("AVX512-BF16"));
        assert_eq!(bf16_of(&cpu("avx512f")), None);
        assert_eq!(bf16_of("Features : bf16"), None);
    }

    #[test]
    fn there_is_at_least_one_thread() {
        assert!(threads() >= 1);
    }
}
