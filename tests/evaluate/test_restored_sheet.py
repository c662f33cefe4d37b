"""The sheet of restored images: places, boxes, rows of other widths."""

from __future__ import annotations

import numpy as np

from gjadet_yolo.evaluate.restored_sheet import FOUND, TRUE, Restored, restored_sheet


def example(width: int) -> Restored:
    none, box = np.zeros((0, 4)), np.array([[5.0, 30, 15, 40]])
    pictures = (np.full((50, width, 3), value, np.uint8) for value in (10, 20, 30))
    return Restored(*pictures, none, box, box)


def test_three_pictures_in_a_row_and_a_row_for_each_image():
    sheet = restored_sheet([example(40), example(30)])
    assert sheet.shape == (100, 120, 3)
    assert [sheet[45, x].tolist() for x in (2, 42, 82)] == [[10] * 3, [20] * 3, [30] * 3]
    assert sheet[95, 110].tolist() == [0, 0, 0]
    colours = {tuple(sheet[y, x]) for y in (30, 40) for x in range(48, 53)}
    assert FOUND in colours
    assert TRUE in {tuple(sheet[y, x]) for y in (30, 40) for x in range(88, 93)}
    assert FOUND not in {tuple(pixel) for pixel in sheet[20:50, :40].reshape(-1, 3)}
