"""Attention maps of an SSPNet neck over the picture, where each level looks, and heat maps and masks of cruxes.

The maps are those of SSPNet (arXiv 2107.01548), which ``losses/attention_map.py`` teaches, and of LCP (``nn/crux.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import nn

from gjadet_yolo.evaluate.overlay import draw_boxes, sheet
from gjadet_yolo.losses.attention_map import REACH

FONT = cv2.FONT_HERSHEY_SIMPLEX
OPACITY = 0.55  # of a map over its picture


def check_maps(model: nn.Module | str, name: str = "the model") -> None:
    """Refuse a model that gives no attention maps.

    Raises:
        ValueError: It has none; ``name`` is what the message calls it.
    """
    # The host keeps an exported model as the name of its file.
    modules = model.modules() if isinstance(model, nn.Module) else ()
    if not any("attention" in getattr(module, "gives", ()) for module in modules) and not hasattr(model, "crux"):
        raise ValueError(
            f"{name} has no attention maps: they come from a row SSPNeck of a PyTorch model, as in sspnet.yaml, or "
            "from a block crux:, as in lcp.yaml; exported models do not give them out."
        )


def attention_maps(
    attention: Sequence[torch.Tensor], input_hw: tuple[int, int], frame_hw: tuple[int, int]
) -> tuple[list[np.ndarray], list[float]]:
    """Attention maps of the first image of a batch, in the frame's px.

    Args:
        attention: Logits of the maps, fine to coarse, (B, 1, H_i, W_i) each.
        input_hw: Height and width of what the network saw: the frame, resized and padded evenly on both sides.
        frame_hw: Height and width of the frame.

    Returns:
        (H, W) float32 of 0 to 1 per level, fine to coarse; and the levels' strides in px of what the network saw.
    """
    levels = [first_map(logits.float().sigmoid()) for logits in attention]
    strides = [input_hw[0] / level.shape[0] for level in levels]
    return [in_frame(level, input_hw, frame_hw) for level in levels], strides


def first_map(maps: torch.Tensor) -> np.ndarray:
    """The map of a batch's first image, (H, W) float32, from maps (B, 1, H, W)."""
    return maps[0, 0].detach().float().cpu().numpy()


def in_frame(level: np.ndarray, input_hw: tuple[int, int], frame_hw: tuple[int, int]) -> np.ndarray:
    """A map of what the network saw, of any size, in the frame's px; arguments as in :func:`attention_maps`."""
    ratio = min(inside / side for inside, side in zip(input_hw, frame_hw, strict=True))
    height, width = (round(side * ratio) for side in frame_hw)
    # The host's letterbox subtracts 0.1 before it rounds, so that of an odd rest the smaller half goes to the top and
    # left.
    top, left = round((input_hw[0] - height) / 2 - 0.1), round((input_hw[1] - width) / 2 - 0.1)
    seen = cv2.resize(level, input_hw[::-1], interpolation=cv2.INTER_LINEAR)[top : top + height, left : left + width]
    # In two steps: padding must be cut off at the network's size, where it is whole px.
    return cv2.resize(seen, frame_hw[::-1], interpolation=cv2.INTER_LINEAR)


def crux_maps(
    heat: torch.Tensor, temperature: float, threshold: float, input_hw: tuple[int, int], frame_hw: tuple[int, int]
) -> list[tuple[np.ndarray, str]]:
    """Heat map and mask of the first image of a batch, (H, W) float32 of 0 to 1 in the frame's px, with captions.

    Args:
        heat: Heat maps, (B, 1, H', W'); what is below 0 or above 1 is drawn as the end.
        temperature: Steepness of the mask.
        threshold: Heat at which half of a pixel stays.
        input_hw: As in :func:`attention_maps`.
        frame_hw: As in :func:`attention_maps`.
    """
    hot = in_frame(first_map(heat), input_hw, frame_hw)
    mask = 1 / (1 + np.exp(np.clip(temperature * (threshold - hot), -80, 80)))  # float32 ends at e^88
    return [(hot.clip(0, 1), "heat"), (mask.astype(np.float32), "mask: 1 goes into the crux")]


def draw_map(frame: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Lay a map (H, W), 0 to 1, over a copy of a frame (H, W, 3) uint8 BGR: dark blue is 0, dark red is 1."""
    # Not stretched to the map's own range, so that a map without objects looks dark.
    heat = cv2.applyColorMap((attention * 255).round().astype(np.uint8), cv2.COLORMAP_TURBO)
    return cv2.addWeighted(frame, 1 - OPACITY, heat, OPACITY, 0)


def size_text(strides: Sequence[float], index: int) -> str:
    # As the loss teaches it: the finest level answers for all smaller objects, the coarsest for all larger ones.
    low, high = strides[index], strides[index] * REACH
    if index == 0:
        return f"up to {high:g} px"
    return f"from {low:g} px" if index == len(strides) - 1 else f"{low:g} to {high:g} px"


def draw_attention(
    frame: np.ndarray,
    boxes: np.ndarray,
    maps: Sequence[np.ndarray],
    strides: Sequence[float],
    width_px: int = 640,
    others: Sequence[tuple[np.ndarray, str]] = (),
) -> np.ndarray:
    """A sheet, uint8 BGR: the frame with its detections, then the map of each level and others over it.

    Args:
        frame: (H, W, 3) uint8 BGR; not changed.
        boxes: Detections, xyxy px, (N, 4).
        maps: Of each level, (H, W), with its stride in px.
        width_px: Width of each picture on the sheet.
        others: Further maps, (H, W), with their captions.
    """
    found = frame.copy()
    draw_boxes(found, boxes, (255, 255, 0))
    pictures = [found, *(draw_map(frame, one) for one in (*maps, *(other for other, _ in others)))]
    sizes = [f"stride {stride:g}, {size_text(strides, index)}" for index, stride in enumerate(strides)]
    sizes += [text for _, text in others]
    size = (width_px, max(round(frame.shape[0] * width_px / frame.shape[1]), 1))
    shrinks = width_px < frame.shape[1]
    # Resized before the captions, which keep their size whatever that of the frame.
    small = [cv2.resize(p, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST) for p in pictures]
    for number, (picture, text) in enumerate(zip(small, [f"{len(boxes)} detections", *sizes], strict=True)):
        caption(picture, text, scale=number > 0)
    return sheet(small, 2 if len(small) <= 4 else 3)


def caption(picture: np.ndarray, text: str, scale: bool) -> None:
    """Write a caption into the upper left corner, with the scale of colours from 0 to 1 behind it if asked for."""
    ends = cv2.getTextSize(text, FONT, 0.5, 1)[0][0] + 12
    cv2.rectangle(picture, (0, 0), (ends + 88 * scale, 24), (0, 0, 0), -1)
    cv2.putText(picture, text, (6, 17), FONT, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    if scale:
        ramp = np.tile(np.linspace(0, 255, 60, dtype=np.uint8), (12, 1))
        place = picture[6:18, ends + 14 : ends + 74]
        place[:] = cv2.applyColorMap(ramp, cv2.COLORMAP_TURBO)[: place.shape[0], : place.shape[1]]
        for digit, x in (("0", ends + 2), ("1", ends + 77)):
            cv2.putText(picture, digit, (x, 17), FONT, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
