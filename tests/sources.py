"""The modules of the program, parsed once per test process."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("haichieu", "dialplans", "broadcast_bridge", "feedback", "ivr", "admin")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Return every node of a module, the module itself first."""
    return list(ast.walk(ast.parse(path.read_text())))
