"""Where the packaged YAML files and weights are, and which of them a bare name means."""

from __future__ import annotations

from pathlib import Path

SCALES = "nsmlx"
YAML_SUFFIXES = (".yaml", ".yml")
# Ends of model names that follow the scale, as in the host (gjadetn-p2); of two that fit, the longer comes first.
TAILS = ("-p2-paper", "-p2-plain", "-tiny-paper")
TAILS += ("-paper", "-plain", "-p2", "-p3", "-pafpn", "-fpn", "-dyhead", "-tiny", "-joint", "-lcp")


def folder(kind: str) -> Path:
    """Folder of packaged files; ``kind`` is ``cfg``, ``datasets`` or ``weights``."""
    package = Path(__file__).parent
    inside = package / kind  # installed; in a source checkout, setup.cfg's package_dir leaves it beside the package
    return inside if inside.is_dir() else package.parent / kind


def files(kind: str) -> dict[str, Path]:
    """Packaged YAML files, or checkpoints, by stem, e.g. ``{"gjadet": .../cfg/gjadet.yaml}``."""
    base, suffixes = folder(kind), (".pt",) if kind == "weights" else YAML_SUFFIXES
    return {p.stem: p for p in sorted(base.iterdir()) if p.suffix in suffixes} if base.is_dir() else {}


def split_scale(stem: str, known: dict[str, Path] | None = None) -> tuple[str, str]:
    """Split a model name into family and scale.

    Args:
        stem: Name without suffix, e.g. ``gjadetm``, ``gjadet-yolo11s`` or ``gjadetn-p2``.
        known: Families; default: the packaged model YAMLs.

    Returns:
        ``(family, scale)``; the scale is empty if the name has none, the family if it is not known.
    """
    known = files("cfg") if known is None else known
    if stem in known:
        return stem, ""
    start, end = split_tail(stem)
    family, scale = start[:-1] + end, start[-1:]
    return (family, scale) if family in known and scale in SCALES else ("", "")


def with_scale(family: str, scale: str) -> str:
    """Name of a model: ``gjadetn``, ``gjadet-yolo11n``, ``gjadetn-p2``."""
    start, end = split_tail(family)
    return start + scale + end


def split_tail(stem: str) -> tuple[str, str]:
    """Split a model name in front of its tail, which may be empty."""
    end = next((tail for tail in TAILS if stem.endswith(tail)), "")
    return stem.removesuffix(end), end


def model_yaml(name: str | Path) -> Path | None:
    """Model YAML that a bare name, with or without a scale, means; None for names that are not of this package."""
    path = Path(name)
    known = files("cfg")
    family, _ = split_scale(path.stem, known)
    if path.suffix not in YAML_SUFFIXES or not family:
        return None
    own = path.with_name(family + path.suffix)  # the user's gjadet.yaml wins also for gjadetm.yaml
    if own.exists():
        return own
    return known[family] if path.name == str(name) else None


def dataset_yaml(name: str | Path) -> Path | None:
    """Packaged dataset YAML that a bare name means (``crash2024.yaml``), or None."""
    path = Path(name)
    if path.suffix not in YAML_SUFFIXES or path.name != str(name):
        return None
    return files("datasets").get(path.stem)


def weights(name: str | Path) -> Path | None:
    """Packaged checkpoint that a bare name means (``gjadetn-crash-synth.pt``), or None."""
    path = Path(name)
    return files("weights").get(path.stem) if path.suffix == ".pt" and path.name == str(name) else None
