"""Pictures through the restorer of a model, without its detector."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import nn

FONT = cv2.FONT_HERSHEY_SIMPLEX


def restorer_of(model: nn.Module | str, name: str = "the model") -> nn.Module:
    """The restorer of a model, ready to work.

    Raises:
        ValueError: It has none; ``name`` is what the message calls it.
    """
    found = getattr(model, "restorer", None)  # the host keeps an exported model as the name of its file
    if found is None:
        raise ValueError(
            f"{name} has no restorer: it comes from the restore: block of a PyTorch model, as in gjadet-joint.yaml; "
            "exported models do not give theirs out."
        )
    return found.float().eval()


def restore_picture(restorer: nn.Module, picture: np.ndarray) -> np.ndarray:
    """A restored copy of a picture, (H, W, 3) uint8 BGR of any size."""
    weight = next(restorer.parameters())
    planes = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1))
    with torch.inference_mode():
        image = torch.from_numpy(planes)[None].to(weight.device).float() / 255
        restored = (restorer(image)[0] * 255).round().byte().cpu().numpy()
    return np.ascontiguousarray(restored[::-1].transpose(1, 2, 0))


def side_by_side(pictures: dict[str, np.ndarray]) -> np.ndarray:
    """Pictures of one size, (H, W, 3) uint8 BGR, in a row, each with its name in a corner."""
    titled = []
    for text, picture in pictures.items():
        own = np.ascontiguousarray(picture).copy()
        width = cv2.getTextSize(text, FONT, 0.45, 1)[0][0]
        cv2.rectangle(own, (0, 0), (width + 8, 18), (0, 0, 0), -1)
        cv2.putText(own, text, (4, 13), FONT, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        titled.append(own)
    return np.hstack(titled)
