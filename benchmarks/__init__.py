"""Measurements: `python -m benchmarks.NAME` writes `benchmarks/results/NAME.json` and prints the same as a table."""
