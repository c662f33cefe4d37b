"""Tiles: where they lie, what each answers for, one box per object; the host's predictor and validator around them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
import torch
from torchvision.ops import box_iou, nms
from ultralytics import YOLO

from gjadet_yolo.cli.main import main
from gjadet_yolo.data.formats.yolo import label_file, write_data_yaml
from gjadet_yolo.engine.tiles import Tiles, fitted, keep_whole, padded, predict_tiles
from gjadet_yolo.host.sliced import raw_predictions, sliced_predictor, sliced_validator


@pytest.mark.parametrize(
    ("side", "overlap", "length", "starts"),
    [
        (640, 128, 1600, [0, 480, 960]),
        (640, 128, 640, [0]),
        (640, 128, 320, [0]),
        (640, 128, 672, [0, 32]),
        (64, 0, 192, [0, 64, 128]),
        (64, 32, 128, [0, 32, 64]),
    ],
)
def test_tiles_cover_a_side_and_overlap(side, overlap, length, starts):
    tiles = Tiles(side, overlap)
    assert tiles.starts(length) == starts
    assert starts[-1] + side >= length
    assert all(first + side - second >= overlap for first, second in pairwise(starts))


def test_boxes_cut_by_a_border_inside_the_frame_are_dropped():
    """A tile at (100, 0) to (164, 64) in a frame of 200 x 64: its left and right borders cut, top and bottom do not."""
    xywh = torch.tensor([[32.0, 32, 10, 10], [3, 32, 10, 10], [61, 32, 10, 10], [32, 2, 10, 10], [32, 62, 10, 10]])
    xywh = torch.cat((xywh, torch.tensor([[32.0, 32, 20, 10], [32, 32, 10, 21]])))  # the last is larger than 20 px
    raw = torch.cat((xywh, torch.full((7, 1), 0.9)), 1).T[None]
    out = keep_whole(raw, (100, 0, 164, 64), (64, 200), 20.0)[0].T
    torch.testing.assert_close(out[:, 4], torch.tensor([0.9, 0, 0, 0.9, 0.9, 0.9, 0]))
    torch.testing.assert_close(out[:, :2], xywh[:, :2] + torch.tensor([100.0, 0]))


def rectangles(images: torch.Tensor) -> torch.Tensor:
    """A perfect network: raw predictions (B, 5, 40) of the bright rectangles that it sees."""
    out = torch.zeros(len(images), 5, 40)
    for image, raw in zip(images, out, strict=True):
        count, _, stats, _ = cv2.connectedComponentsWithStats((image[0].numpy() > 0.5).astype(np.uint8))
        for index in range(1, count):
            x, y, w, h, _ = (float(v) for v in stats[index])
            raw[:, index - 1] = torch.tensor([x + w / 2, y + h / 2, w, h, 1.0])
    return out


@pytest.mark.parametrize("seed", range(5))
def test_every_object_is_found_once(seed):
    """Objects below the overlap anywhere, and one that fits into no tile; NMS merges what two tiles see whole."""
    rng = np.random.default_rng(seed)
    frame, truth = torch.zeros(1, 3, 256, 320), []
    truth.append([10, 150, 310, 246])  # larger than a tile
    for _ in range(200):  # far enough apart to stay apart in the reduced frame
        w, h = rng.integers(4, 29, 2)
        x, y = rng.integers(0, 320 - w), rng.integers(0, 140 - h)
        if all(x > x2 + 9 or x + w < x1 - 9 or y > y2 + 9 or y + h < y1 - 9 for x1, y1, x2, y2 in truth):
            truth.append([x, y, x + w, y + h])
    for x1, y1, x2, y2 in truth:
        frame[:, :, y1:y2, x1:x2] = 1
    raw = predict_tiles(rectangles, frame, Tiles(96, 40))[0].T
    raw = raw[raw[:, 4] > 0]
    boxes = torch.cat((raw[:, :2] - raw[:, 2:4] / 2, raw[:, :2] + raw[:, 2:4] / 2), 1)
    boxes = boxes[nms(boxes, raw[:, 4], 0.7)]
    overlap = box_iou(torch.tensor(truth).float(), boxes)
    assert len(boxes) == len(truth)
    assert (overlap.amax(1) > 0.9).all()
    assert len(truth) > 15


def test_small_frames_are_one_tile():
    seen = []
    predict_tiles(lambda x: seen.append(x.shape) or torch.zeros(1, 5, 1), torch.zeros(1, 3, 64, 96), Tiles(96, 32))
    assert seen == [(1, 3, 64, 96)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ((100,), "side of a tile is 100 px, allowed: multiples of 32"),
        ((64, 40), "overlap of tiles is 40 px, allowed: 0 to 32, half a tile"),
        ((64, 0, 0), "batch of tiles is 0"),
    ],
)
def test_impossible_tiles(settings, message):
    with pytest.raises(ValueError, match=message):
        Tiles(*settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"side": None}, "side of Tiles is None, expected a whole number"),
        ({"side": 64.0}, "side of Tiles is 64.0, expected a whole number"),
        ({"overlap": "640"}, "overlap of Tiles is '640', expected a number of px"),
        ({"batch": 4.0}, "batch of Tiles is 4.0, expected a whole number"),
    ],
)
def test_tiles_of_another_type(settings, message):
    with pytest.raises(TypeError, match=message):
        Tiles(**settings)


def test_models_without_raw_predictions_are_refused():
    with pytest.raises(ValueError, match=r"6 rows, and it gives \(1, 300, 6\): an NMS-free head"):
        raw_predictions(torch.zeros(1, 300, 6), 2)


@pytest.fixture(scope="module")
def model():
    return YOLO("gjadetn-crash-synth.pt")


def image_of(rendered) -> str:
    return str(sorted((rendered.parent / "images" / "val").iterdir())[0])


def fullest(rendered) -> str:
    """The picture with the most labels."""
    images = (rendered.parent / "images").glob("*/*.jpg")
    return str(max(sorted(images), key=lambda file: label_file(file).read_text().count("\n")))


def test_one_tile_is_the_plain_prediction(model, rendered):
    plain = model.predict(image_of(rendered), imgsz=128, device="cpu", verbose=False)[0].boxes.data
    model.predictor = None
    sliced = model.predict(image_of(rendered), predictor=sliced_predictor(Tiles(128, 32)), device="cpu", verbose=False)
    torch.testing.assert_close(sliced[0].boxes.data, plain)
    model.predictor = None


def test_one_tile_is_the_plain_validation(model, rendered):
    settings = {"data": str(rendered), "imgsz": 128, "device": "cpu", "plots": False, "batch": 1, "max_det": 300}
    plain = model.val(rect=False, **settings).box.all_ap
    sliced = model.val(validator=sliced_validator(Tiles(640, 128)), **settings).box.all_ap
    np.testing.assert_allclose(sliced, plain)


def test_tiles_keep_small_targets(model, rendered, tmp_path):
    """A picture reduced to a quarter inside a large frame: the frame's targets are those of the picture alone."""
    picture = cv2.imread(fullest(rendered))
    frame = np.full((480, 480, 3), 114, np.uint8)
    frame[200 : 200 + picture.shape[0], 190 : 190 + picture.shape[1]] = picture
    cv2.imwrite(str(tmp_path / "frame.png"), frame)
    predictor = sliced_predictor(Tiles(160, 64))
    found = model.predict(str(tmp_path / "frame.png"), predictor=predictor, device="cpu", verbose=False, max_det=1000)
    alone = model.predict(picture, imgsz=max(picture.shape), device="cpu", verbose=False, max_det=1000)
    model.predictor = None
    points = [boxes.xyxy[boxes.cls == 0] for boxes in (found[0].boxes, alone[0].boxes)]
    sure = alone[0].boxes.conf[alone[0].boxes.cls == 0] > 0.5
    assert sure.sum() >= 5
    shifted = points[1][sure] + torch.tensor([190, 200, 190, 200])
    assert (box_iou(shifted, points[0]).amax(1) > 0.6).float().mean() > 0.9


