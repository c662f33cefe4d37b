"""How the host finds files once the plugin is connected: what the user has wins, then the package, then the host."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gjadet_yolo import locate
from gjadet_yolo.rows import check_shape


def scaling(guess_model_scale: Callable[..., str]) -> Callable[..., str]:
    """Wrap the host's scale guess, which finds scales in ``yolo<digits><scale>`` only."""

    @functools.wraps(guess_model_scale)
    def wrapper(model_path: str | Path) -> str:
        family, scale = locate.split_scale(Path(model_path).stem)
        return scale if family and scale else guess_model_scale(model_path)

    return wrapper


def finding(check: Callable[..., Any], find: Callable[[str | Path], Path | None], kind: str) -> Callable[..., Any]:
    """Wrap a host look-up of files: what the user has wins, then the package, then the host.

    Args:
        check: The host's look-up.
        find: Look-up in the package.
        kind: Packaged folder whose names are suggested when nothing is found.
    """

    @functools.wraps(check)
    def wrapper(file: str | Path, *args: Any, **kwargs: Any) -> Any:
        if not Path(file).exists() and (found := find(file)):
            return str(found)
        with suggesting(file, kind):
            return check(file, *args, **kwargs)

    return wrapper


def loading(load: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the host's loading of checkpoints: what the user has wins, then the packaged ones, then the host's.

    A packaged checkpoint keeps its bare name, so that what the host writes beside a checkpoint (exports) lands in the
    current folder, as with the host's own ones, and not in the package.
    """

    @functools.wraps(load)
    def wrapper(weight: str | Path, *args: Any, **kwargs: Any) -> Any:
        found = None if Path(weight).exists() else locate.weights(weight)
        if found:
            return load(str(found), *args, **kwargs)[0], str(weight)
        with suggesting(weight, "weights"):
            return load(weight, *args, **kwargs)

    return wrapper


def reading(load: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Wrap the host's reading of model YAMLs, which takes files without a model in them and fails later on.

    It raises ``ValueError`` with the file and what is missing.
    """

    @functools.wraps(load)
    def wrapper(path: str | Path) -> dict[str, Any]:
        model = load(path)
        check_shape(model)
        return model

    return wrapper


@contextmanager
def suggesting(file: str | Path, kind: str) -> Iterator[None]:
    """Add the closest packaged name to the error for a file that is not found."""
    try:
        yield
    except FileNotFoundError as error:
        close = get_close_matches(Path(file).stem, list(locate.files(kind)), n=1, cutoff=0.7)
        if not close:
            raise
        suffix = locate.files(kind)[close[0]].suffix
        raise FileNotFoundError(f"{error}. Did you mean '{close[0]}{suffix}'?") from error
