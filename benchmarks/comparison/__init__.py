"""Parts of ``benchmarks/compare.py``: variants, training, results, costs and tables."""
