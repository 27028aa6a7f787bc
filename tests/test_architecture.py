"""The house rules that a machine can check."""

import ast
import dataclasses
import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = {"dsp": {"dsp"}, "ecgsynth": {"dsp", "ecgsynth"}, "recon": {"dsp", "ecgsynth", "recon"}}
# What is installed is what is looked at, be it a wheel or this checkout.
HOMES = {name: Path(importlib.util.find_spec(name).origin).parent for name in PACKAGES}
FILES = sorted((name, p) for name, home in HOMES.items() for p in home.rglob("*.py"))
JUNK = {"utils", "util", "helpers", "misc", "core", "common", "base"}
FORBIDDEN = {
    r"\btorch\.load\(": "weights are safetensors",
    r"\bimport pickle\b|\bpickle\.(load|dump)|allow_pickle\s*=\s*True": "no pickle",
    r"(?<![\w.])(eval|exec)\(": "no code from data",
    r"yaml\.load\(": "no code from data",
    r"^\s*except\s*(Exception)?\s*:": "no blind except",
    r"\bplt\.show\(|\.show\(\)": "the library never shows",
}
LONGEST_FILE, LONGEST_FUNCTION = 500, 80


def label(package: str, path: Path) -> str:
    return f"{package}/{path.relative_to(HOMES[package]).as_posix()}"


files = pytest.mark.parametrize(
    ("package", "path"), FILES, ids=[label(package, path) for package, path in FILES]
)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@files
def test_one_idea_a_file(package, path):
    assert path.stem not in JUNK
    head = ast.get_docstring(tree(path))
    assert head, "the first line says the idea"
    assert head.splitlines()[0].endswith((".", "?")), "in one sentence"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@files
def test_functions_fit_in_a_head(package, path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node)
            length = node.end_lineno - node.lineno + 1 - (len(doc.splitlines()) + 1 if doc else 0)
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@files
def test_imports_run_one_way(package, path):
    forbidden = set(PACKAGES) - PACKAGES[package]
    forbidden |= {"torch", "diffusers"} if package == "dsp" else set()
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] not in forbidden, f"line {node.lineno} imports {name}"


@files
def test_nothing_forbidden(package, path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for pattern, why in FORBIDDEN.items():
            assert not re.search(pattern, line), f"line {number}: {why}"


@files
def test_the_lead_list_stands_in_one_place(package, path):
    if label(package, path) != "dsp/leads.py":
        text = re.sub(r"\s+", "", path.read_text(encoding="utf-8"))
        assert '"V1","V2","V3","V4","V5","V6"' not in text, "take dsp.leads"
        assert '"aVR","aVL","aVF"' not in text, "take dsp.leads"


def public() -> list[tuple[str, object]]:
    import dsp
    import ecgsynth
    import recon

    found = []
    for package in (dsp, ecgsynth, recon):
        for name in getattr(package, "__all__", ()):
            thing = getattr(package, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                found.append((f"{package.__name__}.{name}", thing))
    return found


@pytest.mark.parametrize(("name", "thing"), public(), ids=lambda v: v if isinstance(v, str) else "")
def test_public_names_are_documented(name, thing):
    doc = inspect.getdoc(thing) or ""
    assert doc
    result = dataclasses.is_dataclass(thing) or (
        inspect.isclass(thing) and issubclass(thing, BaseException | tuple)
    )
    assert result or ">>>" in doc, f"{name}: an example that runs"
    if inspect.isfunction(thing):
        kinds = {p.kind for p in inspect.signature(thing).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{name} swallows misspelt options"
        assert "Raises" in doc, f"{name}: what it raises"


HEAVY = {
    "dsp": ("torch", "pandas", "diffusers", "neurokit2", "matplotlib", "wfdb"),
    "recon.cli": ("torch", "pandas", "diffusers", "neurokit2", "matplotlib", "wfdb"),
    "recon.reconstructor": ("torch", "pandas", "diffusers", "neurokit2", "matplotlib", "wfdb"),
    "ecgsynth": ("pandas", "diffusers", "neurokit2", "matplotlib", "wfdb"),
}


@pytest.mark.parametrize("package", HEAVY)
def test_imports_stay_light(package):
    code = f"import sys, {package}; print(*[m for m in {HEAVY[package]!r} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == ""


@pytest.mark.parametrize(
    ("arguments", "limit"), [(["-c", "import dsp"], 0.8), (["-m", "recon.cli", "--help"], 0.5)]
)
def test_start_up_is_quick(arguments, limit):
    """CPU seconds of the best of five starts, so that a busy machine does not decide."""
    code = (
        "import resource, subprocess, sys\n"
        f"subprocess.run([sys.executable, *{arguments!r}], check=True, capture_output=True)\n"
        "use = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(use.ru_utime + use.ru_stime)"
    )
    runs = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(5)
    ]
    assert min(runs) < limit
