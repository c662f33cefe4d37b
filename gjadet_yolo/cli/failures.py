"""What is said when a verb fails: the message of the error, and what to do where the error itself does not say it."""

from __future__ import annotations

import os
import pickle
import sys

from gjadet_yolo.cli.extras import install_command

DISTRIBUTIONS = {"cv2": "opencv-python", "yaml": "pyyaml", "faster_coco_eval": "faster-coco-eval"}
"""Names under which pip knows modules that are called otherwise."""

HOST_REFUSALS = (TypeError, AssertionError, SyntaxError)
"""What the host raises for files that are no checkpoints or data YAMLs; its messages begin with ERROR."""


def known_errors() -> tuple[type[Exception], ...]:
    """Errors of use: of a file, a setting or the machine, and not of this package."""
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
    """PyYAML's error, once somebody has imported the library: it has one root class and no built-in parent."""
    return (sys.modules["yaml"].YAMLError,) if "yaml" in sys.modules else ()


def is_fault(error: Exception) -> bool:
    """Whether an error of these kinds is one of the program all the same: no refusal of the host, an import in here."""
    if isinstance(error, ImportError):
        return (error.name or "").split(".")[0] == "gjadet_yolo"
    if isinstance(error, SyntaxError):
        return error.filename is not None  # the host raises it for data YAMLs, without a file of code
    return isinstance(error, HOST_REFUSALS) and not str(error).startswith("ERROR")


def explained(error: Exception) -> str:
    """Message of a known error, with what to do."""
    text = str(error).removeprefix("ERROR ❌️").removeprefix("ERROR").strip()
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
    """Whether the reader of the output has gone, as in ``gjadet models | head``; silences the output from then on."""
    if not isinstance(error, BrokenPipeError):
        return False
    try:
        print(flush=True)  # writes, because what could not be written is not kept
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return True
    return False  # another pipe, e.g. to a worker that died
