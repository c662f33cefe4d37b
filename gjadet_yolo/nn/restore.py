"""Restorer of CCSPNet-Joint: a bilateral grid of colour transforms, predicted from a small copy of the image.

Sources: CCSPNet-Joint, arXiv 2309.06902, whose restorer is that of 4KDehazing (CVPR 2021); bilateral grids: HDRNet,
arXiv 1707.02880. Slicing and the affine step agree with the reference to 1e-5 (``tests/golden/bilateral_slice.npz``).
Ours are the widths of the networks, batch normalisation in all of them, and a start at the identity: the grid begins
with the identical colour transform, the fusion with a factor of 1. docs/ccspnet.md says what differs and why.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, pad, pixel_shuffle
from ultralytics.nn.modules import Conv

COEFFICIENTS = 12  # of an affine colour transform: three rows of three factors and an offset
GRID_SIDE = 16  # cells of the grid along height and width
PART_BYTES = 1 << 20  # of coefficients that are worked on at a time on a CPU


@dataclass(frozen=True)
class RestorerSize:
    """Widths of a restorer.

    Attributes:
        low: Side in px of the copy that the grid is predicted from, a power of 2 of 128 and more.
        width: Channels of the first convolution of the grid's network.
        depth: Cells of the grid along the guide.
        guide: Channels of a guide network.
        guides: 3 for a guide per colour channel, each with its own transformed image; 1 for one of all channels.
        stride: The grid is sliced at every so many px, and the coefficients are interpolated between them.
        features: Channels of the first convolution of the feature network; 0: the image itself is transformed.
        fusion: Channels of the network that combines the transformed images; 0: there is one, and it is the result.
        detail: Channels of the network that adds local detail, an addition of this project; 0: there is none.
    """

    low: int
    width: int
    depth: int
    guide: int
    guides: int
    stride: int
    features: int
    fusion: int
    detail: int = 0


# ``l`` has the published layout. The smaller ones give up first what costs with the size of the image. ``n`` has no
# feature network; a transform of each pixel alone can neither take noise away nor sharpen, so it has detail instead.
SIZES = {
    "n": RestorerSize(128, 8, 8, 8, guides=1, stride=8, features=0, fusion=0, detail=16),
    "s": RestorerSize(256, 12, 8, 8, guides=3, stride=4, features=8, fusion=8),
    "m": RestorerSize(256, 16, 16, 16, guides=3, stride=2, features=8, fusion=8),
    "l": RestorerSize(256, 32, 16, 16, guides=3, stride=1, features=16, fusion=8),
    "x": RestorerSize(256, 48, 16, 16, guides=3, stride=1, features=24, fusion=16),
}


def slice_grid(grid: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """Coefficients (B, C, H, W) at each pixel, trilinear in a bilateral grid.

    Args:
        grid: (B, C, D, H', W'). Its outer cells lie on the outer pixels of the image.
        guide: (B, 1, H, W), the depth from -1, the first cell, to 1, the last.
    """
    # ONNX and OpenVINO have no sampling in five dimensions.
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return slice_explicit(grid, guide)
    y, x = (torch.linspace(-1, 1, side, device=guide.device, dtype=guide.dtype) for side in guide.shape[2:])
    depth = guide[:, 0]
    place = torch.stack((x.expand_as(depth), y[:, None].expand_as(depth), depth), 3)[:, None]  # (B, 1, H, W, 3)
    return grid_sample(grid, place, mode="bilinear", padding_mode="border", align_corners=True)[:, :, 0]


def slice_explicit(grid: torch.Tensor, guide: torch.Tensor) -> torch.Tensor:
    """The same by one bilinear enlargement per depth and weights that fall off linearly with the distance in depth."""
    cells = grid.shape[2]
    depth = (guide.clamp(-1, 1) + 1) * ((cells - 1) / 2)
    size = (guide.shape[2], guide.shape[3])
    parts = [
        interpolate(grid[:, :, cell], size, mode="bilinear", align_corners=True) * (1 - (depth - cell).abs()).clamp(0)
        for cell in range(cells)
    ]
    return sum(parts[1:], parts[0])


def affine_colour(coefficients: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Affine colour transform of each pixel.

    Args:
        coefficients: (B, 12, H, W): per output channel the factors of R, G and B, and the offset.
        image: (B, 3, H, W).
    """
    red, green, blue = image.split(1, 1)
    rows = coefficients[:, 0::4], coefficients[:, 1::4], coefficients[:, 2::4], coefficients[:, 3::4]  # (B, 3, H, W)
    return torch.addcmul(torch.addcmul(torch.addcmul(rows[3], rows[0], red), rows[1], green), rows[2], blue)


