//! A Python client on a cluster that has Rust workers, too: all of Dask goes on as if there were none.

use anydask::runtime::{Current, Runtime, Smol, Tokio};
use anydask::{Client, RunningWorker, Worker, task};

use crate::cluster::{Cluster, Version};
use crate::everywhere::on_each_version;
use crate::python_functions::LIMIT;

#[task]
fn square(x: i64) -> i64 {
    x * x
}

struct Mixed {
    client: Client<Smol>,
    workers: Vec<RunningWorker>,
    cluster: Cluster,
}

/// One Python worker and so many Rust workers.
fn mixed(version: Version, rust_workers: usize) -> Mixed {
    let mut cluster = Cluster::start(version);
    cluster.python_worker_with("python", |command| {
        command.args(["--nthreads", "2"]);
    });
    let workers = (0..rust_workers).map(|index| start::<Tokio>(&cluster, &format!("rust-{index}"))).collect();
    let client = Client::<Smol>::connect(cluster.address()).timeout(LIMIT).wait().unwrap();
    client.wait_for_workers(1 + rust_workers).timeout(LIMIT).wait().unwrap();
    Mixed { client, workers, cluster }
}

fn start<R: Current + Runtime>(cluster: &Cluster, name: &str) -> RunningWorker {
    Worker::<R>::connect(cluster.address()).threads(2).name(name).start().timeout(LIMIT).wait().unwrap()
}

impl Mixed {
    /// Runs a script with `client` and `rust`, the addresses of the Rust workers.
    fn run(&self, script: &str) -> String {
        let head = "
from distributed import Client, Future, wait, as_completed, fire_and_forget
import time
client = Client()
info = client.scheduler_info(n_workers=-1)
rust = [address for address, worker in info['workers'].items() if 'anydask' in worker['resources']]
python = [address for address in info['workers'] if address not in rust]
";
        self.cluster.run_python(&format!("{head}\n{script}\nclient.close()\n")).trim().to_owned()
    }
}

impl Drop for Mixed {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.cluster.assert_quiet(&[
                // What a restart says of every worker without a nanny, and of the heartbeat that was on its way.
                "do not use a nanny and will be terminated without restarting them",
                "Received heartbeat from unregistered worker",
            ]);
        }
    }
}

fn it_sees_the_rust_workers(version: Version) {
    let mixed = mixed(version, 1);
    let told = mixed.run(
        "
worker = info['workers'][rust[0]]
print(worker['name'], worker['nthreads'], worker['status'] if 'status' in worker else '', worker['resources'])
print(worker['memory_limit'] > 2**20, worker['metrics']['memory'] > 2**20, worker['pid'] > 0 if 'pid' in worker else True)
print(sorted(client.nthreads().values()), client.ncores(workers=rust[0]))
versions = client.get_versions()
print(sorted(versions['workers']) == sorted(info['workers']))
print(set(client.has_what()) == set(info['workers']), client.processing()[rust[0]])
",
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "rust-0 2 running {'anydask': 1}");
    assert_eq!(lines[1], "True True True");
    assert!(lines[2].starts_with("[2, 2]"), "{told}");
    assert_eq!(lines[3], "True");
    assert_eq!(lines[4], "True ()", "{told}");
}

fn it_reads_what_rust_tasks_gave_as_bytes_and_as_objects(version: Version) {
    let mixed = mixed(version, 1);
    let future = mixed.client.submit(square, 300);
    assert_eq!(future.timeout(LIMIT).wait().unwrap(), 90_000);
    // The mark, and postcard behind it: a number in variable length, zigzag.
    let told = mixed.run(&format!(
        "
value = client.submit(lambda data: data, Future('{}', client)).result(timeout=30)
assert value[:8] == b'\\xc1anydask', value
number, shift = 0, 0
for byte in value[8:]:
    number |= (byte & 0x7f) << shift
    shift += 7
print(type(value).__name__, (number >> 1) ^ -(number & 1))
",
        future.key()
    ));
    assert_eq!(told, "bytes 90000");
}

