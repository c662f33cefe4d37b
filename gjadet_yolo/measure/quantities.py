"""Figures that people quote of a crash, each with its standard deviation, along a body's direction of motion.

- ``impact_speed`` (m/s): slope of the straight line through the positions before T0; where fewer than eight were
  measured, the filtered velocity at T0.
- ``rebound_speed`` (m/s): largest speed against the direction of motion after T0, over 30 ms; negative where the body
  never turns.
- ``peak_deceleration`` (g): largest filtered value after T0.
- ``deceleration_3ms`` (g): largest level that is exceeded for 3 ms in one piece (the contiguous form).
- ``mean_deceleration`` (g) and ``duration`` (s): between 5 and 95 % of the change of velocity, from the impact speed to
  the lowest velocity; 0.9 of the change over the duration. Ends of a pulse that noise would blur do not enter.
- ``crush`` (mm): largest displacement since T0.

A body that stands and is struck has no direction of its own: it takes that against which it is thrown, so that its
deceleration is positive, its impact speed about 0 and its rebound speed that which it is given; it has no crush.

The largest of noisy values is too large on average. Each figure is therefore also taken from many curves made of a
smooth estimate of the motion and fresh noise, through the same filter: their mean less the smooth estimate's own figure
is subtracted, and their spread is the standard deviation (parametric bootstrap, Efron and Tibshirani 1993).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import minimum_filter1d

from gjadet_yolo.measure.filters import FITTED, Filter
from gjadet_yolo.measure.kinematics import Motion, kinematics
from gjadet_yolo.measure.onset import Onset
from gjadet_yolo.measure.result import Figure
from gjadet_yolo.measure.run_up import LEAST_BEFORE, Line, before

STANDARD_GRAVITY = 9.80665  # m/s²
DRAWS = 200
SIGNIFICANT = 6.0  # standard deviations of a speed or of a change of speed
LEAST_SPEED_MPS = 0.05  # below it a body stands: vibration, or drift of the camera
SURELY = 3.0  # standard deviations of T0 before which no pulse begins
PLAIN = 3.0  # standard deviations from which a peak is one
PULSE = ("peak_deceleration", "deceleration_3ms", "mean_deceleration", "duration")
LEVEL_S = 0.003
REBOUND_S = 0.03
EARLY, LATE = 0.05, 0.95
AUTO = Filter("auto")
NOISE_ONLY = ("peak_deceleration", "deceleration_3ms")
RESTS_ON = {  # position, velocity or acceleration: which of their errors a figure carries
    "rebound_speed": 1,
    "peak_deceleration": 2,
    "deceleration_3ms": 2,
    "mean_deceleration": 1,
    "duration": 1,
    "crush": 0,
}
UNITS = {
    "rebound_speed": "m/s",
    "peak_deceleration": "g",
    "deceleration_3ms": "g",
    "mean_deceleration": "g",
    "duration": "s",
    "crush": "mm",
}


def figures(
    time_s: np.ndarray,
    position_mm: np.ndarray,
    sigma_mm: np.ndarray,
    measured: np.ndarray,
    t0: Onset,
    filter_: Filter,
    generator: np.random.Generator,
    slow: np.ndarray | None = None,
) -> list[Figure]:
    """Figures of each body that moves; bodies that stand, and those without a scale, have none.

    Args:
        time_s: Middle of each exposure, equally spaced, (n,).
        position_mm: (n, B, 2), with ``sigma_mm``; NaN where there is none.
        measured: (n, B) bool.
        t0: In the time of ``time_s``; sigma 0 where it is stated.
        filter_: That of the curves.
        generator: Of the noise of the bootstrap.
        slow: How many times more of the errors the filter passes to position, velocity and acceleration than of
            independent ones, (B, 3); 1 where left out.
    """
    found = []
    more = np.ones((position_mm.shape[1], 3)) if slow is None else slow
    for body in range(position_mm.shape[1]):
        seen = measured[:, body] & np.isfinite(position_mm[:, body]).all(axis=1)
        seen &= np.isfinite(sigma_mm[:, body]).all(axis=1)
        if seen.sum() >= 2 * LEAST_BEFORE and (seen & (time_s >= t0.time_s)).sum() >= LEAST_BEFORE:
            found += of_body(
                body, time_s, position_mm[:, body], sigma_mm[:, body], seen, t0, filter_, generator, more[body]
            )
    return found


def of_body(
    body: int,
    time_s: np.ndarray,
    position: np.ndarray,
    sigma: np.ndarray,
    seen: np.ndarray,
    t0: Onset,
    filter_: Filter,
    generator: np.random.Generator,
    slow: np.ndarray,
) -> list[Figure]:
    """Figures of one body; position (n, 2), sigma (n, 2), seen (n,)."""
    fps = (len(time_s) - 1) / (time_s[-1] - time_s[0])
    smooth = kinematics(position, sigma, np.stack([seen, seen], 1), fps, AUTO)
    line = before(time_s, position, sigma, seen, t0, smooth)
    if line is None:
        return []
    direction, struck = main_direction(line, smooth, time_s > t0.time_s)
    if direction is None:
        return []
    along = position @ direction
    along_sigma = np.sqrt(sigma**2 @ direction**2)
    speed = Figure(
        *("impact_speed", body, float(line.velocity @ direction)),
        *(math.hypot(*(line.sigma_velocity * direction)), "m/s"),
    )
    state = Pulse(time_s, fps, t0.time_s, speed.value, float(line.position @ direction), SURELY * t0.sigma_s)
    values, sigmas, peak_s = bootstrap(state, speed.sigma, along, along_sigma, seen, filter_, generator)
    sigmas = {name: sigma * slow[RESTS_ON[name]] for name, sigma in sigmas.items()}
    # crush and, where it counts from a fit, the change of speed also carry what is unsure before the pulse
    sigmas["crush"] = math.hypot(sigmas["crush"], *(line.sigma_position * direction), speed.value * 1e3 * t0.sigma_s)
    names = [name for name in UNITS if not (struck and name == "crush")]
    rest = [
        Figure(name, body, values[name], sigmas[name], UNITS[name], peak_s if name == "peak_deceleration" else math.nan)
        for name in names
        if math.isfinite(values[name])
    ]
    return [speed, *seen_whole(rest)]


def seen_whole(found: list[Figure]) -> list[Figure]:
    """Figures without those of a pulse that was not seen: lost in noise, or in a gap of the body's markers.

    What a gap hides becomes a jump of the velocity: a mean over less time than the filter resolves, above the peak.
    """
    by_name = {figure.name: figure for figure in found}
    peak, mean = by_name.get("peak_deceleration"), by_name.get("mean_deceleration")
    if peak is None or peak.value < PLAIN * peak.sigma:
        gone = set(PULSE)
    elif mean is not None and mean.value > peak.value + PLAIN * math.hypot(mean.sigma, peak.sigma):
        gone = {"mean_deceleration", "duration"}
    else:
        gone = set()
    return [figure for figure in found if figure.name not in gone]


def main_direction(line: Line, smooth: Motion, after: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """Unit vector of a body's motion, and whether it stood and was struck; no vector where it stays at rest."""
    speed = float(np.hypot(*line.velocity))
    if speed > max(LEAST_SPEED_MPS, SIGNIFICANT * float(np.hypot(*line.sigma_velocity))):
        return line.velocity / speed, False
    change = np.where(after[:, None], smooth.velocity / 1e3 - line.velocity, np.nan)
    size = np.hypot(*change.T)
    if not np.isfinite(size).any():
        return None, True
    at = int(np.nanargmax(size))
    unsure = float(np.hypot(*(smooth.sigma_velocity[at] / 1e3)))
    if size[at] > max(LEAST_SPEED_MPS, SIGNIFICANT * unsure):
        return -change[at] / size[at], True
    return None, True


