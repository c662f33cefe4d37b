"""The video with its markings, in a form that browsers play: H.264 where PyAV has an encoder for it, else VP9.

OpenCV's own writer offers MJPG and mp4v, and no browser plays them. A bar under the picture, where it
covers nothing, holds time, frame and what the signs mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from gjadet_yolo.measure.result import Measurement
from gjadet_yolo.report.markings import FONT, Markings, enlargement
from gjadet_yolo.report.summary import provenance

# Encoder with its options: quality that leaves 10 px markers sharp; a key frame every 10 frames, so that a browser
# jumps to any frame at once; no frames out of order, so that time stamps count frames from 0.
ENCODERS = {
    "libx264": {"preset": "veryfast", "crf": "21", "g": "10", "bf": "0"},
    "libvpx-vp9": {"crf": "30", "b": "0", "g": "10", "deadline": "realtime", "cpu-used": "7", "row-mt": "1"},
}
PLAY_FPS = 25
BAR_COLOUR = (245, 245, 245)
INK = (40, 40, 40)


def play_rate(fps: float) -> Fraction:
    """Frames shown per second, (0, 25]: slow motion, but a video slower than that as it was."""
    return Fraction(min(fps, PLAY_FPS)).limit_denominator(1000) or Fraction(1, 1000)


def as_bgr8(pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Grey or BGR pictures of 8 or 16 bit as (H, W, 3) uint8.

    Cameras put 10, 12 or 14 bits into 16: white is the smallest of these that holds the first picture, for all.
    """
    shift = None
    for picture in pictures:
        if picture.dtype != np.uint8:
            if shift is None:
                shift = max(int(picture.max()).bit_length(), 10) - 8
            picture = np.minimum(picture >> shift, 255).astype(np.uint8)
        yield cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) if picture.ndim == 2 else picture[..., :3]


def encoder() -> str:
    """Name of the best encoder that PyAV was built with.

    Raises:
        ModuleNotFoundError: PyAV is not installed.
        LookupError: It has none that browsers play.
    """
    import av

    for name in ENCODERS:
        try:
            av.codec.Codec(name, "w")
        except ValueError:
            continue
        return name
    raise LookupError(f"this build of PyAV has none of the encoders {', '.join(ENCODERS)}")


def film_size(size_px: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the film: even, as its colour format asks, with the bar below the picture."""
    width, height = (enlargement(size_px) * side for side in size_px)
    bar = max(24, round(0.034 * max(width, height)))
    return width + width % 2, height + bar + (height + bar) % 2


class Bar:
    """The bar below the picture: its legend is drawn once, time and frame on each."""

    def __init__(self, measurement: Measurement, markings: Markings) -> None:
        width, height = film_size(measurement.source.size_px)
        bar = height - markings.zoom * measurement.source.size_px[1]
        self.time_s, self.image = measurement.time_s, np.full((bar, width, 3), BAR_COLOUR, np.uint8)
        self.scale, self.base = bar / 52, round(bar * 0.68)
        x = round(self.text_width("-00000.0 ms   frame 000000") + bar)
        items: list[tuple[str, tuple[int, int, int] | None]] = [
            (f"body {k}" + (" (standing)" if stands else ""), colour)
            for k, (stands, colour) in enumerate(zip(measurement.reference, markings.body_colours, strict=True))
        ]
        for text, colour in [("O measured", None), ("X predicted", None), *items]:
            wide = self.text_width(text) + (bar if colour else bar // 2)
            if x + wide > width:  # what has no room is left out; the report has it all
                break
            if colour:
                cv2.circle(self.image, (x, bar // 2), bar // 5, colour, -1, cv2.LINE_AA)
            self.write(self.image, text, x + (bar // 3 if colour else 0))
            x += wide + bar // 3

    def text_width(self, text: str) -> int:
        return cv2.getTextSize(text, FONT, self.scale, 1)[0][0]

    def write(self, image: np.ndarray, text: str, x: int) -> None:
        cv2.putText(image, text, (x, self.base), FONT, self.scale, INK, 1, cv2.LINE_AA)

    def at(self, frame: int) -> np.ndarray:
        """The bar of one frame, (height, width, 3)."""
        image = self.image.copy()
        self.write(image, f"{1000 * self.time_s[frame]:.1f} ms   frame {frame}", image.shape[0] // 3)
        return image


def marked(measurement: Measurement, pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Pictures of the film: each given (H, W, 3) uint8 one with its markings and the bar.

    Raises:
        ValueError: A picture has another size than the video.
    """
    markings, size = Markings(measurement), measurement.source.size_px
    bar, (width, _) = Bar(measurement, markings), film_size(size)
    # pictures beyond the measured frames have no markings and are left out
    for frame, picture in zip(range(len(measurement.time_s)), pictures, strict=False):
        if picture.shape[1::-1] != tuple(size):
            raise ValueError(
                f"frame {frame} measures {picture.shape[1]} x {picture.shape[0]}, not {size[0]} x {size[1]}"
            )
        drawn = markings.draw(picture, frame)
        if width > drawn.shape[1]:
            drawn = cv2.copyMakeBorder(drawn, 0, 0, 0, width - drawn.shape[1], cv2.BORDER_REPLICATE)
        yield np.concatenate([drawn, bar.at(frame)])


def write_film(path: Path, measurement: Measurement, pictures: Iterable[np.ndarray]) -> int:
    """Write ``overlay.mp4``.

    Args:
        pictures: Frames of the video as they were measured, (H, W) or (H, W, 3) BGR, 8 or 16 bit.

    Returns:
        Number of frames.

    Raises:
        ModuleNotFoundError: PyAV is not installed.
        LookupError: It has no encoder for browsers.
        ValueError: A picture has another size than the video.
    """
    import av
    from av.video.reformatter import Colorspace

    name, frames = encoder(), 0
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        container.metadata["title"] = f"Motion from video {Path(measurement.source.name).name}"
        container.metadata["comment"] = json.dumps(provenance(measurement))
        stream = container.add_stream(name, rate=play_rate(measurement.source.fps), options=ENCODERS[name])
        stream.width, stream.height = film_size(measurement.source.size_px)
        stream.pix_fmt = "yuv420p"
        # without these numbers (1: BT.709) players guess the colours by the size of the picture
        stream.codec_context.color_primaries = stream.codec_context.color_trc = stream.codec_context.colorspace = 1
        for picture in marked(measurement, as_bgr8(pictures)):
            image = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(image.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
            frames += 1
        container.mux(stream.encode())
    return frames
