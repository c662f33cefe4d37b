"""The work of ``gjadet evaluate``: predicting, comparing, degrading, drawing and writing."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from gjadet_yolo.cli.progress import progress
from gjadet_yolo.cli.tiling import loaded, naming_model
from gjadet_yolo.data.degrade import albumentations, degrade
from gjadet_yolo.data.media import write_image
from gjadet_yolo.evaluate.judgement import Rules, Side, figure, judgement, side, with_mistakes, worst
from gjadet_yolo.evaluate.labelled import Labelled, class_map, mapped
from gjadet_yolo.evaluate.overlay import draw_match
from gjadet_yolo.evaluate.read_predictions import read_predictions
from gjadet_yolo.evaluate.scores import MAX_DET, score
from gjadet_yolo.report.judged import write_judged
from gjadet_yolo.report.judged_pictures import chosen, crop, jpeg, thumbnail
from gjadet_yolo.report.judged_tables import tables, write_csv, write_workbook

LEAST_CONFIDENCE, NMS_IOU = 0.001, 0.7  # as in evaluate/checkpoint.py: AP looks at nearly every box
AGREEMENT = 1e-6
Change = Callable[[int, np.ndarray], np.ndarray]


def libraries(degradations: Sequence[str]) -> None:
    """Refuse to begin without what the end needs; a ModuleNotFoundError says what to install."""
    for module, distribution in (("faster_coco_eval", "faster-coco-eval"), ("plotly", "plotly"), ("xlsxwriter",) * 2):
        try:
            __import__(module)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"evaluate needs {distribution}. Run: pip install 'gjadet-yolo[report]'"
            ) from error
    if {"rain", "fog"} & set(degradations):
        albumentations()


@dataclass(frozen=True)
class Source:
    """Where detections come from: a model, or a file of predictions.

    Attributes:
        name: As the user named it.
        model: None for predictions.
        boxes: Predictions of each image; None for models.
        indices: Class of the data for each class of the model.
        notes: About classes that do not match.
        settings: Of prediction.
    """

    name: str
    model: Any
    boxes: list[np.ndarray] | None
    indices: np.ndarray
    notes: list[str]
    args: argparse.Namespace

    @classmethod
    def open(cls, name: str, data: Labelled, args: argparse.Namespace) -> Source:
        """Load a model or read predictions, and match their classes with those of the data."""
        if Path(name).suffix.lower() == ".json":
            boxes = read_predictions(Path(name), data.images, data.names, data.ids, data.files)
            return cls(name, None, boxes, np.arange(len(data.names)), [], args)
        model = loaded(name)
        return cls(name, model, None, *class_map(model.names, data.names, name), args)

    def refuse_other_classes(self, first: Source) -> None:
        """Refuse to compare models that know other classes of the data; a ValueError names one."""
        if self.model is None or first.model is None:
            return
        names = [{str(one.model.names[i]) for i in np.flatnonzero(one.indices >= 0)} for one in (self, first)]
        if differing := sorted(names[0] ^ names[1]):
            raise ValueError(
                f"{self.name} and {first.name} know different classes of the data: {', '.join(differing[:5])}. Their "
                f"figures would not compare. Evaluate each by itself."
            )

    def found(self, data: Labelled, change: Change | None = None, words: str = "predicting") -> list[np.ndarray]:
        """Detections of each image, with the classes of the data."""
        if self.boxes is not None:
            return self.boxes
        settings = {
            "imgsz": self.args.imgsz,
            "conf": LEAST_CONFIDENCE,
            "iou": NMS_IOU,
            "max_det": MAX_DET,
            "device": self.args.device,
            "verbose": False,
        }
        if self.args.tile:
            from gjadet_yolo.engine.tiles import Tiles
            from gjadet_yolo.host.sliced import sliced_predictor

            overlap = self.args.tile // 5 if self.args.overlap is None else self.args.overlap
            settings["predictor"] = sliced_predictor(Tiles(self.args.tile, overlap), native=False)
        result = []
        with naming_model(self.name):
            for index, image in enumerate(progress(data.images, words)):
                source = str(image.file) if change is None else change(index, read(image.file))
                if result and "predictor" in settings:
                    del settings["predictor"]  # the model keeps the first one
                boxes = self.model.predict(source, **settings)[0].boxes.data.cpu().numpy()
                result.append(mapped(boxes, self.indices))
        return result


def read(file: Path) -> np.ndarray:
    """An image as BGR; an OSError where it cannot be read."""
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise OSError(f"{file} cannot be read as an image.")
    return image


@dataclass(frozen=True)
class Judged:
    """Everything that is written: the content of the page, mistakes, and the data and detections behind them."""

    content: dict[str, Any]
    mistakes: list[dict[str, Any]]
    data: Labelled
    side: Side
    args: argparse.Namespace
    notes: list[str]


def judged_sides(sources: Sequence[Source], data: Labelled, args: argparse.Namespace) -> Judged:
    """Predict, and compute all figures."""
    rules = Rules(args.imgsz, args.conf, args.precision, args.draws)
    titles = [Path(source.name).name for source in sources]
    if len(set(titles)) < len(titles):
        titles = [source.name for source in sources]  # best.pt and best.pt: their folders tell them apart
    sides = [
        side(title, data, source.found(data, words=f"predicting {title}"), rules, progress)
        for title, source in zip(titles, sources, strict=True)
    ]
    content = judgement(data, sides, rules)
    content["coco"] = checked(data, sides[0], args.imgsz)
    content["degraded"] = degraded(sources[0], data, sides[0], rules, args)
    content["origin"] = origin(args)
    notes = [*data.notes, *(note for source in sources for note in source.notes)]
    mistakes = with_mistakes(data.images, sides[0].judged, data.names)
    return Judged(content, mistakes, data, sides[0], args, notes)


def checked(data: Labelled, one: Side, imgsz: int) -> dict[str, float]:
    """Figures of all classes by faster-coco-eval, which ``benchmarks/compare.py`` shows; they are those of the page."""
    whole = score(data.images, one.found, data.names, data.count, imgsz)
    figures = {"AP": whole.ap, "AP50": whole.ap50, "AP75": whole.ap75, "recall": whole.recall}
    assert np.allclose(list(figures.values()), one.plain[0], atol=AGREEMENT, equal_nan=True), (figures, one.plain[0])
    return figures


def degraded(
    source: Source, data: Labelled, clean: Side, rules: Rules, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """AP by kind of degradation and level; level 0 is the picture as it is."""
    rows = []
    for kind in args.degrade:
        for level in (0.0, *args.levels):
            if level:

                def change(index: int, image: np.ndarray, kind: str = kind, level: float = level) -> np.ndarray:
                    # of the picture alone, so that each level degrades it in the same places
                    return degrade(image, {kind: level}, np.random.default_rng(index))

                words = f"{kind} {level:g}"
                one = side(words, data, source.found(data, change, words), rules, progress)
            else:
                one = clean
            shown = figure([one.plain[0, 0]], [one.drawn[0, :, 0]])
            ap = shown.pop("value")
            rows.append({"kind": kind, "level": level, "AP": ap, **shown, "AP50": float(one.plain[0, 1])})
    return rows


def origin(args: argparse.Namespace) -> dict[str, str]:
    """What was judged, when and with what."""
    from importlib.metadata import version

    from gjadet_yolo import __version__

    shown = {name: getattr(args, name) for name in ("model", "predictions", "against", "data", "split", "tile")}
    return {
        **{name: str(value) for name, value in shown.items() if value},
        "versions": f"gjadet-yolo {__version__}, ultralytics {version('ultralytics')}, torch {version('torch')}",
        "written": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC"),
    }


def write(folder: Path, judged: Judged, settings: Mapping[str, str]) -> None:
    """Write page, tables, workbook and JSON into a folder."""
    content = {**judged.content, "settings": dict(settings), "notes": judged.notes}
    found = tables(content, judged.mistakes)
    write_csv(folder, found)
    write_workbook(folder / "evaluation.xlsx", found)
    whole = {**content, "mistakes": judged.mistakes}
    text = json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    (folder / "evaluation.json").write_text(text, encoding="utf-8")
    pictures = {"worst": worst_pictures(folder, judged), "crops": crops(judged)}
    write_judged(folder / "report.html", content, pictures, len(judged.mistakes), judged.notes)


def worst_pictures(folder: Path, judged: Judged) -> list[dict[str, str]]:
    """Draw the worst pictures into ``worst/``; gives thumbnails with captions."""
    rows, entries = judged.content["pictures"], []
    for rank, index in enumerate(worst(rows, judged.args.worst), 1):
        image, row = judged.data.images[index], rows[index]
        drawn = draw_match(read(image.file), image.labels, judged.side.judged[index].boxes)
        stem = re.sub(r"[^\w.-]", "_", Path(image.name).stem, flags=re.ASCII)[:60]
        name = f"worst/{rank:03d}-{stem}.jpg"
        (folder / "worst").mkdir(exist_ok=True)
        write_image(folder / name, drawn, quality=90)
        caption = f"{image.name}: {row['right']} right, {row['false']} false, {row['missed']} missed"
        entries.append({"src": jpeg(thumbnail(drawn)), "file": name, "caption": caption})
    return entries


def crops(judged: Judged) -> list[dict[str, Any]]:
    """Mistakes to show, with a crop of each."""
    order = chosen(judged.mistakes, judged.args.crops)
    by_image: dict[int, list[int]] = {}
    for number in order:
        by_image.setdefault(judged.mistakes[number]["index"], []).append(number)
    views = {}
    for index, numbers in by_image.items():
        image = read(judged.data.images[index].file)  # once for all of its mistakes
        views.update({number: jpeg(crop(image, judged.mistakes[number])) for number in numbers})
    keys = ("image", "class", "kind", "confidence", "iou")
    return [{key: judged.mistakes[number][key] for key in keys} | {"src": views[number]} for number in order]