/// What a user of Dask does, and what comes out without any worker of ours.
const DASK: &str = "
import operator
import dask, dask.array, dask.bag

def slow(number):
    time.sleep(0.01)
    return number + 1

futures = client.map(slow, range(200))
assert sum(client.gather(futures)) == sum(range(201))
# A tree of reductions.
level = futures
while len(level) > 1:
    level = [client.submit(operator.add, *pair) if len(pair) == 2 else pair[0]
             for pair in (level[index:index + 2] for index in range(0, len(level), 2))]
assert level[0].result(timeout=60) == sum(range(201))

assert client.submit(slow, 1, pure=False).result(timeout=60) == 2
array = dask.array.arange(10_000, chunks=500).reshape(100, 100)
assert (array + array.T).sum().compute() == 2 * sum(range(10_000))
assert dask.bag.from_sequence(range(100), npartitions=10).map(slow).filter(lambda x: x % 2).count().compute() == 50
delayed = dask.delayed(sum)([dask.delayed(slow)(index) for index in range(20)])
assert delayed.compute() == sum(range(21))
persisted = client.persist(array)
assert (persisted == dask.array.arange(10_000, chunks=500).reshape(100, 100)).all().compute()
try:
    client.submit(operator.truediv, 1, 0).result(timeout=60)
except ZeroDivisionError:
    pass
done = [future.result() for future in as_completed(client.map(slow, range(1000, 1020)))]
assert sorted(done) == list(range(1001, 1021))
print('all of it')
";

fn tasks_and_collections_of_dask_go_on_beside_one_rust_worker(version: Version) {
    assert_eq!(mixed(version, 1).run(DASK), "all of it");
}

fn tasks_and_collections_of_dask_go_on_beside_two_rust_workers(version: Version) {
    assert_eq!(mixed(version, 2).run(DASK), "all of it");
}

fn tasks_of_both_languages_run_at_the_same_time(version: Version) {
    let mixed = mixed(version, 2);
    let script = mixed.cluster.start_python(
        "
from distributed import Client
import time
def slow(number):
    time.sleep(0.005)
    return number
with Client() as client:
    print('begins', flush=True)
    for turn in range(5):
        assert client.gather(client.map(slow, range(turn * 100, turn * 100 + 100))) == list(range(turn * 100, turn * 100 + 100))
    print('ends', flush=True)
",
    );
    script.wait_for_line("begins");
    for _ in 0..5 {
        let squares = mixed.client.map(square, 0..500);
        let expected: Vec<_> = (0..500).map(|x| x * x).collect();
        assert_eq!(mixed.client.gather(&squares).timeout(LIMIT).wait().unwrap(), expected);
    }
    script.wait_for_line("ends");
}

fn objects_of_python_are_kept_and_given_back_by_rust_workers(version: Version) {
    let told = mixed(version, 2).run(
        "
import functions, numpy
things = [functions.Account('Ada', 5), numpy.arange(5), {'a': [1, (2, {3})]}, lambda x: x + 1, b'\\xc1anydask']
futures = client.scatter(things, workers=rust[0], hash=False)
back = client.gather(futures)
print(back[0].told(), back[1].tolist(), back[2], back[3](1), back[4])
futures = client.scatter(things, broadcast=True, hash=False)
holders = client.who_has(futures)
print({len(workers) for workers in holders.values()})
for address in rust:
    [data] = [client.run_on_scheduler(lambda dask_scheduler, address=address: len(dask_scheduler.workers[address].has_what))]
    print(data)
print(client.submit(lambda account: account.told(), futures[0]).result(timeout=30))
big = client.scatter(b'x' * (70 << 20), workers=rust[1], hash=False)
print(len(client.gather(big)), client.submit(len, big).result(timeout=60))
",
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "Ada has 5 [0, 1, 2, 3, 4] {'a': [1, (2, {3})]} 2 b'\\xc1anydask'");
    assert_eq!(lines[1], "{3}");
    assert_eq!(lines[4], "Ada has 5", "{told}");
    assert_eq!(lines[5], "73400320 73400320");
}

