"""What is registered with Ultralytics, and the checks around it.

One function per host module, called by the import hook (``autoload.py``) once that module has loaded:

- ``ultralytics.nn.tasks``: module names, YAML rows, bare names of models and checkpoints, scales, restricted loading;
- ``ultralytics.data.utils``: bare dataset names;
- ``ultralytics.models.yolo.model``: model, trainer and validator classes for YAMLs that ask for them;
- ``ultralytics.engine.exporter``: refusal of exports that cannot work (``export.py``).

On a host outside the tested range, or where a name is already taken, nothing is registered: stock models go on working,
and asking for a model of this package says why.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from gjadet_yolo import export, locate
from gjadet_yolo.blocks import BLOCKS, task_problem

LOWEST, BELOW = "8.4.130", "8.5"
"""Supported Ultralytics: ``LOWEST <= version < BELOW``; setup.cfg states the same range."""

PATCHED = "__gjadet_patched__"


class PluginError(RuntimeError):
    """The plugin cannot work with this host; the message says why and what to do."""


@dataclass
class Status:
    """What has been connected in this process, and why not the rest; ``gjadet doctor`` shows it."""

    connected: set[str] = field(default_factory=set)
    problem: str = ""


status = Status()


def version_tuple(version: str) -> tuple[int, ...]:
    """Leading numbers of a version: ``8.4.190`` -> (8, 4, 190)."""
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def check_version(version: str) -> None:
    """Refuse a host outside the tested range.

    Raises:
        PluginError: Names both versions and the command that helps.
    """
    if not version_tuple(LOWEST) <= version_tuple(version) < version_tuple(BELOW):
        from gjadet_yolo import __version__

        raise PluginError(
            f"gjadet-yolo {__version__} supports ultralytics >={LOWEST},<{BELOW}, found ultralytics {version}. "
            f"Run: pip install 'ultralytics>={LOWEST},<{BELOW}'"
        )


def connect(module: ModuleType) -> None:
    """Connect the plugin to one loaded host module; a second call does nothing.

    Problems are kept in :class:`Status` and raised when a model of this package is asked for, because an import of the
    host must not fail.
    """
    if getattr(module, PATCHED, False):
        return
    setattr(module, PATCHED, True)
    try:
        import ultralytics

        check_version(ultralytics.__version__)
        CONNECTORS[module.__name__](module)
    except (PluginError, AttributeError) as error:
        reason = str(error) if isinstance(error, PluginError) else f"{module.__name__} has changed: {error}"
        status.problem = status.problem or reason
        if module.__name__ == "ultralytics.nn.tasks":
            module.check_yaml = refusing(module.check_yaml)
    else:
        status.connected.add(module.__name__)


def activate() -> tuple[list[str], list[str]]:
    """Load every host module that the plugin touches and register the modules now.

    Returns:
        Connected host modules and registered module names; ``status.problem`` says why something is missing.
    """
    import ultralytics.engine.exporter
    import ultralytics.models.yolo.model

    from gjadet_yolo.nn import MODULES

    tasks = ultralytics.nn.tasks
    if not status.problem:
        try:
            tasks.parse_model.extended()
        except PluginError as error:
            status.problem = str(error)
    registered = [module.__name__ for module in MODULES if getattr(tasks, module.__name__, None) is module]
    return [name for name in CONNECTORS if name in status.connected], registered


def require(what: str) -> None:
    """Refuse what needs the plugin where it could not be connected.

    Raises:
        PluginError: Names what was asked for and why it is not possible.
    """
    if status.problem:
        raise PluginError(f"{what} needs gjadet-yolo, which is not active: {status.problem}")


def refusing(check_yaml: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the host's YAML look-up so that models of this package raise the stored problem."""

    @functools.wraps(check_yaml)
    def wrapper(file: str | Path, *args: Any, **kwargs: Any) -> Any:
        if locate.model_yaml(file):
            require(Path(file).name)
        return check_yaml(file, *args, **kwargs)

    return wrapper


def register_modules(tasks: ModuleType, modules: Iterable[type]) -> None:
    """Make classes nameable in model YAMLs.

    Args:
        tasks: The host's ``ultralytics.nn.tasks``.
        modules: Classes with a row rule; registering one twice is harmless.

    Raises:
        PluginError: The host already has the name.
    """
    from gjadet_yolo.parse import has_rule

    for cls in modules:
        assert has_rule(cls), f"{cls.__name__} states no row rule (inputs, plan)"
        present = getattr(tasks, cls.__name__, cls)
        if present is not cls:
            raise PluginError(
                f"ultralytics already has a module '{cls.__name__}' ({present.__module__}), which gjadet-yolo also "
                f"registers. Use an ultralytics version within >={LOWEST},<{BELOW} that was tested, or report it."
            )
        setattr(tasks, cls.__name__, cls)


def connect_tasks(tasks: ModuleType) -> None:
    """Module names, rows, bare names, scales and restricted loading in ``ultralytics.nn.tasks``.

    Nothing of ``nn/`` and ``engine/`` is imported yet: they import the host themselves, and may be what is loading it.
    """
    tasks.parse_model = parsing(tasks)
    tasks.check_yaml = finding(tasks.check_yaml, locate.model_yaml, "cfg")
    tasks.torch_safe_load = loading(tasks.torch_safe_load)
    tasks.guess_model_scale = scaling(tasks.guess_model_scale)
    tasks.DetectionModel.init_criterion = guarding(tasks.DetectionModel.init_criterion)
    allow_restricted(tasks)


