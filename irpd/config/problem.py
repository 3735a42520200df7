"""What is wrong in a file, where, and what is allowed: the one way all rooms say it."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

_SHOWN = 24  # names listed after a message; a longer list helps nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1; 0 where the file as a whole is meant.

    ``path`` is where in the document (``people.asha.phone``), ``source_line`` the line as it stands in the
    file, for a caret below it; empty where the line may hold a secret.
    """

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    message: str
    allowed: tuple[str, ...] = ()
    severity: Literal["error", "warning"] = "error"
    source_line: str = ""

    @property
    def place(self) -> str:
        """``file:line:column``, as editors understand it."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        return f"{self.place}: {self.severity}: {path}{self.message}{_listed(self.allowed)}"


class ConfigurationError(Exception):
    """The files can't be used. ``problems`` is everything that was found, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def suggest(name: object, allowed: Iterable[str]) -> str:
    """``; did you mean chi?`` to put behind a message, or nothing when no name is near."""
    folded = {known.casefold().replace("_", "-"): known for known in allowed}
    wanted = str(name)[:100].casefold().replace("_", "-")
    near = difflib.get_close_matches(wanted, list(folded), n=1, cutoff=0.6)
    return f"; did you mean {folded[near[0]]}?" if near else ""


def quoted(value: object) -> str:
    """A name or value as it is shown in a message: in double quotes, cut when it is long."""
    text = str(value)
    shown = text if len(text) <= 60 else text[:57] + "..."
    return '"' + "".join(c if c.isprintable() else "?" for c in shown) + '"'


def path_text(path: Sequence[str | int]) -> str:
    """``("steps", 1, "person")`` as ``steps[1].person``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def in_file_order(problems: Iterable[Problem], files: Sequence[str] = ()) -> list[Problem]:
    """By file (in the order of ``files``, others after them as they come), line and column; no doubles."""
    unique = list(dict.fromkeys(problems))
    order = {file: n for n, file in reversed(list(enumerate([*files, *(p.file for p in unique)])))}
    return sorted(unique, key=lambda p: (order[p.file], p.line, p.column))


def _listed(allowed: tuple[str, ...]) -> str:
    if not allowed:
        return ""
    more = f", and {len(allowed) - _SHOWN} more" if len(allowed) > _SHOWN else ""
    return f" ({', '.join(allowed[:_SHOWN])}{more})"
