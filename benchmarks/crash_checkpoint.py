"""What a checkpoint for crash scenes does: rendered pictures by class, marker kind and degradation, and real ones.

    python benchmarks/crash_checkpoint.py model=NAME.pt data=DIR/data.yaml out=NAME [imgsz=640] [most=0]
        [frame=FRAME.png] [boards=DIR] [empty=DIR,DIR] [kinds=blur,noise,low_light,dust,compression] [level=0.5]

``data`` is a set of ``gjadet synth``; ``frame`` a real picture with a YOLO label file beside it (``undraw.py`` makes
one), predicted at eight sizes; ``boards`` pictures of chessboards of 9 x 7 squares, every square of which is a target;
``empty`` folders of pictures without targets. Recall and false detections are those at the default confidence of 0.25,
AP is that of all confidences. ``most`` limits the pictures of each part. Writes NAME.md and NAME.json.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from image_sizes import SIZES, on_target
from ultralytics import YOLO

from gjadet_yolo.data.degrade import degrade
from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.images import decoded
from gjadet_yolo.data.formats.yolo import read_yolo
from gjadet_yolo.evaluate.checkpoint import PREDICTION
from gjadet_yolo.evaluate.matching import match
from gjadet_yolo.evaluate.scores import class_counts, score
from gjadet_yolo.evaluate.tables import table

SETTINGS = {"model": "", "data": "", "out": "", "imgsz": "640", "most": "0", "frame": "", "boards": "", "empty": ""}
SETTINGS |= {"kinds": "blur,noise,low_light,dust,compression", "level": "0.5"}
CORNERS = (8, 6)  # inner ones of a chessboard of 9 x 7 squares
LEAST_MARKER_PX = 12.0
CONFIDENCE = 0.25


def boxes_of(model: YOLO, image: np.ndarray, imgsz: int, **more: Any) -> np.ndarray:
    """Boxes (N, 6): xyxy in px, confidence, class."""
    return model.predict(image, imgsz=imgsz, **PREDICTION | more)[0].boxes.data.cpu().numpy().astype(float)


def sure(found: np.ndarray, label: int | None = 0) -> np.ndarray:
    """Those of a class, or of all, at the default confidence."""
    kept = found[:, 4] >= CONFIDENCE
    return found[kept] if label is None else found[kept & (found[:, 5] == label)]


def rendered(model: YOLO, settings: dict[str, str]) -> dict[str, Any]:
    """AP by class, clean and degraded; recall of points by kind; false detections on pictures without objects."""
    data, imgsz = read_yolo(Path(settings["data"])), int(settings["imgsz"])
    images = data.splits["val"][: int(settings["most"]) or None]
    count = class_counts(data.splits["train"], len(data.names))
    found = [boxes_of(model, decoded(item.file), imgsz) for item in images]
    result: dict[str, Any] = {"AP50-95": score(images, found, data.names, count, imgsz).by_class}
    result["degraded"] = {}
    for kind in filter(None, settings["kinds"].split(",")):
        worse = [boxes_of(model, degraded(item, kind, float(settings["level"])), imgsz) for item in images]
        result["degraded"][kind] = score(images, worse, data.names, count, imgsz).by_class
    result["kinds"] = recall_by_kind(Path(settings["data"]).parent / "annotations" / "val.json", images, found)
    empty = [boxes for item, boxes in zip(images, found, strict=True) if not len(item.labels)]
    result["empty"] = {"pictures": len(empty), **false_by_class(empty, data.names)}
    return result


def degraded(item: LabelledImage, kind: str, level: float) -> np.ndarray:
    """Picture of an item, degraded; the same at every call."""
    return degrade(decoded(item.file), {kind: level}, np.random.default_rng([*item.name.encode()]))


def recall_by_kind(
    annotations: Path, images: Sequence[LabelledImage], found: Sequence[np.ndarray]
) -> dict[str, dict[str, float]]:
    """Markers of each kind and the share that is found, of all and of those of ``LEAST_MARKER_PX`` and more."""
    content = json.loads(annotations.read_text(encoding="utf-8"))
    by_name: dict[str, list[dict[str, Any]]] = {}
    names = {entry["id"]: entry["file_name"] for entry in content["images"]}
    for entry in content["annotations"]:
        if "kind" in entry:
            by_name.setdefault(names[entry["image_id"]], []).append(entry)
    total: dict[str, list[tuple[float, bool]]] = {}
    for item, boxes in zip(images, found, strict=True):
        entries = by_name.get(item.name, [])
        corners = np.array([entry["bbox"] for entry in entries], dtype=float).reshape(-1, 4)
        truth = np.concatenate((np.zeros((len(corners), 1)), corners[:, :2], corners[:, :2] + corners[:, 2:]), 1)
        missed = set(match(truth, sure(boxes)).missed.tolist())
        for index, entry in enumerate(entries):
            total.setdefault(entry["kind"], []).append((float(min(corners[index, 2:])), index not in missed))
    return {
        kind: {
            "markers": len(seen),
            "recall": float(np.mean([hit for _, hit in seen])),
            "large": sum(side >= LEAST_MARKER_PX for side, _ in seen),
            "recall, large": float(np.mean([hit for side, hit in seen if side >= LEAST_MARKER_PX] or [np.nan])),
        }
        for kind, seen in sorted(total.items())
    }


def false_by_class(found: Iterable[np.ndarray], names: Sequence[str]) -> dict[str, int]:
    """Detections of each class at the default confidence."""
    labels = np.concatenate([np.zeros(0), *(sure(boxes, None)[:, 5] for boxes in found)]).astype(int)
    return dict(zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True))


def frame_sizes(model: YOLO, file: Path) -> dict[str, dict[str, float]]:
    """Recall and share of detections on a target of a real picture, by image size."""
    picture = cv2.imread(str(file))
    rows = np.array(file.with_suffix(".txt").read_text().split(), dtype=float).reshape(-1, 5)
    size = np.array(picture.shape[1::-1])
    middle, side = rows[:, 1:3] * size, rows[:, 3:] * size
    truth = np.concatenate((rows[:, :1], middle - side / 2, middle + side / 2), 1)
    result = {}
    for imgsz in SIZES.split(","):
        found = sure(boxes_of(model, picture, int(imgsz), iou=0.6, max_det=1000))
        recall = 1 - len(match(truth, found).missed) / len(truth)
        result[imgsz] = {"recall": recall, "on target": on_target(truth, found), "detections": len(found)}
    return result


def board_squares(picture: np.ndarray) -> np.ndarray | None:
    """Middles (63, 2) in px of a chessboard's squares, or None where its corners are not found."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    found, corners = cv2.findChessboardCornersSB(grey, CORNERS)
    if not found:
        return None
    grid = corners.reshape(CORNERS[1], CORNERS[0], 2).astype(float)
    # the outer squares have no corners of their own: each line goes on as it ends
    for axis in (0, 1):
        first, last = (np.take(grid, index, axis) for index in ((0, 1), (-1, -2)))
        lines = (2 * pair.take(0, axis) - pair.take(1, axis) for pair in (first, last))
        before, after = (np.expand_dims(line, axis) for line in lines)
        grid = np.concatenate((before, grid, after), axis)
    return ((grid[:-1, :-1] + grid[1:, :-1] + grid[:-1, 1:] + grid[1:, 1:]) / 4).reshape(-1, 2)


