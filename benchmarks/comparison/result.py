"""Result of a run: its figures and the duration of its training, in ``result.json`` of its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from comparison.study import Run
from gjadet_yolo.evaluate.scores import Score

RESULT_FILE = "result.json"


@dataclass(frozen=True)
class Result(Score):
    """Figures of a run.

    Attributes:
        minutes: Duration of the training; of its last part where it was interrupted.
        tuning: AP50-95 on the tuning split; nan where the run is scored on no other.
        late_gain: What the last tenth of the epochs gained of it.
    """

    minutes: float = 0.0
    tuning: float = float("nan")
    late_gain: float = float("nan")


def read_result(out: Path, run: Run) -> Result | None:
    """Result of a run in the folder of a study, or None where it is not finished."""
    file = out / "runs" / run.key / RESULT_FILE
    return Result(**json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None
