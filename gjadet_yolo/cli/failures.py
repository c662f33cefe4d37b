"""Messages for verbs that fail: that of the error, and what to do where the error itself does not say it."""

from __future__ import annotations

import os
import pickle
import re
import sys

from gjadet_yolo.cli.extras import install_command

# distribution by module, where their names differ
DISTRIBUTIONS = {"cv2": "opencv-python", "yaml": "pyyaml", "faster_coco_eval": "faster-coco-eval"}
PARAGRAPHS = re.compile(r"\n\s*\n")  # the host sets some of its messages in several

# The host raises these for files that are no checkpoints or data YAMLs; its messages begin with ERROR.
HOST_REFUSALS = (TypeError, AssertionError, SyntaxError)


def known_errors() -> tuple[type[Exception], ...]:
    """Errors that a file, a setting or the machine causes; others are faults of this package, shown in full."""
    return (
        ValueError,  # also UnicodeDecodeError and json.JSONDecodeError
        OSError,
        RuntimeError,  # also PluginError, RecursionError, NotImplementedError and torch.OutOfMemoryError
        ImportError,
        MemoryError,
        EOFError,
        pickle.UnpicklingError,
        *yaml_errors(),
        *HOST_REFUSALS,
    )


def yaml_errors() -> tuple[type[Exception], ...]:
    """PyYAML's root error, which has no built-in parent; empty until the library is imported."""
    return (sys.modules["yaml"].YAMLError,) if "yaml" in sys.modules else ()


def is_fault(error: Exception) -> bool:
    """Whether an error of these kinds is a fault of this package all the same."""
    if isinstance(error, ImportError):
        return (error.name or "").split(".")[0] == "gjadet_yolo"
    if isinstance(error, SyntaxError):
        return error.filename is not None  # the host raises it for data YAMLs, without a file of code
    return isinstance(error, HOST_REFUSALS) and not str(error).startswith("ERROR")


def explained(error: Exception) -> str:
    """Message of a known error, with what to do."""
    text = PARAGRAPHS.sub("\n", str(error).removeprefix("ERROR ❌️").removeprefix("ERROR").strip())
    if isinstance(error, ModuleNotFoundError) and "pip install" not in text:
        top = (error.name or "").split(".")[0]
        name = DISTRIBUTIONS.get(top, top)
        return f"{name or text} is not installed. Run: {install_command(name)}" if name else text
    if isinstance(error, ImportError) and "libGL" in text:
        return (
            f"{text}. OpenCV needs the system's OpenGL library: install it, or run: pip install opencv-python-headless"
        )
    if isinstance(error, UnicodeDecodeError):
        return f"a file is not UTF-8 text: {text}. Save it as UTF-8."
    if isinstance(error, RecursionError):
        return f"a file or value is too deeply nested: {text}."
    if isinstance(error, MemoryError):
        return f"out of memory{f': {text}' if text else ''}. Take smaller images (imgsz), tiles or batches."
    if isinstance(error, (EOFError, pickle.UnpicklingError)):
        return f"a checkpoint is empty, truncated or none: {text or type(error).__name__}. Copy or download it again."
    if isinstance(error, yaml_errors()):
        return f"a YAML file cannot be read: {text}"
    return text or type(error).__name__


def is_closed_pipe(error: Exception) -> bool:
    """Whether the reader of the output has gone, as in ``gjadet models | head``; the output is silenced then."""
    if not isinstance(error, BrokenPipeError):
        return False
    try:
        print(flush=True)  # writes, because what could not be written is not kept
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return True
    return False  # another pipe, e.g. to a worker that died
