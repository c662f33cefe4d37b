"""Cases of data sets: COCO trees, and YOLO trees with their data YAMLs and label files."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from fuzzing.case import Case, Draw, Lost
from fuzzing.hostile import BAD_PATHS, NAMES, named, put_special, target
from fuzzing.mutate import json_text, mutated, mutated_bytes, yaml_text
from fuzzing.samples import (
    coco_content,
    data_content,
    label_text,
    picture,
    write_coco_tree,
    write_yolo_tree,
)
from gjadet_yolo.data.formats.boxes import BoxDataset
from gjadet_yolo.data.formats.coco import read_coco
from gjadet_yolo.data.formats.convert import write_coco, write_yolo
from gjadet_yolo.data.formats.yolo import read_yolo

Spoilt = tuple[Path, list[str], list[str]]
"""What to read, what was done to it, and the words of which a message may hold one."""
Tree = Callable[[Draw, Path, str], Spoilt]
SPOILS = ("values", "values", "values", "bytes", "name", "picture", "special", "source")
WORDS = (
    "nan", "inf", "-inf", "1e999", "-1", "99", "1.5", "0x1", "\uff11", "0,5", "", "\0", "\x85", "\x0b", "#",
    "true", "1_0", "9" * 5000, "1e-320", "-0.0", "é", "0.5 0.5", "0.1 0.1 0.9", "1e308", "\ufeff0",
)  # fmt: skip


def boxes_of(data: BoxDataset) -> tuple[int, int]:
    """Number of images and of boxes."""
    images = [image for split in data.splits.values() for image in split]
    return len(images), sum(len(image.labels) for image in images)


def check_kept(data: BoxDataset, again: BoxDataset) -> None:
    """Compare what was written with what was read.

    Raises:
        Lost: Fewer images, or fewer boxes than were read again and noted as dropped.
    """
    (images, boxes), (images_again, boxes_again) = boxes_of(data), boxes_of(again)
    dropped = sum(what.endswith("dropped") for _, what, _, _ in again.report.rows)
    if images_again != images or boxes_again + dropped != boxes:
        wrote = f"wrote {images_again} and {boxes_again} (and {dropped} noted as dropped)"
        raise Lost(f"read {images} images and {boxes} boxes, {wrote}")


def convert_coco(source: Path, out: Path, copy: bool, force: bool) -> None:
    """COCO to YOLO, and a look at what was written."""
    data = read_coco(source)
    check_kept(data, read_yolo(write_yolo(data, out, copy, force)))


def convert_yolo(source: Path, out: Path, copy: bool, force: bool) -> None:
    """YOLO to COCO, and a look at what was written."""
    data = read_yolo(source)
    write_coco(data, out, copy, force)
    check_kept(data, read_coco(out))


def converting(draw: Draw, tree: Tree, convert: Callable[[Path, Path, bool, bool], None]) -> Case:
    """A case of a converter: a tree, and a place to write to that may hold something already."""
    source, story, names = tree(draw, draw.folder / "in", str(draw.pick(SPOILS)))
    place = target(draw, source)
    if place.earlier:
        convert(tree(draw, draw.folder / "valid", "")[0], place.out, False, False)
    words = (source.name, place.out.name, str(place.out), place.out.parent.name, *names)
    call = functools.partial(convert, source, place.out, draw.chance(0.3), place.force)
    return Case(call, words, [*story, *place.story], place.out if place.earlier else None)


def read_coco_case(draw: Draw) -> Case:
    """COCO to YOLO."""
    return converting(draw, coco_tree, convert_coco)


def read_yolo_case(draw: Draw) -> Case:
    """YOLO to COCO."""
    return converting(draw, yolo_tree, convert_yolo)


def coco_tree(draw: Draw, root: Path, spoil: str) -> Spoilt:
    """A COCO tree, spoilt in one way, or valid where the way is empty."""
    files = {"train": ["a.png", "b.png"], "val": ["c.png"]}
    story, names = [], []
    if spoil == "name":
        files["train"][0], story = hostile_image(draw)
    contents = {split: coco_content(list_) for split, list_ in files.items()}
    pictures = {f"{split}/{file}": picture() for split, list_ in files.items() for file in list_ if usable(file)}
    if spoil == "values":
        split = str(draw.pick(list(contents)))
        contents[split], story, names = mutated(draw, contents[split], 3)
        story = [f"{split}.json: {line}" for line in story]
    elif spoil == "picture":
        story = spoil_picture(draw, pictures, "train/a.png")
    written = write_coco_tree(root, contents, pictures, functools.partial(json_text, draw))
    if spoil == "bytes":
        story = spoil_file(draw, written["val"])
    elif spoil == "special":
        story = [put_special(draw, root / str(draw.pick(("train/a.png", "annotations/val.json"))))]
    source = spoil_source(draw, root, written["train"], story) if spoil == "source" else root
    return source, story, [*names, "train.json", "val.json", *named(files["train"][0])]


def yolo_tree(draw: Draw, root: Path, spoil: str) -> Spoilt:
    """A YOLO tree, spoilt in one way, or valid where the way is empty."""
    first, story, names = "a.png", [], []
    if spoil == "name":
        first, story = hostile_image(draw)
        first = first if usable(first) else "a.png"
    content = data_content()
    files = {f"train/{first}": label_text(0), "train/b.png": label_text(1), "val/c.png": label_text(2)}
    if spoil == "values":
        content, story, names = mutated(draw, content, 3)
        story = [f"data.yaml: {line}" for line in story]
    source = write_yolo_tree(root, content, files, functools.partial(yaml_text, draw))
    if spoil == "bytes":
        story = spoil_file(draw, draw.pick((source, source, root / "labels" / "train" / "b.txt")))
    elif spoil == "picture":
        pictures = {"b.png": picture()}
        story = spoil_picture(draw, pictures, "b.png")
        (root / "images" / "train" / "b.png").write_bytes(pictures["b.png"])
    elif spoil == "special":
        places = ("images/train/b.png", "labels/train/b.txt", "data.yaml", "images/val/x")
        story = [put_special(draw, root / str(draw.pick(places)))]
    elif spoil == "source":
        source = spoil_source(draw, root, source, story)
    return source, story, [*names, "data.yaml", "b.txt", "b.png", "c.png", *named(first)]


def read_labels_case(draw: Draw) -> Case:
    """One picture with a label file of odd lines, read and written as COCO."""
    lines = [label_text(index).split("\n")[0] for index in range(3)]
    story = []
    for _ in range(int(draw.rng.integers(1, 4))):
        row = int(draw.rng.integers(len(lines)))
        words = lines[row].split(" ")
        at, word = int(draw.rng.integers(len(words) + 1)), str(draw.pick(WORDS))
        words[at : at + int(draw.rng.integers(0, 3))] = [word] * int(draw.rng.integers(0, 3))
        lines[row] = str(draw.pick((" ", " ", " ", "\t", "  "))).join(words)
        story.append(f"line {row + 1}: {lines[row][:60]!r}")
    root = draw.folder / "in"
    source = write_yolo_tree(root, data_content(), {"train/a.png": "\n".join(lines), "val/b.png": ""})
    if draw.chance(0.25):
        story += spoil_file(draw, root / "labels" / "train" / "a.txt")
    call = functools.partial(convert_yolo, source, draw.folder / "out", False, False)
    return Case(call, ("a.txt",), story)


def usable(file: str) -> bool:
    """Whether a file of this name can be written inside a folder."""
    inside = file not in (".", "~") and ".." not in Path(file).parts
    return inside and bool(file.strip()) and "\0" not in file and len(file) < 250


def hostile_image(draw: Draw) -> tuple[str, list[str]]:
    """A hostile name of an image and what it is."""
    name = str(draw.pick(NAMES)) + str(draw.pick((".png", ".png", ".PNG", "", ".png.png", ".txt")))
    if draw.chance(0.3):
        name = str(draw.pick(("sub/", "a/b/c/", "images/", "../", "labels/", "./", "sub//"))) + name
    if draw.chance(0.15):
        name = str(draw.pick(BAD_PATHS))
    return name, [f"an image is called {name[:80]!r}"]


def spoil_picture(draw: Draw, pictures: dict[str, bytes], name: str) -> list[str]:
    """Change the bytes of a picture."""
    pictures[name], way = mutated_bytes(draw, pictures[name])
    return [f"{name}: {way}"]


def spoil_file(draw: Draw, file: Path) -> list[str]:
    """Change the bytes of a file on disk."""
    data, way = mutated_bytes(draw, file.read_bytes())
    file.write_bytes(data)
    return [f"{file.name}: {way}"]


def spoil_source(draw: Draw, root: Path, file: Path, story: list[str]) -> Path:
    """Another path than the tree's own: a file of it, a link, or nothing at all."""
    link = root / "loop"
    link.symlink_to(root)
    options = {
        "its annotation file or data YAML": file,
        "its folder of annotations": file.parent,
        "a picture": next(root.rglob("*.png")),
        "a link to its own folder": link,
        "a link in a link": link / "loop" / file.relative_to(root),
        "a bad path": Path(str(draw.pick(BAD_PATHS))),
        "a folder that is not there": root / "gone",
    }
    kind = str(draw.pick(list(options)))
    story.append(f"the source is {kind}")
    return options[kind]
