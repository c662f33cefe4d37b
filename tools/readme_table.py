"""Write the table of systems in the README from what is registered.

    python tools/readme_table.py [readme=README.md]

Rows are the systems of ``gjadet_yolo/systems.py``; their rows, losses and model YAMLs stand there too.
Parameters are those of the system's first YAML at scale n with 5 classes. Everything between the two marks is replaced.
"""

from __future__ import annotations

import sys
from pathlib import Path

from gjadet_yolo import locate
from gjadet_yolo.engine.model import GjadetModel
from gjadet_yolo.systems import SYSTEMS, System, yamls_of

BEGIN, END = "<!-- systems: begin -->", "<!-- systems: end -->"
HEADER = ("system", "what it is", "rows", "`loss:` keys and other blocks", "model YAMLs", "parameters at n")


def parameters(stem: str) -> int:
    """Parameters of a model YAML at scale n with 5 classes."""
    model = GjadetModel(f"{locate.with_scale(stem, 'n')}.yaml", nc=5, verbose=False)
    return sum(weight.numel() for weight in model.parameters())


def cells(system: System) -> tuple[str, ...]:
    """Cells of a system's row; its leading YAML comes first."""
    yamls = sorted(yamls_of(system), key=lambda stem: (stem != system.lead, stem))
    keys = (*system.losses, *(f"{name}:" for name in system.blocks))
    lists = (", ".join(f"`{name}`" for name in names) for names in (system.rows, keys, yamls))
    size = f"{parameters(system.lead) / 1e6:.2f} M" if system.lead else ""
    return (f"[{system.title}]({system.page})", f"{system.what} ({system.source})", *lists, size)


def table() -> str:
    """The table in Markdown, with its marks."""
    rows = [HEADER, ("---",) * len(HEADER), *(cells(system) for system in SYSTEMS)]
    return "\n".join([BEGIN, "", *(f"| {' | '.join(row)} |" for row in rows), "", END])


def with_table(text: str, new: str) -> str:
    """A text with what lies between the marks, and the marks, replaced.

    Raises:
        ValueError: Not exactly one pair of marks in their order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the text needs one '{BEGIN}' and after it one '{END}'. Put both where the table belongs.")
    return text[: text.index(BEGIN)] + new + text[text.index(END) + len(END) :]


def main(readme: Path) -> None:
    """Rewrite the table in a README."""
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), table()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(dict(word.split("=") for word in sys.argv[1:]).get("readme", "README.md")))
