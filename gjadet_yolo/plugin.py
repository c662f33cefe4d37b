"""What is registered with Ultralytics, and the checks around it.

One function per host module names what is wrapped in it. The import hook (``autoload.py``) has that wrapped once the
module has loaded, all of it or nothing:

- ``ultralytics.nn.tasks``: module names, YAML rows, bare names of models and checkpoints, scales, restricted loading;
- ``ultralytics.data.utils``: bare dataset names;
- ``ultralytics.models.yolo.model``: model, trainer and validator classes for YAMLs that ask for them;
- ``ultralytics.engine.exporter``: refusal of exports that cannot work (``export.py``).

On a host outside the tested range, or where a name is already taken, nothing is registered: stock models go on working,
and asking for a model of this package says why.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from gjadet_yolo import export, locate
from gjadet_yolo.autoload import PATCHED
from gjadet_yolo.blocks import BLOCKS, task_problem
from gjadet_yolo.lookup import finding, loading, reading, scaling
from gjadet_yolo.restricted import admitting
from gjadet_yolo.seams import Seam, hold

LOWEST, BELOW = "8.4.130", "8.5"
"""Supported Ultralytics: ``LOWEST <= version < BELOW``; setup.cfg states the same range."""


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
        hold(CONNECTORS[module.__name__](module))
    except (PluginError, AttributeError, TypeError, ImportError) as error:
        reason = str(error) if isinstance(error, PluginError) else f"{module.__name__} has changed: {error}"
        status.problem = status.problem or reason
        if module.__name__ == "ultralytics.nn.tasks" and hasattr(module, "check_yaml"):
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


def connect_tasks(tasks: ModuleType) -> list[Seam]:
    """Module names, rows, bare names, scales and restricted loading in ``ultralytics.nn.tasks``.

    Nothing of ``nn/`` and ``engine/`` is imported yet: they import the host themselves, and may be what is loading it.
    """
    return [
        Seam(tasks, "parse_model", lambda stock: parsing(tasks, stock)),
        Seam(tasks, "yaml_model_load", reading),
        Seam(tasks, "check_yaml", lambda check: finding(check, locate.model_yaml, "cfg")),
        Seam(tasks, "torch_safe_load", loading),
        Seam(tasks, "guess_model_scale", scaling),
        Seam(tasks.DetectionModel, "init_criterion", guarding),
        Seam(tasks._SafeLoad, "loading", admitting),
    ]


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


def parsing(tasks: ModuleType, stock: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap the host's parser; modules are registered when the first model is built.

    If that is not possible, stock models are still parsed by the host, and models of this package say why not.
    """

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


def connect_data(utils: ModuleType) -> list[Seam]:
    """Bare dataset names in ``ultralytics.data.utils``."""
    return [Seam(utils, "check_file", lambda check: finding(check, locate.dataset_yaml, "datasets"))]


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
    if isinstance(yaml := getattr(model, "yaml", None), dict):  # not by class: the host's are others after a reload
        return yaml
    return tasks.yaml_model_load(wrapper.cfg) if wrapper.cfg else None


def connect_yolo(yolo: ModuleType) -> list[Seam]:
    """Model, trainer, validator and predictor classes in ``YOLO.task_map``."""
    return [Seam(yolo.YOLO, "task_map", choosing)]


def choosing(stock: property) -> property:
    """Wrap ``YOLO.task_map`` so that models whose YAML asks for them get the classes of ``engine/``."""
    read = stock.fget

    def task_map(self: Any) -> dict[str, dict[str, Any]]:
        """Map head to model, trainer, validator, and predictor classes."""
        classes = read(self)
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

    return property(task_map)


def refusing_task(problem: str) -> Callable[..., None]:
    """What takes the place of a model class; an error in the host's look-up of the class would lose its text."""

    def refuse(*args: Any, verbose: bool = True) -> None:
        raise ValueError(problem)

    return refuse


CONNECTORS: dict[str, Callable[[ModuleType], list[Seam]]] = {
    "ultralytics.nn.tasks": connect_tasks,
    "ultralytics.data.utils": connect_data,
    "ultralytics.models.yolo.model": connect_yolo,
    "ultralytics.engine.exporter": export.connect_exporter,
}
