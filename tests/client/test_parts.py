"""What is shown beside a question is what it was when it was asked, and says what it is."""

from __future__ import annotations

import base64
import difflib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from jupyter_agentchat import Agent
from jupyter_agentchat.client.asking import prepare
from jupyter_agentchat.notebook import files, parts
from jupyter_agentchat.notebook.tables import TABLE_MIME
from tests.client.human import Human

mpl.use("agg")
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


@dataclass
class Point:
    x: int
    label: str = "<b>"


class Html:
    def _repr_html_(self) -> str:
        return "<b>bold</b>"

    def __repr__(self) -> str:
        return "plain"


class Pictured:
    def _repr_png_(self) -> bytes:
        return PNG

    def _repr_html_(self) -> str:
        raise RuntimeError("cannot")


class Broken:
    def __repr__(self) -> str:
        return str(1 / 0)

    def _repr_png_(self) -> int:
        return 3


def one(thing: Any) -> dict[str, Any]:
    [part] = parts.snapshot(thing)
    data: dict[str, Any] = part["data"]
    assert data["text/plain"].strip()
    json.dumps(part)
    return data


def figure() -> Figure:
    made = Figure()
    made.subplots().plot([1, 2, 3])
    return made


def test_a_data_frame_is_a_table_of_texts_with_its_shape() -> None:
    frame = pd.DataFrame({"n": range(300), "x": [1 / 3] * 300, "when": pd.Timestamp("2026-01-02"), "who": "Ada"})
    table = one(frame)[TABLE_MIME]
    assert table["columns"] == ["n", "x", "when", "who"]
    assert table["rows"][2] == ["2", "0.333333", "2026-01-02", "Ada"]
    assert (len(table["rows"]), table["shape"], table["index"][2]) == (100, [300, 4], "2")
    assert table["numeric"] == [True, True, False, False]
    wide = one(pd.DataFrame(np.zeros((2, 50))))[TABLE_MIME]
    assert (len(wide["columns"]), len(wide["rows"][0]), wide["shape"]) == (30, 30, [2, 50])
    assert one(frame["x"])[TABLE_MIME]["columns"] == ["x"]
    assert one(np.arange(3))[TABLE_MIME]["rows"] == [["0"], ["1"], ["2"]]


def test_a_time_is_as_long_as_it_has_to_be() -> None:
    times = [pd.Timestamp("2026-01-02"), pd.Timestamp("2026-01-02 03:00"), pd.NaT, pd.Timestamp("2026-01-02", tz="UTC")]
    rows = one(pd.DataFrame({"at": pd.Series(times, dtype=object)}))[TABLE_MIME]["rows"]
    assert rows == [["2026-01-02"], ["2026-01-02 03:00:00"], ["NaT"], ["2026-01-02 00:00:00+00:00"]]


def test_pictures_are_pictures() -> None:
    for thing in (figure(), figure().axes[0], np.array(figure().axes, dtype=object), Image.new("CMYK", (3, 3)), Pictured()):
        content = base64.b64decode(one(thing)["image/png"])
        assert Image.open(io.BytesIO(content)).format == "PNG"


def test_a_figure_stays_open_and_its_own() -> None:
    import matplotlib.pyplot as plt

    made, _ = plt.subplots()
    one(made)
    assert plt.fignum_exists(made.number)
    plt.close(made)


def test_texts_diffs_and_json() -> None:
    assert one("**bold**")["text/markdown"] == "**bold**"
    diff = list(difflib.unified_diff(["a\n"], ["b\n"], "one", "two"))
    assert one("".join(diff))["text/x-diff"] == "--- one\n+++ two\n@@ -1 +1 @@\n-a\n+b\n"
    assert one(difflib.unified_diff(["a\n"], ["b\n"], "one", "two"))["text/x-diff"] == "".join(diff)
    assert "text/x-diff" in one(difflib.unified_diff(["a"], ["b"], "one", "two", lineterm=""))
    assert one({"a": np.int64(1), "b": [None]})["application/json"] == {"a": 1, "b": [None]}
    assert one(Point(1))["application/json"] == {"x": 1, "label": "<b>"}
    assert one({1, 2}) == {"text/plain": "{1, 2}"}
    assert one(Html()) == {"text/html": "<b>bold</b>", "text/plain": "plain"}
    assert one({"x": float("nan")}) == {"text/plain": "{'x': nan}"}


def test_files_are_shown_by_what_they_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    held = {
        "really_a_png.jpg": (PNG, "image/png"), "t.csv": (b"a,b\n1,x\n2,y\n", TABLE_MIME),
        "n.json": (b'{"a": 1}', "application/json"),
        "r.md": (b"# hi", "text/markdown"), "c.patch": (b"-a\n+b\n", "text/x-diff"), "d.svg": (b"<svg/>", "image/svg+xml"),
        "l.txt": (b"plain", "text/plain"), "w.webp": (b"RIFF0000WEBPVP8 ", "image/webp"),
    }  # fmt: skip
    for name, (content, mime) in held.items():
        Path(name).write_bytes(content)
        for given in (Path(name), name, str(tmp_path / name)):
            [part] = parts.snapshot(given)
            assert mime in part["data"], name
            assert part["name"] == name
    assert one(Path("t.csv"))[TABLE_MIME] == {
        "columns": ["a", "b"], "rows": [["1", "x"], ["2", "y"]], "shape": [2, 2], "numeric": [True, False],
    }  # fmt: skip
    Path("id_rsa").write_text("a key")
    for named in ("id_rsa", str(tmp_path / "id_rsa"), "/etc/passwd"):
        assert one(named) == {"text/markdown": named, "text/plain": named}, "a text shows no file that only a Path may"
    assert "text/markdown" in one("Look at report.md, please"), "words that end like a file are words"


