"""Every module, loss and model YAML belongs to one system, and the pages and the table of the README say so."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from readme_table import BEGIN, END, table, with_table

from gjadet_yolo import locate
from gjadet_yolo.nn import MODULES
from gjadet_yolo.recipe.loss import CHOICES, LossConfig
from gjadet_yolo.systems import COMMON, RECIPE, SSPNET, SYSTEMS, System, system_of, yamls_of

REPOSITORY = Path(__file__).parents[1]
PUBLISHED = [system for system in SYSTEMS if system not in (RECIPE, COMMON)]
HOSTS = {"cls: bce", "box: ciou", "assign: ciou"}
"""Choices that are the host's."""
GENERAL = {"cls_gain", "box_gain", "gamma", "mu", "alpha", "beta"}
"""Keys that set up whichever loss is chosen."""


def content(stem: str) -> dict:
    return yaml.safe_load(locate.files("cfg")[stem].read_text(encoding="utf-8"))


def test_every_module_and_yaml_belongs_to_one_system():
    assert sorted(name for system in SYSTEMS for name in system.rows) == sorted(cls.__name__ for cls in MODULES)
    assert sorted(stem for system in SYSTEMS for stem in yamls_of(system)) == sorted(locate.files("cfg"))


def test_every_loss_belongs_to_one_system():
    entries = [entry for system in SYSTEMS for entry in system.losses]
    assert len(entries) == len(set(entries))
    for key in (field.name for field in fields(LossConfig)):
        choices = {f"{key}: {choice}" for choice in CHOICES.get(key, ())}
        stated = choices & set(entries)
        if key in ("cls", "box", "assign"):
            assert stated == choices - HOSTS, f"a choice of {key} belongs to no system"
        else:
            assert key in GENERAL or key in entries or stated, f"loss key {key} belongs to no system"


def test_systems_are_told_apart_by_their_pages():
    assert len({system.page for system in SYSTEMS}) == len(SYSTEMS)
    assert all(not system.lead or system.lead in yamls_of(system) for system in SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.title)
def test_the_page_names_what_belongs_to_the_system(system: System):
    page = (REPOSITORY / system.page).read_text(encoding="utf-8")
    names = [*system.rows, *(f"{stem}.yaml" for stem in yamls_of(system)), *(f"{name}:" for name in system.blocks)]
    assert [name for name in names if f"`{name}`" not in page] == []
    keys = [entry.split(": ") for entry in system.losses]
    assert [
        key for key in keys if any(f"`{word}`" not in page for word in key) and f"`{': '.join(key)}`" not in page
    ] == []


@pytest.mark.parametrize("system", PUBLISHED, ids=lambda system: system.title)
def test_the_page_has_its_parts(system: System):
    page = (REPOSITORY / system.page).read_text(encoding="utf-8")
    parts = [line for line in page.splitlines() if line.startswith("## ")]
    assert parts == [
        "## The problem",
        "## How it works",
        "## Its YAML",
        "## Measured",
        "## What differs from the paper",
    ]
    drawing = f"images/{Path(system.page).stem}.png"
    assert f"]({drawing})" in page
    assert (REPOSITORY / "docs" / drawing).stat().st_size < 150_000
    assert f"]({Path(system.page).name})" in (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("system", PUBLISHED, ids=lambda system: system.title)
def test_yamls_use_what_is_of_their_system(system: System):
    for stem in yamls_of(system):
        model = content(stem)
        used = {row[2] for row in (*model["backbone"], *model["head"])}
        used |= {text for key, value in model.get("loss", {}).items() for text in (key, f"{key}: {value}")}
        used |= set(model)
        assert used & {*system.rows, *system.losses, *system.blocks}, (
            f"{stem}.yaml names {system.page}, but uses nothing of it"
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nc: 5", "x.yaml states no page, expected one line '# Docs: PAGE' with one of: docs/gjadet.md"),
        ("# Docs: docs/sspne.md", "x.yaml states docs/sspne.md, expected"),
        ("# Docs: docs/sspnet.md\n# Docs: docs/tpnet.md", "x.yaml states docs/sspnet.md and docs/tpnet.md"),
    ],
)
def test_yamls_without_a_system(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        system_of(text, "x.yaml")


def test_a_yaml_states_its_system_in_a_comment():
    assert system_of("# A model. Docs: docs/sspnet.md. Use: ...\nnc: 5 # Docs: none", "x.yaml") is SSPNET


class TestReadme:
    def test_the_table_is_what_is_registered(self):
        readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
        assert readme == with_table(readme, table()), "run: python tools/readme_table.py"

    def test_only_the_table_changes(self):
        assert with_table(f"a\n{BEGIN}\nold\n{END}\nb\n", f"{BEGIN}\nnew\n{END}") == f"a\n{BEGIN}\nnew\n{END}\nb\n"

    @pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{BEGIN}{END}"])
    def test_marks(self, text: str):
        with pytest.raises(ValueError, match="Put both where the table belongs"):
            with_table(text, "")
