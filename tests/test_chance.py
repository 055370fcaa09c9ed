"""Tests in which the sandbox fails by chance give a seed, so that each run of them is the same.

The page of `segcli ui` takes no seed: its tests expect what holds for any faults.
"""

import ast
import re
from collections.abc import Iterator, Sequence

from support.samples import ROOT

# A fault that some requests meet, as --fault takes it.
BY_CHANCE = re.compile(r"(--fault=)?(\d{3}|reset|timeout|item):(?!100%)[\d.]+%")
SEED = re.compile(r"--seed(=\d+)?")
TO_THE_PAGE = "api/send"


def test_faults_by_chance_have_a_seed() -> None:
    files = (ROOT / "tests").rglob("*.py")
    found = {
        f"{file.relative_to(ROOT)}:{line}" for file in files for line in unseeded(file.read_text())
    }

    assert not found


def unseeded(source: str) -> Iterator[int]:
    """Yield the lines of functions, and of constants, with faults by chance and without a seed."""
    module = ast.parse(source)
    constants = [one for one in module.body if isinstance(one, ast.Assign | ast.AnnAssign)]
    functions = [one for one in ast.walk(module) if isinstance(one, ast.FunctionDef)]
    for line, body in [
        *((one.lineno, [one]) for one in constants),
        *((one.lineno, one.body) for one in functions),
    ]:
        texts = set(texts_in(body))
        if any(map(BY_CHANCE.fullmatch, texts)) and not (
            any(map(SEED.fullmatch, texts)) or TO_THE_PAGE in texts
        ):
            yield line


def texts_in(body: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield the texts of statements."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_rule_finds_what_it_forbids() -> None:
    without = 'def run():\n    segcli("send", "--fault", "503:20%")\n\n\nFAULTS = "item:3%"\n'

    assert sorted(unseeded(without)) == [1, 5]
    assert not list(unseeded(without.replace('%")', '%", "--seed", 7)').replace("3%", "100%")))
