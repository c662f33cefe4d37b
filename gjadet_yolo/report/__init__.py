"""What a reader gets: tables, exchange formats, annotated film and a page, made of results and of nothing else."""
