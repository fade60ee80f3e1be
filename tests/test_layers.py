"""Imports point downward only: see docs/architecture.md."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "lodeline"

# Each layer may import the layers named beside it, and itself.
ALLOWED = {
    "errors": set(),
    "units": {"errors"},
    "data": {"errors", "units"},
    "solver": {"errors", "units"},
    "network": {"errors", "units", "data", "solver"},
    "scenarios": {"errors", "units", "data", "network"},
    "results": {"errors", "units", "data", "network", "solver", "scenarios"},
    "studies": {"errors", "units", "data", "network", "solver", "scenarios", "results"},
    "report": {"errors", "units", "results"},
    "bench": {"errors", "units", "network", "solver", "scenarios", "studies"},
    "cli": {
        "errors",
        "units",
        "data",
        "network",
        "scenarios",
        "results",
        "studies",
        "report",
        "bench",
    },
}


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "lodeline" else None


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_imports_point_downward(path):
    relative = path.relative_to(SOURCE)
    layer = relative.parts[0].removesuffix(".py")
    if layer == "__init__":
        return
    used = {layer_of(m) for m in imports_of(path)} - {None, layer, "__version__"}
    assert layer in ALLOWED, f"{path}: a layer that the house does not have"
    assert used <= ALLOWED[layer], f"{relative} imports {used - ALLOWED[layer]}"


def test_a_violation_would_be_found(tmp_path):
    bad = tmp_path / "x.py"
    bad.write_text("from lodeline.cli import main\n")
    assert {layer_of(m) for m in imports_of(bad)} == {"cli"}