fn data_is_replicated_rebalanced_and_moved_away(version: Version) {
    let told = mixed(version, 2).run(
        "
one = client.submit(bytes, 1000, pure=False)
wait(one)
client.replicate(one, workers=rust)
print(set(client.who_has(one)[one.key]) >= set(rust))
many = client.map(lambda index: bytes(100_000) + bytes([index]), range(50))
wait(many)
client.rebalance(many)
print(client.gather(many)[7][-1])
client.replicate(many, n=2)
print({len(workers) for workers in client.who_has(many).values()})
client.retire_workers([rust[0]])
end = time.monotonic() + 30
while rust[0] in client.scheduler_info(n_workers=-1)['workers'] and time.monotonic() < end:
    time.sleep(0.05)
print(rust[0] in client.scheduler_info(n_workers=-1)['workers'], client.gather(many)[8][-1])
",
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[..2], ["True", "7"]);
    assert_eq!(lines[2..], ["{2}", "False 8"], "{told}");
}

fn what_a_worker_is_asked_is_answered(version: Version) {
    let mixed = mixed(version, 1);
    let kept = mixed.client.submit(square, 3);
    kept.timeout(LIMIT).wait().unwrap();
    let told = mixed.run(
        "
def which():
    return 'python'
answers = client.run(which, on_error='return')
print(answers[python[0]], type(answers[rust[0]]).__name__, answers[rust[0]])
print(client.run(which, workers=python))
print(isinstance(client.profile(), dict), client.call_stack())
print(sorted(client.get_worker_logs()) == sorted(info['workers']), client.get_worker_logs(workers=rust))
client.get_scheduler_logs()
print(client.story('no-such-key'))
print(sorted(client.cluster.workers) if client.cluster else 'no cluster')
from distributed.diagnostics.plugin import WorkerPlugin
class Plugin(WorkerPlugin):
    pass
print(client.register_plugin(Plugin(), name='plugin')[rust[0]])
client.unregister_worker_plugin('plugin')
import tempfile, os
path = os.path.join(tempfile.mkdtemp(), 'dump')
client.dump_cluster_state(path, format='yaml')
print(os.path.getsize(path + '.yaml') > 1000)
print(client.amm.running())
client.get_task_stream()
client.get_metadata('x', default=None)
",
    );
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines[0], "python NotImplementedError a worker of anydask runs no Python, and so has no `run`");
    assert!(lines[1].contains("'python'"));
    assert!(lines[2].starts_with("True {"), "{told}");
    assert!(lines[3].starts_with("True "), "{told}");
    assert!(lines.contains(&"{'status': 'OK'}"), "{told}");
}

fn a_restart_leaves_a_cluster_that_works(version: Version) {
    let mut mixed = mixed(version, 1);
    let told = mixed.run(
        "
future = client.submit(sum, [1, 2])
future.result(timeout=30)
try:
    client.restart(timeout=20, wait_for_workers=False)
except TimeoutError as error:
    print('timeout', error)
end = time.monotonic() + 30
while client.scheduler_info(n_workers=-1)['workers'] and time.monotonic() < end:
    time.sleep(0.05)
print(future.status, len(client.scheduler_info(n_workers=-1)['workers']))
",
    );
    // Nobody restarts a worker without a nanny, of either language.
    assert_eq!(told, "cancelled 0");
    mixed.workers.clear();
    mixed.workers.push(start::<Smol>(&mixed.cluster, "rust-again"));
    assert_eq!(mixed.client.submit(square, 5).timeout(LIMIT).wait().unwrap(), 25);
}

on_each_version! {
    it_sees_the_rust_workers,
    it_reads_what_rust_tasks_gave_as_bytes_and_as_objects,
    tasks_and_collections_of_dask_go_on_beside_one_rust_worker,
    tasks_and_collections_of_dask_go_on_beside_two_rust_workers,
    tasks_of_both_languages_run_at_the_same_time,
    objects_of_python_are_kept_and_given_back_by_rust_workers,
    data_is_replicated_rebalanced_and_moved_away,
    what_a_worker_is_asked_is_answered,
    a_restart_leaves_a_cluster_that_works,
}
