"""The page of an evaluation: one file that opens offline, made of the mapping that ``evaluation.json`` holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from gjadet_yolo.report.parts import bullets, cards, data_block, document, halves, own_text, pairs, section, table
from gjadet_yolo.report.wording import DASH, MINUS

FIGURES = ("AP", "AP50", "AP75", "recall")
INTERVAL = "In brackets: 95 % of {draws:,} bootstrap draws of the pictures."


def text(value: float | None, digits: int = 3, sign: bool = False) -> str:
    """A figure, or a dash for what cannot be said."""
    if value is None:
        return DASH
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", MINUS)


def spread(one: Mapping[str, float | None], prefix: str = "") -> str:
    low, high = one[f"{prefix}low"], one[f"{prefix}high"]
    return DASH if low is None else f"[{text(low)}, {text(high)}]"


def difference(one: Mapping[str, float | None]) -> str:
    """Difference to the other model, with its interval."""
    if one["difference"] is None:
        return DASH
    return f"{text(one['difference'], sign=True)} {spread(one, 'diff_')}"


def headline(content: Mapping[str, Any]) -> str:
    """Cards of all classes together."""
    every = content["figures"][0]
    entries = []
    for name, one in (*((key, every[key]) for key in FIGURES), ("ECE", content["ece"])):
        below = spread(one) if len(content["models"]) == 1 else f"{spread(one)}; {difference(one)} to the other"
        entries.append((name, text(one["value"]), "", below))
    return (
        cards(entries)
        + f'<p class="below">{INTERVAL.format(**content["rules"])} AP is the mean over IoU 0.5 to 0.95.</p>'
    )


def figures_table(content: Mapping[str, Any]) -> str:
    """All classes, groups, sizes and classes with the four figures."""
    two = len(content["models"]) > 1
    header = ["", "name", *(title for key in FIGURES for title in ((key, "difference") if two else (key, "95 %")))]
    rows = []
    for row in content["figures"]:
        cells = [(text(row[key]["value"]), difference(row[key]) if two else spread(row[key])) for key in FIGURES]
        rows.append((row["kind"], row["name"], *(cell for pair in cells for cell in pair)))
    groups = ", ".join(f"{name} below {share:.0%}" for name, share in list(content["rules"]["rarity"].items())[:-1])
    below = (
        f"Groups of classes by training boxes against the most frequent class: {groups}, frequent from there up. "
        f"Sizes are square roots of areas at the network's input of {content['rules']['imgsz']} px. "
        + ("Differences are this model minus the other, with paired intervals over the same draws." if two else "")
    )
    return table(header, rows, range(2, 10), kind="sortable") + f'<p class="below">{escape(below)}</p>'


def thresholds_table(content: Mapping[str, Any]) -> str:
    """Thresholds by class."""
    wanted = f"{content['rules']['precision']:g}"
    header = (
        "class",
        "objects",
        "training boxes",
        "best F1 at",
        "F1",
        "precision",
        "recall",
        f"precision {wanted} from",
        "recall there",
    )
    keys = ("f1_confidence", "f1_f1", "f1_precision", "f1_recall", "wanted_confidence", "wanted_recall")
    counts = content["class_objects"]
    rows = [
        (row["name"], *(str(n) for n in counts[row["name"]].values()), *(text(row[key]) for key in keys))
        for row in content["thresholds"]
    ]
    return table(header, rows, range(1, 9), kind="sortable")


def costs_table(content: Mapping[str, Any]) -> str:
    """Kinds of mistakes and what they cost."""
    header = ["kind", "number", "AP50 lost", "share"]
    if len(content["models"]) > 1:
        header += ["AP50 lost, other", "share, other"]
    rows = []
    for index, row in enumerate(content["costs"][0]):
        own = [costs[index] for costs in content["costs"]]
        cells = [cell for one in own for cell in (text(one["cost"]), text(one["share"]))]
        rows.append((row["kind"], str(row["number"]), *cells))
    return table(header, rows, range(1, len(header)), kind="sortable")


def pictures_table(content: Mapping[str, Any], most: int = 50) -> str:
    """Pictures that got better and worse than with the other model."""
    rows = [row for row in content["pictures"] if row["difference"]]
    ordered = sorted(rows, key=lambda row: row["difference"])
    header = ("image", "F1", "F1 of the other", "difference")

    def shown(some: Sequence[Mapping[str, Any]]) -> str:
        cells = [(r["image"], text(r["f1"]), text(r["other_f1"]), text(r["difference"], sign=True)) for r in some]
        return table(header, cells, (1, 2, 3), kind="sortable")

    worse, better = [r for r in ordered if r["difference"] < 0], [r for r in reversed(ordered) if r["difference"] > 0]
    return halves(
        section(f"Better in {len(better)} pictures", shown(better[:most])),
        section(f"Worse in {len(worse)} pictures", shown(worse[:most])),
    )


def degraded_section(content: Mapping[str, Any]) -> str:
    rows = content.get("degraded")
    if not rows:
        return ""
    header = ("degradation", "level", "AP", "95 %", "AP50")
    cells = [(r["kind"], text(r["level"], 2), text(r["AP"]), spread(r), text(r["AP50"])) for r in rows]
    plot = '<div class="plot" id="degraded"></div>'
    return section("Degraded pictures", halves(plot, table(header, cells, (1, 2, 3, 4), kind="sortable")))


def mistakes_section(shown: int, of: int) -> str:
    words = f"{shown:,} of {of:,} mistakes, kinds and classes in turns; all are in mistakes.csv."
    return section(
        "Mistakes",
        '<div class="filters"><label>Class <select id="of-class"></select></label>'
        '<label>Kind <select id="of-kind"></select></label>'
        '<button id="before">Before</button><span id="where"></span><button id="after">Next</button></div>'
        f'<div id="crops" class="gallery"></div><p class="below">{escape(words)}</p>',
        name="mistakes",
    )


def write_judged(
    path: Path, content: Mapping[str, Any], pictures: Mapping[str, Any], mistakes: int, notes: list[str]
) -> None:
    """Write ``report.html``.

    Args:
        content: What ``evaluation.json`` holds.
        pictures: ``worst``, a list of thumbnails with their captions, and ``crops``, a list of mistakes.
        mistakes: How many there are.
        notes: Sentences for the reader.

    Raises:
        ModuleNotFoundError: Plotly is not installed.
    """
    from plotly.offline import get_plotlyjs

    plot = '<div class="plot" id="{}"></div>'.format
    two = len(content["models"]) > 1
    below = f"{content['images']:,} pictures with {content['objects']:,} objects"
    parts = [
        section("Figures", headline(content), name="headline"),
        section("Notes and limits", bullets(notes), name="notes") if notes else "",
        section("By class, rarity and size", figures_table(content), name="figures"),
        section(
            "Precision and recall at IoU 0.5",
            '<div class="filters"><label>Class <select id="curve-class"></select></label></div>',
            halves(plot("curves"), plot("calibration")),
        ),
        halves(section("What mistakes cost", costs_table(content)), section("Confusion", plot("confusion"))),
        section("Thresholds", thresholds_table(content), name="thresholds"),
        degraded_section(content),
        pictures_table(content) if two else "",
        section("Worst pictures", '<div id="worst" class="gallery wide"></div>'),
        mistakes_section(len(pictures["crops"]), mistakes),
        section("Origin", pairs(content["origin"])),
    ]
    drawn = {key: content[key] for key in ("models", "recalls", "curves", "calibration", "confusion", "rules")}
    drawn |= {"classes": list(content["class_objects"]), "degraded": content.get("degraded", []), **pictures}
    scripts = [get_plotlyjs(), own_text("judged.js")]
    title = " against ".join(content["models"])
    with path.open("w", encoding="utf-8") as file:
        pieces = document(
            f"Evaluation of {title}", below, parts, [data_block("data", drawn)], styles=("page.css", "judged.css"),
            guarded=scripts,
        )  # fmt: skip
        file.writelines(pieces)
