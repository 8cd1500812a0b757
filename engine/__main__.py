"""python -P -m exchange.engine --data DIR: a worker that matches its share of the shards. Any number of them may run."""

from exchange.worker import run

from .worker import main

run("engine", main)
