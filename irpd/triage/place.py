"""From an offset in a YAML scalar's value to the line and column in its file.

YAML folds and trims white space but keeps all other characters of plain, single-quoted and block scalars
in order. So the n-th visible character of the value is the n-th visible one of the source, after the marks
that open it. Where that doesn't hold (escapes in double quotes) the scalar's own beginning is the answer.
"""

from collections.abc import Iterator

from irpd.config.yaml import Position


def position_in(lines: tuple[str, ...], start: Position, value: str, offset: int) -> Position:
    """``start`` is where the scalar begins; ``offset`` counts characters of ``value`` from 0."""
    visible = [c for c in value if not c.isspace()]
    if not visible:
        return start
    target = sum(not c.isspace() for c in value[:offset])
    wanted = min(target, len(visible) - 1)
    last: Position | None = None
    source = _visible(lines, start)
    for number, char in enumerate(visible):
        found = next(source, None)
        if found is None or found[0] != char:
            return start
        last = found[1]
        if number == wanted:
            break
    if last is None:
        return start
    # At the very end, or on white space behind a character: one further than that character.
    if target > wanted or (offset < len(value) and value[offset].isspace() and target == 0):
        return Position(last.line, last.column + 1)
    return last


def _visible(lines: tuple[str, ...], start: Position) -> Iterator[tuple[str, Position]]:
    """The visible characters of the scalar that begins at ``start``, each with its place."""
    first = lines[start.line - 1] if start.line <= len(lines) else ""
    opening = first[start.column - 1 : start.column]
    quote = opening if opening in ("'", '"') else ""
    line, column = start.line, start.column + (1 if quote else 0)
    if opening in ("|", ">"):
        line, column = line + 1, 1
    while line <= len(lines):
        text = lines[line - 1]
        while column <= len(text):
            char = text[column - 1]
            place = Position(line, column)
            column += 1
            if char.isspace():
                continue
            if quote == "'" and char == "'":
                if text[column - 1 : column] != "'":
                    return
                column += 1
            yield char, place
        line, column = line + 1, 1
