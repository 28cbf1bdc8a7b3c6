"""Compares the page on the architecture with the packages and their imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.markdown import DOCS, ROOT, blocks, code, read, section, table

PAGE = "docs/architecture.md"
PACKAGE = ROOT / "taskmgr"
# Modules that everything else may import; the page says that they are left out of the picture.
LEAVES = {"setting_parsers", "settings", "logs", "exception_text", "tally", "verify_log", "version"}
# Names that a page gives as an example, or that are not ours.
EXAMPLES = {
    "InvalidOptions",
    "test_a_task_with_an_open_blocker_cannot_be_completed",
    "utils.py",
}
DECISIONS = [f"docs/decisions/{path.name}" for path in sorted((DOCS / "decisions").glob("*.md"))]


def test_the_arrows_of_the_picture_are_the_imports() -> None:
    picture = blocks(section(read(PAGE), "Layers"), "mermaid")[0].text
    arrows = set(re.findall(r'^ *(\w+)(?:\["[^"]*"\])? --> (\w+)', picture, re.MULTILINE))
    imports = {(start, end) for start, end in _imports() if not {start, end} & LEAVES}

    assert arrows == imports


def test_the_modules_that_the_picture_leaves_out_import_only_the_domain_and_each_other() -> None:
    sentence = next(line for line in section(read(PAGE), "Layers").splitlines() if "left out" in line)

    assert {name.removesuffix(".py") for name in code(sentence) if name.endswith(".py")} == LEAVES
    assert {end for start, end in _imports() if start in LEAVES} <= {"domain", *LEAVES}


def test_the_table_lists_every_package() -> None:
    listed = [code(row[0])[0] for row in table(section(read(PAGE), "Layers"))]
    packages = [path.parent for path in PACKAGE.rglob("__init__.py")]

    assert sorted(listed) == sorted(f"{path.relative_to(ROOT)}/" for path in packages)


@pytest.mark.parametrize("page", [PAGE, "CONTRIBUTING.md", *DECISIONS])
def test_every_module_and_name_of_the_code_that_a_page_mentions_exists(page: str) -> None:
    sources = [path for folder in ("taskmgr", "tests", "benchmarks") for path in _files(folder)]
    paths = [f"/{path.relative_to(ROOT)}" for path in sources]
    sources += (ROOT / "web/src").rglob("*.ts")
    names = set(re.findall(r"\w+", "".join(path.read_text("utf-8") for path in sources)))
    for word in set(code(read(page))) - EXAMPLES:
        if re.fullmatch(r"[\w/]+\.py", word):
            assert (ROOT / word).exists() or any(path.endswith(f"/{word}") for path in paths), word
        elif re.fullmatch(r"_?[A-Z]+(_[A-Z]+)+|_?[a-z]+(_[a-z]+)+|([A-Z][a-z]+){2,}", word):
            assert word in names, word


def _files(folder: str) -> list[Path]:
    return [path for path in (ROOT / folder).rglob("*.py") if path != Path(__file__)]


def _imports() -> Iterator[tuple[str, str]]:
    """Yields which part of the package imports which other part."""
    for path in PACKAGE.rglob("*.py"):
        start = _part(("taskmgr", *path.relative_to(PACKAGE).with_suffix("").parts))
        for name in _imported(path):
            if name[0] == "taskmgr" and _part(name) != start:
                yield start, _part(name)


def _imported(path: Path) -> Iterator[tuple[str, ...]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "taskmgr":
            yield from (("taskmgr", alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield tuple(node.module.split("."))


def _part(name: tuple[str, ...]) -> str:
    """Returns the package or module below `taskmgr` to which a name belongs, or `taskmgr` itself."""
    below = name[1:2]
    is_part = below and any((PACKAGE / below[0]).with_suffix(suffix).exists() for suffix in ("", ".py"))
    return below[0] if is_part and below != ("__init__",) else "taskmgr"
