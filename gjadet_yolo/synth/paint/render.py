"""From a scene to radiance and labels.

Surfaces are painted once per body (``sprite.py``) and moved by the exact pose; targets are drawn anew at every time, so
that their place is good to hundredths of a pixel. Labels come from the same layers that make the picture, so what hides
a target in the picture hides it in the labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from gjadet_yolo.geometry.camera import Camera
from gjadet_yolo.synth.paint.layer import Layer
from gjadet_yolo.synth.paint.material import surface
from gjadet_yolo.synth.paint.sprite import Sprite, paint_sprite, pose_matrix, view_of
from gjadet_yolo.synth.paint.visible import Seen, visible_targets, visible_thing
from gjadet_yolo.synth.world.scene import COATS, Body, Scene


@dataclass(frozen=True)
class Lens:
    """Distortion of a camera as maps from its image to an ideal one, which is larger where the lens is a barrel.

    Attributes:
        low: Column and row of the ideal image's first pixel.
        size: Its size (W, H).
        x, y: Column and row of the ideal image that each pixel shows, (H, W) float32.
    """

    low: tuple[int, int]
    size: tuple[int, int]
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, camera: Camera) -> Lens | None:
        """Maps of a camera; None without distortion."""
        if camera.k1 == 0 and camera.k2 == 0:
            return None
        width, height = camera.size_px
        step = 16  # the distortion is smooth: computed at the middles of cells and interpolated
        columns, rows = (np.arange(-step, side + step, step) + step / 2 for side in (width, height))
        moved = (camera.undistort(np.stack(np.meshgrid(columns, rows), -1)) - 0.5).astype(np.float32)
        whole = cv2.resize(moved, (step * len(columns), step * len(rows)), interpolation=cv2.INTER_LINEAR)
        full = whole[step : step + height, step : step + width]
        low, high = np.floor(full.min((0, 1))).astype(int) - 1, np.ceil(full.max((0, 1))).astype(int) + 2
        x, y = (np.ascontiguousarray(full[..., axis]) - np.float32(low[axis]) for axis in (0, 1))
        return cls((int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1])), x, y)

    def part(self, window: tuple[slice, slice]) -> Lens:
        """The same for a window of the image alone, with as much of the ideal one as it shows."""
        x, y = self.x[window], self.y[window]
        # what a window shows is bounded by what its border shows
        rims = [np.concatenate((a[0], a[-1], a[:, 0], a[:, -1])) for a in (x, y)]
        left, top = (max(int(rim.min()), 0) for rim in rims)
        size = tuple(int(rim.max()) + 2 - low for rim, low in zip(rims, (left, top), strict=True))
        return Lens((self.low[0] + left, self.low[1] + top), size, x - np.float32(left), y - np.float32(top))

    def bend(self, ideal: np.ndarray) -> np.ndarray:
        """What the image shows of an ideal one."""
        return cv2.remap(ideal, self.x, self.y, cv2.INTER_LINEAR)


@dataclass
class Frame:
    """One picture.

    Attributes:
        image: Radiance, BGR, (H, W, 3) float32; above 255 where it is over-exposed.
        targets: The points.
        things: Labels of the other classes: class and xyxy in px, (M, 5).
    """

    image: np.ndarray
    targets: Seen
    things: np.ndarray = field(default_factory=lambda: np.zeros((0, 5)))

    @property
    def labels(self) -> np.ndarray:
        """Class and visible extent of everything that gets a box, (N, 5) float32."""
        boxes = self.targets.boxes[self.targets.is_labelled]
        points = np.concatenate((np.zeros((len(boxes), 1)), boxes), 1)
        return np.concatenate((points, self.things)).astype(np.float32)


class Renderer:
    """Draws a scene at any time within a span.

    Args:
        scene: What to draw.
        times_s: First and last time that will be asked for; surfaces are painted for what is in view between them.
        exposure_s: Exposure time.
    """

    def __init__(self, scene: Scene, times_s: tuple[float, float], exposure_s: float = 0.0) -> None:
        self.scene, self.exposure_s = scene, exposure_s
        # a generator for each surface: what one looks like does not depend on how much another has drawn
        rng = np.random.default_rng([scene.seed, 0])
        self.background = surface(scene.background, rng, scene.camera.size_px)
        self.lens = Lens.of(scene.camera)
        coats = np.random.default_rng([scene.seed, 2]).random((COATS, 4))
        view = view_of(scene.camera)
        self.sprites = [
            paint_sprite(body, view, times_s, np.random.default_rng([scene.seed, 1, index]), coats)
            for index, body in enumerate(scene.bodies)
        ]

    def frame(self, time_s: float) -> Frame:
        """Picture in the middle of an exposure, without the effects of light, lens and sensor."""
        image, layers = self.background.copy(), []
        for body, sprite in zip(self.scene.bodies, self.sprites, strict=True):
            layer = self.draw(body, sprite, time_s)
            layer.paint_onto(image)
            layers.append(layer)
        return Frame(cv2.cvtColor(image, cv2.COLOR_BGRA2BGR), *self.look_through(layers, time_s))

    def draw(self, body: Body, sprite: Sprite | None, time_s: float) -> Layer:
        """One body's layer."""
        bounds = bounds_of(body)
        corners = self.scene.camera.project(body.motion.markers(np.array([time_s]), bounds).position_mm[0])
        way = self.way_px(body, bounds.mean(0), time_s)
        margin = 2 + np.abs(way) / 2  # the smear, and a pixel each for blur and interpolation
        layer = Layer.empty(corners.min(0) - margin, corners.max(0) + margin, self.scene.camera.size_px)
        if not layer.pixels.size:
            return layer
        pose = pose_matrix(body, time_s)
        if sprite is not None:
            self.warp(sprite.pixels, sprite, pose, layer)
        targets = body.targets
        for patches, colours in ((targets.patches_mm, targets.colours), (targets.tops_mm, targets.top_colours)):
            if patches:
                flat = body.motion.markers(np.array([time_s]), np.concatenate(patches)).position_mm[0]
                ends = np.cumsum([len(patch) for patch in patches])[:-1]
                layer.paint_patches(np.split(self.scene.camera.project(flat), ends), colours)
        if sprite is not None and sprite.grime is not None:
            dirt = Layer(layer.x, layer.y, np.zeros_like(layer.pixels))
            self.warp(sprite.grime, sprite, pose, dirt)
            dirt.pixels *= layer.alpha[..., None]  # dirt sticks to the body only
            layer.pixels *= 1 - dirt.pixels[..., 3:]
            layer.pixels += dirt.pixels
        layer.smear(way)
        return layer

    def warp(self, pixels: np.ndarray, sprite: Sprite, pose: np.ndarray, layer: Layer) -> None:
        """Set a layer's pixels to those of a sprite."""
        step = 1 / sprite.px_per_mm
        # OpenCV counts from the middle of the first pixel, the scene from its corner: hence the halves
        to_mm = np.array([[step, 0, sprite.low_mm[0] + step / 2], [0, step, sprite.low_mm[1] + step / 2], [0, 0, 1]])
        matrix = np.array(self.scene.camera.homography) @ pose @ to_mm  # sprite pixel index to ideal image
        height, width = layer.pixels.shape[:2]
        lens = None if self.lens is None else self.lens.part(layer.window)
        low, size = ((layer.x, layer.y), (width, height)) if lens is None else (lens.low, lens.size)
        shift = np.array([[1, 0, -0.5 - low[0]], [0, 1, -0.5 - low[1]], [0, 0, 1]])
        ideal = cv2.warpPerspective(pixels, shift @ matrix, size, flags=cv2.INTER_LINEAR)
        layer.pixels = ideal if lens is None else lens.bend(ideal)

    def way_px(self, body: Body, middle_mm: np.ndarray, time_s: float) -> np.ndarray:
        """Way (x, y) of a body's middle in the image during the exposure; the whole body is blurred along it."""
        if self.exposure_s == 0:
            return np.zeros(2)
        span = np.array([time_s - self.exposure_s / 2, time_s + self.exposure_s / 2])
        # a secant instead of the path: within an exposure neither a pulse nor a vibration bends it visibly
        before, after = self.scene.camera.project(body.motion.markers(span, middle_mm[None]).position_mm[:, 0])
        return after - before

    def look_through(self, layers: list[Layer], time_s: float) -> tuple[Seen, np.ndarray]:
        """Labels of all bodies, from the front one to the back one, with what hides each."""
        camera, hidden = self.scene.camera, np.zeros(self.background.shape[:2], np.float32)
        seen, things = [Seen(np.zeros(0), np.zeros((0, 4)))], []  # an empty hall has no bodies
        bodies = self.scene.bodies
        last = min((n for n, body in enumerate(bodies) if body.things or len(body.targets.outlines_mm)), default=0)
        for number, body, layer in zip(range(len(bodies) - 1, -1, -1), bodies[::-1], layers[::-1], strict=True):
            outlines = body.targets.outlines_mm
            if len(outlines):
                placed = camera.project(body.motion.markers(np.array([time_s]), outlines.reshape(-1, 2)).position_mm[0])
                seen.append(visible_targets(placed.reshape(outlines.shape), hidden))
            for thing in body.things:
                outline = camera.project(body.motion.markers(np.array([time_s]), thing.outline_mm).position_mm[0])
                box = visible_thing(outline, hidden)
                if box is not None:
                    things.append((thing.label, *box))
            if layer.pixels.size and number > last:  # nothing further back that it could hide otherwise
                over, alpha = hidden[layer.window], cv2.extractChannel(layer.pixels, 3)
                over += alpha * (1 - over)
        seen.reverse()
        merged = Seen(np.concatenate([part.visible for part in seen]), np.concatenate([part.boxes for part in seen]))
        return merged, np.array(things, dtype=float).reshape(-1, 5)


def bounds_of(body: Body) -> np.ndarray:
    """Corners (4, 2) of the rectangle around all parts and targets of a body, in mm on it."""
    points = np.concatenate([part.outline_mm for part in body.parts] + list(body.targets.patches_mm))
    (x1, y1), (x2, y2) = points.min(0), points.max(0)
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])
