"""Measures one work on arrays by dask.array, and prints the figures as a line of JSON.

    arrays.py dask-threads|dask array-mean|array-mean-tall|array-transposed|array-standardised|array-product N
"""

import asyncio
import json
import signal
import sys
import time

import dask
import dask.array as da

# What every subject has.
THREADS = 2

# Seconds after which a measurement is given up.
MEASUREMENT_MAX = 120

# As in the works of the others.
ARRAY_CHUNKS = 10
SQUARE_CHUNKS = 8
PRODUCT_CHUNKS = 4
RUNS_MIN = 5
RUNS_MAX = 200
ENOUGH_S = 0.5


def chunk(length, count):
    return -(-length // count)


def mean(rows, columns):
    return da.random.random((rows, columns), chunks=(rows, chunk(columns, ARRAY_CHUNKS))).mean()


def transposed(n):
    x = da.random.random((n, n), chunks=chunk(n, SQUARE_CHUNKS))
    return (x + x.T).sum(axis=0)


def standardised(rows, columns):
    x = da.random.random((rows, columns), chunks=(chunk(rows, ARRAY_CHUNKS), columns))
    return (x - x.mean(axis=0)) / x.std(axis=0)


def product(n):
    x = da.random.random((n, n), chunks=chunk(n, PRODUCT_CHUNKS))
    return x @ x


WORKS = {
    "array-mean": lambda n: mean(n, n),
    "array-mean-tall": lambda n: mean(10 * n, n),
    "array-transposed": transposed,
    "array-standardised": lambda n: standardised(40 * n, n),
    "array-product": product,
}


class Threads:
    """dask.array's own scheduler."""

    async def __aenter__(self):
        dask.config.set(scheduler="threads", num_workers=THREADS)
        return self

    async def __aexit__(self, *_):
        pass

    async def persist(self, x):
        return x.persist()

    async def compute(self, x):
        return x.compute()


class Cluster:
    """Dask's asynchronous client, with scheduler and worker in this process."""

    async def __aenter__(self):
        from distributed import Client

        self.client = await Client(
            asynchronous=True, processes=False, n_workers=1, threads_per_worker=THREADS, dashboard_address=None
        )
        return self

    async def __aexit__(self, *_):
        await self.client.close()

    async def persist(self, x):
        from distributed import wait

        x = self.client.persist(x)
        await wait(x)
        return x

    async def compute(self, x):
        return await self.client.compute(x)


async def main():
    subject, scenario, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
    async with {"dask-threads": Threads, "dask": Cluster}[subject]() as peer:
        work = peer.persist if scenario in ("array-standardised", "array-product") else peer.compute
        await work(WORKS[scenario](n))
        begun, runs = time.perf_counter(), []
        while len(runs) < RUNS_MIN or len(runs) < RUNS_MAX and time.perf_counter() - begun < ENOUGH_S:
            before = time.perf_counter(), time.process_time()
            await work(WORKS[scenario](n))
            runs.append((time.perf_counter() - before[0], time.process_time() - before[1]))
    wall, cpu = sorted(runs)[len(runs) // 2]
    print(json.dumps({"wall_us": wall * 1e6, "cpu_us": cpu * 1e6}))


signal.alarm(MEASUREMENT_MAX)
asyncio.run(main())
