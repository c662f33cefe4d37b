"""Parts of benchmarks/measure.py."""
