//! What a worker tells of itself: when it registers, and with each heartbeat.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant as StdInstant;

use sysinfo::{Networks, Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::engine::dask::wire::{TaskKey, Value};
use crate::engine::dask::worker::ending::unix_time;
use crate::engine::dask::worker::ops::ANYDASK;
use crate::engine::dask::worker::state::{Metrics, Status};

/// How a worker is known.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) address: String,
    pub(super) name: String,
    pub(super) nthreads: usize,
    pub(super) resources: BTreeMap<String, f64>,
    pub(super) memory_limit: u64,
    /// Unique for each start of a worker.
    pub(super) server_id: String,
}

impl Identity {
    /// `register-worker`. Each field is needed. With a reply, so that an error of the scheduler's is heard.
    pub(super) fn register(&self, versions: Value, vitals: Vitals) -> Value {
        let resources = self.resources.iter().map(|(name, amount)| (name.as_str(), Value::from(*amount)));
        let local_directory = std::env::temp_dir().to_string_lossy().into_owned();
        Value::map([
            ("op", "register-worker".into()),
            ("reply", true.into()),
            ("address", self.address.as_str().into()),
            ("status", "running".into()),
            ("nthreads", Value::from(self.nthreads as u64)),
            ("name", self.name.as_str().into()),
            ("now", unix_time().into()),
            ("resources", Value::map([(ANYDASK, Value::Int(1))].into_iter().chain(resources))),
            ("memory_limit", self.memory_limit.into()),
            ("local_directory", local_directory.into()),
            ("services", Value::map([])),
            ("nanny", Value::Nil),
            ("pid", Value::from(u64::from(std::process::id()))),
            ("versions", versions),
            ("metrics", vitals.metrics(&Metrics::default())),
            ("extra", Value::map([])),
            ("stimulus_id", "worker-connect-anydask".into()),
            ("server_id", self.server_id.as_str().into()),
        ])
    }

    pub(super) fn heartbeat(&self, vitals: Vitals, metrics: &Metrics, executing: &[(TaskKey, f64)]) -> Value {
        let executing = executing.iter().map(|(key, seconds)| (key.to_value(), Value::from(*seconds))).collect();
        Value::map([
            ("op", "heartbeat_worker".into()),
            ("reply", true.into()),
            ("address", self.address.as_str().into()),
            ("now", unix_time().into()),
            ("metrics", vitals.metrics(metrics)),
            ("executing", Value::Map(executing)),
            ("extensions", Value::map([])),
        ])
    }

    /// `identity`, for whoever asks the worker itself.
    pub(super) fn describe(&self, status: Status) -> Value {
        Value::map([
            ("type", "Worker".into()),
            ("id", self.name.as_str().into()),
            ("name", self.name.as_str().into()),
            ("address", self.address.as_str().into()),
            ("status", status.word().into()),
            ("nthreads", Value::from(self.nthreads as u64)),
            ("memory_limit", self.memory_limit.into()),
        ])
    }
}

/// How a worker's process is doing.
#[derive(Clone, Debug)]
pub(super) struct Vitals {
    /// What the process holds of the machine's memory, in bytes.
    pub(super) memory: u64,
    /// In percent of one core.
    cpu: f64,
    num_fds: u64,
    /// Of the machine, in bytes a second.
    net_read: f64,
    net_written: f64,
    /// Of the process, in bytes a second.
    disk_read: f64,
    disk_written: f64,
    /// Data for others: the bytes and the answers that are under way, and all answers so far.
    pub(super) outgoing: (u64, u64, u64),
    /// See `Bandwidth::report`.
    pub(super) bandwidth: Value,
    /// How late the runtime's last timer was, in seconds.
    pub(super) lateness: f64,
}

impl Vitals {
    /// The `metrics` of a worker. The scheduler breaks on some that are missing, and its dashboard on others.
    fn metrics(self, metrics: &Metrics) -> Value {
        let (outgoing_bytes, outgoing_count, outgoing_count_total) = self.outgoing;
        let task_counts = metrics.task_counts.iter().map(|(word, count)| (*word, Value::from(*count as u64)));
        Value::map([
            ("task_counts", Value::map(task_counts)),
            ("bandwidth", self.bandwidth),
            ("digests_total_since_heartbeat", Value::map([])),
            ("managed_bytes", metrics.nbytes.into()),
            ("spilled_bytes", Value::map([("memory", Value::Int(0)), ("disk", Value::Int(0))])),
            (
                "transfer",
                Value::map([
                    ("incoming_bytes", metrics.incoming_bytes.into()),
                    ("incoming_count", Value::from(metrics.incoming_count as u64)),
                    ("incoming_count_total", metrics.incoming_count_total.into()),
                    ("outgoing_bytes", outgoing_bytes.into()),
                    ("outgoing_count", outgoing_count.into()),
                    ("outgoing_count_total", outgoing_count_total.into()),
                ]),
            ),
            ("event_loop_interval", self.lateness.into()),
            ("cpu", self.cpu.into()),
            ("memory", self.memory.into()),
            ("time", unix_time().into()),
            ("host_net_io", Value::map([("read_bps", self.net_read.into()), ("write_bps", self.net_written.into())])),
            (
                "host_disk_io",
                Value::map([("read_bps", self.disk_read.into()), ("write_bps", self.disk_written.into())]),
            ),
            ("num_fds", self.num_fds.into()),
        ])
    }
}

/// Reads how the process is doing.
pub(super) struct Gauge(Mutex<Reading>);

struct Reading {
    system: System,
    networks: Networks,
    looked_at: StdInstant,
}

impl Gauge {
    pub(super) fn new() -> Self {
        let reading = Reading {
            system: System::new(),
            networks: Networks::new_with_refreshed_list(),
            looked_at: StdInstant::now(),
        };
        Self(Mutex::new(reading))
    }

    /// What the machine has, in bytes.
    pub(super) fn memory_total(&self) -> u64 {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.system.refresh_memory();
        reading.system.total_memory()
    }

    /// Takes some ten microseconds: it reads what the system tells of the process.
    pub(super) fn read(&self) -> Vitals {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Reading { system, networks, looked_at } = &mut *reading;
        let interval = looked_at.elapsed().as_secs_f64().max(1e-3);
        *looked_at = StdInstant::now();
        let pid = Pid::from_u32(std::process::id());
        let kind = ProcessRefreshKind::nothing().with_cpu().with_memory().with_disk_usage();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
        networks.refresh(false);
        let rate = |nbytes: u64| nbytes as f64 / interval;
        let net = |count: fn(&sysinfo::NetworkData) -> u64| networks.values().map(count).sum::<u64>();
        let process = system.process(pid);
        let disk = process.map(Process::disk_usage).unwrap_or_default();
        Vitals {
            memory: process.map(Process::memory).unwrap_or_default(),
            cpu: process.map(Process::cpu_usage).unwrap_or_default().into(),
            num_fds: process.and_then(Process::open_files).unwrap_or_default() as u64,
            net_read: rate(net(sysinfo::NetworkData::received)),
            net_written: rate(net(sysinfo::NetworkData::transmitted)),
            disk_read: rate(disk.read_bytes),
            disk_written: rate(disk.written_bytes),
            outgoing: (0, 0, 0),
            bandwidth: Value::map([]),
            lateness: 0.0,
        }
    }
}
