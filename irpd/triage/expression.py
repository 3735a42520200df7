"""The text of an expression, read without evaluating it: which names and labels it looks at.

Only the shapes of tokens matter in here (texts, names, marks), so that "did you mean" and the values shown
in an explanation need nothing of the library behind ``condition``.
"""

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*)
  | (?P<text>[rRbB]{0,2}(?:
        \"{3}(?:\\.|[^\\])*?\"{3}
      | '{3}(?:\\.|[^\\])*?'{3}
      | "(?:\\.|[^"\\\n])*"
      | '(?:\\.|[^'\\\n])*'))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[0-9][0-9A-Za-z_.]*)
  | (?P<mark>\S)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # text | name | number | mark
    text: str
    start: int

    @property
    def content(self) -> str:
        """What a text token says; the letters as they stand where its escapes aren't Python's too."""
        quoted = self.text.lstrip("rRbB")
        raw = "r" in self.text[: len(self.text) - len(quoted)].lower()
        try:
            return str(ast.literal_eval(("r" if raw else "") + quoted))
        except (ValueError, SyntaxError):
            return quoted.strip("\"'")


@dataclass(frozen=True, slots=True)
class Reads:
    """``names`` are the variables, ``labels`` the labels read by name, both in order of appearance;
    ``unguarded`` the labels read bare (``labels.x``) with nothing that asks whether they are there, each
    with its offset; ``patterns`` the texts given to ``matches``, each with its offset."""

    names: tuple[str, ...]
    labels: tuple[str, ...]
    unguarded: tuple[tuple[str, int], ...]
    patterns: tuple[tuple[str, int], ...]


def tokens(expression: str) -> list[Token]:
    return [
        Token(found.lastgroup or "mark", found.group(), found.start())
        for found in _TOKEN.finditer(expression)
        if found.lastgroup != "comment"
    ]


def conjuncts(expression: str) -> tuple[str, ...]:
    """The parts that ``&&`` joins outside of brackets; only the whole where ``||`` or ``?`` stand there."""
    parts: list[str] = []
    depth, begin, before = 0, 0, ""
    for token in tokens(expression):
        mark = token.text if token.kind == "mark" else ""
        depth += (mark in _OPENING) - (mark in _CLOSING) if mark else 0
        if not depth and mark in ("?", "|"):
            return (expression,)
        if not depth and mark == before == "&":
            parts.append(expression[begin : token.start - 1].strip())
            begin, mark = token.start + 1, ""
        before = mark
    return (*parts, expression[begin:].strip())


_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")


@lru_cache(maxsize=2048)
def reads(expression: str) -> Reads:
    found = tokens(expression)
    texts = [token.text for token in found]
    names: dict[str, None] = {}
    labels: dict[str, None] = {}
    bare: list[tuple[str, int]] = []
    asked: set[str] = set()
    patterns: list[tuple[str, int]] = []
    for n, token in enumerate(found):
        before = texts[n - 1] if n else ""
        after = texts[n + 1 : n + 5]
        if token.kind == "text" and after[:2] == ["in", "labels"]:
            labels.setdefault(token.content)
            asked.add(token.content)
        if token.kind != "name":
            continue
        if token.text == "matches" and before == "." and after[:1] == ["("] and found[n + 2].kind == "text":
            patterns.append((found[n + 2].content, found[n + 2].start))
        if before == "." or after[:1] == ["("]:
            continue
        names.setdefault(token.text)
        if token.text != "labels":
            continue
        label, is_bare = _label(found[n : n + 6])
        if label is None:
            continue
        labels.setdefault(label)
        if n >= 2 and texts[n - 2 : n] == ["has", "("]:
            asked.add(label)
        elif is_bare:
            bare.append((label, token.start))
    return Reads(
        names=tuple(names),
        labels=tuple(labels),
        unguarded=tuple((label, start) for label, start in bare if label not in asked),
        patterns=tuple(patterns),
    )


def _label(found: list[Token]) -> tuple[str | None, bool]:
    """The label that ``labels…`` reads here, and whether it errs when there is none."""
    match [token.text for token in found[1:]]:
        case [".", "get", "(", _, ")", *_] if found[4].kind == "text":
            return found[4].content, False
        case [".", _, "(", *_]:
            return None, False
        case [".", name, *_] if found[2].kind == "name":
            return name, True
        case ["[", _, "]", *_] if found[2].kind == "text":
            return found[2].content, True
        case _:
            return None, False
