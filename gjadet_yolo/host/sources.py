"""Images and videos on disk: the host's reader, and which files could not be read whole.

The host skips unreadable images with a line in the log, ends at the first video that does not open, and takes a video
that breaks off for a shorter one. Mirrored: ``LoadImagesAndVideos`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/loaders.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
from PIL import Image
from ultralytics.data.loaders import LoadImagesAndVideos, SourceTypes
from ultralytics.data.utils import IMG_FORMATS, VID_FORMATS, exif_size
from ultralytics.utils import patches

from gjadet_yolo.data.formats.content import is_pipe
from gjadet_yolo.folders.whole import inputs_of

open_header = getattr(patches, "_image_open", Image.open)  # the host's Image.open installs a library on failure
JPEG, JPEG_END, JPEG_TAIL = (".jpg", ".jpeg"), b"\xff\xd9", 4096  # end marker; some files go on after it
MISSING_SHARE = 0.02  # of a video's frames; the number that its file states is often off by a few


class Files(LoadImagesAndVideos):
    """The host's reader of images and videos, which skips videos that do not open; arguments as in the host.

    Attributes:
        announced: Frames that each video should give, by file; 0 if it did not open.
        empty: Images of 0 bytes, left out of ``files``.
    """

    source_type = SourceTypes()

    def __init__(self, path: str | Path, batch: int = 1, vid_stride: int = 1, channels: int = 3) -> None:
        self.announced: dict[str, int] = {}
        super().__init__(path, batch, vid_stride, channels)
        images, videos = self.files[: self.ni], self.files[self.ni :]
        # some hosts fail on images of 0 bytes
        self.empty = [file for file in images if not Path(file).stat().st_size]
        images = [file for file in images if file not in self.empty]
        self.files, self.ni, self.nf = images + videos, len(images), len(images) + len(videos)
        self.video_flag = [False] * len(images) + [True] * len(videos)

    def _new_video(self, path: str) -> None:
        self.frames = 0  # of the video before, where this one does not open
        try:
            super()._new_video(path)
        except FileNotFoundError:  # the host goes on to the next file when no frame comes
            self.frames = 0
        self.announced[path] = self.frames

    def sizes(self) -> Iterator[tuple[int, int, int]]:
        """Height and width in px, and number of frames, of each readable file."""
        for file, video in zip(self.files, self.video_flag, strict=True):
            if video:
                capture = cv2.VideoCapture(file)
                height, width, frames = (
                    int(capture.get(key))
                    for key in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_COUNT)
                )
                capture.release()
                if min(height, width, frames) > 0:
                    yield height, width, frames // self.vid_stride
            else:
                try:
                    with open_header(file) as image:
                        width, height = exif_size(image)
                except (OSError, Image.DecompressionBombError):
                    continue
                yield height, width, 1

    def problems(self, read: Counter[str]) -> list[str]:
        """Files that could not be read whole, each with what is wrong; ``read`` counts the frames read of each."""
        found = [f"{file} (empty)" for file in self.empty]
        for file, video in zip(self.files, self.video_flag, strict=True):
            announced = self.announced.get(file, 1)
            if not read[file]:
                found.append(f"{file} ({'no frame' if video else 'no image'})")
            elif video and announced - read[file] > max(1, MISSING_SHARE * announced):
                found.append(f"{file} (ends after {read[file]} of {announced} frames)")
            elif not video and breaks_off(Path(file)):
                found.append(f"{file} (breaks off, the rest is grey)")
        return found


def refuse_pipes(source: str) -> None:
    """Refuse pipes and devices in the place of images and videos, which the host would wait for.

    Args:
        source: File, folder, pattern or list of files, as for the host.

    Raises:
        ValueError: Names the first.
    """
    for path in inputs_of(source):
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.suffix[1:].lower() in IMG_FORMATS | VID_FORMATS and is_pipe(file):
                raise ValueError(f"{file} is a pipe or device, expected an image or a video. Move it elsewhere.")


def breaks_off(file: Path) -> bool:
    """Whether a JPEG lacks its end, which OpenCV fills with grey; it reads broken files of other formats not at all."""
    if file.suffix.lower() not in JPEG:
        return False
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - JPEG_TAIL))
        return JPEG_END not in content.read()


def is_local(source: object) -> bool:
    """Whether a source is a file, a folder or a pattern of files, as the host would see it."""
    text = str(source)  # a number is a camera, .streams a list of network addresses
    if not isinstance(source, (str, Path)) or text.isnumeric() or text.lower().endswith(".streams"):
        return False
    return "*" in text or Path(text).exists()
