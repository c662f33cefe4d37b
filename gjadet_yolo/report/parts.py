"""Parts of a page that is one file: tables, cards, pictures, data for its script. Every text is escaped here.

They know nothing of what is reported, so that measuring and evaluating share them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

JPEG_QUALITY = 88


def own_text(name: str) -> str:
    """Contents of a file beside this one, e.g. ``page.css``."""
    return (files("gjadet_yolo.report") / name).read_text(encoding="utf-8")


def embedded(content: bytes, kind: str) -> str:
    """Address that holds its own content; ``kind`` as in ``image/jpeg``."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def packed(values: np.ndarray, dtype: type = np.float32) -> str:
    """An array as the page's script unpacks it: little-endian, base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype=np.dtype(dtype).newbyteorder("<")).tobytes()).decode()


def data_block(name: str, content: Mapping[str, Any]) -> str:
    """Data for a script, as an element of the page; JSON, so not a number is not allowed."""
    # within a script, only "</" could end it early, and "<!--" could hide its end
    text = json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="{escape(name)}">{text}</script>'


def script(text: str) -> str:
    """A script in the page. ``text`` is the package's own or a library's, never a user's."""
    safe = text.replace("</script", "<\\/script")
    return f"<script>{safe}</script>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], numeric: Iterable[int] = (), kind: str = "") -> str:
    """A table; columns in ``numeric`` stand to the right. Without a header, rows are names with their values.

    ``kind`` is what the style and the script call it.
    """
    numeric = set(numeric)
    side = ['<{} class="number">' if column in numeric else "<{}>" for column in range(max(len(header), 2))]

    def line(cells: Sequence[str], tag: str) -> str:
        return "".join(side[k].format(tag) + escape(cell) + f"</{tag}>" for k, cell in enumerate(cells))

    head = f"<thead><tr>{line(header, 'th')}</tr></thead>" if header else ""
    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    kind = kind if header else "pairs"
    mark = f' class="{escape(kind)}"' if kind else ""
    return f'<div class="table"><table{mark}>{head}<tbody>{body}</tbody></table></div>'


def pairs(entries: Mapping[str, Any]) -> str:
    """A table of names and values, as settings and hashes are; None is a setting that was not given."""
    return table((), ((name, plain_text(value)) for name, value in entries.items()))


def plain_text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return ", ".join(map(plain_text, value))
    if isinstance(value, float):
        return f"{value:.10g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def cards(entries: Iterable[tuple[str, str, str, str]]) -> str:
    """Numbers that are read first: what, value, unit, and a line below them."""
    form = (
        '<div class="card"><div class="what">{}</div><div class="value"><span>{}</span> <small>{}</small></div>'
        '<div class="below">{}</div></div>'
    )
    return f'<div class="cards">{"".join(form.format(*map(escape, entry)) for entry in entries)}</div>'


def bullets(entries: Iterable[str]) -> str:
    return "<ul>{}</ul>".format("".join(f"<li>{escape(entry)}</li>" for entry in entries))


def picture(image: np.ndarray, caption: str) -> str:
    """A BGR picture (H, W, 3) uint8 in the page, with its caption."""
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    address = embedded(content.tobytes(), "image/jpeg")
    return f'<figure><img src="{address}" alt="{escape(caption)}"><figcaption>{escape(caption)}</figcaption></figure>'


def swatches(entries: Iterable[tuple[str, str]]) -> str:
    """A legend: colour and name of each."""
    return '<div class="legend">{}</div>'.format(
        "".join(f'<span><i style="background:{escape(c)}"></i>{escape(name)}</span>' for c, name in entries)
    )


def section(title: str, *content: str, name: str = "") -> str:
    """A part of the page with its heading; ``name`` is what the style and the script call it."""
    mark = f' id="{escape(name)}"' if name else ""
    return f"<section{mark}><h2>{escape(title)}</h2>{''.join(content)}</section>"


def halves(left: str, right: str) -> str:
    """Two parts side by side; below each other where the window is narrow."""
    return f'<div class="halves"><div>{left}</div><div>{right}</div></div>'


def policy(scripts: Iterable[str]) -> str:
    """Content-Security-Policy of a page that runs these scripts (elements) and nothing else, and loads nothing."""
    texts = (one.removeprefix("<script>").removesuffix("</script>") for one in scripts)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    # Plotly writes rules into the page's style, and saves charts as pictures
    rules = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def document(
    title: str,
    below: str,
    content: Iterable[str],
    scripts: Iterable[str],
    styles: Sequence[str] = ("page.css",),
    guarded: Sequence[str] = (),
) -> Iterable[str]:
    """The page, in pieces: title, a line below it, its sections, then data and scripts.

    Args:
        styles: Files of the room.
        guarded: Texts of scripts, of the package or a library; where there are any, no other script runs.
    """
    elements = [script(text) for text in guarded]
    style = "".join(map(own_text, styles))
    yield '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
    yield policy(elements) if elements else ""
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(title)}</title><style>{style}</style></head>\n<body><main>"
    yield f'<header><h1>{escape(title)}</h1><p class="below">{escape(below)}</p></header>\n'
    for part in content:
        yield part + "\n"
    yield "</main>\n"
    yield from (*scripts, *elements)
    yield "</body></html>\n"
