"""What is wrapped in Ultralytics: one function per host module, each returning the seams in it.

- ``ultralytics.cfg``: the argument ``restore=`` of prediction, validation and export;
- ``ultralytics.nn.tasks``: module names, YAML rows, bare names of models and checkpoints, scales, restricted loading;
- ``ultralytics.data.utils``: bare dataset names;
- ``ultralytics.models.yolo.model``: model, trainer and validator classes for YAMLs that ask for them;
- ``ultralytics.engine.exporter``: refusal of exports that cannot work (``host/export.py``).

The import hook (``autoload.py``) has a module connected once it has loaded. On a host outside the tested range, or
where a name is already taken, nothing is registered: stock models go on working, and asking for a model of this package
says why.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from gjadet_yolo import locate
from gjadet_yolo.host import export
from gjadet_yolo.host.lookup import (
    wrap_check_file,
    wrap_guess_model_scale,
    wrap_torch_safe_load,
    wrap_yaml_model_load,
)
from gjadet_yolo.host.restoring import RESTORE
from gjadet_yolo.host.restricted import wrap_loading
from gjadet_yolo.host.seams import Seam, hold
from gjadet_yolo.host.status import BELOW, LOWEST, PluginError, check_version, require, status
from gjadet_yolo.recipe.block import BLOCKS, task_problem


def connect(module: ModuleType) -> None:
    """Connect the plugin to one loaded host module: all its seams or none.

    It raises nothing, because an import of the host must not fail. Problems are kept in ``status`` and raised when a
    model of this package is asked for.
    """
    try:
        import ultralytics

        check_version(ultralytics.__version__)
        hold(CONNECTORS[module.__name__](module))
    except (PluginError, AttributeError, TypeError, ImportError) as error:
        reason = str(error) if isinstance(error, PluginError) else f"{module.__name__} has changed: {error}"
        status.problem = status.problem or reason  # the first one: those that follow are often its consequences
        if module.__name__ == "ultralytics.nn.tasks" and hasattr(module, "check_yaml"):
            module.check_yaml = wrap_check_yaml_inactive(module.check_yaml)
    else:
        status.connected.add(module.__name__)


def activate() -> tuple[list[str], list[str]]:
    """Load every host module that has seams, and register the modules of ``nn/`` now.

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


def wrap_check_yaml_inactive(check_yaml: Callable[..., Any]) -> Callable[..., Any]:
    """The host's YAML look-up where the plugin is not active: models of this package raise the stored problem."""

    @functools.wraps(check_yaml)
    def wrapper(file: str | Path, *args: Any, **kwargs: Any) -> Any:
        if locate.model_yaml(file):
            require(Path(file).name)
        return check_yaml(file, *args, **kwargs)

    return wrapper


def register_modules(tasks: ModuleType, modules: Iterable[type]) -> None:
    """Make classes nameable in model YAMLs; registering one twice is harmless.

    Args:
        tasks: The host's ``ultralytics.nn.tasks``.
        modules: Classes with a row rule.

    Raises:
        PluginError: The host already has the name.
    """
    from gjadet_yolo.host.parse import has_rule

    for cls in modules:
        assert has_rule(cls), f"{cls.__name__} states no row rule (inputs, plan)"
        present = getattr(tasks, cls.__name__, cls)
        if present is not cls:
            raise PluginError(
                f"ultralytics already has a module '{cls.__name__}' ({present.__module__}), which gjadet-yolo also "
                f"registers. Use an ultralytics version within >={LOWEST},<{BELOW} that was tested, or report it."
            )
        setattr(tasks, cls.__name__, cls)


def connect_cfg(cfg: ModuleType) -> list[Seam]:
    """Seams in ``ultralytics.cfg``."""
    return [Seam(cfg, "check_dict_alignment", wrap_check_dict_alignment)]


