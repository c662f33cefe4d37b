"""Data sets as users have them: nothing is read wrongly in silence, and bad files are refused in plain words."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import IMG_FORMATS, check_det_dataset

from gjadet_yolo.cli.convert import table
from gjadet_yolo.cli.main import main
from gjadet_yolo.data.formats import convert, yolo
from gjadet_yolo.data.formats.boxes import unique_names
from gjadet_yolo.data.formats.coco import read_coco
from gjadet_yolo.data.formats.yolo import read_yolo

ONE_BOX = "0 0.5 0.5 0.2 0.4\n"  # xyxy 40, 15, 60, 35 in the 100 x 50 px of every image here


def draw(*files: Path, size: tuple[int, int] = (50, 100)) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imencode(".png", np.full((*size, 3), 90, np.uint8))[1].tofile(file)


def coco(root: Path, split: str, images: list, boxes: list, categories: object = ((1, "car"),)) -> Path:
    """An annotation file of ``(id, file_name, width, height)`` and ``(image id, *xywh)``."""
    entries = [dict(zip(("id", "file_name", "width", "height"), image, strict=True)) for image in images]
    annotations = [
        {"id": n, "image_id": image, "category_id": 1, "bbox": list(box)} for n, (image, *box) in enumerate(boxes)
    ]
    names = [{"id": number, "name": name} for number, name in categories]
    file = root / "annotations" / f"{split}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"images": entries, "annotations": annotations, "categories": names}))
    return file


def yolo_tree(root: Path, text: str = "names: [car]", label: str = ONE_BOX) -> Path:
    """A tree with one image, and a data YAML of the given text."""
    draw(root / "images/train/a.png")
    (root / "labels/train").mkdir(parents=True, exist_ok=True)
    (root / "labels/train/a.txt").write_text(label)
    (root / "data.yaml").write_text("train: images/train\n" + text, encoding="utf-8")
    return root / "data.yaml"


def counts(data: object) -> dict[str, dict[str, int]]:
    return {what: dict(number) for what, number in data.report.counts().items()}


# COCO


def test_two_images_with_one_id_are_refused(tmp_path):
    coco(tmp_path, "train", [(7, "a.png", 100, 50), (7, "b.png", 100, 50)], [(7, 1, 1, 9, 9)])
    draw(tmp_path / "train/a.png", tmp_path / "train/b.png")
    with pytest.raises(
        ValueError, match=r"train\.json: two images have the id 7, with the file_name 'a\.png' and 'b\."
    ):
        read_coco(tmp_path)


def test_the_same_entry_twice_counts_once(tmp_path):
    coco(tmp_path, "train", [(7, "a.png", 100, 50)] * 2, [(7, 1, 1, 9, 9)])
    draw(tmp_path / "train/a.png")
    data = read_coco(tmp_path)
    assert data.splits["train"][0].labels.tolist() == [[0, 1, 1, 10, 10]]
    assert counts(data) == {"images listed more than once, merged": {"train": 1}}


def test_one_file_listed_at_two_sizes(tmp_path):
    """Each entry's boxes are in its own px: the right half of the image, twice, and its left quarter."""
    images = [(1, "a.png", 100, 50), (2, "a.png", 200, 100), (3, "./a.png", 100, 50)]
    coco(tmp_path, "train", images, [(1, 50, 0, 50, 50), (2, 100, 0, 100, 100), (3, 0, 0, 25, 50)])
    draw(tmp_path / "train/a.png")
    data = read_coco(tmp_path)
    assert data.splits["train"][0].labels.tolist() == [[0, 50, 0, 100, 50], [0, 0, 0, 25, 50]]
    assert counts(data)["images of another size than listed, boxes scaled along"] == {"train": 1}
    assert counts(data)["duplicate boxes, dropped"] == {"train": 1}


def test_suffixes_are_those_of_the_host():
    from gjadet_yolo.data.formats.images import IMAGE_FORMATS

    assert IMAGE_FORMATS == IMG_FORMATS


