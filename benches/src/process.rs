//! What the operating system says about this process.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The CPU time of all threads, ended ones too.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// The CPU time of another process, in steps of 10 ms; zero where there is no `/proc`.
pub(crate) fn cpu_time_of(pid: u32) -> Duration {
    // What the kernel counts in, on every Linux.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program comes before, and may hold anything.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Duration::from_secs_f64(ticks / TICKS_PER_SECOND)
}

/// The memory of this process that is resident; NaN where there is no `/proc`.
pub(crate) fn resident_nbytes() -> f64 {
    1024.0 * status("/proc/self/status", &["VmRSS"])
}

/// The most memory of this process that has been resident; NaN where there is no `/proc`.
pub(crate) fn resident_nbytes_max() -> f64 {
    1024.0 * status("/proc/self/status", &["VmHWM"])
}

/// How often the threads that there are now have been taken off a core; NaN where there is no `/proc`.
pub(crate) fn context_switches() -> f64 {
    let Ok(threads) = fs::read_dir("/proc/self/task") else { return f64::NAN };
    threads
        .flatten()
        .filter_map(|thread| thread.path().join("status").into_os_string().into_string().ok())
        .map(|path| status(&path, &["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"]))
        .sum()
}

/// The sum of the numbers of some lines of a status file.
fn status(path: &str, names: &[&str]) -> f64 {
    let Ok(text) = fs::read_to_string(path) else { return f64::NAN };
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| names.contains(name))
        .filter_map(|(_, value)| value.split_whitespace().next()?.parse::<f64>().ok())
        .sum()
}
