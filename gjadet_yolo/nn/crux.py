"""Learning cruxes to push (LCP): where an image misleads a detector, and features that catch up with good images.

Source: "Learning Cruxes to Push for Object Detection in Low-Quality Images", IEEE TCSVT, document 10606519, and its
repository learning-cruxes-to-push (MIT). With the release's weights, heat map, crux and catch-up features agree to 1e-5
(``tests/golden/lcp.npz``). The catch-up learner has the second ReLU of the paper, which the release loses through a
repeated key. Ours are heat maps of a smaller copy of the image and the start, at which the network is its host.
docs/lcp.md says what differs and why.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, relu

EXPANSION = 3  # of channels inside a block, as published
WIDTH = 16  # channels between the blocks, as published


def soft_mask(heat: torch.Tensor, temperature: float, threshold: float) -> torch.Tensor:
    """Share of each pixel that stays: 1 / (1 + exp(-temperature (heat - threshold))), of the heat map's shape."""
    return torch.sigmoid(temperature * (heat - threshold))


class CruxBlock(nn.Module):
    """1x1 to three times the channels, ReLU, depthwise k x k, ReLU, 1x1: (B, c1, H, W) to (B, c2, H, W)."""

    def __init__(self, c1: int, c2: int, k: int) -> None:
        super().__init__()
        inner = c1 * EXPANSION
        self.conv1 = nn.Conv2d(c1, inner, 1)
        self.conv2 = nn.Conv2d(inner, inner, k, padding=k // 2, groups=inner)
        self.conv3 = nn.Conv2d(inner, c2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv3(relu(self.conv2(relu(self.conv1(x)))))


class CruxLearner(nn.Module):
    """Heat map of what misleads the detector.

    Args:
        c1: Channels of the images.
        stride: Side in px of a cell of the heat map; 1 as published, which costs ``stride**2`` times as much.
        temperature: Steepness of the mask.
        threshold: Heat at which half of a pixel stays, and with which a training begins.
    """

    def __init__(self, c1: int = 3, stride: int = 1, temperature: float = 10.0, threshold: float = 0.5) -> None:
        super().__init__()
        self.stride, self.temperature, self.threshold = stride, temperature, threshold
        self.blocks = nn.Sequential(CruxBlock(c1, WIDTH, 3), CruxBlock(WIDTH, WIDTH, 3), CruxBlock(WIDTH, 1, 5))
        # Here the mask is steepest. At the heat of 0 of a plain start it has a 38th of the slope, and nearly all of the
        # image is masked.
        nn.init.constant_(self.blocks[2].conv3.bias, threshold)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images (B, c1, H, W) to a heat map (B, 1, H / stride, W / stride), sides rounded up."""
        return self.blocks(avg_pool2d(x, self.stride, ceil_mode=True) if self.stride > 1 else x)

    def mask(self, heat: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """Soft mask (B, 1, H, W) of a heat map for an image of a height and width."""
        # The heat is enlarged and not the mask, whose edges would become as wide as a cell.
        if self.stride > 1:
            heat = interpolate(heat, size, mode="bilinear", align_corners=False)
        return soft_mask(heat, self.temperature, self.threshold)


class CatchUpLearner(nn.Module):
    """What the medium features of a crux lack: (B, c1, H, W) to (B, c2, H / 2, W / 2), sides rounded up; 0 at first."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        # Rounded up, as convolutions of stride 2 do it, so that both can be added at any size.
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.conv1 = nn.Conv2d(c1, c2, 3, padding=1)
        self.conv2 = nn.Conv2d(c2, c2, 3, padding=1)
        self.conv3 = nn.Conv2d(c2, c2, 3, padding=1)
        nn.init.zeros_(self.conv3.weight)
        nn.init.zeros_(self.conv3.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv3(relu(self.conv2(relu(self.conv1(self.pool(x))))))


class FeatureFusion(nn.Module):
    """1x1 convolution of plain and caught-up features, (B, c, H, W) each, to one; the plain ones at first."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * c, c, 1)
        # So that a detector which is trained already begins where it was.
        nn.init.zeros_(self.conv.bias)
        with torch.no_grad():
            self.conv.weight.copy_(torch.cat((torch.eye(c), torch.zeros(c, c)), 1)[..., None, None])

    def forward(self, plain: torch.Tensor, caught: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.cat((plain, caught), 1))


class Cruxes(nn.Module):
    """The learners of a model, beside its layers.

    Args:
        learner: Of cruxes.
        shallow: Number of the last shallow layer, with its channels.
        medium: Number of the last medium layer, with its channels.
        reduce: How much smaller the side of a crux is than that of its image; 1 as published.
    """

    def __init__(
        self, learner: CruxLearner, shallow: tuple[int, int], medium: tuple[int, int], reduce: int = 1
    ) -> None:
        super().__init__()
        self.reduce = reduce
        self.shallow, self.medium = shallow[0], medium[0]
        self.learner = learner
        self.catch_up = CatchUpLearner(shallow[1], medium[1])
        self.fusion = FeatureFusion(medium[1])

    def crux(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Crux (B, C, H / reduce, W / reduce) of images (B, C, H, W), and its heat map (B, 1, H', W')."""
        heat = self.learner(x)
        crux = x * self.learner.mask(heat, x.shape[2:]).to(x.dtype)
        return avg_pool2d(crux, self.reduce, ceil_mode=True) if self.reduce > 1 else crux, heat

    def fuse(self, plain: torch.Tensor, caught: torch.Tensor) -> torch.Tensor:
        """Medium features of images with those of their cruxes, to the former's shape (B, C, H, W)."""
        if self.reduce > 1:
            caught = interpolate(caught, plain.shape[2:], mode="nearest")
        return self.fusion(plain, caught)
