"""A preload of a test's scheduler: evaluates what the test program asks, inside of the scheduler, which is `s`.

Each line that comes is a Python expression; the answer is one line of JSON. Asking takes no client, which would be seen.
"""

import asyncio
import json


async def answer(scheduler, reader, writer):
    while line := await reader.readline():
        try:
            said = json.dumps(eval(line, {"s": scheduler}), default=str)
        except Exception as error:
            said = f"error: {error!r}"
        writer.write(said.encode() + b"\n")
        await writer.drain()
    writer.close()


async def dask_setup(scheduler):
    server = await asyncio.start_server(lambda *ends: answer(scheduler, *ends), "127.0.0.1", 0)
    # It listens as long as somebody has it.
    scheduler.looked_at_by = server
    print("Answers at:", server.sockets[0].getsockname()[1], flush=True)
