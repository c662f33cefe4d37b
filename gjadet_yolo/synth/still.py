"""Single pictures for training: what they hold, how large the squares are, and how they are drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gjadet_yolo.messages import suggestion
from gjadet_yolo.synth.defaults import PER_IMAGE, SHARES
from gjadet_yolo.synth.paint.look import Look
from gjadet_yolo.synth.paint.render import Renderer
from gjadet_yolo.synth.paint.visible import LEAST_PX
from gjadet_yolo.synth.scenes.builder import Wanted
from gjadet_yolo.synth.scenes.compose import SCENES, SCENES_WITH, begin_scene, compose
from gjadet_yolo.synth.truth import centroids
from gjadet_yolo.synth.world.marker import MARKERS
from gjadet_yolo.synth.world.scene import NAMES

OTHERS_WITH = {name: kinds for name, kinds in SCENES_WITH.items() if name != "point"}
MOST = {"bogie": 2, "wheel": 6, "absorber": 3, "rw": 1}  # in one picture
EXTRA = 2  # single wheels beside bogies, where every bogie has both of its own
TOWERS = 0.12  # share of the rigs that stand upright: drop towers
EMPTY, SPREAD = 0.06, 0.35  # share of pictures without targets, and deviation of the logarithm of their number
SEEN = {"point": 0.81, "bogie": 0.98, "wheel": 0.95, "absorber": 0.92, "rw": 0.97}
"""Share of the placed objects that are seen well enough for a label; measured over 1,700 pictures."""


@dataclass(frozen=True)
class SceneMix:
    """What a set of pictures holds.

    Attributes:
        per_image: Mean number of objects of each class in a picture.
        scenes: Share of each kind of scene.
        square_px: Smallest and largest side of the squares; sides are spread evenly over its logarithm.
        markers: Share of the pictures in which markers of other kinds stand in the place of most strips.
    """

    per_image: dict[str, float] = field(default_factory=lambda: dict(PER_IMAGE))
    scenes: dict[str, float] = field(default_factory=lambda: dict(SHARES))
    square_px: tuple[float, float] = (5.0, 60.0)
    markers: float = 0.2

    def check(self, size: tuple[int, int]) -> None:
        """Refuse what cannot be rendered.

        Raises:
            ValueError: Names the key, the value and what is allowed.
        """
        for kind in set(self.scenes) - set(SCENES):
            raise ValueError(f"there is no scene '{kind}'.{suggestion(kind, list(SCENES))}")
        for name in set(self.per_image) - set(NAMES):
            raise ValueError(f"there is no class '{name}'.{suggestion(name, list(NAMES))}")
        if min(self.scenes.values(), default=0) < 0 or not sum(self.scenes.values()) > 0:
            raise ValueError(f"shares of scenes are {self.scenes}, allowed: 0 or more, and one above 0.")
        if not 0 <= self.markers <= 1:
            raise ValueError(f"markers is {self.markers:g}, allowed: 0 to 1, the share of pictures with other markers.")
        low, high = self.square_px
        if not (LEAST_PX < low <= high <= min(size)):
            raise ValueError(
                f"square_px is {low:g} to {high:g}, allowed: above {LEAST_PX:g} (smaller ones get no box) and at most "
                f"{min(size)}, the side of the image."
            )
        most = self.most_points(size)
        if not 0 <= self.per_image.get("point", 0) <= most:
            raise ValueError(
                f"point={self.per_image['point']:g} squares per image do not fit: allowed are 0 to {most:.0f} on "
                f"average in {size[0]}x{size[1]} px at {low:g} to {high:g} px per square. Use larger images or smaller "
                f"squares."
            )
        for name, kinds in OTHERS_WITH.items():
            most = SEEN[name] * MOST[name] * sum(self.share(kind) for kind in kinds)
            if not 0 <= self.per_image.get(name, 0) <= most:
                raise ValueError(
                    f"{name}={self.per_image[name]:g} per image, allowed: 0 to {most:.3g}; at most {MOST[name]} are "
                    f"placed in a picture, in scenes of {' and '.join(kinds)}."
                )

    def most_points(self, size: tuple[int, int]) -> float:
        """Largest mean number of targets that finds room in pictures of a size."""
        return 0.9 * SEEN["point"] * self.with_points * float(room_for(size, self.sides()).mean())

    @property
    def with_points(self) -> float:
        """Share of the pictures that may hold targets."""
        return sum(self.share(kind) for kind in SCENES_WITH["point"])

    def share(self, kind: str) -> float:
        """Share of a kind of scene, 0 to 1."""
        return self.scenes.get(kind, 0) / sum(self.scenes.values())

    def sides(self) -> np.ndarray:
        """Sides in px at the middles of 24 equally likely classes."""
        low, high = np.log(self.square_px)
        return np.exp(low + (high - low) * (np.arange(24) + 0.5) / 24)

    def crowd(self, size: tuple[int, int], side_px: np.ndarray) -> np.ndarray:
        """Mean number of targets to place at each side of the squares, so that ``per_image`` comes out over all sides.

        Small squares come in larger numbers; where they do not fit, the other sides make up for it.
        """
        sides, wanted = self.sides(), self.per_image.get("point", 0) / SEEN["point"]
        wanted /= self.with_points or 1.0
        factor = 1.0
        for _ in range(30):  # a fixed point: the sum grows with the factor, and has settled by then
            placed = np.minimum(factor * wanted * (20 / sides) ** 0.6, room_for(size, sides)).mean()
            factor *= wanted / placed if placed > 0 else 1.0
        return np.minimum(factor * wanted * (20 / side_px) ** 0.6, room_for(size, side_px))

    def wanted(self, rng: np.random.Generator, size: tuple[int, int], kind: str, side_px: float) -> Wanted:
        """Objects of one picture of a kind; in the mean over many, ``per_image`` comes out."""
        counts: dict[str, int] = {}
        means: dict[str, float] = {}
        for name, kinds in OTHERS_WITH.items():
            share = sum(self.share(each) for each in kinds)
            mean = self.per_image.get(name, 0) / share / SEEN[name] if kind in kinds else 0.0
            counts[name] = int(rng.binomial(MOST[name], min(mean / MOST[name], 1)))
            if name == "wheel" and 0 <= mean - 2 * means["bogie"] <= EXTRA:
                counts[name] = 2 * counts["bogie"] + int(rng.binomial(EXTRA, (mean - 2 * means["bogie"]) / EXTRA))
            means[name] = mean
        # of mean 1; the division by 1 - EMPTY below makes up for the pictures without targets
        spread = np.exp(rng.normal(0, SPREAD) - SPREAD**2 / 2)
        point = float(self.crowd(size, np.array(side_px))) * spread / (1 - EMPTY)
        without = rng.random() < EMPTY or kind not in SCENES_WITH["point"]
        return Wanted(point=0 if without else round(point), **counts)


def room_for(size: tuple[int, int], side_px: np.ndarray) -> np.ndarray:
    """About how many squares of a side find room in a picture: strips are long, so it grows with one over the side."""
    return 2.2 * min(size) / side_px


class Still(NamedTuple):
    """A picture of a set.

    Attributes:
        image: BGR, (H, W, 3) uint8.
        labels: Class and xyxy box in px, (N, 5); points first.
        kinds: Kind of each point.
        centres: Centre of each point in px, (P, 2): of its whole outline, hidden parts included.
    """

    image: np.ndarray
    labels: np.ndarray
    kinds: tuple[str, ...]
    centres: np.ndarray


def draw_still(rng: np.random.Generator, size: tuple[int, int], mix: SceneMix) -> Still:
    """Render one picture of a set, of size (W, H)."""
    kinds = list(mix.scenes)
    kind = kinds[int(rng.choice(len(kinds), p=[mix.share(kind) for kind in kinds]))]
    square_px = float(np.exp(rng.uniform(*np.log(mix.square_px))))
    upright = kind == "rig" and rng.random() < TOWERS
    builder = begin_scene(rng, size, square_px, mix.wanted(rng, size, kind, square_px), upright=upright)
    if rng.random() < mix.markers:  # one or two kinds: a laboratory has its own
        builder.markers = tuple(str(kind) for kind in rng.choice(list(MARKERS), int(rng.integers(1, 3)), replace=False))
    scene = compose(builder, kind)
    blur_mm = float(rng.uniform(0, 0.25)) * builder.square_mm
    exposure_s = blur_mm / (builder.speed_mps * 1e3)
    time_s = float(rng.uniform(0, builder.latest_s))
    frame = Renderer(scene, (time_s, time_s), exposure_s).frame(time_s)
    look = Look.draw(rng, size, square_px)
    labelled = frame.targets.is_labelled
    kinds = [kind for body in scene.bodies for kind in body.targets.kinds]
    centres = centroids(scene, np.array([time_s]))[0]
    return Still(
        look.apply(frame.image, rng), frame.labels, tuple(np.array(kinds)[labelled].tolist()), centres[labelled]
    )
