//! The dashboard of the scheduler, while Rust workers work.

use std::collections::BTreeMap;
use std::time::Instant;

use anydask::runtime::{AsyncStd, Smol};
use anydask::{Client, Worker, task};

use crate::cluster::{Cluster, Version};
use crate::everywhere::on_each_version;
use crate::python_functions::LIMIT;

#[task]
fn make(index: u64) -> Vec<u8> {
    vec![index as u8; NBYTES]
}

#[task]
fn both(left: Vec<u8>, right: Vec<u8>) -> usize {
    std::thread::sleep(std::time::Duration::from_millis(20));
    left.len() + right.len()
}

/// Enough that the time of a transfer is measured.
const NBYTES: usize = 2_000_000;

/// Fetches everything that the dashboard has, opens sessions of its pages, and reads what is on them.
const LOOK: &str = r#"
import json, os, re, sys, time
from urllib.request import urlopen
from urllib.error import HTTPError
from bokeh.client import pull_session
from distributed import Client

client = Client()
base = client.dashboard_link.rsplit('/status', 1)[0]
workers = list(client.scheduler_info(n_workers=-1)['workers'])
names = [worker['name'] for worker in client.scheduler_info(n_workers=-1)['workers'].values()]
escaped = [address.replace('://', '%3A%2F%2F').replace(':', '%3A') for address in workers]
key = client.run_on_scheduler(lambda dask_scheduler: next(str(key) for key in dask_scheduler.tasks if str(key).startswith('make-')))

def fetch(path):
    with urlopen(base + path, timeout=20) as reply:
        return reply.read().decode()

pages = ['/status', '/workers', '/tasks', '/system', '/profile', '/profile-server', '/graph', '/groups', '/hardware',
         '/json/counts.json', '/json/identity.json', '/json/index.html', '/health', '/metrics',
         '/info/main/workers.html', '/info/main/logs.html', '/info/main/exceptions.html',
         '/info/call-stack/' + key + '.html', '/info/task/' + key + '.html', '/individual-plots.json']
pages += [f'/info/worker/{address}.html' for address in escaped]
pages += [f'/info/logs/{address}.html' for address in escaped]
pages += [f'/info/call-stacks/{address}.html' for address in escaped]
pages += json.loads(fetch('/individual-plots.json')).values()
texts = {}
for page in pages:
    try:
        texts[page] = fetch(page)
    except HTTPError as error:
        print('failed:', page, error.code)
print('pages', len(texts))
listed = texts['/info/main/workers.html']
print('workers listed', all(str(name) in listed for name in names))
print('counts', json.loads(texts['/json/counts.json'])['workers'])
# Without a package of prometheus, it says so.
print('metrics', len(texts['/metrics']) > 0)

def sources(path, until):
    session = pull_session(url=base + path)
    end = time.monotonic() + 30
    while True:
        session.force_roundtrip()
        found = {}
        from bokeh.models import ColumnDataSource
        for source in session.document.select({'type': ColumnDataSource}):
            for column, values in source.data.items():
                found.setdefault(column, []).extend(list(values))
        if until(found) or time.monotonic() > end:
            session.close()
            return found
        time.sleep(0.1)

shown = sources('/workers', lambda found: all(name in [str(n) for n in found.get('name', [])] for name in map(str, names)))
print('in the table', all(str(name) in [str(n) for n in shown.get('name', [])] for name in names))
print('memory', all(isinstance(value, (int, float)) for value in shown.get('memory', [])))
shown = sources('/status', lambda found: all(any(word in str(name) for name in found.get('name', []))
                                             for word in ('make', 'both', 'transfer')))
for word, what in [('make', 'tasks'), ('both', 'dependents'), ('transfer', 'transfers')]:
    print(what, 'streamed', any(word in str(name) for name in shown.get('name', [])))
# All but a page without a session.
plots = sorted(path for path in set(json.loads(texts['/individual-plots.json']).values()) if not path.startswith('/statics'))
for number, path in enumerate(plots):
    session = pull_session(url=base + path)
    session.force_roundtrip()
    session.close()
    if number == len(plots) // 2:
        print('half of the plots')
print('all plots')
client.close()
"#;