def enlarged_affine(coefficients: torch.Tensor, image: torch.Tensor, stride: int) -> torch.Tensor:
    """Affine colour transform by coefficients at every ``stride`` px, bilinear between them.

    Args:
        coefficients: (B, 12, H / stride, W / stride), sides rounded up.
        image: (B, 3, H, W).
    """
    if stride == 1:
        return affine_colour(coefficients, image)
    size = (image.shape[2], image.shape[3])
    recorded = torch.is_grad_enabled() or torch.jit.is_tracing() or torch.compiler.is_compiling()
    if recorded or image.device.type != "cpu" or size[0] != stride * coefficients.shape[2]:
        return affine_colour(interpolate(coefficients, size, mode="bilinear", align_corners=False), image)
    return affine_by_rows(coefficients, image, stride)


def affine_by_rows(coefficients: torch.Tensor, image: torch.Tensor, stride: int) -> torch.Tensor:
    """The same for whole cells, in parts that stay in a processor's cache.

    Twelve coefficients of each pixel of a large image are ten times its memory, and take longer to write and read than
    to work out.
    """
    rows = coefficients.shape[2]
    wide = interpolate(coefficients, (rows, image.shape[3]), mode="bilinear", align_corners=False)
    wide = pad(wide, (0, 0, 1, 1), mode="replicate")  # beyond the outer rows their values go on
    step = max(1, PART_BYTES // wide[:, :, 0].nbytes)
    result = torch.empty_like(image)
    for first in range(0, rows, step):
        last = min(first + step, rows)
        for phase in range(stride):  # rows of the image at the same place in their cells have the same weights
            place = (phase + 0.5) / stride + 0.5  # in rows of ``wide``, from that in front of the cell
            start, weight = int(place), place % 1
            above, below = (wide[:, :, first + row : last + row] for row in (start, start + 1))
            lines = slice(first * stride + phase, last * stride, stride)
            result[:, :, lines] = affine_colour(torch.lerp(above, below, weight), image[:, :, lines])
    return result


class Down(nn.Module):
    """A chain of convolutions, each of which halves the side; returns all levels, the input's not among them."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Conv(a, b, 3, 2) for a, b in pairwise(channels))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        levels = []
        for step in self.steps:
            x = step(x)
            levels.append(x)
        return levels


class Up(nn.Module):
    """Joins levels from coarse to fine: enlarges, concatenates and convolves, up to the first level given.

    Args:
        channels: Of the levels, fine to coarse; the result has those of the first.
    """

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(Conv(a + b, a, 3) for a, b in [*pairwise(channels)][::-1])

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        x = levels[-1]
        for step, finer in zip(self.steps, levels[-2::-1], strict=True):
            x = step(torch.cat((finer, interpolate(x, finer.shape[2:], mode="nearest")), 1))
        return x


class GridNet(nn.Module):
    """U-Net from a copy of the image, (B, 3, low, low), to a bilateral grid, (B, 12, depth, 16, 16)."""

    def __init__(self, size: RestorerSize) -> None:
        super().__init__()
        self.depth = size.depth
        self.first = (size.low // GRID_SIDE).bit_length() - 2  # the level of 16 x 16 positions, counted from 0
        # Two levels below the grid, down to 4 x 4 positions: haze and light are matters of the whole image.
        channels = [min(size.width << level, 8 * size.width) for level in range(self.first + 3)]
        self.down = Down((3, *channels))
        self.up = Up(tuple(channels[self.first :]))
        self.out = nn.Conv2d(channels[self.first], COEFFICIENTS * size.depth, 1)
        self.start_at_identity()

    def start_at_identity(self) -> None:
        identity = torch.eye(3, 4).flatten()
        with torch.no_grad():
            self.out.weight.mul_(0.1)  # near enough to the identity, and the layers below still get their gradients
            self.out.bias.copy_(identity.repeat_interleave(self.depth))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grid = self.out(self.up(self.down(x)[self.first :]))
        return grid.view(-1, COEFFICIENTS, self.depth, GRID_SIDE, GRID_SIDE)


class FeatureNet(nn.Module):
    """U-Net from a copy of the image, (B, 3, H, W), to the image whose colours are transformed, of the same shape."""

    side: ClassVar[int] = 320  # px of the copy, as published

    def __init__(self, width: int) -> None:
        super().__init__()
        channels = (width, 2 * width, 4 * width, 8 * width)
        self.first = Conv(3, width, 3)
        self.down = Down(channels)
        self.up = Up(channels)
        self.out = nn.Conv2d(width, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = self.first(x)
        return x + self.out(self.up([first, *self.down(first)]))


class Guide(nn.Sequential):
    """Depth in the grid of each pixel, -1 to 1, from c1 colour channels."""

    def __init__(self, c1: int, width: int) -> None:
        blocks = Conv(c1, width, 3, act=nn.PReLU()), Conv(width, width, 3, act=nn.PReLU())
        super().__init__(*blocks, nn.Conv2d(width, 1, 1), nn.Tanh())


class Fusion(nn.Module):
    """Factor k(x) of each pixel and channel from the transformed images, (B, 9, H, W); 1 at the start."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = Conv(9, width, 3, act=nn.PReLU())
        self.out = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 1 + self.out(self.mix(x))


class Detail(nn.Module):
    """Adds to images (B, 3, H, W) what the neighbourhood of each pixel says; nothing at the start."""

    step: ClassVar[int] = 4  # px; its convolutions run at this stride, where they cost a sixteenth

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(Conv(3, width, 5, self.step), Conv(width, width, 3))
        self.out = nn.Conv2d(width, 3 * self.step**2, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor, base: torch.Tensor) -> torch.Tensor:
        """Images ``base`` with the detail of images ``x``; the memory of ``base`` may be used."""
        cells, step = self.out(self.inner(x)), self.step
        batch, _, height, width = cells.shape
        recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()
        if recorded or base.shape[2:] != (height * step, width * step) or not base.is_contiguous():
            return base + pixel_shuffle(cells, step)[:, :, : x.shape[2], : x.shape[3]]
        # the same as a sum of views: a shuffled copy takes a CPU three times as long
        by_cell = base.view(batch, 3, height, step, width, step)
        shuffled = cells.view(batch, 3, step, step, height, width).permute(0, 1, 4, 2, 5, 3)
        return by_cell.add_(shuffled).view(base.shape)


class Restorer(nn.Module):
    """Restores images of 0 to 1; starts near the identity.

    Args:
        size: A key of ``SIZES``.
    """

    def __init__(self, size: str) -> None:
        super().__init__()
        self.size = size
        chosen = SIZES[size]
        self.low, self.stride = chosen.low, chosen.stride
        self.grid = GridNet(chosen)
        channels = 3 // chosen.guides
        self.guides = nn.ModuleList(Guide(channels, chosen.guide) for _ in range(chosen.guides))
        self.features = FeatureNet(chosen.features) if chosen.features else None
        self.fusion = Fusion(chosen.fusion) if chosen.fusion else None
        self.detail = Detail(chosen.detail) if chosen.detail else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map degraded images (B, 3, H, W) of 0 to 1 to restored ones."""
        grid = self.grid(resized(x, self.low))
        features = x if self.features is None else self.features(resized(x, self.features.side))
        # Mixed precision ends here: bfloat16 has 8 bits, no more than the image, and far fewer near white.
        with full_precision(x):
            kind = self.grid.out.weight.dtype
            x, grid, features = x.to(kind), grid.to(kind), features.to(kind)
            if self.features is not None:
                features = interpolate(features, x.shape[2:], mode="bilinear", align_corners=False)
            images = [enlarged_affine(one, features, self.stride) for one in self.coefficients(grid, x)]
            # k x - k + 1, as published
            restored = images[0] if self.fusion is None else self.fusion(torch.cat(images, 1)) * (x - 1) + 1
            if self.detail is not None:
                restored = self.detail(x, restored)
            return restored.clamp(0, 1)

    def coefficients(self, grid: torch.Tensor, x: torch.Tensor) -> list[torch.Tensor]:
        """Coefficients (B, 12, H / stride, W / stride) of each guide, for a grid and the image (B, 3, H, W)."""
        if self.stride > 1:
            x = avg_pool2d(x, self.stride, ceil_mode=True)
        parts = x.split(3 // len(self.guides), 1)
        return [slice_grid(grid, guide(part)) for guide, part in zip(self.guides, parts, strict=True)]


def resized(x: torch.Tensor, side: int) -> torch.Tensor:
    return interpolate(x, (side, side), mode="bilinear", align_corners=False)


def full_precision(x: torch.Tensor) -> torch.autocast | nullcontext:
    """Switches mixed precision off; nothing while a graph is recorded, where there is none."""
    return nullcontext() if torch.jit.is_tracing() else torch.autocast(x.device.type, enabled=False)
