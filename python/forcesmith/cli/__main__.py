"""python -m forcesmith.cli is the command forcesmith."""

from forcesmith.cli.app import main

main()
