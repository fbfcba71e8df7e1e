"""Measures one work by Dask's own client and workers, on a scheduler that runs, and prints the figures as a line of JSON.

    cluster.py cluster-tasks|cluster-latency|cluster-latency-cold|cluster-transfer|cluster-gather N
"""

import asyncio
import functools
import json
import os
import signal
import subprocess
import sys
import time

import numpy
from distributed import Client, wait

# What every subject has.
THREADS = 2

# Seconds after which a measurement is given up.
MEASUREMENT_MAX = 120

ADDRESS = os.environ["DASK_SCHEDULER_ADDRESS"]
SCHEDULER_PID = int(os.environ["ANYDASK_SCHEDULER_PID"])
BLOCK_NBYTES = 64 << 20
WARM_UP = 500
PAUSE = 0.02


def identity(x):
    return x


def make_block(nbytes):
    import numpy

    return numpy.ones(nbytes // 8)


def cpu_time_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    def __init__(self, count):
        self.count = count

    async def __aenter__(self):
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", ADDRESS, "--nthreads", str(THREADS)]
        worker += ["--no-nanny", "--no-dashboard", "--host", "127.0.0.1", "--memory-limit", "0"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.names = [f"python-{os.getpid()}-{number}" for number in range(self.count)]
        self.processes = [subprocess.Popen([*worker, "--name", name], **quiet) for name in self.names]
        self.client = await Client(ADDRESS, asynchronous=True)
        await self.client.wait_for_workers(self.count)
        return self

    async def __aexit__(self, *_):
        await self.client.close()
        for process in self.processes:
            process.terminate()
            process.wait()

    async def timed(self, work):
        """Wall time and the CPU times of client, workers and scheduler, in seconds."""

        def now():
            workers = sum(cpu_time_of(process.pid) for process in self.processes)
            return time.perf_counter(), time.process_time(), workers, cpu_time_of(SCHEDULER_PID)

        begun = now()
        result = await work
        times = [end - begin for begin, end in zip(begun, now())]
        return dict(zip(("wall", "cpu", "worker_cpu", "scheduler_cpu"), times)), result


def in_unit(times, unit, per_second, n=1):
    return {f"{name}_{unit}": seconds * per_second / n for name, seconds in times.items()}


async def tasks(n):
    async def run(n):
        futures = cluster.client.map(identity, range(n), pure=False)
        await wait(futures)
        return futures

    async with Cluster(1) as cluster:
        await run(WARM_UP)
        times, futures = await cluster.timed(run(n))
        assert await futures[-1] == n - 1
    return in_unit(times, "ns", 1e9, n) | {"wall_per_scheduler_cpu": times["wall"] / times["scheduler_cpu"]}


async def latency(n, pause=0):
    seconds = []
    async with Cluster(1) as cluster:
        for number in range(n + n // 10):
            await asyncio.sleep(pause)
            begun = time.perf_counter()
            assert await cluster.client.submit(identity, number, pure=False) == number
            seconds.append(time.perf_counter() - begun)
    counted = sorted(seconds[n // 10 :])
    return {f"p{percent}_ns": counted[(n - 1) * percent // 100] * 1e9 for percent in (50, 99)}


async def transfer(n):
    async def move_all(cluster, nbytes):
        count = -(-nbytes // BLOCK_NBYTES)
        source, target = cluster.names
        submit = cluster.client.submit
        blocks = [submit(make_block, nbytes // count, workers=[source], pure=False) for _ in range(count)]
        await wait(blocks)

        async def take():
            taken = [submit(len, block, workers=[target], pure=False) for block in blocks]
            assert sum(await cluster.client.gather(taken)) == nbytes // 8

        times, _ = await cluster.timed(take())
        return in_unit(times, "ms", 1e3)

    async with Cluster(2) as cluster:
        await move_all(cluster, 1 << 20)
        return await move_all(cluster, n)


async def gather(n):
    async def fetch(cluster, nbytes):
        block = cluster.client.submit(make_block, nbytes, pure=False)
        await wait(block)

        async def take():
            assert len(await block) == nbytes // 8

        times, _ = await cluster.timed(take())
        return in_unit(times, "ms", 1e3)

    async with Cluster(1) as cluster:
        await fetch(cluster, 1 << 20)
        runs = [await fetch(cluster, n) for _ in range(5)]
    return sorted(runs, key=lambda run: run["wall_ms"])[2]


async def main():
    cold = functools.partial(latency, pause=PAUSE)
    works = {"tasks": tasks, "latency": latency, "latency-cold": cold, "transfer": transfer, "gather": gather}
    figures = await works[sys.argv[1].removeprefix("cluster-")](int(sys.argv[2]))
    print(json.dumps({name: float(value) for name, value in figures.items()}))


signal.alarm(MEASUREMENT_MAX)
asyncio.run(main())
