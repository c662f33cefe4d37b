"""A frame on which somebody's boxes are drawn, without them, and the boxes as labels.

    python benchmarks/undraw.py image=001558.jpg out=DIR

Made for the component test of the repository GJADet-crash-pytorch (MIT licence), whose red frames lie on the squares it
found: what is between red lines is a label, lines of all colours are inpainted. Writes NAME.png and NAME.txt (YOLO).
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

SIDES_PX = (12, 60)  # of a field between lines
LINE_PX = 2  # a line lies on the border of its box: so far it reaches into it


def lines(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks (H, W) of red lines and of lines of any colour in a BGR image."""
    blue, green, red = (image[..., index].astype(int) for index in range(3))
    is_red = (red > 130) & (red - np.maximum(green, blue) > 90)
    is_blue = (blue > 170) & (blue - red > 90)
    is_green = (green - red > 60) & (green > 100)
    return is_red, is_red | is_blue | is_green


def fields(red: np.ndarray) -> np.ndarray:
    """Boxes, xyxy in px (N, 4), of what red lines enclose."""
    closed = cv2.morphologyEx(red.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(1 - closed, connectivity=4)
    low, high = SIDES_PX
    x, y, width, height, area = stats.T
    whole = (np.minimum(width, height) >= low) & (np.maximum(width, height) <= high) & (area > 0.6 * width * height)
    boxes = np.stack((x - LINE_PX, y - LINE_PX, x + width + LINE_PX, y + height + LINE_PX), 1)
    return boxes[whole].astype(float)


def main(image: str, out: str) -> None:
    """Write picture and labels."""
    picture = cv2.imread(image)
    red, drawn = lines(picture)
    mask = cv2.dilate(drawn.astype(np.uint8), np.ones((3, 3), np.uint8))
    clean = cv2.inpaint(picture, mask, 3, cv2.INPAINT_TELEA)
    boxes, (height, width) = fields(red), picture.shape[:2]
    folder, stem = Path(out), Path(image).stem
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f"{stem}.png"), clean)
    middle, side = (boxes[:, :2] + boxes[:, 2:]) / 2 / (width, height), (boxes[:, 2:] - boxes[:, :2]) / (width, height)
    rows = (" ".join(f"{number:.6f}" for number in (*a, *b)) for a, b in zip(middle, side, strict=True))
    (folder / f"{stem}.txt").write_text("".join(f"0 {row}\n" for row in rows), encoding="utf-8")
    print(f"{len(boxes)} boxes in {folder / stem}.txt")


if __name__ == "__main__":
    main(**dict(word.split("=", 1) for word in sys.argv[1:]))
