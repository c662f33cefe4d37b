"""Parts of ``benchmarks/compare.py``: variants, training, scores, costs and tables."""