@dataclass(frozen=True)
class Pulse:
    """What is known before the pulse: times, rate, T0, speed in m/s and position in mm at T0, along the motion.

    ``early_s`` is by how much the pulse may have begun before T0.
    """

    time_s: np.ndarray
    fps: float
    t0_s: float
    speed_mps: float
    position_mm: float
    early_s: float = 0.0

    def measure(self, motion: np.ndarray) -> dict[str, np.ndarray]:
        """Figures of curves (3, n, C) of position, velocity, acceleration in mm and s; each (C,), NaN if unknown."""
        after = self.time_s >= self.t0_s
        position, velocity, acceleration = motion[:, after]
        # a stretch that nobody saw takes no part in a maximum
        gone = ~np.isfinite(acceleration)
        decel = np.where(gone, -np.inf, -acceleration) / (1e3 * STANDARD_GRAVITY)
        lowest = lowest_mean(np.where(gone, np.inf, velocity / 1e3), round(REBOUND_S * self.fps))
        change = self.speed_mps - lowest
        begun = motion[1, self.time_s >= self.t0_s - self.early_s] / 1e3
        times = [self.falls_below(begun, self.speed_mps - part * change) for part in (EARLY, LATE)]
        duration = times[1] - times[0]
        return {
            "rebound_speed": -lowest,
            "peak_deceleration": decel.max(axis=0),
            "deceleration_3ms": level_held(decel, self.fps, LEVEL_S),
            "mean_deceleration": (LATE - EARLY) * change / duration / STANDARD_GRAVITY,
            "duration": duration,
            "crush": np.where(gone, -np.inf, position).max(axis=0) - self.position_mm,
        }

    def falls_below(self, velocity: np.ndarray, level: np.ndarray) -> np.ndarray:
        """Seconds, from the first frame, at which velocities (n, C) first fall to levels (C,); lines join frames."""
        below = velocity <= level
        at = np.maximum(np.argmax(below, axis=0), 1)
        column = np.arange(velocity.shape[1])
        upper, lower = velocity[at - 1, column], velocity[at, column]
        drop = np.where(upper > lower, upper - lower, 1.0)
        part = np.clip((upper - level) / drop, 0, 1)
        return np.where(below.any(axis=0), (at - 1 + part) / self.fps, np.nan)


