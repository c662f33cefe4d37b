"""How the host finds files once the plugin is connected: the user's own file wins, then the package, then the host."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gjadet_yolo import locate
from gjadet_yolo.host.rows import check_shape


def wrap_guess_model_scale(guess: Callable[..., str]) -> Callable[..., str]:
    """The host's guess, which knows scales in ``yolo<digits><scale>`` only, for names of this package too."""

    @functools.wraps(guess)
    def wrapper(model_path: str | Path) -> str:
        family, scale = locate.split_scale(Path(model_path).stem)
        return scale if family and scale else guess(model_path)

    return wrapper


def wrap_check_file(
    check: Callable[..., Any], find: Callable[[str | Path], Path | None], kind: str
) -> Callable[..., Any]:
    """The host's ``check_file``, or its ``check_yaml``, which finds packaged files by bare name.

    Args:
        check: The host's look-up.
        find: Look-up in the package.
        kind: Packaged folder whose names are suggested when nothing is found.
    """

    @functools.wraps(check)
    def wrapper(file: str | Path, *args: Any, **kwargs: Any) -> Any:
        if not Path(file).exists() and (found := find(file)):
            return str(found)
        with closest_name_added(file, kind):
            return check(file, *args, **kwargs)

    return wrapper


def wrap_torch_safe_load(load: Callable[..., Any]) -> Callable[..., Any]:
    """The host's loading of checkpoints, which finds packaged ones by bare name."""

    @functools.wraps(load)
    def wrapper(weight: str | Path, *args: Any, **kwargs: Any) -> Any:
        found = None if Path(weight).exists() else locate.weights(weight)
        if found:
            # The bare name is kept, so that exports, which the host writes beside a checkpoint, land in the current
            # folder, as with its own checkpoints, and not in the package.
            return load(str(found), *args, **kwargs)[0], str(weight)
        with closest_name_added(weight, "weights"):
            return load(weight, *args, **kwargs)

    return wrapper


def wrap_yaml_model_load(load: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The host's reading of model YAMLs, with ``ValueError`` for a file without a model in it."""

    @functools.wraps(load)
    def wrapper(path: str | Path) -> dict[str, Any]:
        model = load(path)
        check_shape(model)  # the host takes any YAML here and fails later, without its name
        return model

    return wrapper


@contextmanager
def closest_name_added(file: str | Path, kind: str) -> Iterator[None]:
    """Add the closest packaged name to the error for a file that is not found."""
    try:
        yield
    except FileNotFoundError as error:
        # 0.7, stricter than messages.py: a missing file is mostly the user's own, with a name unlike all of ours
        close = get_close_matches(Path(file).stem, list(locate.files(kind)), n=1, cutoff=0.7)
        if not close:
            raise
        suffix = locate.files(kind)[close[0]].suffix
        raise FileNotFoundError(f"{error}. Did you mean '{close[0]}{suffix}'?") from error
