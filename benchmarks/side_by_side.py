"""Picture of labels and predictions side by side, a row per image, a column per checkpoint.

    python benchmarks/side_by_side.py data=DATA.yaml models=a.pt,b.pt titles=host,gjadet out=FILE.jpg
        [images=3] [imgsz=320] [conf=0.25] [cell=320]

The images are the first of the validation split that hold the most classes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from ultralytics import YOLO

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.data.formats.yolo import read_yolo

COLOURS = ((60, 60, 230), (230, 140, 40), (60, 190, 60), (200, 60, 200), (40, 200, 220))


def draw(image: np.ndarray, boxes: np.ndarray, names: list[str], title: str, cell: int) -> np.ndarray:
    """Boxes (N, 5) of class and xyxy px on a copy of side ``cell``, with a title that counts them."""
    scale = cell / max(image.shape[:2])
    picture = cv2.resize(image, None, fx=scale, fy=scale)
    for cls, *box in boxes:
        x1, y1, x2, y2 = (round(float(v) * scale) for v in box)
        cv2.rectangle(picture, (x1, y1), (x2, y2), COLOURS[int(cls) % len(COLOURS)], 1, cv2.LINE_AA)
    missing = (cell - picture.shape[0], cell - picture.shape[1])
    picture = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=255)
    counts = ", ".join(f"{int((boxes[:, 0] == i).sum())} {name}" for i, name in enumerate(names))
    bar = np.full((22, picture.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, f"{title}: {counts}", (4, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack((bar, picture))


def main() -> None:
    """Predict and compose."""
    settings = {"images": "3", "imgsz": "320", "conf": "0.25", "cell": "320"}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    data = read_yolo(Path(settings["data"]))
    ranked = sorted(data.splits["val"], key=lambda item: -len(np.unique(item.labels[:, 0])))
    chosen: list[LabelledImage] = ranked[: int(settings["images"])]
    models = [YOLO(path) for path in settings["models"].split(",")]
    rows = []
    for item in chosen:
        image = cv2.imread(str(item.file))
        cells = [draw(image, item.labels, data.names, "labels", int(settings["cell"]))]
        for model, title in zip(models, settings["titles"].split(","), strict=True):
            options = {
                "imgsz": int(settings["imgsz"]),
                "conf": float(settings["conf"]),
                "device": "cpu",
                "verbose": False,
            }
            found = model.predict(image, **options)[0].boxes
            boxes = np.column_stack((found.cls.numpy(), found.xyxy.numpy()))
            cells.append(draw(image, boxes, data.names, title, int(settings["cell"])))
        rows.append(np.hstack(cells))
    cv2.imwrite(settings["out"], np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main()
