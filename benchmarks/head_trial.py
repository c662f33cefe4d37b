"""Trial of the joint head's options: one row per variant and seed, resumed where it was interrupted.

    python benchmarks/head_trial.py data=DATA.yaml out=DIR [epochs=45] [imgsz=320] [seeds=0] [variants=a,b] [threads=1]

Every variant trains from scratch with the host's defaults on the same data; its model YAML is a packaged one with
another
``loss:`` block. Writes ``DIR/results.csv``. Two calls with different variants may run side by side on the same DIR.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import yaml

from gjadet_yolo import locate

CASES: dict[str, tuple[str, dict | None, float]] = {  # base YAML, loss block, the host's cls= gain
    "host cls=0.5": ("yolov8n.yaml", None, 0.5),
    "host cls=2": ("yolov8n.yaml", None, 2.0),
    "joint eqlv2 onehot bce x1": ("gjadet-paper.yaml", {"cls": "eqlv2"}, 0.5),
    "joint eqlv2 onehot bce x4": ("gjadet-paper.yaml", {"cls": "eqlv2", "cls_gain": 4.0, "obj_gain": 4.0}, 0.5),
    "joint eqlv2 onehot bce cls x4": ("gjadet-paper.yaml", {"cls": "eqlv2", "cls_gain": 4.0}, 0.5),
    "joint eqlv2 iou bce x4": (
        "gjadet-paper.yaml",
        {"cls": "eqlv2", "cls_target": "iou", "cls_gain": 4.0, "obj_gain": 4.0},
        0.5,
    ),
    "joint gjr iou bce x4": (
        "gjadet-paper.yaml",
        {"cls": "gjr", "cls_target": "iou", "cls_gain": 4.0, "obj_gain": 4.0},
        0.5,
    ),
    "joint gjr onehot bce x4": ("gjadet-paper.yaml", {"cls": "gjr", "cls_gain": 4.0, "obj_gain": 4.0}, 0.5),
    "joint eqlv2 onehot qfl x4": (
        "gjadet-paper.yaml",
        {"cls": "eqlv2", "obj": "qfl", "cls_gain": 4.0, "obj_gain": 4.0},
        0.5,
    ),
    "joint gjr iou qfl x4": (
        "gjadet-paper.yaml",
        {"cls": "gjr", "cls_target": "iou", "obj": "qfl", "cls_gain": 4.0, "obj_gain": 4.0},
        0.5,
    ),
    "joint bce onehot bce x4": ("gjadet-paper.yaml", {"cls": "bce", "cls_gain": 4.0, "obj_gain": 4.0}, 0.5),
    "plain gjr all": ("gjadet-plain.yaml", {"cls": "gjr"}, 0.5),
    "plain gjr all x4": ("gjadet-plain.yaml", {"cls": "gjr", "cls_gain": 4.0}, 0.5),
}


def model_file(case: str, out: Path) -> str:
    """Write the variant's model YAML, or name the host's."""
    base, loss, _ = CASES[case]
    if loss is None:
        return base
    content = yaml.safe_load(locate.files("cfg")["gjadet-paper"].read_text(encoding="utf-8"))
    content["loss"] = loss
    if base == "gjadet-plain.yaml":
        content["head"][-1][2] = "Detect"
    content["scales"] = {"n": content["scales"]["n"]}
    file = out / f"{case.replace(' ', '-').replace('=', '')}.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(file)


def run(case: str, seed: int, settings: dict[str, str], out: Path) -> dict[str, object]:
    """Train one variant and collect its validation figures."""
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(int(settings["threads"]))
    torch.set_num_threads = lambda _: None  # the host sets it again; two runs share this machine
    model = YOLO(model_file(case, out))
    model.train(
        data=settings["data"],
        epochs=int(settings["epochs"]),
        imgsz=int(settings["imgsz"]),
        batch=16,
        seed=seed,
        device="cpu",
        pretrained=False,
        plots=False,
        val=False,
        **({} if CASES[case][1] else {"cls": CASES[case][2]}),  # a stated cls= would replace the block's gains
        project=str(out / "runs"),
        name=f"{case.replace(' ', '-')}-{seed}",
        exist_ok=True,
    )
    box = model.metrics.box
    per_class = {model.names[int(c)]: round(float(ap), 4) for c, ap in zip(box.ap_class_index, box.ap, strict=True)}
    return {"case": case, "seed": seed, "AP": round(box.map, 4), "AP50": round(box.map50, 4), **per_class}


def main() -> None:
    """Run what is missing."""
    settings = {"epochs": "45", "imgsz": "320", "seeds": "0", "threads": "1", "variants": ",".join(CASES)}
    settings |= dict(arg.split("=", 1) for arg in sys.argv[1:])
    out = Path(settings["out"])
    out.mkdir(parents=True, exist_ok=True)
    table = out / "results.csv"
    for seed in map(int, settings["seeds"].split(",")):
        for case in settings["variants"].split(","):
            done = list(csv.DictReader(table.open(encoding="utf-8"))) if table.exists() else []
            if any(row["case"] == case and int(row["seed"]) == seed for row in done):
                continue
            row = run(case, seed, settings, out)
            with table.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(row))
                if file.tell() == 0:
                    writer.writeheader()
                writer.writerow(row)


if __name__ == "__main__":
    main()
