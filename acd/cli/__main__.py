"""`python -m acd.cli` does what `acd` does."""

from acd.cli import main

main()
