"""CoT attention and C3CoT: parity with the reference, and the mean that is taken of the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from gjadet_yolo.nn.cot import C3CoT, CoT
from gjadet_yolo.nn.row import Row

GOLDEN = Path(__file__).parents[1] / "golden" / "cot.npz"
ATTENTION = {
    "keys.conv": "key_embed.0",
    "keys.bn": "key_embed.1",
    "values.conv": "value_embed.0",
    "values.bn": "value_embed.1",
    "hidden.conv": "attention_embed.0",
    "hidden.bn": "attention_embed.1",
    "maps": "attention_embed.3",
}
BOTTLENECK = {"before": "cv1", "attention": "cv2", "after": "cv3"}


def attention_name(name: str) -> str:
    """The reference's name of a weight of the attention."""
    role, _, what = name.rpartition(".")
    return f"{ATTENTION[role]}.{what}"


def block_name(name: str) -> str:
    """The reference's name of a weight of the block."""
    if not name.startswith("m."):
        return name
    _, number, part, rest = name.split(".", 3)
    rest = attention_name(rest) if part == "attention" else rest
    return f"m.{number}.{BOTTLENECK[part]}.{rest}"


@pytest.mark.parametrize(
    ("module", "prefix", "named", "out"),
    [
        (CoT(16), "w_attention/", attention_name, "out_attention"),
        (C3CoT(16, 32, 2), "w_c3cot/", block_name, "out_c3cot"),
    ],
    ids=["CoT", "C3CoT"],
)
def test_parity_with_the_reference(module, prefix, named, out):
    stored = np.load(GOLDEN)
    names = [name for name in module.state_dict() if not name.endswith("num_batches_tracked")]
    weights = {name: torch.from_numpy(stored[prefix + named(name)]) for name in names}
    module.load_state_dict(weights, strict=False)
    assert len(weights) == sum(key.startswith(prefix) for key in stored.files)
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.eps = 1e-5  # the reference was run outside of a model, whose builder sets 1e-3
    with torch.no_grad():
        found = module.eval()(torch.from_numpy(stored["x"]))
    np.testing.assert_allclose(found, stored[out], rtol=1e-5, atol=1e-5)


def test_the_mean_of_the_weights_is_the_mean_of_the_maps():
    torch.manual_seed(0)
    module, x = CoT(8).eval(), torch.randn(2, 8, 5, 4)
    with torch.no_grad():
        keys = module.keys(x)
        maps = module.maps(module.hidden(torch.cat((keys, x), 1))).view(2, 8, 9, 20).mean(2)
        expected = keys + (maps.softmax(2).view(2, 8, 5, 4) * module.values(x))
        torch.testing.assert_close(module(x), expected)


def test_row():
    plan = C3CoT.plan(Row(4, (128,), (512,), repeats=2, width=0.5))
    assert (plan.args, plan.c_out, plan.repeats) == ((128, 256, 2), 256, 1)
    for args in ((), (0,), (64, 1), ("a",)):
        with pytest.raises(ValueError, match="expected the number of channels"):
            C3CoT.plan(Row(4, (128,), args))
