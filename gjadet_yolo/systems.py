"""Published systems that are built here, and what belongs to each: modules, losses and model YAMLs.

What a thing belongs to is stated beside it: a module in its class attribute ``system``, a loss in ``BELONGS`` of
``losses/config.py``, a model YAML by the page in its ``# Docs:`` line. This file knows the systems and collects their
members; ``benchmarks/readme_table.py`` writes the table of the README from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gjadet_yolo import locate

DOCS_LINE = re.compile(r"^#.*\bDocs: (docs/[\w-]+\.md)", re.MULTILINE)


@dataclass(frozen=True)
class System:
    """A published system, or a group of parts.

    Attributes:
        title: Name as its authors write it.
        source: Where it was published.
        what: What it is, half a line.
        page: Its page, relative to the repository; a model YAML names it in its ``# Docs:`` line.
        lead: Stem of the model YAML whose size and drawing are shown; empty where there is none.
    """

    title: str
    source: str
    what: str
    page: str
    lead: str = ""


GJADET = System(
    "GJADet",
    "repository GJADet-crash-pytorch",
    "attention at each Concat of the neck, head with objectness, class losses that follow the gradients",
    "docs/gjadet.md",
    "gjadet-paper",
)
SSPNET = System(
    "SSPNet",
    "arXiv 2107.01548",
    "neck that learns one attention map per level and gates the levels by them, for tiny objects",
    "docs/sspnet.md",
    "sspnet",
)
TPNET = System(
    "TPNet",
    "arXiv 2008.03511",
    "neck that passes features to finer and coarser levels in every layer, rectified IoU loss; reconstructions",
    "docs/tpnet.md",
    "tpnet",
)
RECIPE = System(
    "Long-tail recipe",
    "this project",
    "the host's network; rare classes weigh more and are seen more often",
    "docs/benchmarks.md",
    "gjadet",
)
COMMON = System(
    "Parts for any model", "see their docstrings", "rows and losses that no one system owns", "docs/models.md"
)

SYSTEMS = (GJADET, SSPNET, TPNET, RECIPE, COMMON)
"""In the order of the README's table. A new system joins here and gets a page."""


@dataclass(frozen=True)
class Members:
    """What belongs to a system.

    Attributes:
        modules: Names of YAML rows.
        losses: Keys of the ``loss:`` block, or ``key: choice``.
        yamls: Stems of model YAMLs.
    """

    modules: tuple[str, ...]
    losses: tuple[str, ...]
    yamls: tuple[str, ...]


def system_of(text: str, name: str) -> System:
    """System that a model YAML states in its ``# Docs:`` line.

    Args:
        text: Content of the YAML.
        name: Its name, for the message.

    Raises:
        ValueError: No such line, several, or a page of no system.
    """
    pages = DOCS_LINE.findall(text)
    found = [system for system in SYSTEMS if pages == [system.page]]
    if not found:
        allowed = ", ".join(system.page for system in SYSTEMS)
        raise ValueError(
            f"{name} states {' and '.join(pages) or 'no page'}, expected one line '# Docs: PAGE' with one of: "
            f"{allowed}. A new system joins SYSTEMS in gjadet_yolo/systems.py."
        )
    return found[0]


def members(system: System) -> Members:
    """Collect what belongs to a system, each kind in the order in which it is registered.

    Raises:
        ValueError: A packaged model YAML states no system.
    """
    from gjadet_yolo.losses.config import BELONGS
    from gjadet_yolo.nn import MODULES

    files: dict[str, Path] = locate.files("cfg")
    return Members(
        tuple(cls.__name__ for cls in MODULES if cls.system is system),
        BELONGS.get(system, ()),
        tuple(stem for stem, file in files.items() if system_of(file.read_text(encoding="utf-8"), file.name) is system),
    )
