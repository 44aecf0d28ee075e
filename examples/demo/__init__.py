"""The demo: a whole contact centre on this machine for a minute. `python -m examples.demo`, or `make demo`."""