def test_images_that_the_host_does_not_read(tmp_path):
    """From COCO they are left out with a finding each; what remains is what the host reads."""
    names = ["a.png", "b.gif", "c.jfif", "d", ".e.png", "gif.png", "small.png", "h.PNG"]
    coco(tmp_path / "set", "train", [(n, name, None, None) for n, name in enumerate(names)], [(5, 1, 1, 9, 9)])
    draw(*(tmp_path / "set/train" / name for name in names))
    (tmp_path / "set/train/gif.png").write_bytes(cv2.imencode(".gif", np.zeros((50, 100, 3), np.uint8))[1].tobytes())
    draw(tmp_path / "set/train/small.png", size=(9, 20))
    data = read_coco(tmp_path / "set")
    assert [image.name for image in data.splits["train"]] == ["a.png", "h.PNG"]
    found = {image: detail for _, what, image, detail in data.report.rows if "does not read, left out" in what}
    assert list(found) == names[1:-1]
    assert found["b.gif"] == "suffix '.gif', with 0 boxes"
    assert found["gif.png"] == "content is GIF, with 1 boxes"
    assert found["small.png"] == "20x9 px, allowed from 10, with 0 boxes"
    target = convert.write_yolo(data, tmp_path / "out")
    host = check_det_dataset(str(target))
    assert len(YOLODataset(host["train"], data=host, task="detect", imgsz=32).im_files) == 2


def test_one_split_stands_in_for_val(tmp_path, capsys):
    file = coco(tmp_path / "set", "train", [(1, "a.png", 100, 50)], [(1, 40, 15, 20, 20)])
    draw(tmp_path / "set/train/a.png")
    assert main(["convert", f"coco={file}", f"out={tmp_path / 'out'}"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [["train"], ["images", "1"], ["boxes", "of", "car", "1"]]
    assert lines[3] == "val: has no images of its own, data.yaml gives it those of train"


def test_every_json_of_a_split_is_trained_on(tmp_path, capsys):
    for number, split in enumerate(("train", "train_extra", "val", "other")):
        coco(tmp_path / "set", split, [(1, f"{split}.png", 100, 50)], [(1, 40, 15, 20, 20)] * (number < 2))
        draw(tmp_path / "set" / split / f"{split}.png")
    assert main(["convert", f"coco={tmp_path / 'set'}", f"out={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr().out
    assert "train: consists, in data.yaml, of train and train_extra" in said
    assert "other: is not in data.yaml, because its name starts with none of train, val, test" in said
    assert said.splitlines()[0].split() == ["other", "train", "train_extra", "val"]
    host = check_det_dataset(str(tmp_path / "out/data.yaml"))
    labels = YOLODataset(host["train"], data=host, task="detect", imgsz=32).labels
    assert [len(label["cls"]) for label in labels] == [1, 1]
    assert [image.name for image in read_yolo(tmp_path / "out").splits["train"]] == [
        "train/train.png",
        "train_extra/train_extra.png",
    ]


def test_images_of_two_splits_are_noted(tmp_path):
    for split in ("train", "val"):
        coco(tmp_path, split, [(1, "a.png", 100, 50)], [(1, 1, 1, 9, 9)])
    draw(tmp_path / "images/a.png")
    assert counts(read_coco(tmp_path)) == {"images that another split holds too, kept": {"val": 1}}


def test_repeated_names_in_hidden_folders_stay_visible():
    assert unique_names(["../a/1.jpg", "../b/1.jpg", ".c/1.jpg"]) == ["a_1.jpg", "b_1.jpg", "c_1.jpg"]


LONG = "9" * 400


@pytest.mark.parametrize("side", ["[1]", "Infinity", "-Infinity", "NaN", "-5", "0", LONG, '"wide"', "{}"])
def test_impossible_sizes_are_those_of_the_file(tmp_path, side):
    file = coco(tmp_path, "train", [(1, "a.png", "SIDE", 50)], [(1, 40, 15, 20, 20)])
    file.write_text(file.read_text().replace('"SIDE"', side))
    draw(tmp_path / "train/a.png")
    data = read_coco(tmp_path)
    assert data.splits["train"][0].labels.tolist() == [[0, 40, 15, 60, 35]]
    assert counts(data) == {"images with an impossible size, taken as in the file": {"train": 1}}


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('"bbox": [1, 1, 9, 9]', f'"bbox": [1, {LONG}, 9, 9]', "boxes that are not finite, dropped"),
        ('"bbox": [1, 1, 9, 9]', '"bbox": [NaN, 1, 9, 9]', "boxes that are not finite, dropped"),
        ('"image_id": 1', '"image_id": [1]', "boxes of an unlisted image, dropped"),
        ('"category_id": 1', '"category_id": {}', "boxes of an unlisted category, dropped"),
        ('"annotations": [', '"annotations": [3, null, ', "annotations that are no mapping, dropped"),
    ],
)
def test_bad_annotations_are_counted(tmp_path, old, new, finding):
    file = coco(tmp_path, "train", [(1, "a.png", 100, 50)], [(1, 1, 1, 9, 9)])
    file.write_text(file.read_text().replace(old, new))
    draw(tmp_path / "train/a.png")
    assert finding in counts(read_coco(tmp_path))


def test_category_ids_of_two_kinds(tmp_path):
    file = coco(tmp_path, "train", [(1, "a.png", 100, 50)], [(1, 1, 1, 9, 9)], (("x", "dog"), (1, "car"), (0, "cat")))
    draw(tmp_path / "train/a.png")
    data = read_coco(file)
    assert data.names == ["cat", "car", "dog"]
    assert data.splits["train"][0].labels[:, 0].tolist() == [1]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"id": 1, "file_name"', '"id": [1], "file_name"', "entry 0 of 'images' has the id [1], expected a number"),
        ('"file_name": "a.png"', '"file_name": null', "entry 0 of 'images' has the file_name None"),
        ('"id": 1, "name"', '"id": [1], "name"', "entry 0 of 'categories' has the id [1]"),
        ('{"images"', "[" * 100_000 + '{"images"', "train.json is not valid JSON: maximum recursion depth"),
        ('"width": 100', '"width": ' + "9" * 5000, "train.json is not valid JSON: Exceeds the limit"),
        ('{"images"', "\0", "train.json is not valid JSON"),
    ],
    ids=["image id", "file name", "category id", "deep", "digits", "binary"],
)
def test_bad_json_is_refused_in_words(tmp_path, capsys, old, new, words):
    file = coco(tmp_path, "train", [(1, "a.png", 100, 50)], [])
    file.write_text(file.read_text().replace(old, new))
    assert main(["convert", f"coco={tmp_path}", f"out={tmp_path / 'out'}"]) == 1
    assert words in capsys.readouterr().err


