"""Statistics are the same on every rank, and equal to one process that saw everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from heads import batch as batch_of_targets
from heads import joint, outputs

from gjadet_yolo.losses.criterion import build_criterion
from gjadet_yolo.losses.gjr import GJRLoss
from gjadet_yolo.losses.statistics import statistics

STEPS, SAMPLES = 3, 8


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits and targets of one step, (SAMPLES, 4)."""
    generator = torch.Generator().manual_seed(step)
    return torch.randn(SAMPLES, 4, generator=generator), torch.rand(SAMPLES, 4, generator=generator).round()


def train_rank(rank: int, folder: str) -> None:
    """Half of each batch; in the last step rank 1 has nothing."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    loss = GJRLoss(4)
    for step in range(STEPS):
        logits, targets = batch(step)
        share = slice(rank, None, 2) if step < STEPS - 1 else slice(0, SAMPLES * (1 - rank))
        loss(logits[share], targets[share])
    torch.save(loss.state_dict(), f"{folder}/rank{rank}.pt")
    dist.destroy_process_group()


def on_two_ranks(work: Callable[[int, str], None], folder: Path, fresh: Callable) -> None:
    """Call ``work(rank, folder)`` in two processes; they fork, as importing torch twice more takes longest."""
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]; import test_ranks; from torch import multiprocessing as mp; "
        "mp.start_processes(getattr(test_ranks, sys.argv[1]), (sys.argv[2],), nprocs=2, start_method='fork')"
    )
    done = fresh(code, work.__name__, str(folder), *map(str, (Path(__file__).parent, Path(__file__).parents[2])))
    assert done.returncode == 0, done.stderr


def test_two_gloo_ranks(tmp_path: Path, fresh: Callable):
    on_two_ranks(train_rank, tmp_path, fresh)
    first, second = (torch.load(tmp_path / f"rank{rank}.pt") for rank in (0, 1))
    single = GJRLoss(4)
    for step in range(STEPS):
        single(*batch(step))
    for key, value in single.state_dict().items():
        assert torch.equal(first[key], second[key])
        torch.testing.assert_close(first[key], value)


def train_head(rank: int, folder: str) -> None:
    """One step of an end-to-end head on different images per rank; rank 1 has no target."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
    model = joint({"cls": "gjr"}, end2end=True)
    criterion = build_criterion(model)
    criterion(outputs(model, seed=rank), batch_of_targets(5 if rank == 0 else 0))
    torch.save(statistics(criterion), f"{folder}/head{rank}.pt")
    dist.destroy_process_group()


def test_criterion_on_two_ranks(tmp_path: Path, fresh: Callable):
    on_two_ranks(train_head, tmp_path, fresh)
    first, second = (torch.load(tmp_path / f"head{rank}.pt") for rank in (0, 1))
    assert first == second
    assert set(first) == {"one2many", "one2one"}
    assert sum(first["one2many"]["positive"]) > 0
