"""How plugin rows of a model YAML are parsed.

The host's ``parse_model`` chooses by an if-chain over its own classes, and a plugin class falls through it. Instead of
copying its loop, one branch is put in front of that chain in its syntax tree: a class that states its own row rule
(``nn/row.py``) is asked for its constructor arguments and output channels; everything else runs as before.
Mirrored: ``parse_model`` in https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/nn/tasks.py, the
statement ``if m in base_modules:`` and the loop's local names.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torchvision

from gjadet_yolo.host.rows import check_shape, describe
from gjadet_yolo.messages import bare, shown, suggestion
from gjadet_yolo.nn.row import Plan, Row
from gjadet_yolo.recipe.block import check_names, check_task

# globals that the inserted branch calls; with underscores, so that no row of a YAML names them by accident
HOOK = "__gjadet_plan__"
RULE = "__gjadet_has_rule__"
LEVELS = "__gjadet_levels__"
"""Local name in the host's parser: channels of each output, by layer, of the rows that have several."""


def has_rule(module: object) -> bool:
    # not by base class: a row rule is two names, so that modules need no common ancestor
    return isinstance(module, type) and hasattr(module, "inputs") and hasattr(module, "plan")


def extend_parser(tasks: ModuleType, stock: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the host's ``parse_model`` with one more branch.

    Args:
        tasks: The host's ``ultralytics.nn.tasks``.
        stock: Its ``parse_model``.

    Raises:
        RuntimeError: It no longer has the statement that the branch goes in front of.
    """
    source = textwrap.dedent(inspect.getsource(stock))
    tree = ast.parse(source)
    chain = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "m in base_modules"
    ]
    if len(chain) != 1:
        raise RuntimeError(
            f"ultralytics.nn.tasks.parse_model has {len(chain)} statements 'if m in base_modules', expected 1"
        )
    tree.body[0].body.insert(0, ast.parse(f"{LEVELS} = {{}}").body[0])  # a local, so that two parses never share it
    branch = ast.parse(f"if {RULE}(m):\n    args, c2, n = {HOOK}(m, locals())").body[0]
    original = ast.If(test=chain[0].test, body=chain[0].body, orelse=chain[0].orelse)
    ast.copy_location(original, chain[0])
    chain[0].test, chain[0].body, chain[0].orelse = branch.test, branch.body, [original]
    ast.fix_missing_locations(tree)
    ast.increment_lineno(tree, stock.__code__.co_firstlineno - 1)  # tracebacks show the host's lines
    scope: dict[str, Any] = {}  # apart from the host's globals, in which parse_model stays the wrapped one
    vars(tasks).update({HOOK: plan_row, RULE: has_rule})
    exec(compile(tree, inspect.getsourcefile(tasks) or "<parse_model>", "exec"), vars(tasks), scope)
    parser = scope["parse_model"]

    def parse_model(d: dict[str, Any], ch: int, verbose: bool = True) -> tuple[torch.nn.Sequential, list[int]]:
        check_names(d)  # all checks before anything is built: large models take seconds
        check_rows(d, vars(tasks))
        check_task(d)
        return parser(d, ch, verbose)

    return parse_model


def plan_row(module: Any, env: dict[str, Any]) -> tuple[list[Any], int, int]:
    """Apply a plugin module's row rule.

    Args:
        module: Class that the row names.
        env: Local names of the host's parser at this row; the table ``LEVELS`` among them is added to.

    Returns:
        Constructor arguments, output channels, number of copies to chain.

    Raises:
        ValueError: The constructor does not take the arguments.
    """
    index = env["i"]
    head = {key: env.get(key) for key in ("reg_max", "end2end", "legacy")}
    channels = tuple(env["ch"][source] for source in as_list(env["f"]))
    levels = levels_of(env["f"], index, env[LEVELS])
    scaling = env["width"], env["max_channels"], head, levels, env.get("scale") or ""
    row = Row(index, channels, tuple(env["args"]), env["n"], *scaling)
    where = describe(env.get("d", {}), index, (env["f"], env.get("n_", env["n"]), module.__name__, env["args"]))
    try:
        plan = module.plan(row)
        inspect.signature(module).bind(*plan.args)  # the host builds it later, and its error names no row
    except TypeError as error:
        raise ValueError(f"{where}: {error}. Arguments: {yaml_arguments(module)}.") from error
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    check_output(plan, where)
    if plan.levels:
        env[LEVELS][index] = plan.levels
    return list(plan.args), plan.c_out, plan.repeats


def levels_of(source: int | list[int], index: int, table: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """Channels of each output of a row's only input; empty where that has one output, and for rows with several inputs.

    Args:
        source: ``from`` of the row.
        index: Layer number of the row.
        table: Channels of each output, by layer.
    """
    if not isinstance(source, int):
        return ()
    return table.get(source if source >= 0 else index + source, ())


def check_output(plan: Plan, where: str) -> None:
    if not isinstance(plan.c_out, int) or plan.c_out < 1:
        raise ValueError(f"{where}: output channels are {shown(plan.c_out)}, expected a positive integer.")


def check_rows(d: dict[str, Any], names: dict[str, Any]) -> None:
    """Check the rows of a model YAML: their shape, module names and inputs.

    Args:
        d: The YAML.
        names: Globals of ``ultralytics.nn.tasks``, in which the host looks modules up.

    Raises:
        ValueError: Names the row and what is allowed.
    """
    check_shape(d)
    for index, row in enumerate([*d["backbone"], *d["head"]]):
        source, _, name, _ = row
        where = describe(d, index, row)
        module = resolve(name, names)
        if module is None:
            options = sorted(k for k, v in names.items() if isinstance(v, type) and issubclass(v, torch.nn.Module))
            raise ValueError(f"{where}: there is no module '{bare(name)}'.{suggestion(name, options)}")
        if has_rule(module):
            check_count(source, module, where)
        check_sources(source, index, where)


def check_count(source: Any, module: Any, where: str) -> None:
    count, allowed = len(as_list(source)), module.inputs
    if count not in allowed:
        expected = f"{allowed.start}" if len(allowed) == 1 else f"{allowed.start} to {allowed.stop - 1}"
        raise ValueError(f"{where}: {count} inputs, {module.__name__} takes {expected}.")
    if isinstance(source, (list, tuple)) and len(allowed) == 1:
        raise ValueError(f"{where}: 'from' is a list, {module.__name__} takes one layer number such as -1.")


def check_sources(source: Any, index: int, where: str) -> None:
    for value in as_list(source):
        # the first layer's -1 is the image
        if not isinstance(value, int) or isinstance(value, bool) or not -max(index, 1) <= value < index:
            raise ValueError(
                f"{where}: 'from' names {shown(value)}, allowed: earlier layers {-max(index, 1)} to {index - 1}."
            )


def resolve(name: Any, names: dict[str, Any]) -> Any:
    """Class that a row names, in the host's notation, or None."""
    if not isinstance(name, str):
        return None
    for prefix, space in (("nn.", torch.nn), ("torchvision.ops.", torchvision.ops)):
        if name.startswith(prefix):
            return getattr(space, name[len(prefix) :], None)
    return names.get(name)


def as_list(source: Any) -> list[Any]:
    return list(source) if isinstance(source, (list, tuple)) else [source]


def yaml_arguments(module: Any) -> str:
    return f"{module.__name__}{inspect.signature(module)}"