def test_missing_files_with_impossible_names(tmp_path):
    names = ["", "a" * 300 + ".png", "a\0b.png", "\ud800.png"]
    coco(tmp_path / "set", "train", [(n, name, 100, 50) for n, name in enumerate([*names, "a.png"])], [])
    draw(tmp_path / "set/train/a.png")
    data = read_coco(tmp_path / "set")
    assert counts(data)["missing images, left out"] == {"train": 4}
    convert.write_yolo(data, tmp_path / "out")  # the report has to take these names too


# YOLO


@pytest.mark.parametrize(
    ("names", "expected", "index"),
    [("{1: car, 2: dog}", ["car", "dog"], 1), ("{'0': cat, 2: dog, 5: car}", ["cat", "dog", "car"], 1)],
)
def test_indices_keep_their_meaning(tmp_path, names, expected, index):
    """Class 2 is the dog, wherever its name stands; class 3 is none."""
    source = yolo_tree(tmp_path, f"names: {names}", "2 0.5 0.5 0.2 0.4\n3 0.5 0.5 0.1 0.1\n")
    data = read_yolo(source)
    assert data.names == expected
    assert data.splits["train"][0].labels.tolist() == [[index, 40, 15, 60, 35]]
    assert counts(data) == {"faulty label lines, dropped": {"train": 1}}
    assert "2 dog is now 1" in data.report.notes()[0]


