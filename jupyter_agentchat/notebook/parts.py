"""Things as they are shown beside a message: taken down when they are said, so that nothing changes them afterwards.

A part is ``{"data": {mimetype: …}, "name"?}``, as in a notebook's outputs; ``text/plain`` is always there. pandas, numpy,
matplotlib, Pillow and plotly are never imported here: who shows one of their things has done that.
"""

from __future__ import annotations

import base64
import dataclasses
import difflib
import importlib.util
import io
import json
import pprint
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ..protocol import MAX_MESSAGE_BYTES
from . import files, tables
from .files import MAX_BYTES, check_size, is_diff

MAX_PARTS_BYTES = 4 * MAX_MESSAGE_BYTES
"""All parts of a message, as JSON."""
TEXT = 100_000
"""Characters of what is only shown as text."""

Data = dict[str, Any]
Part = dict[str, Any]
_UNIFIED_DIFF = difflib.unified_diff.__code__
_IMAGES = (("_repr_png_", "image/png"), ("_repr_jpeg_", "image/jpeg"), ("_repr_svg_", "image/svg+xml"))
_TEXTS = (("_repr_markdown_", "text/markdown"), ("_repr_html_", "text/html"))
_KNOWN = {mime for _, mime in (*_IMAGES, *_TEXTS)} | {"image/gif", "image/webp", "application/json", "text/x-diff"}


def snapshot(shown: Any, name: str = "show") -> list[Part]:
    """The parts of one object, or of each in a list. ``name``: the argument's, with which errors begin.

    A DataFrame or Series, a numpy array, a matplotlib figure or axes, a Pillow image, a plotly figure, whatever shows itself in
    a notebook (``_repr_png_`` and its like), a `pathlib.Path` or a text that names a file, a unified diff, a dict (as JSON),
    other texts as Markdown, and all else as its ``repr``.

    Raises:
        ValueError: a thing is too large to be shown, or a file is neither picture nor text.
        FileNotFoundError: a file is not there.
        TypeError: a generator other than `difflib.unified_diff`'s; a thing whose ``repr`` fails.
    """
    several = isinstance(shown, (list, tuple)) and not hasattr(shown, "_fields")
    made = [part(each, f"{name}[{place}]") for place, each in enumerate(shown)] if several else [part(shown, name)]
    check_total(made, name)
    return made


def said(things: tuple[Any, ...]) -> tuple[str, list[Part] | None]:
    """What a message of these says and shows: its texts are its content; without any, what the things are.

    Raises: as `snapshot`; TypeError for None.
    """
    texts = [thing for thing in things if isinstance(thing, str)]
    made = []
    for place, thing in enumerate(things):
        if thing is None:
            raise TypeError(f"content: a text or a thing to show is needed, not None (argument {place + 1}).")
        if not isinstance(thing, str):
            made.append(part(thing, f"content: argument {place + 1}"))
    check_total(made, "content")
    return "\n\n".join(texts) if texts else ", ".join(str(each["name"]) for each in made), made or None


def check_total(made: list[Part], name: str) -> None:
    """Raises: ValueError if the parts of one message are too large together."""
    size = len(msgspec.json.encode(made))
    if size > MAX_PARTS_BYTES:
        told = ", ".join(f"{each.get('name', 'one')} {len(msgspec.json.encode(each)):,}" for each in made)
        raise ValueError(
            f"{name}: all together is {size:,} bytes as JSON ({told}), the limit is {MAX_PARTS_BYTES:,}: show less, or smaller."
        )


def part(thing: Any, name: str, *, is_text: bool = False) -> Part:
    """One thing. ``is_text``: a text is Markdown, whatever file it may name."""
    made = _file(thing, name, is_text=is_text)
    if made is None:
        made = {"data": _data(thing, name)} if isinstance(thing, str) else {"data": _data(thing, name), "name": describe(thing)}
    try:
        size = len(msgspec.json.encode(made))
    except UnicodeEncodeError:
        raise ValueError(f"{name}: {describe(thing)} holds a lone surrogate, which is not text: show valid Unicode.") from None
    check_size(size, f"{name}: {describe(thing)}", MAX_PARTS_BYTES)
    return made


