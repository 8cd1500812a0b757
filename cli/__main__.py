"""python -P -m exchange.cli: the command line, where the console script is not on the path."""

from . import main

main()