def test_pose_labels_keep_their_boxes(tmp_path):
    line = "0 0.5 0.5 0.2 0.4 0.1 0.1 2 0.9 0.9 1\n"
    data = read_yolo(yolo_tree(tmp_path, "names: [car]\nkpt_shape: [2, 3]", line + ONE_BOX))
    assert data.splits["train"][0].labels.tolist() == [[0, 40, 15, 60, 35]]
    assert counts(data)["key points left out, boxes kept"] == {"train": 1}
    assert "polygons turned into boxes" not in counts(data)


def test_nested_folders_come_back(tmp_path):
    """Also where a folder below the images is called images: labels lie where the host looks for them."""
    data_yaml = yolo_tree(tmp_path / "set")
    for name in ("deep/er/b", "images/c"):
        draw(tmp_path / f"set/images/train/{name}.png")
        label = yolo.label_file(tmp_path / f"set/images/train/{name}.png")
        label.parent.mkdir(parents=True)
        label.write_text(ONE_BOX)
    target = convert.write_yolo(read_yolo(data_yaml), tmp_path / "out")
    host = check_det_dataset(str(target))
    labels = YOLODataset(host["train"], data=host, task="detect", imgsz=32).labels
    assert [len(label["cls"]) for label in labels] == [1, 1, 1]
    assert len(read_yolo(target).splits["train"]) == 3
    assert len(json.loads((convert.write_coco(read_yolo(target), tmp_path / "b") / "train.json").read_text())["images"])


def test_an_unreadable_label_file_is_no_background(tmp_path):
    data_yaml = yolo_tree(tmp_path)
    draw(tmp_path / "images/train/b.png")
    (tmp_path / "labels/train/b.txt").write_bytes(b"0 0.5 0.5 \xff\xfe")
    data = read_yolo(data_yaml)
    assert [image.name for image in data.splits["train"]] == ["a.png"]
    assert counts(data) == {"images with an unreadable label file, left out": {"train": 1}}
    assert "b.txt: 'utf-8' codec can't decode" in data.report.rows[0][3]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("data.yaml", "data.yaml is a pipe or device, expected a regular file"),
        ("list.txt", "list.txt is a pipe or device, expected a regular file"),
        ("images/train/b.png", "unreadable images, left out"),
        ("labels/train/a.txt", "a.txt is a pipe or device, expected a regular file"),
        ("annotations/val.json", "val.json is a pipe or device, expected a regular file"),
    ],
)
def test_pipes_are_not_waited_for(tmp_path, place, words):
    read, source = read_yolo, yolo_tree(tmp_path)
    if place == "list.txt":
        source.write_text("names: [car]\ntrain: list.txt\nval: list.txt", encoding="utf-8")
    if place.endswith("json"):
        read, source = read_coco, tmp_path
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    os.mkfifo(file)
    try:
        said = str(read(source).report.rows)
    except OSError as error:
        said = str(error)
    assert words in said


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that opens and cannot be read")
def test_an_error_of_the_read_itself_names_the_file(tmp_path):
    (tmp_path / "val.json").symlink_to("/proc/self/mem")
    with pytest.raises(OSError, match=r"val\.json"):
        read_coco(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"names: {0: 0x" + b"f" * 5000 + b"}", "names: 0: a number of very many digits is no class name"),
        (b"names:\n  ? 0x" + b"f" * 5000 + b"\n  : car", "names: a number of very many digits is no class index"),
        (b"names:\n  ? '" + b"9" * 5000 + b"'\n  : car", "is no class index"),
        (b"nc: 0x" + b"f" * 5000, "data.yaml has no 'names:'"),
        (b"names: [car]\nnc: 0x" + b"f" * 5000, "nc: a number of very many digits, but names: has 1 classes"),
        (b"names: [car]\ntrain: 0x" + b"f" * 5000, "train: a number of very many digits, expected a folder"),
        (b"names: [car", "data.yaml is no valid YAML: while parsing a flow sequence"),
        (b"names: !!python/object:os.system {}", "could not determine a constructor for the tag"),
        (b"nc: !!int ''\nnames: [car]", "data.yaml is no valid YAML"),
        (b"- train\n- val", "data.yaml holds ['train', 'val'], expected 'train:'"),
        (b"names: {0: car, x: dog}", "names: 'x' is no class index, allowed: 0, 1, 2, ..."),
        (b"names: {-1: car}", "names: -1 is no class index"),
        (b"names: {0: car, '0': dog}", "names: 0 is 'car' and 'dog', expected one name"),
        (b"names: {0: [car]}", "names: 0: ['car'] is no class name"),
        (b"names: {train: {0: car}}", "names: 'train' is no class index"),
        (b"names: [car]\nnc: 3", "nc: 3, but names: has 1 classes"),
        (b"names: [car]", "has none of 'train:', 'val:' and 'test:'"),
        (b"names: [car]\ntrain: {a: b}", "train: {'a': 'b'}, expected a folder"),
        (b"names: [car]\ntrain: images/train\npath: [a]", "path: ['a'], expected a folder"),
        (b"names: [car]\ntrain: images/train\nkpt_shape: 17", "kpt_shape: 17, expected the number of key points"),
        (b"names: [caf\xe9]", "data.yaml is no text in UTF-8"),
        (b"\0\1\2", "data.yaml is no valid YAML"),
        (b"[" * 3_000, "data.yaml is no valid YAML: maximum recursion depth"),
    ],
)
def test_bad_data_yaml_is_refused_in_words(tmp_path, capsys, text, words):
    file = yolo_tree(tmp_path)
    file.write_bytes(text)
    assert main(["convert", f"yolo={file}", f"out={tmp_path / 'out'}"]) == 1
    assert words in capsys.readouterr().err