def describe(thing: Any) -> str:
    """What it is, in a few words: ``DataFrame, 20 × 3``."""
    kind = type(thing).__name__
    if isinstance(thing, Path):
        return thing.name
    if isinstance(thing, str) or _diff_text(thing) is not None:
        return "diff" if not isinstance(thing, str) or is_diff(thing) else "text"
    shape = getattr(thing, "shape", None)
    if isinstance(shape, tuple) and shape and all(isinstance(size, int) for size in shape):
        return f"{kind}, {' × '.join(f'{size:,}' for size in shape)}"
    if _is_a(thing, "PIL.Image", "Image"):
        return f"image, {thing.size[0]} × {thing.size[1]}"
    figure = _figure_of(thing)
    if figure is not None:
        axes = getattr(figure, "axes", [])
        title = next((str(each.get_title()) for each in axes if each.get_title()), "")
        return f"figure: {title}" if title else "figure"
    return kind


# ------------------------------------------------------------------------------------------------ kinds of things


def _file(thing: Any, name: str, *, is_text: bool) -> Part | None:
    if isinstance(thing, Path):
        return {"data": files.of(thing, name), "name": thing.name}
    if isinstance(thing, str) and not is_text and files.names_a_file(thing):
        return {"data": files.of(Path(thing), name), "name": Path(thing).name}
    return None


def _data(thing: Any, name: str) -> Data:
    makers: tuple[Callable[[Any, str], Data | None], ...] = (
        _of_text, _of_table, _of_picture, _of_itself, _of_json, _of_generator,
    )  # fmt: skip
    for make in makers:
        if (data := make(thing, name)) is not None:
            return data
    return {"text/plain": _repr(thing, name)}


def _of_text(thing: Any, name: str) -> Data | None:
    text = thing if isinstance(thing, str) else None
    if text is None:
        return None
    check_size(len(text.encode(errors="replace")), f"{name}: this text", MAX_BYTES)
    if not text.strip():
        raise ValueError(f"{name}: the text is empty; give something to show.")
    return {"text/x-diff" if is_diff(text) else "text/markdown": text, "text/plain": _cut(text)}


def _of_table(thing: Any, name: str) -> Data | None:
    frame = tables.pandas_of(thing)
    if frame is not None:
        return tables.of_frame(frame)
    if _is_a(thing, "numpy", "ndarray") and _figure_of(thing) is None:
        return tables.of_array(thing)
    return None


def _of_picture(thing: Any, name: str) -> Data | None:
    figure = _figure_of(thing)
    if figure is not None:
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", bbox_inches="tight")
        return _picture("image/png", drawn.getvalue(), name, describe(thing))
    if _is_a(thing, "PIL.Image", "Image"):
        drawn = io.BytesIO()
        fits = thing if thing.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else thing.convert("RGB")
        fits.save(drawn, format="PNG")
        return _picture("image/png", drawn.getvalue(), name, describe(thing))
    if _is_a(thing, "plotly.basedatatypes", "BaseFigure") and not isinstance(thing, type):
        return _plotly(thing, name)
    return None


def _plotly(figure: Any, name: str) -> Data:
    if importlib.util.find_spec("kaleido") is not None:
        try:
            return _picture("image/png", figure.to_image(format="png"), name, "plotly figure")
        except (RuntimeError, ValueError, OSError) as error:  # without a Chrome, kaleido can draw nothing
            if str(error).startswith(name):
                raise
    return {"application/json": json.loads(figure.to_json()), "text/plain": "plotly figure (`pip install kaleido` draws it)"}


def _of_itself(thing: Any, name: str) -> Data | None:
    """What shows itself in a notebook: pictures first, html last."""
    if isinstance(thing, type):
        return None
    data: Data = {}
    bundle = _called(thing, "_repr_mimebundle_", include=None, exclude=None)
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    if isinstance(bundle, dict):
        data = {mime: each for mime, each in bundle.items() if mime in _KNOWN}
    for method, mime in (*_IMAGES, *_TEXTS):
        if mime not in data and (given := _called(thing, method)) is not None:
            data[mime] = given[0] if isinstance(given, tuple) and given else given
    data = {mime: each for mime, each in data.items() if mime == "application/json" or isinstance(each, (str, bytes, list))}
    pictures = [mime for mime in data if mime.startswith("image/") and not isinstance(data[mime], list)]
    if pictures:
        mime = next((each for each in pictures if each != "image/svg+xml"), pictures[0])
        return _picture(mime, data[mime], name, describe(thing))
    made = {mime: _text_of(each) if mime != "application/json" else _json(each) for mime, each in data.items()}
    made = {mime: each for mime, each in made.items() if each is not None}
    return {**made, "text/plain": _repr(thing, name)} if made else None


