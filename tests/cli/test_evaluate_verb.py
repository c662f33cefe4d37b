"""``gjadet evaluate``: its folder, its page in a browser, and what it refuses before it begins.

The browser tests need ``playwright`` and a Chromium, as those of ``tests/report/test_page.py``.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("faster_coco_eval")
pytest.importorskip("plotly")

from gjadet_yolo.cli.main import main
from gjadet_yolo.data.formats.yolo import write_yolo_set
from gjadet_yolo.evaluate.labelled import class_map, mapped

EVIL = "<script>document.body.dataset.evil=1</script>"
NAMES = ["=plate", EVIL]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A set of six pictures with two objects each, and predictions that miss some and invent others."""
    root = tmp_path_factory.mktemp("evaluate")
    generator, labels = np.random.default_rng(2), [[0, 10, 10, 30, 30], [1, 50, 20, 60, 32]]
    scenes = [
        (f"p{n}", generator.integers(0, 255, (96, 128, 3), dtype=np.uint8), np.array(labels, float)) for n in range(6)
    ]
    write_yolo_set(root / "set", {"train": scenes[:1], "val": scenes}, NAMES)
    best, other = [], []
    for n in range(6):
        best.append(entry(n, 1, (10, 10, 20, 20), 0.9))
        other.append(entry(n, 1, (10, 10, 20, 20), 0.9))
        if n < 3:
            best.append(entry(n, 2, (50, 20, 10, 12), 0.8))
            other.append(entry(n, 1, (50, 20, 10, 12), 0.8))
    best.append(entry(5, 2, (90, 60, 10, 10), 0.5))
    (root / "best.json").write_text(json.dumps(best))
    (root / "other.json").write_text(json.dumps(other))
    return root


def entry(image, category, xywh, confidence):
    return {"image_id": f"p{image}", "category_id": category, "bbox": list(xywh), "score": confidence}


@pytest.fixture(scope="module")
def folder(world):
    arguments = [f"predictions={world}/best.json", f"against={world}/other.json", f"data={world}/set", "draws=100"]
    assert main(["evaluate", *arguments, f"out={world}/out"]) == 0
    return world / "out"


def rows(file):
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_figures_by_hand(folder):
    """Class 0 is whole. Of class 1 half is found, ahead of the false box: 51 of 101 recalls."""
    content = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    figures = {(row["kind"], row["name"]): row for row in content["figures"]}
    assert figures["class", NAMES[0]]["AP"]["value"] == pytest.approx(1)
    one = figures["class", EVIL]["AP"]
    assert (one["value"], one["other"], one["difference"]) == pytest.approx((51 / 101, 0, 51 / 101))
    assert one["diff_low"] < one["difference"] < one["diff_high"]
    assert content["coco"]["AP"] == pytest.approx(figures["all", "all classes"]["AP"]["value"], abs=1e-6)
    assert content["confusion"] == [[6, 0, 0], [0, 3, 3], [0, 1, 0]]


def test_tables_hold_what_the_page_shows(folder):
    figures = rows(folder / "figures.csv")
    assert {row["figure"] for row in figures} == {"AP", "AP50", "AP75", "recall", "ECE"}
    assert len(rows(folder / "curves.csv")) == 101
    kinds = [(row["kind"], row["image"]) for row in rows(folder / "mistakes.csv")]
    assert sorted(kinds) == [("background", "p5.png"), *(("missed", f"p{n}.png") for n in (3, 4, 5))]
    better = {row["image"] for row in rows(folder / "pictures.csv") if float(row["difference"]) > 0}
    assert better == {"p0.png", "p1.png", "p2.png"}
    assert (folder / "evaluation.xlsx").stat().st_size > 5000
    assert len(list((folder / "worst").iterdir())) == 3


