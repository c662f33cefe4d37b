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
        (["convrt"], "there is no verb 'convrt'. Did you mean 'convert'? Allowed: convert, demo, doctor, models."),
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
    assert [line.split()[0] for line in lines[1:]] == ["gjadet-yolo11n.yaml", "gjadet-yolo26n.yaml", "gjadetn.yaml"]
    assert lines[3].split()[2] == "3,479,262"


def test_doctor_in_a_new_process(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))")
    assert done.returncode == 0, done.stdout
    assert "active in new interpreters" in done.stdout
    assert "AdaptiveModule, JointDetect" in done.stdout
    assert done.stdout.splitlines()[-1] == "All is well."


def test_doctor_says_what_is_off(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))", GJADET_AUTOLOAD="0")
    assert done.returncode == 1
    assert "New interpreters do not load the plugin. Unset GJADET_AUTOLOAD" in done.stdout


@pytest.mark.slow
def test_demo(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "images=8", "epochs=1", "imgsz=128"]) == 0
    said = capsys.readouterr().out
    assert "not written" not in said
    assert (tmp_path / "demo" / "predict" / "video.avi").stat().st_size > 10_000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["demo"]
    assert main(["demo", "images=8", "epochs=1"]) == 1
    assert "force=true" in capsys.readouterr().err
    assert ".demo" not in said  # no path of a temporary folder


def test_demo_deletes_nothing_but_a_demo(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious")
    assert main(["demo", f"out={tmp_path}", "force=true"]) == 1
    assert "is not the folder of an earlier demo" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "precious"
