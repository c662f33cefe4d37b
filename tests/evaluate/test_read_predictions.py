"""Predictions of ``yolo val save_json=True`` find their pictures, also where these are called by numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gjadet_yolo.data.formats.boxes import LabelledImage
from gjadet_yolo.evaluate.read_predictions import read_predictions

RESULT = {"category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}


def boxes_by_picture(file: Path, pictures: list[str], **keys: object) -> list[int]:
    """How many boxes each picture gets of a file with one result."""
    file.write_text(json.dumps([RESULT | keys]), encoding="utf-8")
    images = [LabelledImage(Path(name), name, 10, 10, np.zeros((0, 5))) for name in pictures]
    return [len(rows) for rows in read_predictions(file, images, ["a"], {}, {})]


@pytest.mark.parametrize(
    ("pictures", "keys"),
    [
        (["000006.jpg", "000007.jpg"], {"image_id": 7}),  # the host writes int(stem)
        (["007.jpg", "7.jpg"], {"image_id": 7}),
        (["7.jpg", "007.jpg"], {"image_id": 7, "file_name": "007.jpg"}),
        (["a.jpg", "b.jpg"], {"image_id": "b", "file_name": "b.jpg"}),
    ],
)
def test_results_of_the_host_find_their_picture(tmp_path: Path, pictures: list[str], keys: dict[str, object]):
    assert boxes_by_picture(tmp_path / "p.json", pictures, **keys) == [0, 1]


def test_a_number_that_is_no_picture_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="boxes of 1 images that the data lack: 8"):
        boxes_by_picture(tmp_path / "p.json", ["000007.jpg"], image_id=8)
