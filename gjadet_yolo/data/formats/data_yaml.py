"""The data YAML of a YOLO tree: finding it, and what it says about classes, key points and images.

Paths mean what they mean to the host; mirrored: ``check_det_dataset`` in
https://github.com/ultralytics/ultralytics/blob/v8.4.190/ultralytics/data/utils.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gjadet_yolo.data.formats.boxes import HOST_SPLITS, Report
from gjadet_yolo.data.formats.content import read_text
from gjadet_yolo.locate import YAML_SUFFIXES, dataset_yaml, files
from gjadet_yolo.messages import bare, is_huge, is_name, shown, suggestion

MOST_CLASSES = 100_000  # far above any data set, and a table of them is still small


@dataclass(frozen=True)
class DataYaml:
    """What a data YAML says.

    Attributes:
        names: Class names by the index that label files use; indices may have gaps.
        sources: Folders of images, or text files that list images, by split.
        keypoint_values: Numbers behind the box in each line of a pose label file; 0 where the set has no key points.
    """

    names: dict[int, str]
    sources: dict[str, list[Path]]
    keypoint_values: int


def find_data_yaml(source: Path) -> Path:
    """The data YAML that a path means: a file, the bare name of a packaged one, or a folder that holds it.

    Raises:
        FileNotFoundError: There is none.
        ValueError: A file of another kind, or a folder with several.
    """
    if source.is_dir():
        found = sorted(path for path in source.iterdir() if path.suffix in YAML_SUFFIXES and path.name[0] != ".")
        chosen = [path for path in found if path.stem == "data"] or found
        if len(chosen) != 1:
            held = ", ".join(path.name for path in chosen) or "none"
            raise ValueError(
                f"{source} is a folder, expected the data YAML of a YOLO tree. Files of this kind in it: {held}. "
                f"Say which with yolo={source / 'FILE.yaml'}; a COCO tree is read with coco={source}."
            )
        return chosen[0]
    if not source.exists():
        packaged = dataset_yaml(source)
        if packaged is None:
            bare = suggestion(source.name, [path.name for path in files("datasets").values()])
            raise FileNotFoundError(
                f"{source} does not exist. Expected the data YAML of a YOLO tree, or the name of a packaged one.{bare}"
            )
        return packaged
    if source.suffix.lower() not in YAML_SUFFIXES:
        raise ValueError(
            f"{source} is no data YAML: its name ends neither in .yaml nor in .yml. COCO json is read with coco=FILE."
        )
    return source


def read_mapping(file: Path) -> dict[str, Any]:
    """Content of a YAML file; a ValueError with the file and the fault where that is no mapping."""
    try:
        content = yaml.safe_load(read_text(file))
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no text in UTF-8: {error}. Save it in this encoding.") from error
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        # PyYAML turns a scalar with a tag (!!int "") into a value without looking at it first
        raise ValueError(f"{file} is no valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict):
        if content is None:  # an empty file; the checks that follow say what it lacks
            return {}
        raise ValueError(f"{file} holds {shown(content)}, expected 'train:', 'val:' and 'names:' with their values.")
    return content


def load_data_yaml(file: Path, report: Report) -> DataYaml:
    """Read a data YAML; what a user may not expect is noted in the report.

    Raises:
        FileNotFoundError: A folder of images is missing.
        ValueError: The file cannot be used; names it and the fault.
    """
    content = read_mapping(file)
    names = class_names(content, file)
    if list(names) != list(range(len(names))):
        what = "Class indices are not 0, 1, 2, ..., as Ultralytics needs them, and are renumbered:"
        changed = ", ".join(f"{key} {name} is now {index}" for index, (key, name) in enumerate(names.items()))
        report.add("", what, "", changed)
    return DataYaml(names, image_sources(content, file, report), keypoint_values(content, file))


def class_names(content: dict[str, Any], file: Path) -> dict[int, str]:
    """Class names by index, in the order of the indices; a ValueError where there are none, or faulty ones."""
    names, count = content.get("names"), content.get("nc")
    if names is None and isinstance(count, int) and 0 < count <= MOST_CLASSES:
        return {index: f"class_{index}" for index in range(count)}  # the names that the host gives
    if not isinstance(names, (dict, list)) or not names:
        raise ValueError(f"{file} has no 'names:', expected the class names by index.")
    table: dict[int, str] = {}
    for key, name in names.items() if isinstance(names, dict) else enumerate(names):
        digits = str(key) if isinstance(key, (int, str)) and not is_huge(key) else ""
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise ValueError(f"{file}: names: {shown(key)} is no class index, allowed: 0, 1, 2, ...")
        if not is_name(name):
            raise ValueError(f"{file}: names: {digits}: {shown(name)} is no class name, expected a text.")
        if int(digits) in table:
            both = f"'{bare(table[int(digits)])}' and '{bare(name)}'"
            raise ValueError(f"{file}: names: {int(digits)} is {both}, expected one name.")
        table[int(digits)] = str(name)
    if isinstance(count, int) and count != len(table):
        had = f"names: has {len(table)} classes"
        raise ValueError(f"{file}: nc: {shown(count)}, but {had}; Ultralytics needs both to agree.")
    return dict(sorted(table.items()))


def keypoint_values(content: dict[str, Any], file: Path) -> int:
    shape = content.get("kpt_shape")
    if shape is None:
        return 0
    if not (isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) and n > 0 for n in shape)):
        raise ValueError(f"{file}: kpt_shape: {shown(shape)}, expected the number of key points and 2 or 3.")
    return shape[0] * shape[1]


def image_sources(content: dict[str, Any], file: Path, report: Report) -> dict[str, list[Path]]:
    """Folders of images, or text files that list images, by split; one that repeats another is noted and left out.

    Raises:
        FileNotFoundError: A folder of ``train`` or ``val`` is missing; says where it was looked for.
        ValueError: No split, or a split that is neither a path nor a list of paths.
    """
    stated = {split: content.get(split) for split in HOST_SPLITS}
    stated["val"] = stated["val"] or content.get("validation")  # the host's other word for it
    for split, value in stated.items():
        if value and not (isinstance(value, str) or (isinstance(value, list) and all(map(is_text, value)))):
            raise ValueError(f"{file}: {split}: {shown(value)}, expected a folder, a .txt file, or a list of them.")
    if not any(stated.values()):
        raise ValueError(f"{file} has none of 'train:', 'val:' and 'test:', expected the folders of images.")
    tried = [{split: resolve(root, value) for split, value in stated.items() if value} for root in roots(content, file)]
    sources = next((found for found in tried if not missing(found)), tried[0])
    for split in missing(sources):
        where = dict.fromkeys(str(missing(found)[split]) for found in tried if split in missing(found))
        verb = "does" if len(where) == 1 else "do"
        raise FileNotFoundError(f"{file}: {split}: {' and '.join(where)} {verb} not exist.{advice(content, file)}")
    kept: dict[str, list[Path]] = {}
    for split, paths in sources.items():
        same = next((other for other, known in kept.items() if known == paths), None)
        if same:
            report.add(split, "has the same images as another split, which are read once:", "", same)
        elif not all(path.exists() for path in paths):
            report.add(split, "does not exist, and Ultralytics does not need it:", "", ", ".join(map(str, paths)))
        else:
            kept[split] = paths
    return kept


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def missing(sources: dict[str, list[Path]]) -> dict[str, Path]:
    """The first path that does not exist of each split."""
    gaps = {split: [path for path in paths if not path.exists()] for split, paths in sources.items()}
    # The host can do without ``test``.
    return {split: paths[0] for split, paths in gaps.items() if paths and (split != "test" or len(sources) == 1)}


def advice(content: dict[str, Any], file: Path) -> str:
    # The host would fetch them; a converter does not, and says how.
    if not content.get("download"):
        return ""
    return f" Its images are not there yet: 'yolo train data={file.name}' fetches them, or says how to get them."


def roots(content: dict[str, Any], file: Path) -> list[Path]:
    """Folders that the paths of a data YAML may be relative to, the host's choice first."""
    stated = content.get("path")
    if not stated:
        return [file.parent]
    if not isinstance(stated, str):
        raise ValueError(f"{file}: path: {shown(stated)}, expected a folder.")
    path = Path(stated)
    if path.is_absolute():
        return [path]
    # The host takes path: from the current folder or from its folder of data sets; a tree that was moved is also found
    # beside its data YAML.
    return [*([path] if path.exists() else [datasets_folder() / path]), file.parent / path]


def datasets_folder() -> Path:
    # Here, because its import loads torch.
    from ultralytics import settings

    return Path(settings["datasets_dir"])


def resolve(root: Path, value: str | list[str]) -> list[Path]:
    """Paths of one split."""
    if isinstance(value, list):
        return [(root / part).resolve() for part in value]
    path = (root / value).resolve()
    # A lone ../ too many, as Roboflow writes it, is taken away as the host does.
    if not path.exists() and value.startswith("../"):
        path = (root / value.removeprefix("../")).resolve()
    return [path]