def test_names_are_text_on_the_page(folder):
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert EVIL not in page
    assert "default-src 'none'; script-src 'sha256-" in page


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as tool:
        system = next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
        try:
            found = tool.chromium.launch(executable_path=system, args=["--no-sandbox", "--disable-gpu"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {str(error).splitlines()[0]}")
        yield found
        found.close()


def test_page_in_a_browser(browser, folder):
    """No trouble and no request; nothing runs that a name says; tables sort, mistakes are filtered."""
    trouble = []
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: trouble.append(request.url) if request.url.startswith("http") else None)
    page.goto((folder / "report.html").as_uri())
    page.wait_for_function("document.body.dataset.ready !== undefined")
    assert not trouble
    assert page.evaluate("document.body.dataset.evil") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator("#curves .scatterlayer .js-line").count() == 4
    assert page.locator("#crops figure").count() == 4
    page.select_option("#of-kind", "background")
    assert page.locator("#crops figcaption").all_inner_texts() == [f"{EVIL}, background, score 0.50, IoU 0.00, p5.png"]
    head = page.locator("#thresholds th", has_text="F1").nth(1)
    firsts = []
    for _ in range(2):
        head.click()
        firsts.append(page.locator("#thresholds tbody tr td").first.inner_text())
    assert firsts == [NAMES[0], EVIL]  # highest first, then lowest
    page.close()


def test_a_second_run_replaces_nothing(world, folder, capsys):
    assert main(["evaluate", f"predictions={world}/best.json", f"data={world}/set", f"out={folder}"]) == 1
    assert "exists already" in capsys.readouterr().err


def no_labels(root):
    for file in (root / "set/labels/val").iterdir():
        file.write_text("")


def broken_image(root):
    (root / "set/images/val/p1.png").write_bytes(b"no image")


def unknown_image(root):
    (root / "best.json").write_text(json.dumps([entry(99, 1, (1, 1, 5, 5), 0.5)]))


def unknown_class(root):
    (root / "best.json").write_text(json.dumps([entry(1, 9, (1, 1, 5, 5), 0.5)]))


def no_json(root):
    (root / "best.json").write_text("{")


BAD = {
    "have no labels": no_labels,
    "cannot be read: p1.png": broken_image,
    "images that the data lack: p99": unknown_image,
    "no category id 9": unknown_class,
    "is no JSON": no_json,
}


@pytest.mark.parametrize("words", BAD)
def test_bad_input_is_refused_before_the_work(world, tmp_path, capsys, words):
    root = tmp_path / "copy"
    shutil.copytree(world, root, ignore=shutil.ignore_patterns("out"))
    BAD[words](root)
    assert main(["evaluate", f"predictions={root}/best.json", f"data={root}/set", f"out={root}/new"]) == 1
    assert words in capsys.readouterr().err
    assert not (root / "new").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "model=FILE or predictions=FILE"),
        (["model=a.pt", "predictions=b.json"], "model=FILE or predictions=FILE"),
        (["model=a.pt", "degrade=smoke"], "no degradation 'smoke'"),
        (["predictions=b.json", "degrade=fog"], "needs a model"),
        (["model=a.pt", "overlap=10"], "needs tile=PX"),
    ],
)
def test_arguments_that_do_not_go_together(arguments, words, capsys):
    assert main(["evaluate", "data=x.yaml", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_classes_are_matched_by_name():
    indices, notes = class_map({0: "wheel", 1: "dog", 2: "plate"}, ["plate", "wheel", "bogie"], "best.pt")
    assert indices.tolist() == [1, -1, 0]
    assert "dog" in notes[0] and "bogie" in notes[1]
    boxes = np.array([[0, 0, 1, 1, 0.9, 2], [0, 0, 1, 1, 0.8, 1]])
    assert mapped(boxes, indices)[:, 5].tolist() == [0]
    with pytest.raises(ValueError, match="share no class"):
        class_map({0: "dog"}, ["plate"], "best.pt")


def test_coco_set_gives_the_same(world, tmp_path):
    """The same pictures in COCO form, with ids of their own, judged by predictions with those ids."""
    boxes = yaml.safe_load((world / "set/data.yaml").read_text(encoding="utf-8"))["names"]
    shutil.copytree(world / "set/images/val", tmp_path / "coco/val")
    images = [{"id": 70 + n, "file_name": f"p{n}.png", "width": 128, "height": 96} for n in range(6)]
    marks = [(70 + n, c, box) for n in range(6) for c, box in ((30, [10, 10, 20, 20]), (31, [50, 20, 10, 12]))]
    notes = [{"id": k, "image_id": i, "category_id": c, "bbox": b, "area": 1} for k, (i, c, b) in enumerate(marks)]
    kinds = [{"id": 30 + number, "name": name} for number, name in boxes.items()]
    (tmp_path / "coco/annotations").mkdir()
    content = {"images": images, "annotations": notes, "categories": kinds}
    (tmp_path / "coco/annotations/val.json").write_text(json.dumps(content))
    guesses = json.loads((world / "best.json").read_text())
    for guess in guesses:
        guess["image_id"] = 70 + int(guess["image_id"][1:])
        guess["category_id"] += 29
    (tmp_path / "own.json").write_text(json.dumps(guesses))
    arguments = [f"predictions={tmp_path}/own.json", f"data={tmp_path}/coco", "draws=10", "crops=0", "worst=0"]
    assert main(["evaluate", *arguments, f"out={tmp_path}/out"]) == 0
    figures = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))["figures"]
    assert figures[0]["AP"]["value"] == pytest.approx((1 + 51 / 101) / 2)


def test_own_detections(world, tmp_path):
    """``detections.json`` names classes and files, wherever the pictures were; one of two classes is found."""
    own = {
        "boxes": [
            {
                "image": str(Path("/elsewhere") / f"p{n}.png"),
                "class_name": NAMES[0],
                "confidence": 0.9,
                **dict(zip(("x1_px", "y1_px", "x2_px", "y2_px"), (10, 10, 30, 30), strict=True)),
            }
            for n in range(6)
        ]
    }
    (tmp_path / "detections.json").write_text(json.dumps(own))
    arguments = [f"predictions={tmp_path}/detections.json", f"data={world}/set", "draws=10", "crops=0", "worst=0"]
    assert main(["evaluate", *arguments, f"out={tmp_path}/out"]) == 0
    figures = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))["figures"]
    assert figures[0]["AP"]["value"] == pytest.approx(0.5)


def test_a_model_that_finds_nothing(world, tmp_path):
    """AP is 0, and no kind of mistake has a share, because mending the missed leaves nothing to find."""
    (tmp_path / "none.json").write_text("[]")
    arguments = [f"predictions={tmp_path}/none.json", f"data={world}/set", "draws=10"]
    assert main(["evaluate", *arguments, f"out={tmp_path}/out"]) == 0
    content = json.loads((tmp_path / "out/evaluation.json").read_text(encoding="utf-8"))
    assert content["figures"][0]["AP"]["value"] == 0
    assert [row["share"] for row in content["costs"][0]] == [None] * 6
    assert content["costs"][0][-1]["number"] == 12
