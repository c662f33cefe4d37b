"""Images that a detector likes, for the catch-up learner: where they come from, without their labels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2

from gjadet_yolo.data.formats.images import IMAGE_FORMATS
from gjadet_yolo.engine.streams import Picture, pictures_below
from gjadet_yolo.messages import shown

EXPECTED = "a data YAML, a folder of images or a video"
YAML_SUFFIXES = (".yaml", ".yml")


def favoured_source(data: Mapping[str, Any], stated: str) -> str:
    """Where the images are: what a data YAML names as ``favoured:``, else what the model YAML does.

    Args:
        data: Data YAML of the training, in which paths are relative to its ``path:``.
        stated: Value of the model YAML, relative to the current folder.

    Raises:
        ValueError: Neither names anything, or it is no path.
    """
    named = data.get("favoured")
    if named is None and not stated:
        raise ValueError(
            f"crux: needs images that the detector likes, beside the training set. Name {EXPECTED} as 'favoured:' in "
            f"the data YAML, or in the crux: block of the model YAML."
        )
    if named is None:
        return stated
    if not isinstance(named, str) or not named:
        raise ValueError(f"favoured: {shown(named)} in the data YAML, expected {EXPECTED}.")
    # A bare name of a data YAML is looked up by the host, as everywhere.
    below = Path(data.get("path") or ".") / named
    return str(below) if below.exists() else named


def favoured_pictures(
    source: str, train_of: Callable[[str], str | Sequence[str]], training: Iterable[str] = ()
) -> list[Picture]:
    """All images of a source.

    Args:
        source: A data YAML, whose training images count, a folder, a video, or a list of images (``.txt``).
        train_of: What a data YAML names as its training images, as whole paths.
        training: Image files of the training set.

    Raises:
        ValueError: There is nothing, no image in it, or all of them are training images.
    """
    if Path(source).suffix in YAML_SUFFIXES:
        named = train_of(source)
        paths = [Path(one) for one in ([named] if isinstance(named, (str, Path)) else named)]
    else:
        paths = [Path(source)]
    found = [picture for path in paths for picture in pictures_at(path)]
    if not found:
        state = "holds no image" if all(path.exists() for path in paths) else "does not exist"
        raise ValueError(f"crux: favoured is {source}, which {state}. Name {EXPECTED}.")
    refuse_training_images(source, found, training)
    return found


def pictures_at(path: Path) -> list[Picture]:
    """Images of a folder, a list or a video, or an image; empty where there is nothing."""
    if path.is_dir():
        return pictures_below(path)
    if not path.is_file():
        return []
    if path.suffix == ".txt":  # as the host reads it: a line with ./ is relative to the list
        lines = path.read_text(encoding="utf-8").split()
        return [Picture(path.parent / line if line.startswith("./") else Path(line)) for line in lines]
    if path.suffix[1:].lower() in IMAGE_FORMATS:
        return [Picture(path)]
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    capture.release()
    return [Picture(path, frame) for frame in range(count)]


def refuse_training_images(source: str, pictures: Iterable[Picture], training: Iterable[str]) -> None:
    """Refuse a favoured set that is the training set, from which nothing could be learnt.

    Raises:
        ValueError: Every picture is a training image.
    """
    own = {Path(file).resolve() for file in training}
    if all(picture.file.resolve() in own for picture in pictures):
        raise ValueError(
            f"crux: favoured is {source}, and all of its images are training images. Name others, which the detector "
            f"likes: good images of other scenes."
        )
