"""Examples: `embed.py`, the demo (`python -m examples.demo`), and how to connect an Asterisk (`asterisk/`)."""