def guarding(init_criterion: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the stock model's criterion so that it refuses YAMLs of this package, whose losses it would leave out."""

    @functools.wraps(init_criterion)
    def wrapper(self: Any) -> Any:
        if asks_for_plugin(self.yaml):
            raise PluginError(
                f"{type(self).__name__} would train this model without its loss block and objectness. Train through "
                f"YOLO(...), or derive your trainer from gjadet_yolo.GjadetTrainer instead of DetectionTrainer."
            )
        return init_criterion(self)

    return wrapper


def parsing(tasks: ModuleType) -> Callable[..., Any]:
    """Wrap the host's parser; modules are registered when the first model is built.

    If that is not possible, stock models are still parsed by the host, and models of this package say why not.
    """
    stock = tasks.parse_model

    @functools.cache
    def extended() -> Callable[..., Any]:
        from gjadet_yolo.nn import MODULES
        from gjadet_yolo.parse import extend_parser

        register_modules(tasks, MODULES)
        try:
            return extend_parser(tasks, stock)
        except (RuntimeError, OSError) as error:
            raise PluginError(f"the model parser of this ultralytics cannot be extended: {error}") from error

    @functools.wraps(stock)
    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> Any:
        try:
            parser = extended()
        except PluginError as error:
            status.problem = str(error)
            if asks_for_plugin(d):
                raise
            return stock(d, ch, verbose)
        return parser(d, ch, verbose)

    parse_model.extended = extended
    return parse_model


def allow_restricted(tasks: ModuleType) -> None:
    """Let ``ULTRALYTICS_SAFE_LOAD=1`` rebuild this package's classes, and no others of it."""

    def names() -> dict[str, Any]:
        from gjadet_yolo.engine.model import GjadetModel
        from gjadet_yolo.nn import MODULES, PARTS

        return {f"{cls.__module__}.{cls.__qualname__}": cls for cls in (GjadetModel, *MODULES, *PARTS)}

    safe_load = tasks._SafeLoad
    build = safe_load._build
    safe_load._build = staticmethod(lambda: {**build(), **names()})
    if safe_load._registry is not None:  # a restricted load came before this package
        safe_load._registry.update(names())


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


def connect_data(utils: ModuleType) -> None:
    """Bare dataset names in ``ultralytics.data.utils``."""
    utils.check_file = finding(utils.check_file, locate.dataset_yaml, "datasets")


def asks_for_plugin(yaml: dict[str, Any] | None) -> bool:
    """Whether a model YAML asks for the classes of ``engine/``: it has one of the blocks, or a row with a loss."""
    from gjadet_yolo.nn import JointDetect, SSPNeck

    if not isinstance(yaml, dict):
        return False
    own = (JointDetect.__name__, SSPNeck.__name__)
    rows = (row for row in yaml.get("head") or () if isinstance(row, (list, tuple)) and len(row) == 4)
    return any(block in yaml for block in BLOCKS) or any(row[2] in own for row in rows)


def model_yaml_of(wrapper: Any) -> dict[str, Any] | None:
    """Model YAML behind a ``YOLO`` object, also while it is being built; None for exported models."""
    from ultralytics.nn import tasks

    model = getattr(wrapper.model, "student_model", wrapper.model)  # of a distillation run that is resumed
    if isinstance(model, tasks.BaseModel):
        return model.yaml
    return tasks.yaml_model_load(wrapper.cfg) if wrapper.cfg else None


def connect_yolo(yolo: ModuleType) -> None:
    """Model, trainer, validator and predictor classes in ``YOLO.task_map``."""
    stock = yolo.YOLO.task_map.fget

    def task_map(self: Any) -> dict[str, dict[str, Any]]:
        """Map head to model, trainer, validator, and predictor classes."""
        classes = stock(self)
        yaml = model_yaml_of(self)
        if asks_for_plugin(yaml):
            from gjadet_yolo.engine.model import GjadetModel
            from gjadet_yolo.engine.predictor import GjadetPredictor
            from gjadet_yolo.engine.trainer import GjadetTrainer
            from gjadet_yolo.engine.validator import GjadetValidator

            own = {"model": GjadetModel, "trainer": GjadetTrainer, "validator": GjadetValidator}
            own["predictor"] = GjadetPredictor
            classes["detect"] = {**classes["detect"], **own}
            if self.task in classes and (problem := task_problem(yaml, self.task)):
                classes[self.task] = {**classes[self.task], "model": refusing_task(problem)}
        return classes

    yolo.YOLO.task_map = property(task_map)


def refusing_task(problem: str) -> Callable[..., None]:
    """What takes the place of a model class; an error in the host's look-up of the class would lose its text."""

    def refuse(*args: Any, verbose: bool = True) -> None:
        raise ValueError(problem)

    return refuse


CONNECTORS: dict[str, Callable[[ModuleType], None]] = {
    "ultralytics.nn.tasks": connect_tasks,
    "ultralytics.data.utils": connect_data,
    "ultralytics.models.yolo.model": connect_yolo,
    "ultralytics.engine.exporter": export.connect_exporter,
}