def _of_json(thing: Any, name: str) -> Data | None:
    plain = thing
    if isinstance(thing, type):
        return None
    if dataclasses.is_dataclass(thing) or isinstance(thing, msgspec.Struct):
        try:
            plain = msgspec.to_builtins(thing)
        except TypeError:
            return None
    elif hasattr(thing, "model_dump_json"):
        plain = json.loads(thing.model_dump_json())
    elif not isinstance(thing, (dict, list, tuple)):
        return None
    made = _json(plain)
    return None if made is None else {"application/json": made, "text/plain": _cut(pprint.pformat(thing, sort_dicts=False))}


def _of_generator(thing: Any, name: str) -> Data | None:
    if not isinstance(thing, types.GeneratorType):
        return None
    if _diff_text(thing) is None:
        raise TypeError(f"{name}: a generator can be walked only once: show a list of what it gives.")
    lines = list(thing)
    text = "".join(lines) if all(line.endswith("\n") for line in lines) else "\n".join(line.rstrip("\n") for line in lines)
    return _of_text(text or "No differences.", name)


def _diff_text(thing: Any) -> bool | None:
    """Whether it is what `difflib.unified_diff` gives."""
    return True if isinstance(thing, types.GeneratorType) and thing.gi_code is _UNIFIED_DIFF else None


# ------------------------------------------------------------------------------------------------ inside


def _figure_of(thing: Any) -> Any:
    """The matplotlib figure that this is, or stands in: axes, or an array of them."""
    if "matplotlib.figure" not in sys.modules or isinstance(thing, type):
        return None
    if _is_a(thing, "numpy", "ndarray"):
        if thing.dtype != object or not thing.size:
            return None
        thing = thing.flat[0]
    if _is_a(thing, "matplotlib.axes", "Axes"):
        thing = thing.figure
    return thing if _is_a(thing, "matplotlib.figure", "FigureBase") and hasattr(thing, "savefig") else None


def _is_a(thing: Any, module: str, name: str) -> bool:
    """Whether it is an instance of that class, which is not imported for this."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(thing, kind)


def _picture(mime: str, drawn: Any, name: str, what: str) -> Data:
    if mime == "image/svg+xml":
        text = _text_of(drawn) or ""
        check_size(len(text.encode(errors="replace")), f"{name}: {what}", MAX_BYTES)
        return {mime: text, "text/plain": what}
    if isinstance(drawn, str):  # IPython's own pictures give it in base64 already
        drawn = base64.b64decode(drawn)
    check_size(len(drawn), f"{name}: {what}", MAX_BYTES)
    return {mime: base64.b64encode(drawn).decode(), "text/plain": what}


def _called(thing: Any, method: str, **arguments: Any) -> Any:
    if not callable(getattr(type(thing), method, None)):
        return None
    try:
        return getattr(thing, method)(**arguments)
    except Exception:  # as IPython does: what cannot show itself this way is shown another
        return None


def _json(value: Any) -> Any:
    """A copy, as JSON has it; None if it is none."""
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=_builtin))
    except (TypeError, ValueError, RecursionError):
        return None


def _builtin(value: Any) -> Any:
    if hasattr(value, "item") and callable(value.item):  # a number of numpy's
        return value.item()
    return msgspec.to_builtins(value)


def _repr(thing: Any, name: str) -> str:
    try:
        return _cut(repr(thing))
    except Exception as error:
        raise TypeError(f"{name}: a {type(thing).__name__} cannot be shown, its repr fails: {error!r}.") from error


def _text_of(value: Any) -> str | None:
    return "".join(value) if isinstance(value, (str, list)) else None


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else f"{text[:TEXT]}…"