def test_paths_as_the_host_resolves_them(tmp_path, monkeypatch):
    """Roboflow's ``../`` too many, ``path:`` from the current folder, lists of folders and of images."""
    data_yaml = yolo_tree(tmp_path / "set")
    draw(tmp_path / "set/more/images/b.png")
    for name in ("a", "b"):
        (tmp_path / f"set/{name}.txt").write_text("./images/train/a.png\n./more/images/b.png\n./gone.png\n./c.gif\n")
    for text, names in {
        "train: ../images/train\nval: ../images/train": ["a.png"],
        "path: set\ntrain: images/train\nval: images/train": ["a.png"],
        "validation: images/train": ["a.png"],
        "train: [images/train, more/images]\nval: images/train": ["images/train/a.png", "more/images/b.png"],
        "train: a.txt\nval: a.txt": ["images/train/a.png", "more/images/b.png"],
    }.items():
        data_yaml.write_text(f"names: [car]\n{text}")
        monkeypatch.chdir(tmp_path)
        data = read_yolo(data_yaml)
        assert [image.name for image in next(iter(data.splits.values()))] == names, text
        if "validation" not in text:
            host = check_det_dataset(str(data_yaml))
            found = YOLODataset(host["train"], data=host, task="detect", imgsz=32).im_files
            assert [str(image.file) for image in data.splits["train"]] == found, text
    assert counts(data) == {
        "missing images, left out": {"train": 1},
        "files that Ultralytics does not read, left out": {"train": 1},
        "images without boxes, kept as background": {"train": 1},
    }
    assert data.report.notes() == ["val: has the same images as another split, which are read once: train"]


def test_a_moved_tree_is_found_beside_its_data_yaml(tmp_path, monkeypatch):
    from gjadet_yolo.data.formats import data_yaml

    monkeypatch.setattr(data_yaml, "datasets_folder", lambda: tmp_path / "sets")
    monkeypatch.chdir(tmp_path)
    assert len(read_yolo(yolo_tree(tmp_path / "a/set", "names: [car]\npath: ../set")).splits["train"]) == 1


def test_missing_test_split_is_noted(tmp_path):
    data = read_yolo(yolo_tree(tmp_path, "names: [car]\ntest: images/gone"))
    assert list(data.splits) == ["train"]
    assert data.report.notes()[0].startswith("test: does not exist, and Ultralytics does not need it:")


