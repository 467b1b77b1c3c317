"""Check of the project's words: docstrings, comments, test names, English documentation and the English catalogue.

Usage: python -m tests.lint.words [FILE…]     (without a file: every file of the project)
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BAN = Path(__file__).with_name("ban.txt")
CATALOGUE = "haichieu/locale/en/messages.po"
NOT_ENGLISH = (".vi.md",)
NOT_OURS = ("tests/lint/", "tests/admin/vendor/", "admin/static/vendor/", "CONTRIBUTING.md", "CHANGELOG.md")
"""Other people's text, and pages that quote the words they advise against."""
INDIRECT_QUESTION = re.compile(r"(what|who|whom|whose|whether|how|which|where|when|why)\b(?!.*\?)", re.IGNORECASE)
MAX_TEST_NAME = 70


@dataclass(frozen=True)
class Rule:
    """A banned expression and its replacement."""

    expression: re.Pattern[str]
    replacement: str


@dataclass(frozen=True)
class Text:
    """A piece of prose with its line."""

    line: int
    words: str


def rules() -> list[Rule]:
    """Read the ban list."""
    rows = [line.split("\t") for line in BAN.read_text().splitlines() if line and not line.startswith("#")]
    return [Rule(re.compile(expression, re.IGNORECASE), replacement) for expression, replacement in rows]


def faults_of(name: str, content: str, banned: Sequence[Rule]) -> list[str]:
    """Return the faults of one file, each as `file:line: sentence`."""
    any_rule = _any_of(tuple(banned))
    nodes = list(ast.walk(ast.parse(content))) if name.endswith(".py") else []
    faults = []
    for text in _texts(name, content, nodes, any_rule):
        for rule in banned if any_rule.search(text.words) else ():
            if found := rule.expression.search(text.words):
                faults.append(f"{name}:{text.line}: “{found[0]}”: write {rule.replacement}")
    return faults + [f"{name}:{line}: {fault}" for line, fault in _faults_of_names(nodes)]


@cache
def _any_of(banned: tuple[Rule, ...]) -> re.Pattern[str]:
    """Return one expression for all: most texts match none, and it is faster than trying each."""
    return re.compile("|".join(f"(?:{rule.expression.pattern})" for rule in banned), re.IGNORECASE)


def _texts(name: str, content: str, nodes: Sequence[ast.AST], any_rule: re.Pattern[str]) -> Iterator[Text]:
    if name.endswith(".py"):
        yield from _docstrings(nodes)
        if any(any_rule.search(part.lstrip()) for part in re.findall("(?=#(.*))", content)):  # a tokenizer is slow
            yield from _comments(content)
        yield from _test_names(nodes)
    elif name == CATALOGUE:
        for number, line in enumerate(content.splitlines(), 1):
            if line.startswith(("msgstr", '"')):
                yield Text(number, line.partition('"')[2].rstrip('"'))
    else:
        for number, line in enumerate(content.splitlines(), 1):
            yield Text(number, re.sub(r"`[^`]*`", "`code`", line).lstrip("|*-# "))


def _docstrings(nodes: Sequence[ast.AST]) -> Iterator[Text]:
    for node in nodes:
        for child in getattr(node, "body", []) if hasattr(node, "body") and isinstance(node.body, list) else []:
            if (
                isinstance(child, ast.Expr)
                and isinstance(child.value, ast.Constant)
                and isinstance(child.value.value, str)
            ):
                words = re.sub(r"`[^`]*`", "`code`", child.value.value)
                for number, line in enumerate(words.splitlines()):
                    yield Text(child.lineno + number, line.strip())


def _comments(content: str) -> Iterator[Text]:
    for token in tokenize.generate_tokens(io.StringIO(content).readline):
        if token.type == tokenize.COMMENT:
            yield Text(token.start[0], token.string.lstrip("# "))


def _test_names(nodes: Sequence[ast.AST]) -> Iterator[Text]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield Text(node.lineno, node.name.removeprefix("test_").replace("_", " "))


def _faults_of_names(nodes: Sequence[ast.AST]) -> Iterator[tuple[int, str]]:
    docstring = ast.get_docstring(nodes[0]) or "" if nodes and isinstance(nodes[0], ast.Module) else ""
    if INDIRECT_QUESTION.match(docstring.split("\n\n")[0]):
        yield 1, f"“{docstring.split()[0]} …”: a module docstring names the thing, not a question about it"
    for node in nodes:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name.startswith("test_") and len(node.name) > MAX_TEST_NAME:
            yield node.lineno, f"{node.name} has {len(node.name)} characters; at most {MAX_TEST_NAME} fit"


def _files() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if (ROOT / name).is_file()]


def main(arguments: Sequence[str]) -> int:
    """Print the faults of the given files, or of all; return 1 when there are any."""
    banned = rules()
    faults = [
        fault
        for name in arguments or _files()
        if name.endswith((".py", ".md")) or name == CATALOGUE
        if not name.endswith(NOT_ENGLISH) and not name.startswith(NOT_OURS)
        for fault in faults_of(name, (ROOT / name).read_text(encoding="utf-8"), banned)
    ]
    for fault in faults:
        print(fault)
    if faults:
        print(f"{len(faults)} places to reword; the rules are in CONTRIBUTING.md")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
