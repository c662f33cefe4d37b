"""Markers, their traces and their bodies drawn into a picture.

A measured marker is a ring that leaves its middle free to be judged; a predicted one is a cross with no ring, so that
the two differ without colour. Both have a light edge, because targets are dark next to light. Places are drawn to a
sixteenth of a pixel.
"""

from __future__ import annotations

import cv2
import numpy as np

from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.measure.tracks import Status
from gjadet_yolo.report.colours import as_bgr, body_colours, marker_colours

TRACE_FRAMES = 30
SMALL_PX = 800
SHIFT = 4  # binary places of coordinates that OpenCV draws with
DARK, LIGHT = (25, 25, 25), (255, 255, 255)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def fixed_point(position_px: np.ndarray) -> np.ndarray:
    """Places as OpenCV draws them: whole numbers of 1/16 px, 0 in the middle of the first pixel; not a number is 0."""
    # far outside of every picture, but still within 32 bits
    places = np.clip(np.nan_to_num(position_px), -1e5, 1e5)
    return np.rint((places - 0.5) * (1 << SHIFT)).astype(np.int32)


def enlargement(size_px: tuple[int, int]) -> int:
    """How many pixels of the film one of the video gets along each axis: small videos have no room for fine marks."""
    return 2 if max(size_px) <= SMALL_PX else 1


class Markings:
    """What is drawn over the pictures of one measurement; sizes follow the pictures and how close markers stand."""

    def __init__(self, measurement: Measurement) -> None:
        self.zoom = enlargement(measurement.source.size_px)
        longest = self.zoom * max(measurement.source.size_px)
        self.thickness, self.font_scale = 2 + longest // 1500, max(0.36, 0.0005 * longest)
        self.measured = measurement.status == Status.MEASURED
        placed = np.isfinite(measurement.points.position_px).all(axis=-1)
        self.measured &= placed
        self.predicted = (measurement.status == Status.PREDICTED) & placed
        places = self.zoom * measurement.points.position_px
        self.place = fixed_point(places)
        # rings of neighbours leave some of the picture between them
        self.radius = round(float(np.clip(0.32 * self.spacing(places), 4, max(5, 0.007 * longest))))
        self.colours = [as_bgr(colour) for colour in marker_colours(measurement.body, measurement.reference)]
        # lines of one colour are drawn in one call
        self.members = {
            colour: np.array([k for k, own in enumerate(self.colours) if own == colour])
            for colour in dict.fromkeys(self.colours)
        }
        self.body_colours = [as_bgr(colour) for colour in body_colours(measurement.reference)]
        self.labels = self.fitting_labels(places)

    def spacing(self, places: np.ndarray) -> float:
        """Usual distance from a marker to the next in the frame with most of them, px of the film; infinite for one."""
        seen = self.measured.sum(axis=1)
        chosen = places[np.argmax(seen)][self.measured[np.argmax(seen)]] if seen.any() else places[0, :0]
        if len(chosen) < 2:
            return float("inf")
        apart = np.linalg.norm(chosen[:, None] - chosen, axis=-1)
        np.fill_diagonal(apart, np.inf)
        return float(np.median(apart.min(axis=1)))

    def fitting_labels(self, places: np.ndarray) -> np.ndarray:
        """Which markers have room for their number, (N,) bool: decided once, so that numbers do not flicker.

        Each is tried where it was seen first; its box may cover no other marker of then and no other number.
        """
        count = places.shape[1]
        first = np.argmax(self.measured, axis=0)
        centre = places[first, np.arange(count)]
        seen, fits, boxes = self.measured.any(axis=0), np.zeros(count, bool), np.empty((0, 4))
        for k in np.flatnonzero(seen):
            (width, height), _ = cv2.getTextSize(str(k), FONT, self.font_scale, 1)
            corner = centre[k] + self.label_offset()
            box = np.array([corner[0], corner[1] - height, corner[0] + width, corner[1]])
            others = places[first[k]][np.arange(count) != k]
            reach = self.radius
            inside = (others > box[:2] - reach).all(axis=1) & (others < box[2:] + reach).all(axis=1)
            crossing = (boxes[:, :2] < box[2:] + 3).all(axis=1) & (boxes[:, 2:] > box[:2] - 3).all(axis=1)
            if not (inside.any() or crossing.any()):
                fits[k], boxes = True, np.vstack([boxes, box])
        return fits

    def label_offset(self) -> np.ndarray:
        """From a marker to the lower left corner of its number, px."""
        return np.array([1.3, -1.0]) * self.radius

    def draw(self, given: np.ndarray, frame: int, traces: bool = True) -> np.ndarray:
        """One frame with its markings: a new picture of the film's size from the video's (H, W, 3) uint8."""
        zoom = self.zoom
        picture = (
            cv2.resize(given, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR) if zoom > 1 else given.copy()
        )
        if traces:
            self.draw_traces(picture, frame)
        radius = self.radius << SHIFT
        for k in np.flatnonzero(self.measured[frame]):
            centre = tuple(self.place[frame, k].tolist())
            cv2.circle(picture, centre, radius, LIGHT, self.thickness + 2, cv2.LINE_AA, SHIFT)
            cv2.circle(picture, centre, radius, self.colours[k], self.thickness, cv2.LINE_AA, SHIFT)
        self.draw_crosses(picture, frame)
        for k in np.flatnonzero((self.measured | self.predicted)[frame] & self.labels):
            corner = np.rint(self.place[frame, k] / (1 << SHIFT) + self.label_offset()).astype(int).tolist()
            cv2.putText(picture, str(k), corner, FONT, self.font_scale, DARK, 3, cv2.LINE_AA)
            cv2.putText(picture, str(k), corner, FONT, self.font_scale, LIGHT, 1, cv2.LINE_AA)
        return picture

    def draw_traces(self, picture: np.ndarray, frame: int) -> None:
        """Way of each marker through the last frames, with gaps where it was not measured."""
        start = max(0, frame - TRACE_FRAMES)
        whole = self.measured[start:frame] & self.measured[start + 1 : frame + 1]
        pieces = np.stack([self.place[start:frame], self.place[start + 1 : frame + 1]], axis=2)
        # a marker that stands draws nothing: pieces shorter than a quarter of a pixel are left out
        whole &= np.abs(pieces[..., 0, :] - pieces[..., 1, :]).max(axis=-1) >= (1 << SHIFT) // 4
        for colour, members in self.members.items():
            chosen = pieces[:, members][whole[:, members]]
            cv2.polylines(picture, list(chosen), False, colour, self.thickness - 1, cv2.LINE_AA, SHIFT)

    def draw_crosses(self, picture: np.ndarray, frame: int) -> None:
        """Predicted markers: a diagonal cross each, light around its colour."""
        arm = int(0.8 * (self.radius << SHIFT))
        strokes = np.array([[[-arm, -arm], [arm, arm]], [[-arm, arm], [arm, -arm]]], np.int32)
        for k in np.flatnonzero(self.predicted[frame]):
            for colour, width in ((LIGHT, self.thickness + 2), (self.colours[k], self.thickness)):
                cv2.polylines(picture, list(strokes + self.place[frame, k]), False, colour, width, cv2.LINE_AA, SHIFT)


def groups_picture(picture: np.ndarray, measurement: Measurement) -> np.ndarray:
    """First frame, (H, W, 3) uint8 BGR, with the markers in the colours of their bodies, as the film shows it."""
    return Markings(measurement).draw(picture, 0, traces=False)
