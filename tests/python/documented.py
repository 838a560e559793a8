"""What the source says of attributes; classes that check values at every start do not read it."""

import ast
import inspect
import itertools


def documented_attributes(section: type) -> set[str]:
    """Those followed by a text, in the source of a class and of what it inherits from."""
    found = set()
    for one in section.__mro__:
        if one.__module__.startswith("forcesmith"):
            (tree,) = ast.parse(inspect.getsource(one)).body
            for statement, text in itertools.pairwise(tree.body):
                is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
                if isinstance(statement, ast.AnnAssign) and is_text:
                    found.add(statement.target.id)
    return found