@pytest.mark.parametrize(
    ("height", "width", "side", "size", "outer"),
    [
        (1000, 1000, None, (1000, 1000), (1024, 1024)),
        (90, 160, None, (90, 160), (96, 160)),
        (1000, 333, 500, (500, 167), (512, 192)),
        (40, 80, 160, (80, 160), (96, 160)),
    ],
)
def test_frames_are_scaled_as_asked_and_then_padded(height, width, side, size, outer):
    assert fitted(height, width, side) == size
    assert padded(*size) == outer


def test_frames_as_they_are_are_only_padded_and_boxes_come_back_exactly(model):
    """The host enlarges a frame of 1000 x 1000 px to the 1024 px that it pads to; a perfect network sees it."""
    frame, truth = np.zeros((1000, 1000, 3), np.uint8), [[3, 5, 24, 17], [500, 333, 541, 377], [970, 980, 1000, 1000]]
    for x1, y1, x2, y2 in truth:
        frame[y1:y2, x1:x2] = 255

    class Perfect(sliced_predictor(Tiles(640, 128))):
        def inference(self, im):
            assert im.shape[2:] == (1024, 1024)
            return predict_tiles(rectangles, im, self.tiles)

    boxes = model.predict(frame, predictor=Perfect, device="cpu", verbose=False)[0].boxes.xyxy
    model.predictor = None
    assert sorted(boxes.tolist()) == truth


