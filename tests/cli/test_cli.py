"""The command line: spellings, refusals, and each verb once."""

from __future__ import annotations

import pytest

from gjadet_yolo.cli.main import VERBS, main, normalise


def test_both_spellings():
    assert normalise(["convert", "coco=a=b", "--out", "c", "--force"]) == [
        "convert",
        "--coco=a=b",
        "--out",
        "c",
        "--force",
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["convrt"],
            "there is no verb 'convrt'. Did you mean 'convert'? Allowed: attention, convert, demo, doctor, models, ",
        ),
        (["convert", "cooc=x", "out=y"], "gjadet convert has no argument 'cooc'. Did you mean 'coco'?"),
        (["convert", "coco=x"], "the following arguments are required: --out"),
        (["convert", "out=x"], "takes either coco=DIR (to YOLO) or yolo=data.yaml (to COCO)"),
        (["convert", "coco=x", "yolo=y", "out=z"], "takes either coco=DIR"),
        (["convert", "coco=x", "out=y", "force=maybe"], "'maybe' is not true or false"),
        (["convert", "coco=x", "out=y", "images=move"], "invalid choice: 'move'"),
        (["convert", "coco=/no/such/folder", "out=y"], "/no/such/folder does not exist"),
        (["models", "imgsz=-5"], "'-5' is not a whole number of 1 or more"),
        (["models", "scales=nq"], "scales is 'nq', allowed: letters out of nsmlx"),
        (["demo", "epochs=0"], "'0' is not a whole number of 1 or more"),
        (["demo", "scene=rag"], "there is no scene 'rag'. Did you mean 'rig'?"),
        (["synth"], "the following arguments are required: --out"),
        (["synth", "out=x", "imgsz=10"], "imgsz is 10, allowed: 64 to 4096 px"),
        (["synth", "out=x", "images=-3"], "'-3' is not a whole number of 0 or more"),
        (["synth", "out=x", "scene=trian"], "scene=trian: there is no such scene. Did you mean 'train'?"),
        (["synth", "out=x", "point=900"], "point=900 squares per image do not fit: allowed are 0 to"),
        (["synth", "out=x", "square=9"], "'9' is not two numbers with a comma between them"),
        (["synth", "out=x", "square=2,9"], "square_px is 2 to 9, allowed: above 3"),
        (["synth", "out=x", "square=5,nan"], "square=5,nan: allowed are two numbers above 0, the smaller one first"),
        (["synth", "out=x", "square=9,5"], "square=9,5: allowed are two numbers above 0"),
        (["synth", "out=x", "images=0", "videos=1", "fps=0"], "fps is 0.0, seconds 0.15; allowed: numbers above 0"),
        (["synth", "out=x", "images=0", "videos=1", "pulse=no.csv"], "pulse table no.csv does not exist"),
        (["synth", "out=x", "videos=1", "pulse=half-sine"], "no pulse 'half-sine'. Did you mean 'half_sine'?"),
        (["synth", "out=x", "scene=closeup", "wheel=1"], "wheel=1 per image, allowed: 0 to 0"),
    ],
)
def test_refusals(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert message in error
    assert not list(tmp_path.iterdir())


def test_help_without_a_verb(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)


def test_models_lists_every_family(capsys):
    assert main(["models", "scales=n", "imgsz=320"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {name: rest for name, *rest in map(str.split, lines) if name.endswith(".yaml")}
    tails = ("n", "n-p2", "n-paper", "n-p2-paper", "n-fpn", "n-pafpn", "n-dyhead", "n-tiny", "n-tiny-paper")
    scaled = {
        f"gjadet{tail}.yaml" for tail in (*tails, *(f"-yolo{v}n{end}" for v in (11, 26) for end in ("", "-paper")))
    }
    scaled |= {"sspnetn.yaml", "sspnetn-p3.yaml", "sspnet-yolo11n.yaml", "tpnetn.yaml"}
    timm = ("vgg16", "resnet50", "dla60", "convnext_tiny", "swin_tiny", "darknet53", "cspdarknet53")
    assert set(table) == scaled | {f"gjadet-{name}.yaml" for name in timm}
    assert table["gjadetn-paper.yaml"][1] == "3,479,262"
    assert table["gjadet-resnet50.yaml"][1] in ("38,635,918", "needs")  # TimmBackbone needs timm


def test_doctor_in_a_new_process(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))")
    assert done.returncode == 0, done.stdout
    assert "active in new interpreters" in done.stdout
    assert "AdaptiveModule, DyHead, JointDetect, Level, SSPNeck, TimmBackbone, TPNeck" in done.stdout
    assert done.stdout.splitlines()[-1] == "All is well."


def test_doctor_says_what_is_off(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))", GJADET_AUTOLOAD="0")
    assert done.returncode == 1
    assert "New interpreters do not load the plugin. Unset GJADET_AUTOLOAD" in done.stdout


def test_synth(tmp_path, capsys):
    out = tmp_path / "set"
    words = ["synth", f"out={out}", "images=4", "imgsz=96", "square=6,12", "scene=rig", "point=8", "workers=1"]
    assert main([*words, "videos=1", "fps=500", "seconds=0.006"]) == 0
    said = capsys.readouterr().out
    assert f"data={out / 'data.yaml'}" in said
    assert len(list(out.rglob("*.jpg"))) == 4
    assert sorted(p.name for p in (out / "videos" / "000000").iterdir()) == [
        "mot.txt",
        "truth.csv",
        "truth.json",
        "video.avi",
    ]
    assert main(words) == 1
    assert "force=true" in capsys.readouterr().err


def test_synth_renders_what_fits_into_small_pictures(tmp_path):
    """The default of 36 squares of up to 60 px does not fit into 128 px, and nobody asked for it."""
    assert main(["synth", f"out={tmp_path / 'set'}", "images=2", "imgsz=128", "workers=1"]) == 0


DEMO = {"detections.avi", "quality.txt", "sheet.png", "truth", "video.avi"}


def test_demo_with_the_released_checkpoint(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "frames=3", "imgsz=320"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in DEMO)
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {*DEMO, ".gjadet-yolo"}
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    found = next(line.split() for line in said.splitlines() if line.startswith("point"))
    assert float(found[2]) > 0.8  # recall
    assert "gjadetn-crash-synth.pt is trained for points; bogie, wheel, absorber and rw are weak" in said
    assert "nan" not in said
    assert main(["demo", "frames=3"]) == 1
    assert "force=true" in capsys.readouterr().err


@pytest.mark.slow
def test_demo_that_trains(tmp_path, monkeypatch):
    from gjadet_yolo.cli import demo

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "TRAINING", {"images": 6, "val": 2, "imgsz": 128, "epochs": 1})
    assert main(["demo", "train=true", "epochs=1", "frames=2", "imgsz=128"]) == 0
    assert (tmp_path / "demo" / "train" / "weights" / "best.pt").is_file()
    assert (tmp_path / "demo" / "detections.avi").stat().st_size > 5_000
