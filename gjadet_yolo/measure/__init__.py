"""From a video to curves: read, localise, track, group into bodies, scale, differentiate, each with its uncertainty.

The package itself is the function::

    from gjadet_yolo import measure

    result = measure("crash.avi", fps=1000, square_mm=40)
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gjadet_yolo.measure.result import Measurement


class CallableModule(ModuleType):
    """This package as a function, so that it can be called by the name it is imported by."""

    def __call__(self, source: str | Path, model: str | Path | None = None, **settings: Any) -> Measurement:
        """Measure a video.

        Args:
            source: Video, folder of images, or .cine file.
            model: Checkpoint that finds the markers; the released one by default.
            settings: See :class:`~gjadet_yolo.measure.settings.MeasureSettings`.

        Raises:
            FileNotFoundError: There is no such video or file.
            ValueError: A setting is not allowed, or the video cannot be measured; says why and what to do.
        """
        from gjadet_yolo.measure.chain import measure_video
        from gjadet_yolo.measure.detector import RELEASED, ModelDetector
        from gjadet_yolo.measure.settings import MeasureSettings

        wanted = MeasureSettings.of(**settings)
        detector = None if wanted.points else ModelDetector(model or RELEASED, wanted.imgsz)
        return measure_video(source, wanted, detector)


# importing names from the package stays as it is: only calling it is new
sys.modules[__name__].__class__ = CallableModule