@pytest.fixture(scope="module")
def two_sizes(rendered, tmp_path_factory):
    """Data YAML of two validation images, 100 x 128 and 70 x 84 px."""
    folder = tmp_path_factory.mktemp("sizes")
    picture = cv2.imread(image_of(rendered))
    for kind in ("images", "labels"):
        (folder / kind / "val").mkdir(parents=True)
    for name, size in (("a", (100, 128)), ("b", (70, 84))):
        cv2.imwrite(str(folder / "images" / "val" / f"{name}.png"), picture[: size[0], : size[1]])
        (folder / "labels" / "val" / f"{name}.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    return write_data_yaml(folder, ["val"], ["point", "bogie", "wheel", "absorber", "rw"])


def recording(cls: type, seen: list) -> type:
    """A predictor or validator class that notes the raw predictions."""

    def postprocess(self, preds, *args, **settings):
        seen.append(preds.clone())
        return super(recorder, self).postprocess(preds, *args, **settings)

    recorder = type("Recorder", (cls,), {"postprocess": postprocess})
    return recorder


@pytest.mark.parametrize("settings", [{}, {"imgsz": 160}, {"augment": True}])
def test_validation_sees_what_prediction_sees(model, two_sizes, settings):
    """Raw boxes of images of two sizes, at their own sizes, at an asked one, and with several views of each tile."""
    cut, native, seen, shared = Tiles(64, 32), "imgsz" not in settings, ([], []), {"device": "cpu", "verbose": False}
    predictor = recording(sliced_predictor(cut, native), seen[0])
    model.predict(str(two_sizes.parent / "images" / "val"), predictor=predictor, **shared, **settings)
    model.predictor = None
    validator = recording(sliced_validator(cut, native), seen[1])
    model.val(validator=validator, data=str(two_sizes), batch=2, plots=False, **shared, **settings)
    assert len(seen[0]) == len(seen[1]) == 2
    assert seen[0][0].shape != seen[0][1].shape
    for predicted, validated in zip(*seen, strict=True):
        torch.testing.assert_close(predicted, validated, atol=2e-3, rtol=1e-3)


def test_augment_adds_views_of_each_tile(model, two_sizes):
    """Three scales, one of them mirrored: more than twice the predictions."""
    counts = []
    for augment in (False, True):
        seen: list[torch.Tensor] = []
        predictor = recording(sliced_predictor(Tiles(64, 32)), seen)
        source = str(two_sizes.parent / "images" / "val" / "a.png")
        model.predict(source, predictor=predictor, augment=augment, device="cpu", verbose=False)
        model.predictor = None
        counts.append(seen[0].shape[2])
    assert counts[1] > 1.5 * counts[0]


@pytest.mark.parametrize("name", ["gjadet-yolo26n.yaml", "gjadet-yolo26n-paper.yaml"])
def test_end_to_end_heads_give_their_other_branch(name, two_sizes):
    """Before fusing drops it; the user's model keeps its mode."""
    end2end, seen = YOLO(name), ([], [])
    before, shared = end2end.model.end2end, {"device": "cpu", "verbose": False}
    source = str(two_sizes.parent / "images" / "val" / "a.png")
    end2end.predict(source, predictor=recording(sliced_predictor(Tiles(64, 32)), seen[0]), **shared)
    validator = recording(sliced_validator(Tiles(64, 32)), seen[1])
    end2end.val(validator=validator, data=str(two_sizes), plots=False, **shared)
    assert seen[0][0].shape[1] == 4 + len(end2end.names)
    torch.testing.assert_close(*(raw[0] for raw in seen), atol=2e-3, rtol=1e-3)
    assert end2end.model.end2end == before


def test_a_head_that_was_fused_before_is_refused(two_sizes):
    fused = YOLO("gjadet-yolo26n.yaml")
    fused.model.end2end = True
    fused.model.model[-1].fuse()
    with pytest.raises(ValueError, match="an earlier prediction with this object has dropped it"):
        fused.predict(str(two_sizes.parent), predictor=sliced_predictor(Tiles(64, 32)), device="cpu")


class Notes(list):
    """A watch that notes what it is told."""

    def start(self, total):
        self.append(("start", total))

    def tick(self, views):
        self.append(("tick", views))

    def stop(self):
        self.append(("stop", None))


def test_a_watch_is_told_of_every_tile(model, two_sizes):
    """128 x 128 in tiles of 64 with overlap 32: nine and the frame; 96 x 96: four and the frame."""
    notes = Notes(), Notes()
    settings = {"device": "cpu", "verbose": False}
    predictor = sliced_predictor(Tiles(64, 32), watch=notes[0])
    model.predict(str(two_sizes.parent / "images" / "val"), predictor=predictor, **settings)
    model.predictor = None
    model.val(validator=sliced_validator(Tiles(64, 32), watch=notes[1]), data=str(two_sizes), plots=False, **settings)
    for told in notes:
        assert told[0] == ("start", 15)
        assert sum(views for what, views in told if what == "tick") == 15
        assert told[-1] == ("stop", None)


@pytest.mark.slow
def test_verbs(rendered, tmp_path, capsys):
    shared = ["model=gjadetn-crash-synth.pt", "tile=64", f"project={tmp_path}"]
    assert main(["predict", f"source={image_of(rendered)}", *shared, "name=p", "save_txt=true"]) == 0
    assert "1 frames, " in capsys.readouterr().out
    assert len(list((tmp_path / "p").iterdir())) == 2  # the drawn frame and the labels
    assert main(["val", f"data={rendered}", *shared, "name=v"]) == 0
    assert main(["val", f"data={rendered}", *shared, "split=tset"]) == 1
    assert "no split 'tset'" in capsys.readouterr().err
    assert main(["predict", "source=x", "model=y", "tile=100"]) == 1
    assert "multiples of 32" in capsys.readouterr().err
