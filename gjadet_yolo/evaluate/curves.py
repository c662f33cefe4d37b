"""Curves over the epochs of a training, read from the host's ``results.csv``."""

from __future__ import annotations

import csv
from pathlib import Path

# Columns of `results.csv` that hold the ratio of positive to negative gradient of a class.
RATIO_PREFIX = "ratio/"


def read_class_ratios(results_csv: Path) -> tuple[list[int], dict[str, list[float]]]:
    """Epoch numbers and ratios by class name; no ratios for losses without statistics."""
    with results_csv.open(newline="", encoding="utf-8") as file:
        rows = [{key.strip(): value for key, value in row.items() if key} for row in csv.DictReader(file)]
    columns = [key for key in rows[0] if key.startswith(RATIO_PREFIX)] if rows else []
    ratios = {key.removeprefix(RATIO_PREFIX): [float(row[key]) for row in rows] for key in columns}
    return [int(row["epoch"]) for row in rows], ratios


def plot_class_ratios(results_csv: Path, picture: Path, mu: float | None = None) -> Path | None:
    """Draw the class ratios over the epochs into a PNG file; None where there is nothing to draw."""
    epochs, ratios = read_class_ratios(results_csv)
    if not ratios:
        return None
    # Slow to import, and only losses with statistics need it.
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for name, values in ratios.items():
        axes.plot(epochs, values, marker=".", label=name)
    if mu is not None:  # below mu a class is raised
        axes.axhline(mu, color="grey", linewidth=0.8, linestyle="--", label=f"mu = {mu:g}")
    # Ratios start at 100, and those of rare classes fall below 1.
    axes.set(yscale="log", xlabel="epoch", ylabel="positive / negative gradient", title="Gradient ratio per class")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    for formatter in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        formatter(FormatStrFormatter("%g"))
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(picture, dpi=150)
    plt.close(figure)
    return picture
