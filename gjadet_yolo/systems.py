"""Published systems that are built here, and what belongs to each: YAML rows, losses and model YAMLs.

The one table. Rows and losses do not know it; a model YAML names its page in a ``# Docs:`` line, because a file of the
user's may do so too. ``tools/readme_table.py`` writes the table of the README from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

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
        rows: Classes that a YAML row can name.
        losses: Keys of the ``loss:`` block, or ``key: choice``. The host's own choices and the gains belong to none.
        blocks: Other blocks of a model YAML.
    """

    title: str
    source: str
    what: str
    page: str
    lead: str = ""
    rows: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()


GJADET = System(
    "GJADet",
    "repository GJADet-crash-pytorch",
    "attention at each Concat of the neck, head with objectness, class losses that follow the gradients",
    "docs/gjadet.md",
    "gjadet",
    rows=("AdaptiveModule", "JointDetect"),
    losses=("cls: eqlv2", "cls: gjr", "cls_anchors: foreground", "cls_target: iou", "obj", "obj_gain"),
)
SSPNET = System(
    "SSPNet",
    "arXiv 2107.01548",
    "neck that learns one attention map per level and gates the levels by them, for tiny objects",
    "docs/sspnet.md",
    "sspnet",
    rows=("SSPNeck",),
    losses=("attention", "negatives"),
)
TPNET = System(
    "TPNet",
    "arXiv 2008.03511",
    "neck that passes features to finer and coarser levels in every layer, rectified IoU loss; reconstructions",
    "docs/tpnet.md",
    "tpnet",
    rows=("TPNeck",),
    losses=("box: riou", "box_penalty"),
)
CCSPNET = System(
    "CCSPNet-Joint",
    "arXiv 2309.06902",
    "restoring network in front of the detector, trained together with it; neck with contextual transformers",
    "docs/ccspnet.md",
    "ccspnet-joint",
    rows=("C3CoT",),
    blocks=("restore",),
)
LCP = System(
    "LCP",
    "IEEE TCSVT, document 10606519",
    "learns where an image misleads the detector, and features that catch up with good images; needs no pairs",
    "docs/lcp.md",
    "lcp",
    blocks=("crux",),
)
RECIPE = System(
    "Long-tail recipe",
    "this project",
    "the host's network; rare classes weigh more and are seen more often",
    "docs/benchmarks.md",
    "gjadet-plain",
    losses=("cls_pw", "obj_pw", "box_pw"),
)
COMMON = System(
    "Parts for any model",
    "see their docstrings",
    "rows and losses that no one system owns",
    "docs/models.md",
    rows=("DyHead", "Level", "TimmBackbone", "TimmStage"),
    losses=("cls: focal", "cls: qfl", "box: iou", "box: giou", "box: diou", "assign: nwd"),
)

# In the order of the README's table. A new system joins here and gets a page.
SYSTEMS = (GJADET, SSPNET, TPNET, CCSPNET, LCP, RECIPE, COMMON)


def system_of(text: str, name: str) -> System:
    """System that a model YAML states in its ``# Docs:`` line.

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


def yamls_of(system: System) -> tuple[str, ...]:
    """Stems of the packaged model YAMLs of a system.

    Raises:
        ValueError: A packaged model YAML states no system.
    """
    files = locate.files("cfg")
    return tuple(
        stem for stem, file in files.items() if system_of(file.read_text(encoding="utf-8"), file.name) is system
    )
