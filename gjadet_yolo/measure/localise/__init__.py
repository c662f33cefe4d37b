"""Where markers are, to a fraction of a pixel, and how sure that is."""

from gjadet_yolo.measure.localise.refine import refine
from gjadet_yolo.measure.localise.templates import Templates

__all__ = ["Templates", "refine"]
