"""``points=FILE``: what is read, and what is refused with file and line."""

from __future__ import annotations

import numpy as np
import pytest

from gjadet_yolo.measure.points_file import read_points


def test_points_become_boxes(tmp_path):
    (tmp_path / "p.csv").write_text("\ufeffname,x,y,size\nnose,100.5,50,20\n\ndoor,30,40,11\n", encoding="utf-8")
    assert np.array_equal(
        read_points(tmp_path / "p.csv", (640, 480)), [(90.5, 40, 110.5, 60), (24.5, 34.5, 35.5, 45.5)]
    )
    (tmp_path / "p.yaml").write_text("- {x: 30, y: 40, size: 11}\n")
    assert np.array_equal(read_points(tmp_path / "p.yaml", (640, 480)), [(24.5, 34.5, 35.5, 45.5)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y\n1,2", r"p\.csv, line 1: there is no column 'size', found: x, y\. Expected the columns x, y, size"),
        ("x,y,size,x\n1,2,3,4", r"p\.csv, line 1: the column 'x' is there twice"),
        ("x,y,size", r"p\.csv holds no rows"),
        ("x,y,size\n50,50,9\n50,,9", r"p\.csv, line 3: y is '', allowed: a finite number"),
        ("x,y,size\n50,50,9\n\n50,nan,9", r"p\.csv, line 4: y is 'nan', allowed: a finite number"),
        ("x,y,size\n50,inf,9", r"p\.csv, line 2: y is 'inf'"),
        ("x,y,size\n50,60", r"p\.csv, line 2: there is no size\."),
        ("x,y,size\n50,50,9\n640,50,9", r"p\.csv, line 3: x=640, y=50 is outside of the picture of 640 x 480 px"),
        ("x,y,size\n50,50,9\n3,50,9", r"p\.csv, line 3: a patch of 9 px at x=3, y=50 goes beyond the picture"),
        ("x,y,size\n50,50,2", r"p\.csv, line 2: size is 2, allowed: 5 px or more"),
        ("x,y,size\n50,50,9\n90,50,9\n50.5,50,20", r"p\.csv, line 4: the point is there already, in line 2"),
    ],
)
def test_refusals(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_points(tmp_path / "p.csv", (640, 480))
