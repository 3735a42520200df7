"""What is wrong in an expression, said to the person who wrote it.

The library tells of mistakes in one text, ``ERROR: <input>:LINE:COLUMN: words`` for each; here they become
offsets and words of ours. Lines and columns count from 1, columns in code points.
"""

import re
from dataclasses import dataclass

from irpd.config.problem import quoted, suggest
from irpd.triage.expression import tokens
from irpd.triage.vocabulary import FUNCTIONS, NAMES

_ERROR = re.compile(r"^(?:\w+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in an expression, at which offset of its text."""

    offset: int
    message: str


def mistakes_in(expression: str, message: str) -> list[Mistake]:
    found = [
        _mistake(expression, int(line), int(column), text) for line, column, text in _ERROR.findall(message)
    ]
    unique = list(dict.fromkeys(found))
    # One wrong letter makes the parser stumble several times: the first place is the one to look at.
    if unique and unique[0].message.startswith("syntax error"):
        return unique[:1]
    return unique or [Mistake(0, plain(message))]


def _mistake(expression: str, line: int, column: int, text: str) -> Mistake:
    text = re.sub(r" \[[A-Z_]+\]$", "", text)
    offset = _offset(expression, line, column)
    if found := re.match(r"undeclared reference to '(.*?)' \(in container", text):
        return _unknown(expression, found[1], offset)
    if found := re.match(r"found no matching overload for '(.*?)' applied to '\((.*)\)'", text):
        return Mistake(offset, _no_overload(found[1], found[2]))
    if text.startswith("Syntax error"):
        return Mistake(offset, _syntax(expression, offset, text))
    return Mistake(offset, text[:300])


def _offset(expression: str, line: int, column: int) -> int:
    lines = expression.split("\n")
    if not 1 <= line <= len(lines):
        return 0
    return sum(len(one) + 1 for one in lines[: line - 1]) + max(column - 1, 0)


def _unknown(expression: str, name: str, offset: int) -> Mistake:
    called = expression[offset : offset + 1] == "("
    before = [token for token in tokens(expression) if token.start <= offset and token.kind == "name"]
    root = name.split(".", maxsplit=1)[0]
    # The library points behind what it didn't know; the eye looks for its first letter.
    start = next((token.start for token in reversed(before) if token.text in (name, root)), offset)
    if called and name in NAMES:
        return Mistake(start, f"{name} is a value, not a function")
    if called and name == "get":
        return Mistake(start, 'get is for labels and takes one text: labels.get("x")')
    if called:
        return Mistake(start, f"unknown function {quoted(name)}{suggest(name, FUNCTIONS)}")
    return Mistake(
        start, f"unknown name {quoted(root)}{suggest(root, NAMES) or '; known: ' + ', '.join(NAMES)}"
    )


def _no_overload(function: str, types: str) -> str:
    operator = function.strip("_")
    kinds = {kind.strip() for kind in re.split(r",\s*(?![^(]*\))", types)}
    if function == "_?_:_":
        return "both answers of ? : must be of one type"
    if function in ("_&&_", "_||_", "!_"):
        return f"{operator} needs yes or no on each side, not ({types})"
    if function.startswith("_") or function.endswith("_"):
        mixed = "; a double needs a number with a point: 1.0, not 1" if kinds == {"double", "int"} else ""
        return f"{operator} doesn't work on ({types}){mixed}"
    return f"{function} doesn't take ({types})"


def _syntax(expression: str, offset: int, text: str) -> str:
    if not expression.strip():
        return "syntax error: the expression is empty"
    if offset >= len(expression.rstrip()):
        return "syntax error: the expression ends too early"
    rest = expression[offset:]
    word = re.match(r"\w+|\S", rest)
    shown = quoted(word.group() if word else rest[:1])
    hints = {"and": "&&", "or": "||", "not": "!", "=": "=="}
    hint = next((f"; did you mean {hints[w]}?" for w in hints if word and word.group() == w), "")
    return f"syntax error at {shown}{hint}"


def plain(message: str) -> str:
    """The library's words without its wrapping, on one line of bounded length that a terminal can show:
    they may repeat what a signal said."""
    text = re.sub(r"\s*\[[A-Z_]+\]$", "", " ".join(message.split()))
    text = re.sub(r"^[A-Z_]+: ", "", text)[:300]
    return "".join(c if c.isprintable() else "?" for c in text)
