"""The command line: spellings, refusals, help, errors, and each verb once."""

from __future__ import annotations

import configparser
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from gjadet_yolo import __version__
from gjadet_yolo.cli import doctor, models
from gjadet_yolo.cli.extras import EXTRAS
from gjadet_yolo.cli.main import EXAMPLES, VERBS, build_parser, main, parse
from gjadet_yolo.cli.words import keys_of
from gjadet_yolo.nn import MODULES


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("convert coco=a=b --out c --force", {"coco": Path("a=b"), "out": Path("c"), "force": True}),
        ("convert coco=a out=c --force images=copy", {"force": True, "images": "copy"}),
        ("convert coco=a out=c --force no", {"force": False}),
        ("predict model=a source=b --vid-stride 3", {"vid_stride": 3}),
        ("predict model=a source=b --vid_stride=3", {"vid_stride": 3}),
        ("predict model=a source=b vid-stride=3", {"vid_stride": 3}),
        ("predict model=a --source b=c.jpg conf=.5", {"source": "b=c.jpg", "conf": 0.5}),
        ("predict model=a source=b --conf -0.5", {"conf": -0.5}),
        ("predict model=a source=b model=c", {"model": "c"}),
    ],
)
def test_spellings(words, expected):
    assert {key: vars(parse(words.split()))[key] for key in expected} == expected