def test_what_cannot_be_shown_is_named_before_anyone_is_asked(tmp_path: Path, agent: Agent, human: Human) -> None:
    (tmp_path / "large.txt").write_bytes(b"x" * (files.MAX_BYTES + 1))
    (tmp_path / "binary.bin").write_bytes(b"\xff\xfe\x00")
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (1500, 1500, 3), dtype=np.uint8))
    wrong: list[tuple[Any, type[Exception], str]] = [
        ("missing.png", FileNotFoundError, r"show: there is no file 'missing\.png'"),
        ([1, Path("nowhere")], FileNotFoundError, r"show\[1\]: there is no file 'nowhere'"),
        (tmp_path, ValueError, "show: .* is no file"),
        (tmp_path / "large.txt", ValueError, r"show: the file '.*large\.txt' has 3,145,729 bytes, the limit is 3,145,728"),
        (tmp_path / "binary.bin", ValueError, "show: .*binary.bin' is neither a picture"),
        (noise, ValueError, r"show: image, 1500 × 1500 has [\d,]+ bytes.*a smaller picture"),
        ([1, Broken()], TypeError, r"show\[1\]: a Broken cannot be shown, its repr fails: ZeroDivisionError"),
        ((line for line in "ab"), TypeError, "show: a generator can be walked only once"),
        (["x" * 1_500_000] * 3, ValueError, "show: all together is .*the limit is 4,194,304"),
    ]
    for thing, error, told in wrong:
        with pytest.raises(error, match=f"^{told}"):
            agent.ask("Go on?", show=thing)
    assert human.questions() == []


def test_a_human_sees_what_was_shown_when_it_was_asked(agent: Agent, human: Human) -> None:
    frame, listed = pd.DataFrame({"a": [1]}), {"a": [1]}
    question = agent.ask("Go on?", show=[frame, listed])
    frame.loc[0, "a"] = 99
    listed["a"].append(99)
    [asked] = human.questions()
    table, plain = (part["data"] for part in asked["parts"])
    assert (table[TABLE_MIME]["rows"], plain["application/json"]) == ([["1"]], {"a": [1]})
    assert len(asked["question"]["digest"]) == 64
    human.answer("yes")
    assert question.wait() == "yes"


def test_an_answer_about_one_thing_is_never_taken_for_another(make_agent: Callable[..., Agent], human: Human) -> None:
    """A loop over pictures, in the same words each time, that is interrupted at the second and run again."""
    pictures = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    first, second = (make_agent().ask("Cat or dog?", choices=["cat", "dog"], show=each) for each in pictures)
    assert first.id != second.id
    first.release()
    second.release()
    human.answer("dog", second.id)
    again = [make_agent().ask("Cat or dog?", choices=["cat", "dog"], show=each) for each in pictures]
    assert [each.id for each in again] == [first.id, second.id], "the same picture is the same question"
    assert (again[0].state, again[1].wait()) == ("open", "dog")
    assert prepare("one", "Cat or dog?", show=figure()).ask.key == prepare("two", "Cat or dog?", show=figure()).ask.key


def test_posts_show_things_too(agent: Agent, human: Human) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    assert agent.post(frame).content == "DataFrame, 2 × 1"
    agent.post(figure(), "The *caption*")
    agent.post("Both", frame, {"a": 1})
    first, second, third = human.messages()
    assert TABLE_MIME in first["parts"][0]["data"]
    assert (second["content"], next(iter(second["parts"][0]["data"]))) == ("The *caption*", "image/png")
    assert (third["content"], len(third["parts"])) == ("Both", 2)
    with pytest.raises(TypeError, match=r"^content: .*not None"):
        agent.post(None)
    assert "data:image/png" in agent.history()._repr_html_()


def test_the_largest_that_is_allowed_arrives(agent: Agent, human: Human) -> None:
    large = "x" * files.MAX_BYTES
    agent.post("large", file_of(large))
    assert len(human.messages()[0]["parts"][0]["data"]["text/plain"]) == len(large)


def file_of(content: str) -> Path:
    path = Path("large.txt").resolve()
    path.write_text(content)
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_showing_loads_no_library_that_was_not_loaded() -> None:
    code = (
        "import sys; from jupyter_agentchat.notebook import parts; parts.snapshot(['# hi', {'a': 1}, object(), 3]); "
        "print([n for n in ('pandas', 'numpy', 'matplotlib', 'PIL', 'plotly', 'pydantic') if n in sys.modules])"
    )
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
