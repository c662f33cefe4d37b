"""Motion of rigid bodies in the plane: a run-up, a deceleration pulse, pitch and vibration, all in closed form.

Units: mm for positions, m/s and m/s² for their derivatives, rad for angles, s for times. The y axis points down, as in
images; a positive angle turns x towards y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gjadet_yolo.synth.world.pulse import Pulse, check_positive


@dataclass(frozen=True)
class StepResponse:
    """Response of a damped oscillator to a load that sets in at ``start_s`` and stays: pitch of a braked body.

    Value and rate start at zero; the value settles at ``amplitude``. ``frequency_hz`` is the damped natural frequency.
    """

    amplitude: float
    frequency_hz: float
    decay_per_s: float
    start_s: float = 0.0

    def __post_init__(self) -> None:
        check_positive("pitch", frequency_hz=self.frequency_hz, decay_per_s=self.decay_per_s)

    def derivatives(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value and its first two derivatives, each of the shape of the times."""
        tau = np.maximum(t_s - self.start_s, 0)
        omega, decay = 2 * np.pi * self.frequency_hz, self.decay_per_s
        fading, sine, cosine = np.exp(-decay * tau), np.sin(omega * tau), np.cos(omega * tau)
        gain = self.amplitude * (omega**2 + decay**2) / omega
        value = self.amplitude * (1 - fading * (cosine + decay / omega * sine))
        rate = gain * fading * sine
        # jumps at the onset, as under any sudden load; value and rate do not
        acceleration = np.where(t_s >= self.start_s, gain * fading * (omega * cosine - decay * sine), 0.0)
        return value, rate, acceleration


@dataclass(frozen=True)
class Vibration:
    """Steady oscillation ``amplitude * sin(2 pi * frequency * t + phase)``."""

    amplitude_mm: float
    frequency_hz: float
    phase_rad: float = 0.0

    def derivatives(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Displacement in mm, velocity in mm/s and acceleration in mm/s²."""
        omega = 2 * np.pi * self.frequency_hz
        angle = omega * t_s + self.phase_rad
        value = self.amplitude_mm * np.sin(angle)
        return value, self.amplitude_mm * omega * np.cos(angle), -(omega**2) * value


@dataclass(frozen=True)
class MarkerMotion:
    """Motion of N markers at T times, each quantity (T, N, 2)."""

    position_mm: np.ndarray
    velocity_mps: np.ndarray
    acceleration_mps2: np.ndarray


@dataclass(frozen=True)
class BodyMotion:
    """A rigid body that runs along a line, is slowed down by a pulse, pitches and vibrates.

    Attributes:
        origin_mm: Position of the reference point at time 0.
        velocity_mps: Velocity before the pulse; the pulse acts against it.
        pulse: Deceleration along the path from ``impact_s`` on, or None for a body that goes on or stands.
        pitch: Angle about the reference point, in rad.
        vibration: Vibrations along x and y.
    """

    origin_mm: tuple[float, float]
    velocity_mps: tuple[float, float] = (0.0, 0.0)
    pulse: Pulse | None = None
    impact_s: float = 0.0
    pitch: StepResponse | None = None
    vibration: tuple[Vibration | None, Vibration | None] = (None, None)

    def __post_init__(self) -> None:
        if self.pulse is not None and not np.hypot(*self.velocity_mps) > 0:
            raise ValueError(
                f"velocity_mps is {self.velocity_mps}; a body with a pulse must move, or it has no direction."
            )

    def reference(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Reference point: position in mm, velocity in mm/s, acceleration in mm/s², each (T, 2)."""
        velocity = np.array(self.velocity_mps) * 1e3
        path = np.array(self.origin_mm) + velocity * t_s[:, None]
        # a copy, since the pulse is subtracted in place and a broadcast array cannot be written
        motion = [path, np.broadcast_to(velocity, path.shape).copy(), np.zeros_like(path)]
        if self.pulse is not None:
            direction, after = velocity / np.linalg.norm(velocity), t_s - self.impact_s
            losses = (self.pulse.shortfall(after), self.pulse.velocity_loss(after), self.pulse.deceleration(after))
            for quantity, loss in zip(motion, losses, strict=True):  # losses are in m, positions and rates in mm
                quantity -= loss[:, None] * 1e3 * direction
        for axis, vibration in enumerate(self.vibration):
            if vibration is not None:
                for quantity, part in zip(motion, vibration.derivatives(t_s), strict=True):
                    quantity[:, axis] += part
        return motion[0], motion[1], motion[2]

    def angle(self, t_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pitch in rad and its first two derivatives, each (T,)."""
        return self.pitch.derivatives(t_s) if self.pitch is not None else (np.zeros_like(t_s),) * 3

    def markers(self, t_s: np.ndarray, points_mm: np.ndarray) -> MarkerMotion:
        """Motion at times (T,) of points (N, 2) of the body, relative to the reference point at pitch 0."""
        position, velocity, acceleration = (quantity[:, None, :] for quantity in self.reference(t_s))
        angle, rate, angular = self.angle(t_s)
        sine, cosine = np.sin(angle)[:, None], np.cos(angle)[:, None]
        x, y = points_mm[:, 0], points_mm[:, 1]
        arm = np.stack((cosine * x - sine * y, sine * x + cosine * y), -1)  # (T, N, 2)
        across = np.stack((-arm[..., 1], arm[..., 0]), -1)  # the arm's derivative by the angle
        rate, angular = rate[:, None, None], angular[:, None, None]
        return MarkerMotion(
            position + arm,
            (velocity + rate * across) * 1e-3,
            (acceleration + angular * across - rate**2 * arm) * 1e-3,  # tangential and centripetal
        )