@pytest.mark.parametrize("word", ["version", "-v", "-V", "--version"])
def test_version(word, capsys):
    assert main([word]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_examples_that_work(verb, capsys):
    keys = keys_of(build_parser()[1][verb])
    for example in EXAMPLES[verb]:
        parse(example.split()[1:])
        assert not keys or example.startswith(tuple(f"gjadet {verb} {key}=" for key in keys))
    with pytest.raises(SystemExit, match="0"):
        main([verb, "--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {example}\n" in said for example in EXAMPLES[verb])
    assert max(map(len, said.splitlines())) <= 100


def test_every_verb_has_examples():
    assert list(EXAMPLES) == list(VERBS)


ERRORS = [
    (ValueError("a is 3, allowed: 4"), "a is 3, allowed: 4"),
    (
        ModuleNotFoundError("No module named 'timm'", name="timm"),
        "timm is not installed. Run: pip install 'gjadet-yolo[timm]'",
    ),
    (
        ModuleNotFoundError("No module named 'cv2'", name="cv2"),
        "opencv-python is not installed. Run: pip install opencv-python",
    ),
    (
        ModuleNotFoundError("No module named 'ultralytics.nn'", name="ultralytics.nn"),
        "ultralytics is not installed. Run: pip install 'ultralytics>=8.4.130,<8.5'",
    ),
    (ModuleNotFoundError("tiles need it. Run: pip install x", name="x"), "tiles need it. Run: pip install x"),
    (ImportError("libGL.so.1: cannot open shared object file"), "or run: pip install opencv-python-headless"),
    (MemoryError(), "out of memory. Take smaller images (imgsz), tiles or batches."),
    (
        RecursionError("maximum recursion depth exceeded"),
        "a file or value is too deeply nested: maximum recursion depth",
    ),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "a file is not UTF-8 text: 'utf-8' codec"),
    (EOFError("Ran out of input"), "a checkpoint is empty, truncated or none: Ran out of input."),
    (pickle.UnpicklingError("invalid load key"), "a checkpoint is empty, truncated or none: invalid load key."),
    (
        yaml.scanner.ScannerError(None, None, "mapping values", yaml.Mark("a.yaml", 0, 2, 3, None, 0)),
        'a YAML file cannot be read: mapping values\n  in "a.yaml", line 3, column 4',
    ),
    (
        TypeError("ERROR ❌️ a.pt is not a loadable checkpoint.\nRe-export it."),
        "a.pt is not a loadable checkpoint.\nRe-export it.",
    ),
    (SyntaxError("a.yaml 'train:' key missing"), "a.yaml 'train:' key missing"),
    (BrokenPipeError(32, "Broken pipe"), "[Errno 32] Broken pipe"),  # of a worker: our own output is still read
]


@pytest.mark.parametrize(("error", "message"), ERRORS, ids=lambda value: type(value).__name__)
def test_known_errors(error, message, monkeypatch, capsys):
    monkeypatch.setattr(models, "run", lambda args: raising(error))
    assert main(["models"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert message in said
    assert said.count("ERROR") == 0


@pytest.mark.parametrize(
    "error",
    [
        TypeError("unsupported operand"),
        AssertionError("no row rule"),
        KeyError("a"),
        SyntaxError("invalid syntax", ("a.py", 1, 1, "x x")),
        ImportError("cannot import name 'x'", name="gjadet_yolo.nn"),
        SystemExit("the data set is missing"),
    ],
)
def test_faults_of_the_program_and_exits_pass(error, monkeypatch):
    monkeypatch.setattr(models, "run", lambda args: raising(error))
    with pytest.raises(type(error), match=re.escape(str(error))):
        main(["models"])


def raising(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("flush", ["True", "False"])
def test_a_reader_that_goes_ends_it_quietly(flush):
    """As ``gjadet models | head``: no traceback and no message, whether each line is written at once or at the end."""
    code = (
        "import sys; from gjadet_yolo.cli import models; from gjadet_yolo.cli.main import main\n"
        f"models.run = lambda args: [print('a' * 99, flush={flush}) for _ in range(2000)] and 0\n"
        "sys.exit(main(['models']))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141  # 128 + SIGPIPE


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["convrt"],
            "there is no verb 'convrt'. Did you mean 'convert'? Allowed: attention, calibrate, convert, demo, ",
        ),
        (["convert", "cooc=x", "out=y"], "gjadet convert has no argument 'cooc'. Did you mean 'coco'?"),
        (["convert", "coco=x"], "gjadet convert needs out=DIR. Example: gjadet convert coco=DIR out=DIR"),
        (["predict"], "gjadet predict needs model=FILE and source=PATH. Example: gjadet predict model=best.pt source="),
        (["predict", "modle=best.pt"], "gjadet predict has no argument 'modle'. Did you mean 'model'?"),
        (["predict", "model=a", "--sorce", "b"], "gjadet predict has no argument 'sorce'. Did you mean 'source'?"),
        (["predict", "model=a", "--source"], "source has no value. Write source=PATH."),
        (["predict", "--source", "--conf", "1"], "source has no value. Write source=PATH."),
        (["predict", "model=", "source=b"], "model= has no value. Write model=FILE."),
        (["predict", "model=a", "source=b", "conf=x"], "conf=x: 'x' is not a number."),
        (
            ["predict", "model=a", "source=b", "--vid-stride", "x"],
            "vid_stride=x: 'x' is not a whole number of 1 or more.",
        ),
        (["predict", "best.pt"], "'best.pt' has no key: arguments are key=value."),
        (["predict", "model", "=", "best.pt"], "'model =' has spaces around '='. Write model=VALUE in one word."),
        (["model=best.pt", "predict"], "'model=best.pt' stands where the verb belongs. Example: gjadet predict model="),
        (["-x"], "'-x' stands where the verb belongs."),
        (["synth", "force"], "'force' has no value. Write force=true."),
        (["synth", "out"], "'out' has no value. Write out=DIR."),
        (["doctor", "now"], "gjadet doctor takes no arguments, found 'now'."),
        (["doctor", "out=x"], "gjadet doctor has no argument 'out'. It takes none."),
        (["convert", "out=x"], "takes either coco=DIR (to YOLO) or yolo=data.yaml (to COCO)"),
        (["convert", "coco=x", "yolo=y", "out=z"], "takes either coco=DIR"),
        (["convert", "coco=x", "out=y", "force=maybe"], "force=maybe: 'maybe' is not true or false."),
        (["convert", "coco=x", "out=y", "images=move"], "images=move is not possible. Allowed: link, copy."),
        (["convert", "coco=/no/such/folder", "out=y"], "/no/such/folder does not exist"),
        (["models", "imgsz=-5"], "imgsz=-5: '-5' is not a whole number of 1 or more."),
        (["models", "scales=nq"], "scales is 'nq', allowed: letters out of nsmlx"),
        (["demo", "epochs=0"], "'0' is not a whole number of 1 or more"),
        (["demo", "scene=rag"], "there is no scene 'rag'. Did you mean 'rig'?"),
        (["synth"], "gjadet synth needs out=DIR."),
        (["synth", "out=x", "imgsz=10"], "imgsz is 10, allowed: 64 to 4096 px"),
        (["synth", "out=x", "images=-3"], "'-3' is not a whole number of 0 or more"),
        (["synth", "out=x", "scene=trian"], "scene=trian: there is no such scene. Did you mean 'train'?"),
        (["synth", "out=x", "mix=balance"], "mix=balance: there is no such mix. Did you mean 'balanced'?"),
        (["synth", "out=x", "empty=1"], "empty=1, allowed: 0 to below 1, the share of pictures without targets"),
        (["synth", "out=x", "videos=1", "scene=gear"], "there is no scene 'gear'. Allowed: rig, train, closeup"),
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
    assert main(["models", "scales=n", "imgsz=64"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {name: rest for name, *rest in map(str.split, lines) if name.endswith(".yaml")}
    tails = (
        "n",
        "n-p2",
        "n-plain",
        "n-p2-plain",
        "n-paper",
        "n-p2-paper",
        "n-fpn",
        "n-pafpn",
        "n-dyhead",
        "n-tiny",
        "n-tiny-paper",
    )
    scaled = {
        f"gjadet{tail}.yaml"
        for tail in (*tails, *(f"-yolo{v}n{end}" for v in (11, 26) for end in ("", "-plain", "-paper")))
    }
    scaled |= {"ccspnetn.yaml", "ccspnetn-joint.yaml", "gjadetn-joint.yaml"}
    scaled |= {"sspnetn.yaml", "sspnetn-p3.yaml", "sspnet-yolo11n.yaml", "tpnetn.yaml"}
    scaled |= {"lcpn.yaml", "lcp-yolo11n.yaml", "gjadetn-lcp.yaml", "lcp-resnet50.yaml"}
    timm = ("vgg16", "resnet50", "dla60", "convnext_tiny", "swin_tiny", "darknet53", "cspdarknet53")
    assert set(table) == scaled | {f"gjadet-{name}.yaml" for name in timm}
    assert table["gjadetn-paper.yaml"][1] == "3,479,262"
    assert table["gjadet-resnet50.yaml"][1] in ("38,635,918", "needs")  # TimmBackbone needs timm


def test_doctor_in_a_new_process(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))")
    assert done.returncode == 0, done.stdout
    assert "active in new interpreters" in done.stdout
    listed = next(line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("modules "))
    assert sorted(listed.split(", ")) == sorted(cls.__name__ for cls in MODULES)
    assert done.stdout.splitlines()[-1] == "All is well."


def test_doctor_says_what_is_off(fresh):
    done = fresh("import sys; from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))", GJADET_AUTOLOAD="0")
    assert done.returncode == 1
    assert "New interpreters do not load the plugin. Unset GJADET_AUTOLOAD" in done.stdout


def test_doctor_without_ultralytics_and_torch(cold):
    """Says what is missing, checks what can be checked, and ends without a traceback."""
    code = (
        "import sys; sys.modules.update(ultralytics=None, torch=None)\n"
        "from gjadet_yolo.cli.main import main; sys.exit(main(['doctor']))"
    )
    done = cold(code)
    assert (done.returncode, done.stderr) == (1, "")
    assert "PROBLEM  ultralytics is not installed. Run: pip install 'ultralytics>=8.4.130,<8.5'" in done.stdout
    assert "PROBLEM  torch is not installed. Run: pip install torch" in done.stdout
    assert done.stdout.splitlines()[-1] == "2 problems."


@pytest.mark.parametrize("number", ["0.0.9", __version__])
def test_doctor_names_another_copy(number, tmp_path, monkeypatch, capsys):
    """The version and the place that run come first; a copy of the same version is no problem."""
    other = tmp_path / "gjadet_yolo"
    other.mkdir()
    (other / "__init__.py").write_text(f'__version__ = "{number}"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    findings = doctor.Findings()
    doctor.check_copies(findings)
    assert f"another copy  {number:<12}{other.resolve()}\n" in capsys.readouterr().out
    said = findings.hints if number == __version__ else findings.problems
    assert any(
        f"{__version__} in {doctor.RUNNING} runs here, {number} in {other.resolve()} may run elsewhere" in text
        for text in said
    )


def test_doctor_notices_stale_metadata(monkeypatch):
    """As after an update of the clone of an editable installation."""
    url = doctor.RUNNING.parent.as_uri()
    text = f'{{"url": "{url}", "dir_info": {{"editable": true}}}}'
    old = SimpleNamespace(version="0.0.9", read_text=lambda name: text, locate_file=lambda name: Path("/elsewhere"))
    monkeypatch.setattr(doctor, "distributions", lambda name: [old])
    findings = doctor.Findings()
    doctor.check_copies(findings)
    assert any(text.startswith("pip takes this copy for version 0.0.9") for text in findings.hints)


def test_doctor_says_which_of_two_opencvs_runs(monkeypatch, capsys):
    """Worth knowing, and no problem: what the package needs is in both."""
    both = {"opencv-python": "5.0.0", "opencv-python-headless": "4.12.0"}
    monkeypatch.setattr(doctor, "installed", lambda name: both.get(name, ""))
    monkeypatch.setitem(
        sys.modules,
        "cv2",
        SimpleNamespace(
            __version__="4.12.0", __file__="/lib/cv2/__init__.py", version=SimpleNamespace(headless=True, contrib=False)
        ),
    )
    findings = doctor.Findings()
    doctor.check_opencv(findings)
    assert "/lib/cv2  (opencv-python-headless)" in capsys.readouterr().out
    assert findings.problems == []
    assert (
        "opencv-python 5.0.0 and opencv-python-headless 4.12.0 share one folder. opencv-python-headless"
        in findings.hints[0]
    )
    assert findings.hints[0].endswith(
        "pip uninstall -y opencv-python opencv-python-headless && pip install --force-reinstall --no-deps opencv-python"
    )


def test_doctor_lists_extras_and_how_to_get_them(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "installed", lambda name: {"timm": "1.0", "onnx": "1.2"}.get(name, ""))
    doctor.check_extras(doctor.Findings())
    assert [text.strip() for text in capsys.readouterr().out.splitlines()] == [
        "extras        timm 1.0, onnx 1.2",
        "without albumentations: pip install 'gjadet-yolo[degrade]'",
        "without onnxruntime, onnxslim, openvino: pip install 'gjadet-yolo[export]'",
        "without plotly, xlsxwriter, av: pip install 'gjadet-yolo[measure]'",
        "without cinereader: pip install 'gjadet-yolo[cine]'",
        "without faster-coco-eval: pip install 'gjadet-yolo[benchmark]'",
    ]


def test_extras_are_those_of_the_package():
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
    stated = {
        line.partition(">=")[0].strip(): extra
        for extra, lines in setup["options.extras_require"].items()
        if extra != "dev"
        for line in lines.split("\n")
        if line.strip()
    }
    assert stated == EXTRAS


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


DEMO = {"camera.yaml", "detections.avi", "measured", "plane.csv", "quality.txt", "sheet.png", "truth", "video.avi"}


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
    assert not (tmp_path / "demo" / "measured").exists()  # a network of one epoch finds no markers
    assert (tmp_path / "demo" / "train" / "weights" / "best.pt").is_file()
    assert (tmp_path / "demo" / "detections.avi").stat().st_size > 5_000
