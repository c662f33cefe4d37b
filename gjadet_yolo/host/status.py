"""Which Ultralytics is supported, and whether the plugin is active in this process.

Nothing of the package is imported at the top, so that every room may import this file, ``engine/`` included.
"""

from __future__ import annotations

from dataclasses import dataclass, field

# Supported: LOWEST <= version < BELOW. setup.cfg states the same range; a test compares them.
LOWEST, BELOW = "8.4.130", "8.5"


class PluginError(RuntimeError):
    """The plugin cannot work with this host; the message says why and what to do."""


@dataclass
class Status:
    """Host modules that are connected in this process, and the problem that keeps the others from being so."""

    connected: set[str] = field(default_factory=set)
    problem: str = ""


status = Status()


def version_tuple(version: str) -> tuple[int, ...]:
    # a release candidate such as 8.4.190rc1 becomes (8, 4), which is below the range
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def check_version(version: str) -> None:
    """Refuse a host outside the range with a PluginError that names both versions and the command that helps."""
    if not version_tuple(LOWEST) <= version_tuple(version) < version_tuple(BELOW):
        from gjadet_yolo import __version__  # here: the package may still be starting when this file is imported

        raise PluginError(
            f"gjadet-yolo {__version__} supports ultralytics >={LOWEST},<{BELOW}, found ultralytics {version}. "
            f"Run: pip install 'ultralytics>={LOWEST},<{BELOW}'"
        )


def require(what: str) -> None:
    """Refuse something that needs the plugin where it could not be connected.

    Raises:
        PluginError: Names ``what`` and the problem.
    """
    if status.problem:
        raise PluginError(f"{what} needs gjadet-yolo, which is not active: {status.problem}")