fn its_pages_show_rust_workers_without_an_error(version: Version) {
    let mut cluster = Cluster::start_with_dashboard(version);
    cluster.python_worker("python");
    let address = cluster.address().to_owned();
    let first = Worker::<Smol>::connect(&address).threads(1).name("rust-a").start().timeout(LIMIT).wait().unwrap();
    let second = Worker::<AsyncStd>::connect(&address).threads(1).name("rust-b").start().timeout(LIMIT).wait().unwrap();
    let client = Client::<Smol>::connect(&address).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(3).timeout(LIMIT).wait().unwrap();
    // The script looks at one of these, which stay.
    let kept = client.map(make, 0..8);
    client.wait(&kept).timeout(LIMIT).wait().unwrap();
    let script = cluster.start_python(LOOK);
    // Work goes on for as long as it looks, each time with data that has to go from one worker to the other.
    let deadline = Instant::now() + 2 * LIMIT;
    while script.lines_with(&["transfers streamed"]).is_empty() {
        assert!(Instant::now() < deadline, "{}", script.tail());
        let made = client.map(make, 0..8);
        let pairs = (0..8).map(|index| client.submit(both, (&made[index], &made[(index + 1) % 8])));
        let pairs: Vec<_> = pairs.collect();
        let lengths = client.gather(&pairs).timeout(LIMIT).wait().unwrap();
        assert!(lengths.iter().all(|length| *length == 2 * NBYTES));
    }
    for step in ["half of the plots", "all plots"] {
        script.wait_for_line(step);
    }
    let told = script.lines_with(&[""]);
    let told: BTreeMap<_, _> = told.iter().filter_map(|line| line.rsplit_once(' ')).collect();
    for what in [
        "workers listed",
        "metrics",
        "in the table",
        "memory",
        "tasks streamed",
        "dependents streamed",
        "transfers streamed",
    ] {
        assert_eq!(told.get(what), Some(&"True"), "{what}: {told:#?}");
    }
    assert_eq!(told["counts"], "3");
    assert!(!told.keys().any(|key| key.starts_with("failed")), "{told:#?}");
    cluster.assert_quiet(&[]);
    first.leave().timeout(LIMIT).wait().unwrap();
    second.leave().timeout(LIMIT).wait().unwrap();
}

fn heartbeats_tell_what_is_true(version: Version) {
    let mut cluster = Cluster::start(version);
    cluster.python_worker("python");
    let address = cluster.address().to_owned();
    let first = Worker::<Smol>::connect(&address).threads(1).name("rust-a").start().timeout(LIMIT).wait().unwrap();
    let second = Worker::<Smol>::connect(&address).threads(1).name("rust-b").start().timeout(LIMIT).wait().unwrap();
    let client = Client::<Smol>::connect(&address).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(3).timeout(LIMIT).wait().unwrap();
    let made = client.map(make, 0..8);
    client.wait(&made).timeout(LIMIT).wait().unwrap();
    let pairs: Vec<_> = (0..8).map(|index| client.submit(both, (&made[index], &made[(index + 1) % 8]))).collect();
    client.gather(&pairs).timeout(LIMIT).wait().unwrap();
    let told = cluster.run_python(
        "
import time
from distributed import Client
client = Client()
def rust():
    workers = client.scheduler_info(n_workers=-1)['workers'].values()
    return [worker['metrics'] for worker in workers if 'anydask' in worker['resources']]
end = time.monotonic() + 20
while time.monotonic() < end:
    metrics = rust()
    moved = sum(m['transfer']['incoming_count_total'] for m in metrics)
    if moved and sum(m['transfer']['outgoing_count_total'] for m in metrics) and sum(m['managed_bytes'] for m in metrics) >= 16_000_000 and any(m['cpu'] for m in metrics) and all(m['transfer']['outgoing_count'] == 0 for m in metrics):
        break
    time.sleep(0.1)
print('moved', moved > 0, sum(m['transfer']['outgoing_count_total'] for m in metrics) > 0)
print('idle', all(m['transfer'][n] == 0 for m in metrics for n in ('incoming_bytes', 'incoming_count', 'outgoing_bytes', 'outgoing_count')))
print('managed', sum(m['managed_bytes'] for m in metrics) >= 16_000_000)
print('memory', all(16_000_000 < m['memory'] < 2**34 for m in metrics))
print('cpu', any(m['cpu'] > 0 for m in metrics), all(m['cpu'] < 6400 for m in metrics))
print('fds', all(m['num_fds'] > 5 for m in metrics))
print('net', any(m['host_net_io']['read_bps'] > 0 for m in metrics))
print('bandwidth', all(m['bandwidth']['total'] > 0 for m in metrics), any(m['bandwidth']['total'] != 100e6 for m in metrics))
print('loop', all(0 <= m['event_loop_interval'] < 5 for m in metrics))
client.close()
",
    );
    for what in [
        "moved True True",
        "idle True",
        "managed True",
        "memory True",
        "cpu True True",
        "fds True",
        "net True",
        "bandwidth True True",
        "loop True",
    ] {
        assert!(told.contains(what), "{what}\n{told}");
    }
    cluster.assert_quiet(&[]);
    drop((first, second));
}

on_each_version! {
    its_pages_show_rust_workers_without_an_error,
    heartbeats_tell_what_is_true,
}