def wrap_check_dict_alignment(check: Callable[..., None]) -> Callable[..., None]:
    """The host's check for unknown arguments, which lets ``restore=`` of this package's models pass."""

    @functools.wraps(check)
    def wrapper(base: dict[str, Any], custom: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        # Taken out and put back, because the host renames old arguments in this very dictionary.
        held = {key: custom.pop(key) for key in (RESTORE,) if key in custom}
        try:
            check(base, custom, *args, **kwargs)
        finally:
            custom.update(held)

    return wrapper


def connect_tasks(tasks: ModuleType) -> list[Seam]:
    """Seams in ``ultralytics.nn.tasks``."""
    # Nothing of nn/ and engine/ may be imported yet: they import the host, and may be what is loading it.
    return [
        Seam(tasks, "parse_model", lambda stock: wrap_parse_model(tasks, stock)),
        Seam(tasks, "yaml_model_load", wrap_yaml_model_load),
        Seam(tasks, "check_yaml", lambda check: wrap_check_file(check, locate.model_yaml, "cfg")),
        Seam(tasks, "torch_safe_load", wrap_torch_safe_load),
        Seam(tasks, "guess_model_scale", wrap_guess_model_scale),
        Seam(tasks.DetectionModel, "init_criterion", wrap_init_criterion),
        Seam(tasks._SafeLoad, "loading", wrap_loading),
    ]


def wrap_init_criterion(init_criterion: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The stock model's criterion, refusing YAMLs of this package, whose losses it would leave out."""

    @functools.wraps(init_criterion)
    def wrapper(self: Any) -> Any:
        if asks_for_plugin(self.yaml):
            raise PluginError(
                f"{type(self).__name__} would train this model without its loss block and objectness. Train through "
                f"YOLO(...), or derive your trainer from gjadet_yolo.GjadetTrainer instead of DetectionTrainer."
            )
        return init_criterion(self)

    return wrapper


def wrap_parse_model(tasks: ModuleType, stock: Callable[..., Any]) -> Callable[..., Any]:
    """The host's parser with plugin rows; the first model that is built registers the modules.

    Where that fails, stock models are still parsed by the host, and models of this package say what failed.
    """

    @functools.cache
    def extended() -> Callable[..., Any]:
        from gjadet_yolo.host.parse import extend_parser
        from gjadet_yolo.nn import MODULES

        register_modules(tasks, MODULES)
        try:
            return extend_parser(tasks, stock)
        except (RuntimeError, OSError) as error:  # OSError: the host is installed without its source text
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

    parse_model.extended = extended  # for activate(), which registers without building a model
    return parse_model


def connect_data(utils: ModuleType) -> list[Seam]:
    """Seams in ``ultralytics.data.utils``."""
    return [Seam(utils, "check_file", lambda check: wrap_check_file(check, locate.dataset_yaml, "datasets"))]


def asks_for_plugin(yaml: dict[str, Any] | None) -> bool:
    """Whether a model YAML asks for the classes of ``engine/``: by one of the blocks, or a row with its own loss."""
    from gjadet_yolo.nn import JointDetect, SSPNeck

    if not isinstance(yaml, dict):
        return False
    own = (JointDetect.__name__, SSPNeck.__name__)
    # faulty rows get here too, ahead of the parser, which explains them
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
    """Seams in ``ultralytics.models.yolo.model``."""
    return [Seam(yolo.YOLO, "task_map", wrap_task_map)]


def wrap_task_map(stock: property) -> property:
    """``YOLO.task_map`` with the classes of ``engine/`` for models whose YAML asks for them."""
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
                classes[self.task] = {**classes[self.task], "model": raiser(problem)}
        return classes

    return property(task_map)


def raiser(problem: str) -> Callable[..., None]:
    """A stand-in for a model class that raises ``ValueError`` when it is called."""

    # Not raised in task_map: the host turns errors of its look-up of a class into NotImplementedError.
    def refuse(*args: Any, verbose: bool = True) -> None:
        raise ValueError(problem)

    return refuse


CONNECTORS: dict[str, Callable[[ModuleType], list[Seam]]] = {
    "ultralytics.cfg": connect_cfg,
    "ultralytics.nn.tasks": connect_tasks,
    "ultralytics.data.utils": connect_data,
    "ultralytics.models.yolo.model": connect_yolo,
    "ultralytics.engine.exporter": export.connect_exporter,
}