def test_folder_of_data_sets(tmp_path, monkeypatch, capsys):
    """A bare packaged name is found, and its images in the host's folder of data sets, once they are there."""
    from gjadet_yolo.data.formats import data_yaml

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_yaml, "datasets_folder", lambda: tmp_path / "sets")
    assert main(["convert", "yolo=crash-synth.yaml", "out=out"]) == 1
    error = capsys.readouterr().err
    assert str(tmp_path / "sets/crash-synth/images/train") in error
    assert "'yolo train data=crash-synth.yaml' fetches them, or says how to get them" in error
    yolo_tree(tmp_path / "sets/crash-synth")
    draw(tmp_path / "sets/crash-synth/images/val/b.png")
    assert main(["convert", "yolo=crash-synth.yaml", "out=out"]) == 0
    assert main(["convert", "yolo=crash-synht.yaml", "out=out2"]) == 1
    assert "Did you mean 'crash-synth.yaml'?" in capsys.readouterr().err


# Command


def test_folders_and_files_of_the_wrong_kind(tmp_path, capsys):
    yolo_tree(tmp_path / "set")
    (tmp_path / "set/a.yaml").write_text("")
    (tmp_path / "set/a.txt").write_text("")
    assert main(["convert", f"yolo={tmp_path / 'set'}", f"out={tmp_path / 'out'}"]) == 0
    (tmp_path / "set/data.yaml").rename(tmp_path / "set/b.yaml")
    for words, message in {
        f"yolo={tmp_path / 'set'}": "expected the data YAML of a YOLO tree. Files of this kind in it: a.yaml, b.yaml",
        f"yolo={tmp_path / 'set/images'}": "Files of this kind in it: none",
        f"yolo={tmp_path / 'set/a.txt'}": "a.txt is no data YAML: its name ends neither in .yaml nor in .yml",
        f"coco={tmp_path / 'set/a.txt'}": "a.txt is no json file. Expected a COCO json file, or a folder",
        f"coco={tmp_path / 'set'}": "A YOLO tree is read with yolo=",
    }.items():
        assert main(["convert", words, f"out={tmp_path / 'other'}"]) == 1
        assert message in capsys.readouterr().err


def test_links_survive_a_move_of_both(tmp_path, capsys):
    coco(tmp_path / "all/set", "train", [(1, "a.png", 100, 50)], [(1, 40, 15, 20, 20)])
    draw(tmp_path / "all/set/train/a.png")
    out = tmp_path / "all/deep/out"
    assert main(["convert", f"coco={tmp_path / 'all/set'}", f"out={out}"]) == 0
    said = capsys.readouterr().out
    assert f"Its images are links to {tmp_path / 'all/set/train'}, which has to stay" in said
    assert "say copy=true" in said
    link = Path("deep/out/images/train/a.png")
    assert (tmp_path / "all" / link).readlink() == Path("../../../../set/train/a.png")
    shutil.move(tmp_path / "all", tmp_path / "moved")
    assert (tmp_path / "moved" / link).is_file()


@pytest.mark.parametrize("word", ["copy=true", "images=copy", "--copy"])
def test_copies(tmp_path, capsys, word):
    data_yaml = yolo_tree(tmp_path / "set")
    assert main(["convert", f"yolo={data_yaml}", f"out={tmp_path / 'out'}", word]) == 0
    assert not (tmp_path / "out/train/a.png").is_symlink()
    assert "links" not in capsys.readouterr().out


def test_labels_beside_the_images_are_no_strays(tmp_path):
    draw(tmp_path / "photos/a.png", tmp_path / "photos/.b.png")
    for name in ("a.txt", "c.txt", "d.gif"):
        (tmp_path / "photos" / name).write_text(ONE_BOX)
    (tmp_path / "data.yaml").write_text(yaml.safe_dump({"train": "photos", "names": ["car"]}))
    data = read_yolo(tmp_path)
    left_out = [row[2] for row in data.report.rows]
    assert left_out == [".b.png", "c.txt", "d.gif"]
    assert re.search("does not read, left out +3$", table(data), re.M)
