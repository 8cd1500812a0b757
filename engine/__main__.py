"""python -P -m exchange.engine --data DIR --shard N: the worker that matches one shard."""

import argparse

from exchange.worker import Worker, run

from .stage import EngineStage


async def main(worker: Worker) -> None:
    """Recover, follow and lead until the worker is asked to stop."""
    loop = await worker.stage_loop(EngineStage(worker.arguments.shard))
    await loop.run(worker.stopping)


arguments = argparse.ArgumentParser(prog="python -P -m exchange.engine")
arguments.add_argument("--shard", type=int, required=True, choices=range(1, 65), metavar="N", help="1 to 64")
run("engine", main, parser=arguments)
