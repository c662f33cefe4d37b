"""gjadet-yolo: small, dense, long-tailed and degraded targets for Ultralytics YOLO.

Importing the package registers the plugin with Ultralytics: at once where the host is already loaded, otherwise at the
moment the host loads. The import itself is light (no torch, no Ultralytics), so that every interpreter can afford it.
"""

from gjadet_yolo import autoload

__version__ = "0.1.0"

_PUBLIC = {
    "AdaptiveModule": "gjadet_yolo.nn.adaptive",
    "JointDetect": "gjadet_yolo.nn.joint_detect",
    "GJRLoss": "gjadet_yolo.losses.gjr",
    "EqualizationLoss": "gjadet_yolo.losses.equalization",
    "LossConfig": "gjadet_yolo.recipe.loss",
    "GjadetModel": "gjadet_yolo.engine.model",
    "GjadetTrainer": "gjadet_yolo.engine.trainer",
    "GjadetValidator": "gjadet_yolo.engine.validator",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'gjadet_yolo' has no attribute '{name}'; public names: {', '.join(__all__)}")
    from importlib import import_module  # here, to keep interpreter start short

    return getattr(import_module(_PUBLIC[name]), name)


autoload.install()
