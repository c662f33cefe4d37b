"""How the wheels and frames of one scene look: drawn once, since those of one vehicle are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WheelStyle:
    """Appearance of wheels.

    Attributes:
        face: Material of the rim's face.
        plate: Material of web and hub.
        gain: Brightness.
        rim: Inner radius of the rim, as a share of the wheel's.
        web: Radius of the hub, as a share of the wheel's.
        holes: Openings in the web.
        bulged: Whether the web stands out rather than in.
        greasy: Whether the flange is black.
        disc: Whether a brake disc covers the web.
        cap: Bolts of the axle's cap; none without a cap.
        turn_rad: How far the wheel has turned.
    """

    face: str
    plate: str
    gain: float
    rim: float
    web: float
    holes: int
    bulged: bool
    greasy: bool
    disc: bool
    cap: int
    turn_rad: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> WheelStyle:
        """A random style: bare steel, rust, or paint on web and hub."""
        face = ("steel", "rust", "dark", "paint", "steel")[int(rng.integers(5))]
        plate = face if rng.random() < 0.45 else ("rust", "paint", "steel", "dark")[int(rng.integers(4))]
        return cls(
            face,
            plate,
            float(rng.uniform(0.55, 1.25)),
            float(rng.uniform(0.74, 0.86)),
            float(rng.uniform(0.26, 0.42)),
            int(rng.choice((0, 0, 0, 4, 5, 6))),
            bool(rng.random() < 0.4),
            bool(rng.random() < 0.5),
            bool(rng.random() < 0.2),
            int(rng.choice((0, 3, 4, 6))),
            float(rng.uniform(0, 2 * np.pi)),
        )
