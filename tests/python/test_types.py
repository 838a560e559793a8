"""Types that the package tells to type checkers (`make lint` checks the package against them)."""

from __future__ import annotations

import ast
import types
from importlib.resources import files
from typing import Any

from forcesmith import _core

PACKAGE = files("forcesmith")


def test_package_has_types():
    """Without this file type checkers pass over the types of an installed package."""
    assert (PACKAGE / "py.typed").is_file()


def test_stub_of_the_core():
    """_core.pyi has the names, parameters, defaults and properties of the compiled module."""
    stub = of_stub(ast.parse((PACKAGE / "_core.pyi").read_text()).body)
    assert stub == of_module(_core)
    assert "evaluate" in stub["Evaluator"]


def of_stub(statements: list[ast.stmt]) -> dict[str, Any]:
    """What is declared, by name: types of values, signatures, whether properties can be set."""
    found: dict[str, Any] = {}
    for node in statements:
        if isinstance(node, ast.AnnAssign):
            found[ast.unparse(node.target)] = ast.unparse(node.annotation)
        elif isinstance(node, ast.ClassDef):
            found[node.name] = of_stub(node.body)
        elif isinstance(node, ast.FunctionDef):
            kinds = {ast.unparse(decorator).split(".")[-1] for decorator in node.decorator_list}
            if kinds & {"property", "setter"}:
                found[node.name] = "setter" in kinds
            else:
                found[node.name] = signature(node)
    return found


def of_module(owner: types.ModuleType | type) -> dict[str, Any]:
    """The same of the compiled module, whose docstrings begin with signatures."""
    found: dict[str, Any] = {}
    for name, value in vars(owner).items():
        doc = getattr(owner, name).__doc__ or ""
        if name.startswith("_") and name != "__version__" and not doc.startswith("__init__(self: "):
            continue
        if isinstance(value, property):
            found[name] = value.fset is not None
        elif isinstance(value, type):
            found[name] = of_module(value)
        elif callable(getattr(owner, name)):
            [function] = ast.parse(f"def {doc.splitlines()[0]}: ...").body
            found[name] = signature(function)
        else:
            found[name] = type(value).__name__
    return found


def signature(function: ast.FunctionDef) -> tuple[list[str], list[str], bool]:
    """Names of the parameters, defaults of the last ones, and whether it returns something."""
    names = [parameter.arg for parameter in function.args.args]
    defaults = [ast.unparse(default) for default in function.args.defaults]
    return names, defaults, ast.unparse(function.returns) != "None"
