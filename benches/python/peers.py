"""Measures one work by one peer, and prints the figures as a line of JSON.

    peers.py dask|ray independent|map|chain|tree|latency-hot N
"""

import asyncio
import json
import signal
import sys
import time

# What every subject has.
THREADS = 2

# Seconds after which a measurement is given up.
MEASUREMENT_MAX = 120


def identity(x):
    return x


def increment(x):
    return x + 1


def add(a, b):
    return a + b


def percentile(values, percent):
    values = sorted(values)
    return values[(len(values) - 1) * percent // 100]


class Dask:
    """Dask's asynchronous client, with scheduler and worker in this process."""

    async def __aenter__(self):
        from distributed import Client

        self.client = await Client(
            asynchronous=True, processes=False, n_workers=1, threads_per_worker=THREADS, dashboard_address=None
        )
        return self

    async def __aexit__(self, *_):
        await self.client.close()

    def submit(self, function, *args):
        # A key that is not made from the arguments: the same work is done again.
        return self.client.submit(function, *args, pure=False)

    def map(self, function, items):
        return self.client.map(function, items, pure=False)

    async def gather(self, futures):
        return await self.client.gather(futures)


class Ray:
    """Ray on this machine, with as many processes as the others have threads."""

    async def __aenter__(self):
        import ray

        self.ray = ray
        ray.init(num_cpus=THREADS, include_dashboard=False, logging_level="error", log_to_driver=False)
        self.remote = {function: ray.remote(function) for function in (identity, increment, add)}
        return self

    async def __aexit__(self, *_):
        self.ray.shutdown()

    def submit(self, function, *args):
        return self.remote[function].remote(*args)

    def map(self, function, items):
        return [self.submit(function, item) for item in items]

    async def gather(self, futures):
        return self.ray.get(futures)


async def independent(peer, n):
    await peer.gather([peer.submit(identity, i) for i in range(n)])
    return n


async def mapped(peer, n):
    await peer.gather(peer.map(identity, range(n)))
    return n


async def chain(peer, n):
    last = peer.submit(identity, 0)
    for _ in range(1, n):
        last = peer.submit(increment, last)
    assert await peer.gather([last]) == [n - 1]
    return n


async def tree(peer, n):
    level = [peer.submit(identity, i) for i in range(n)]
    while len(level) > 1:
        level = [peer.submit(add, *level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    assert await peer.gather(level) == [n * (n - 1) // 2]
    return 2 * n - 1


async def latency(peer, n):
    nanoseconds = []
    for i in range(n):
        begun = time.perf_counter_ns()
        await peer.gather([peer.submit(identity, i)])
        nanoseconds.append(time.perf_counter_ns() - begun)
    return nanoseconds


async def timed(peer, work, n):
    await work(peer, max(n // 10, 2))
    begun, cpu_begun = time.perf_counter_ns(), time.process_time_ns()
    tasks = await work(peer, n)
    # Of Ray it is the CPU time of the driver only.
    wall, cpu = time.perf_counter_ns() - begun, time.process_time_ns() - cpu_begun
    return {"wall_ns": wall / tasks, "cpu_ns": cpu / tasks}


async def latencies(peer, n):
    await latency(peer, max(n // 10, 2))
    cpu_begun = time.process_time_ns()
    nanoseconds = await latency(peer, n)
    cpu = (time.process_time_ns() - cpu_begun) / n
    return {"p50_ns": percentile(nanoseconds, 50), "p99_ns": percentile(nanoseconds, 99), "cpu_ns": cpu}


async def main():
    name, scenario, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    works = {"independent": independent, "map": mapped, "chain": chain, "tree": tree}
    async with {"dask": Dask, "ray": Ray}[name]() as peer:
        if scenario == "latency-hot":
            figures = await latencies(peer, n)
        else:
            figures = await timed(peer, works[scenario], n)
    print(json.dumps({name: float(value) for name, value in figures.items()}))


signal.alarm(MEASUREMENT_MAX)
asyncio.run(main())
