"""The drawings of the systems: shapes and connections come from the model, boxes keep apart, files are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawing.canvas import Page
from drawing.trace import Trace, trace
from drawings import DRAWINGS, draw, main

from gjadet_yolo.systems import COMMON, RECIPE, SYSTEMS


@pytest.fixture(scope="module")
def sspnet() -> Trace:
    return trace("sspnetn.yaml", imgsz=64, nc=5)


class TestTrace:
    def test_shapes_of_sspnet_by_hand(self, sspnet: Trace):
        """Scale n: a quarter of the channels. Levels P2 to P5 of 64 px have 16, 8, 4 and 2 positions a side."""
        assert sspnet["10"].inputs == ((32, 16, 16), (64, 8, 8), (128, 4, 4), (256, 2, 2))
        assert sspnet["10"].outputs == ((64, 16, 16), (64, 8, 8), (64, 4, 4), (64, 2, 2))
        assert sspnet["10.cam.join"].inputs == ((4 * 64, 16, 16),)
        assert sspnet["10.cam.context.views.0"].outputs == ((16, 16, 16),)
        assert [sspnet[f"10.cam.map.{level}"].outputs[0] for level in range(4)] == [
            (1, 16, 16),
            (1, 8, 8),
            (1, 4, 4),
            (1, 2, 2),
        ]
        assert sspnet["15"].outputs[0] == (4 + 5, 16**2 + 8**2 + 4**2 + 2**2)

    def test_shapes_of_gjadet_by_hand(self):
        found = trace("gjadetn-paper.yaml", imgsz=64, nc=3)
        assert found["14"].inputs == ((128, 8, 8), (64, 8, 8))
        assert found["14.stages.spatial.conv"].inputs == ((2, 8, 8),)
        assert found["14.stages.task.coefficients.0"].outputs == ((192 // 4,),)
        assert found["14.stages.task.coefficients"].outputs == ((4 * 192,),)
        assert found["22.obj.0"].outputs == ((1, 8, 8),)
        assert found["22.cv3.0.2"].outputs == ((3, 8, 8),)

    def test_sources_are_row_numbers(self, sspnet: Trace):
        assert sspnet["10"].sources == (2, 4, 6, 9)
        assert sspnet["9"].sources == (8,)
        assert (sspnet["9"].kind, sspnet["9"].plugin, sspnet["10"].plugin) == ("SPPF", False, True)
        assert sspnet.head == "15"

    def test_errors(self, sspnet: Trace):
        with pytest.raises(
            ValueError, match=r"no part '10.cam.jion'. Did you mean '10.cam.join'\? Row numbers end at 15"
        ):
            sspnet["10.cam.jion"]
        with pytest.raises(ValueError, match="rows of class Level: 11, 12, 13, 14, expected one"):
            sspnet.row_of("Level")
        with pytest.raises(ValueError, match=r"there is no drawing 'sspnt'. Did you mean 'sspnet'\?"):
            draw("sspnt")


def test_every_published_system_has_a_drawing():
    assert [system for system, _ in DRAWINGS.values()] == [s for s in SYSTEMS if s not in (RECIPE, COMMON)]
    assert all(system.page == f"docs/{name}.md" for name, (system, _) in DRAWINGS.items())


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawing(name: str, tmp_path: Path):
    """Written at 64 px, which is faster; the words of the picture are the model's shapes."""
    page = draw(name, imgsz=64)
    assert page.overlaps() == []
    words = {text.get_text() for text in page.axes.texts}
    assert "256 x 2 x 2" in words  # the backbone's P5
    main(str(tmp_path), "64", name)
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_boxes_that_touch_are_found():
    page = Page(100)
    a, b = page.box((100, 50), ("a",), (40, 20)), page.box((130, 50), ("b",), (40, 20))
    page.box((500, 50), ("c",), (40, 20))
    assert page.overlaps() == [(b, a)]
