"""Terms of the criterion, each in its file: a loss, its gain and its normaliser. A new term joins ``TERMS``."""

from collections.abc import Callable

from gjadet_yolo.losses.terms.attention import attention_terms
from gjadet_yolo.losses.terms.box import box_terms
from gjadet_yolo.losses.terms.catching_up import catching_up_terms
from gjadet_yolo.losses.terms.classes import class_terms
from gjadet_yolo.losses.terms.objectness import objectness_terms
from gjadet_yolo.losses.terms.restoring import restoring_terms
from gjadet_yolo.losses.terms.term import LossTerm, Setting

TERMS: tuple[Callable[[Setting], tuple[LossTerm, ...]], ...] = (
    box_terms,
    objectness_terms,
    class_terms,
    attention_terms,
    restoring_terms,
    catching_up_terms,
)
"""Each gives its terms for a setting, or none where it does not apply."""

ORDER = ("box_loss", "obj_loss", "cls_loss", "dfl_loss", "l1_loss")
"""Columns of the log come in the host's order, with objectness after boxes; other terms follow."""


def build_terms(setting: Setting) -> dict[str, LossTerm]:
    terms = [term for build in TERMS for term in build(setting)]
    rank = {name: index for index, name in enumerate(ORDER)}
    return {term.name: term for term in sorted(terms, key=lambda term: rank.get(term.name, len(ORDER)))}
