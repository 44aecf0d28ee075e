"""Benchmarks: this engine against what people use or would write instead, side by side, in one run."""
