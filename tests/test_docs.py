"""The Python of README.md and docs/ runs as it stands: each page from top to bottom, in a folder with a recording."""

import re
from pathlib import Path

import pytest

import dsp
import ecgsynth

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXEMPT = re.compile(r"<!-- not run: \S.* -->\n\Z")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(text: str) -> list[str]:
    """The Python of a page, line by line where it stands in the page, so that a traceback finds it."""
    return [
        "\n" * text.count("\n", 0, found.start(1)) + found[1]
        for found in BLOCK.finditer(text)
        if not EXEMPT.search(text[: found.start()])
    ]


@pytest.fixture(scope="session")
def recording() -> dsp.ECG:
    """The ``record`` of the pages: twelve leads, long enough for a second page of paper."""
    return ecgsynth.simulate(1, duration=20, noise=20, seed=1).record(0)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_of_the_page_runs(page, recording, tmp_path, monkeypatch):
    code = blocks(page.read_text(encoding="utf-8"))
    if not code:
        pytest.skip("a page without Python")
    monkeypatch.chdir(tmp_path)
    dsp.write(recording, "record")
    names = {"__name__": "page"}
    for block in code:
        exec(compile(block, str(page), "exec"), names)  # noqa: S102 - our own pages


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text(encoding="utf-8"))
    lost = [to for to in links if "://" not in to and not (page.parent / to).exists()]
    assert not lost


def test_blocks_are_found_and_exemptions_need_a_reason():
    page = "a\n```python\nx = 1\n```\n<!-- not run: no data -->\n```python\ny\n```\n<!-- not run: -->\n```python\nz\n```\n"
    assert [block.strip() for block in blocks(page)] == ["x = 1", "z"]
    assert blocks(page)[0] == "\n\nx = 1\n"
