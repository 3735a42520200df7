"""Other people's text made fit to be shown: in a header, on a terminal, in a message.

Everything that a sender wrote (titles, labels, notes) passes through here before any text
is made of it. Control characters, direction overrides and invisible characters go, white
space in a line becomes one space, and what is too long is cut where people can see it
(``…``). What a medium itself takes for markup is escaped where that medium's text is made.
"""

import re
import unicodedata
from urllib.parse import urlsplit

#: Control, direction, invisible and tag characters, halves of surrogate pairs, non-characters.
#: The joiners U+200C and U+200D stay: scripts and emoji are spelled with them.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPACE = re.compile(r"\s+")
_URL = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]{1,2000}")


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last of them ``…`` where something is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def columns(text: str) -> int:
    """How wide it is, in columns as a terminal has them; about so wide is it on a phone."""
    if text.isascii():
        return len(text)
    return sum(map(_width, text))


def _width(character: str) -> int:
    if character == "\ufe0f":  # the sign before it is an emoji: wider by one
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut_columns(text: str, limit: int) -> str:
    """At most ``limit`` columns, ending in ``…`` where something is missing."""
    if columns(text) <= limit:
        return text
    used = 0
    for n, character in enumerate(text):
        used += _width(character)
        if used > limit - 1:
            return text[:n].rstrip(" \u200c\u200d") + "…"
    return text


def cut_bytes(text: str, limit: int) -> str:
    """At most ``limit`` bytes of UTF-8, ending in ``…`` where something is missing."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - 3].decode("utf-8", "ignore").rstrip() + "…"


def cut_units(text: str, limit: int) -> str:
    """At most ``limit`` units of UTF-16, in which some count; ending in ``…`` where something is missing."""
    raw = text.encode("utf-16-le", "replace")
    if len(raw) <= 2 * limit:
        return raw.decode("utf-16-le")
    return raw[: 2 * (limit - 1)].decode("utf-16-le", "ignore").rstrip() + "…"


def line(text: str, limit: int = 300) -> str:
    """One line of at most ``limit`` characters."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    near = text[: 4 * limit + 1000]  # 100 kB of white space cost no more than a title
    # Space once more: what stood between two of them may be gone.
    return cut(_SPACE.sub(" ", _UNWANTED.sub("", _SPACE.sub(" ", near))).strip(), limit)


def block(text: str, limit: int = 2000, lines: int = 20) -> str:
    """Several lines of at most ``limit`` characters together."""
    found = text[: 4 * limit + 1000].splitlines()
    kept = [line(one, limit) for one in found[:lines]]
    if len(found) > lines:
        kept.append("…")
    return cut("\n".join(kept).strip("\n"), limit)


def url(text: str) -> str:
    """An ``http`` or ``https`` URL as it was written, or "" for anything else: an address
    that is cut or repaired leads somewhere else."""
    text = text.strip()
    if _URL.fullmatch(text) is None:
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme.lower() in ("http", "https") and parts.netloc else ""
