"""Libraries that only some functions need, and the extra of this package that installs each."""

from __future__ import annotations

from gjadet_yolo.host.status import BELOW, LOWEST

# Extra by distribution; setup.cfg states the same.
EXTRAS = {
    "timm": "timm",
    "albumentations": "degrade",
    "onnx": "export",
    "onnxruntime": "export",
    "onnxslim": "export",
    "openvino": "export",
    "plotly": "measure",
    "xlsxwriter": "measure",
    "av": "measure",
    "cinereader": "cine",
    "faster-coco-eval": "benchmark",
}


def install_command(distribution: str) -> str:
    """Command that installs a library: by its extra where it has one."""
    # without the range, pip would take the newest Ultralytics
    if distribution == "ultralytics":
        return f"pip install 'ultralytics>={LOWEST},<{BELOW}'"
    extra = EXTRAS.get(distribution)
    return f"pip install 'gjadet-yolo[{extra}]'" if extra else f"pip install {distribution}"
