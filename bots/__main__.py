"""python -P -m exchange.bots --data DIR: the bots worker."""

from exchange.worker import run

from .worker import main, parser

run("bots", main, user="bots", parser=parser())
