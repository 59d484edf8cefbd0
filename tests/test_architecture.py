"""Dependencies point one way, and documents name what exists."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# a room and what it may not import
CLOSED = {
    "search": {"hub", "workers", "seeds", "flask", "sqlalchemy"},
    "workers/matching": {"hub", "workers.jobs", "workers.queue", "seeds", "flask", "sqlalchemy"},
    "hub": {"workers"},
    "hub/models": {"hub.domain", "hub.web", "hub.policy", "flask", "search"},
    "hub/domain": {"hub.web", "hub.app", "hub.cli", "flask", "redis", "rq"},
    "workers/jobs": {"hub.web", "hub.app", "flask"},
}


def modules(room: str) -> Iterator[Path]:
    yield from sorted((ROOT / room).rglob("*.py"))


def imports(source: str) -> set[str]:
    """Every module that the source imports, at any depth of indentation."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def forbidden(source: str, closed: set[str]) -> set[str]:
    return {name for name in imports(source) if any(f"{name}.".startswith(f"{c}.") for c in closed)}


@pytest.mark.parametrize("room", CLOSED)
def test_a_room_imports_nothing_from_above(room: str) -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in modules(room)
        if (names := forbidden(path.read_text(encoding="utf-8"), CLOSED[room]))
    }
    assert found == {}


def test_the_finder_sees_imports_anywhere() -> None:
    source = "def f():\n    from workers.jobs import x\nimport hubble"
    assert forbidden(source, {"workers", "hub"}) == {"workers.jobs", "workers.jobs.x"}


def test_views_commit_and_rules_do_not() -> None:
    for path in modules("hub/domain"):
        assert not re.search(r"\.commit\(", path.read_text(encoding="utf-8")), path


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    bad = re.compile(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son[a-z]+=|javascript:", re.I)
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not bad.search(text), f"{path}: {bad.search(text)}"


def test_the_readme_names_every_setting_and_make_target() -> None:
    from hub.config import Settings

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`{name.upper()}`" in readme, name
    for target in re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), flags=re.M):
        assert f"make {target}" in readme, target