def boards(model: YOLO, folder: Path, imgsz: int, most: int) -> dict[str, int]:
    """Squares of chessboards, and those with the middle of a detection within a third of a pitch."""
    total, hits = 0, 0
    for file in sorted(folder.glob("*.jpg"))[: most or None]:
        picture = cv2.imread(str(file))
        squares = board_squares(picture)
        if squares is None:
            continue
        found = sure(boxes_of(model, picture, imgsz))
        middles = (found[:, :2] + found[:, 2:4]) / 2
        pitch = np.linalg.norm(squares[1] - squares[0])
        away = np.linalg.norm(squares[:, None] - middles[None], axis=2) if len(middles) else np.full((63, 1), np.inf)
        total, hits = total + len(squares), hits + int((away.min(1) < pitch / 3).sum())
    return {"squares": total, "found": hits}


def empty_pictures(model: YOLO, folder: Path, imgsz: int, most: int) -> dict[str, int]:
    """Detections of each class on pictures without targets."""
    files = sorted(file for file in folder.rglob("*") if file.suffix in (".jpg", ".png", ".jpeg"))[: most or None]
    found = [boxes_of(model, cv2.imread(str(file)), imgsz) for file in files]
    return {"pictures": len(files), **false_by_class(found, list(model.names.values()))}


def cell(value: float | int) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def as_markdown(result: dict[str, Any]) -> str:
    """A table for each part."""
    parts = []
    for title, content in result.items():
        rows = content if isinstance(next(iter(content.values())), dict) else {"": content}
        heads = list(next(iter(rows.values())))
        cells = [
            [name, *(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row.values())]
            for name, row in rows.items()
        ]
        parts.append(f"{title}\n\n{table(['', *heads], cells)}")
    return "\n".join(parts)


def main() -> None:
    """Measure and write; arguments as in the module's text."""
    settings = SETTINGS | dict(argument.partition("=")[::2] for argument in sys.argv[1:])
    model, imgsz, most = YOLO(settings["model"]), int(settings["imgsz"]), int(settings["most"])
    result: dict[str, Any] = {}
    if settings["data"]:
        result |= rendered(model, settings)
    if settings["frame"]:
        result["real frame"] = frame_sizes(model, Path(settings["frame"]))
    if settings["boards"]:
        result["chessboards"] = boards(model, Path(settings["boards"]), imgsz, most)
    for folder in filter(None, settings["empty"].split(",")):
        result[f"without targets: {Path(folder).name}"] = empty_pictures(model, Path(folder), imgsz, most)
    text = as_markdown(result)
    print(text)
    Path(f"{settings['out']}.md").write_text(text, encoding="utf-8")
    Path(f"{settings['out']}.json").write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
