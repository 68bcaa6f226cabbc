"""``python -m chocofactory`` is the command line."""

from chocofactory.cli import main

main()
