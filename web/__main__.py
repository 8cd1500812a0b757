"""python -P -m exchange.web --data DIR [--host ADDRESS] [--port PORT] [--tls CERT KEY]: the web worker."""

import argparse

from exchange.worker import run

from .worker import main

parser = argparse.ArgumentParser(prog="python -P -m exchange.web", description="Hands out the page.")
parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
parser.add_argument("--port", type=int, default=8080, help="port to listen on; 0 for any (default: %(default)s)")
parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"), help="listen with TLS; files in PEM format")
run("web", main, parser=parser)