def lowest_mean(values: np.ndarray, count: int) -> np.ndarray:
    """Lowest mean of so many neighbours in curves (n, C), none infinite; of all samples where there are fewer."""
    seen = np.isfinite(values)
    total = np.cumsum(np.pad(np.where(seen, values, 0), ((1, 0), (0, 0))), axis=0)
    number = np.cumsum(np.pad(seen, ((1, 0), (0, 0))), axis=0)
    count = max(min(count, int(seen.sum(axis=0).min())), 1)
    full = number[count:] - number[:-count] == count
    mean = np.where(full, (total[count:] - total[:-count]) / count, np.inf).min(axis=0)
    # short stretches only: the mean of all
    return np.where(np.isfinite(mean), mean, total[-1] / np.maximum(number[-1], 1))


def level_held(values: np.ndarray, fps: float, seconds: float) -> np.ndarray:
    """Largest level that curves (n, C), straight between samples, exceed for so long in one piece, (C,)."""
    # points between samples, at a spacing of which the time is an even multiple: a peak is caught within a tenth
    intervals = 10 * max(math.ceil(seconds * fps), 1)
    at = np.arange(0, len(values) - 1 + 1e-9, seconds * fps / intervals)
    if len(at) <= intervals:
        return np.full(values.shape[1], np.nan)
    row = np.minimum(at.astype(int), len(values) - 2)
    part = (at - row)[:, None]
    known = np.where(np.isfinite(values), values, -1e9)
    fine = known[row] * (1 - part) + known[row + 1] * part
    window = intervals + 1
    held = minimum_filter1d(fine, window, axis=0, mode="nearest")
    return held[window // 2 : len(fine) - window // 2].max(axis=0)


def bootstrap(
    pulse: Pulse,
    speed_sigma: float,
    along: np.ndarray,
    sigma: np.ndarray,
    seen: np.ndarray,
    filter_: Filter,
    generator: np.random.Generator,
) -> tuple[dict[str, float], dict[str, float], float]:
    """Figures without the bias of noise, their standard deviations, and when the deceleration is largest."""
    mask = seen[:, None]
    motion = kinematics(along[:, None], sigma[:, None], mask, pulse.fps, filter_)
    shown, model = stacked(motion), stacked(kinematics(along[:, None], sigma[:, None], mask, pulse.fps, AUTO))
    chosen = fixed(filter_, along, sigma, seen, pulse.fps)
    base = model[0]
    noise = generator.standard_normal((len(along), DRAWS)) * np.where(seen, sigma, 0)[:, None]
    many = np.repeat(mask, DRAWS, axis=1) & np.isfinite(base)
    spread = np.repeat(sigma[:, None], DRAWS, axis=1)
    drawn = pulse.measure(stacked(kinematics(base + noise, spread, many, pulse.fps, chosen)))
    # fitted filters are measured against the motion itself, classes against what the class makes of it
    clean = model
    if filter_.kind not in FITTED:
        clean = stacked(kinematics(base, sigma[:, None], many[:, :1], pulse.fps, chosen))
    truth, observed = pulse.measure(clean), pulse.measure(shown)
    bias = {name: float(np.mean(drawn[name]) - truth[name][0]) for name in UNITS}
    values = {name: float(observed[name][0]) - bias[name] for name in UNITS}
    # what smoothing takes away is known from a curve that is smoothed itself, so as little as it is large; what noise
    # adds to the maxima of a class is known well
    unsure = {name: 0.0 if clean is not model and name in NOISE_ONLY else bias[name] for name in UNITS}
    sigmas = {name: math.hypot(float(np.std(drawn[name], ddof=1)), unsure[name]) for name in UNITS}
    # what rests on the speed of impact carries its error
    other = replace(pulse, speed_mps=pulse.speed_mps + speed_sigma).measure(shown)
    sigmas = {name: math.hypot(sigmas[name], float(other[name][0] - observed[name][0])) for name in UNITS}
    after = pulse.time_s >= pulse.t0_s
    slowing = np.where(np.isfinite(shown[2, after, 0]), -shown[2, after, 0], -np.inf)
    peak = int(np.argmax(slowing))
    if clean is model:  # the bar of the curve holds what smoothing did to the true motion, the drawn ones do not
        bar = float(motion.sigma_acceleration[after][peak, 0]) / (1e3 * STANDARD_GRAVITY)
        sigmas.update({name: max(bar, sigmas[name]) for name in NOISE_ONLY})
    return values, sigmas, float(pulse.time_s[after][peak])


def stacked(motion: Motion) -> np.ndarray:
    """Position, velocity and acceleration, (3, n, C)."""
    return np.stack([motion.position, motion.velocity, motion.acceleration])


def fixed(filter_: Filter, along: np.ndarray, sigma: np.ndarray, seen: np.ndarray, fps: float) -> Filter:
    """The filter for drawn curves: itself, or for one that is fitted the cut-off that ``auto`` finds for the curve."""
    if filter_.kind not in FITTED:
        return filter_
    return Filter("hz", float(kinematics(along[:, None], sigma[:, None], seen[:, None], fps, AUTO).cutoff_hz[0]))
