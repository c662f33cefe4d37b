"""The readers that are fuzzed, and how many of a hundred cases each gets."""

from __future__ import annotations

from pathlib import Path

from fuzzing.case import Registry
from fuzzing.checkpoints import make_tiny, read_checkpoint_case
from fuzzing.commands import run_command_case
from fuzzing.measuring import run_measuring_case
from fuzzing.models import read_block_case, read_model_case, read_rows_case
from fuzzing.pictures import read_picture_case
from fuzzing.settings import (
    read_degrade_case,
    read_pulse_case,
    read_request_case,
    read_tiles_case,
)
from fuzzing.trees import read_coco_case, read_labels_case, read_yolo_case


def warm(folder: Path) -> None:
    """Import what takes long, and save the tiny checkpoint."""
    import albumentations  # noqa: F401

    make_tiny(folder)


READERS = Registry(
    {
        "COCO trees": (13, read_coco_case),
        "YOLO trees and data YAMLs": (12, read_yolo_case),
        "label files": (8, read_labels_case),
        "pictures": (8, read_picture_case),
        "blocks of model YAMLs": (9, read_block_case),
        "rows of model YAMLs": (8, read_rows_case),
        "model YAMLs, built": (6, read_model_case),
        "pulse tables": (7, read_pulse_case),
        "requests to render": (5, read_request_case),
        "command lines": (8, run_command_case),
        "measuring and calibrating": (4, run_measuring_case),
        "checkpoints": (4, read_checkpoint_case),
        "degradations": (5, read_degrade_case),
        "tiles": (3, read_tiles_case),
    },
    warm,
)
