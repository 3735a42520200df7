"""Colour and width: only on a terminal, and never where NO_COLOR is set."""

import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

import click

_LEVEL_COLOURS = {1: "red", 2: "yellow", 3: "cyan", 4: None}


def colourful() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """80 columns, or what a terminal has up to 120."""
    return min(120, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


def bold(text: str) -> str:
    return click.style(text, bold=True) if colourful() else text


def dim(text: str) -> str:
    return click.style(text, dim=True) if colourful() else text


def in_level(level: int, text: str) -> str:
    if not colourful():
        return text
    return click.style(text, fg=_LEVEL_COLOURS.get(level), bold=level <= 2)


def clean(text: object, *, stripped: bool = True) -> str:
    """One line without control characters: senders write these texts, terminals obey them."""
    line = "".join(c if c.isprintable() else " " for c in str(text))
    return line.strip() if stripped else line.rstrip()


def counted(number: int, word: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def wrapped(text: str, *, indent: int = 4) -> list[str]:
    """As many lines as it takes, those after the first indented."""
    return textwrap.wrap(
        text, width(), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


def fitted(text: str, *, whole: bool, indent: int) -> list[str]:
    """One line on a terminal, or as many as it takes where the ``whole`` is asked for. What is piped on is
    never cut."""
    if not sys.stdout.isatty():
        return [text]
    return wrapped(text, indent=indent) if whole else [cut(text, width())]


def table(
    rows: Sequence[Sequence[str]], *, flexible: int, styles: Iterable[tuple[int, int]] = ()
) -> list[str]:
    """Columns side by side; on a terminal the ``flexible`` one gives way when the line is too long. What is
    piped on is whole."""
    if not rows:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    over = sum(widths) + 2 * (len(widths) - 1) - width()
    if over > 0 and sys.stdout.isatty():
        widths[flexible] = max(12, widths[flexible] - over)
    levels = dict(styles)
    lines = []
    for number, row in enumerate(rows):
        cells = [cut(cell, widths[n]).ljust(widths[n]) for n, cell in enumerate(row)]
        if number in levels:
            cells[1] = in_level(levels[number], cells[1])
        lines.append("  ".join(cells).rstrip())
    return lines


def echo(lines: str | Iterable[str]) -> None:
    click.echo(lines if isinstance(lines, str) else "\n".join(lines))


def progress(what: str, seen: int, of: int) -> None:
    """A line on standard error that is written over, on a terminal only; ``of`` 0: how many is not known."""
    if sys.stderr.isatty():
        bar = f" [{'#' * (seen * 30 // of):<30}] {seen * 100 // of} %" if of else f" {seen:,}"
        click.echo(f"\r{what}{bar}\x1b[K", err=True, nl=bool(of) and seen >= of)
