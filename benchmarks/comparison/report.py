"""Tables and the plot of a study."""

from __future__ import annotations

import csv
import statistics
from dataclasses import dataclass
from pathlib import Path

from scipy.stats import t as student

from comparison.cost import Cost
from comparison.result import Result
from comparison.study import Variant
from gjadet_yolo.evaluate.tables import table


@dataclass(frozen=True)
class Line:
    """A row of a study with what is known of it.

    Attributes:
        row: The variant.
        base: Name of the row it is compared with.
        results: Results by seed.
        reference: The baseline's results by seed.
        cost: Its cost, or None.
    """

    row: Variant
    base: str
    results: dict[int, Result]
    reference: dict[int, Result]
    cost: Cost | None = None

    def figures(self, key: str, name: str = "") -> list[float]:
        """A figure of each seed, in points (0 to 100)."""
        return [100 * pick(result, key, name) for result in self.results.values()]

    def gains(self, key: str, name: str = "") -> list[float]:
        """Difference to the baseline of each seed that both have, in points."""
        both = [seed for seed in self.results if seed in self.reference]
        return [100 * (pick(self.results[s], key, name) - pick(self.reference[s], key, name)) for s in both]


def pick(result: Result, key: str, name: str) -> float:
    """A figure of a result, by name where it has several; nan where it has not."""
    value = getattr(result, key)
    return value.get(name, float("nan")) if isinstance(value, dict) else value


def spread(values: list[float]) -> str:
    """Mean and standard deviation over the seeds."""
    if not values:
        return "-"
    text = f"{statistics.mean(values):.1f}"
    return f"{text} ± {statistics.stdev(values):.1f}" if len(values) > 1 else text


def gain(values: list[float]) -> str:
    """Mean difference with its sign, its spread over the seeds, and from three seeds on its interval of 95 %."""
    if not values:
        return "-"
    text = ("+" if statistics.mean(values) >= 0 else "") + spread(values)
    if len(values) < 3:
        return text
    low, high = interval(values)
    return f"{text} ({low:+.1f} to {high:+.1f})"


def interval(values: list[float]) -> tuple[float, float]:
    """95 % interval of the mean of paired differences, by Student's t."""
    half = student.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return statistics.mean(values) - half, statistics.mean(values) + half


def columns(lines: list[Line]) -> list[tuple[str, str, str]]:
    """Title, attribute and name of each figure."""
    results = [result for line in lines for result in line.results.values()]
    first = results[0]
    found = [("AP50-95", "ap", ""), ("AP50", "ap50", ""), ("AP75", "ap75", "")]
    found += [(group, "by_group", group) for group in first.by_group]
    found += [(name, "by_class", name) for name in first.by_class]
    if all(result.by_class50 for result in results):
        found += [(f"{name} AP50", "by_class50", name) for name in first.by_class50]
    found += [(f"{size} px", "by_size", size) for size, value in first.by_size.items() if value == value]  # not nan
    found.append(("recall", "recall", ""))
    if any(result.tuning == result.tuning for result in results):  # not nan: three splits
        found += [("tuning AP50-95", "tuning", ""), ("of which in the last tenth", "late_gain", "")]
    return found


def markdown(lines: list[Line]) -> str:
    """Table of the rows that have a result, figures in points, mean ± standard deviation over the seeds."""
    lines = [line for line in lines if line.results]
    if not lines:
        return "No run has finished yet.\n"
    chosen = columns(lines)
    titles = ["row", "seeds", "gain", *(title for title, *_ in chosen), "min"]
    rows = []
    for line in lines:
        against = gain(line.gains("ap")) if line.row.name != line.base else "baseline"
        minutes = statistics.median(result.minutes for result in line.results.values())
        cells = [spread(line.figures(key, name)) for _, key, name in chosen]
        rows.append([line.row.name, str(len(line.results)), against, *cells, f"{minutes:.1f}"])
    return table(titles, rows) + cost_table(lines)


def cost_table(lines: list[Line]) -> str:
    """Costs of the rows, relative to their baseline; empty where none was measured."""
    rows = []
    for line in lines:
        if c := line.cost:
            gpu = [] if c.gpu_latency_ratio is None else [f"{c.gpu_latency_ratio:.2f}"]
            absolute = [
                f"{c.parameters:.2f} M",
                f"{c.parameters_ratio:.3f}",
                f"{c.gflops:.2f}",
                f"{c.gflops_ratio:.3f}",
            ]
            times = [f"{c.latency_ms:.0f}", f"{c.latency_ratio:.2f}", f"{c.step_ratio:.2f}", *gpu]
            rows.append([line.row.name, line.base, *absolute, *times])
    titles = ["row", "against", "parameters", "ratio", "GFLOPs", "ratio", "CPU ms", "latency ratio", "step ratio"]
    if rows and len(rows[0]) > len(titles):
        titles.append("GPU latency ratio")
    return "\n" + table(titles, rows) if rows else ""


def write_csv(lines: list[Line], file: Path) -> None:
    """One line per run with every figure."""
    done = [line for line in lines if line.results]
    if not done:
        return
    chosen = columns(done)
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["row", "against", "seed", *(title for title, *_ in chosen), "minutes"])
        for line in done:
            for seed, result in line.results.items():
                figures = [f"{pick(result, key, name):.4f}" for _, key, name in chosen]
                writer.writerow([line.row.name, line.base, seed, *figures, f"{result.minutes:.2f}"])


def plot(lines: list[Line], file: Path) -> None:
    """AP of all classes and of the rarest group: a dot per run, a bar at the mean of the seeds."""
    import matplotlib

    matplotlib.use("Agg")  # no display where studies run
    import matplotlib.pyplot as plt

    done = [line for line in lines if line.results]
    if not done:
        return
    group = next(iter(next(iter(done[0].results.values())).by_group))
    figure, axes = plt.subplots(1, 2, figsize=(11, 1.2 + 0.26 * len(done)), sharey=True, layout="constrained")
    for axis, (title, key, name) in zip(
        axes, (("AP50-95", "ap", ""), (f"AP50-95, {group}", "by_group", group)), strict=True
    ):
        for height, line in enumerate(reversed(done)):
            values = line.figures(key, name)
            axis.barh(height, statistics.mean(values), color="#9ecae1" if line.row.name != line.base else "#bdbdbd")
            axis.plot(values, [height] * len(values), "o", color="#08519c", markersize=4)
        axis.set(
            title=f"{title} (points)", yticks=range(len(done)), yticklabels=[line.row.name for line in reversed(done)]
        )
        axis.grid(axis="x", alpha=0.4)
        axis.set_axisbelow(True)
    figure.savefig(file, dpi=110)
    plt.close(figure)
