"""Text that fits a mobile network's own alphabet, so that a message has 160 characters and not 70.

Facts: 3GPP TS 23.038, 6.2.1 (the default alphabet, and its extension table, whose characters count twice);
a message holds 160, each part of a longer one 153. One character outside makes the whole message UCS-2, with
70 characters in it. ``plain`` lets none through.
"""

import unicodedata

from irpd.comms import clean

_ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€")
_ALIKE = str.maketrans({
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-", "…": "...", "·": "-", "•": "-", "→": "->",
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'", "´": "'",
    "×": "x", "÷": "/", "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~", "µ": "u", "°": " deg", "©": "(c)",
    "®": "(R)", "™": "(TM)", "№": "No", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i", "Œ": "OE",
    "œ": "oe", "ẞ": "SS", "Þ": "Th", "þ": "th", "ð": "d", "ç": "c",
    "\t": " ", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
})  # fmt: skip


def plain(text: str) -> str:
    """The text in the alphabet: what has something alike in it becomes that, accents go, the rest is ``?``
    (several after each other one)."""
    if text.isascii() and "`" not in text:
        return text
    found: list[str] = []
    for character in text.translate(_ALIKE):
        if character in _ALPHABET or character in _TWICE:
            found.append(character)
            continue
        parts = unicodedata.normalize("NFKD", character).translate(_ALIKE)
        kept = "".join(c for c in parts if c in _ALPHABET or c in _TWICE)
        if kept:
            found.append(kept)
        elif not unicodedata.combining(character) and found[-1:] != ["?"]:
            found.append("?")
    return "".join(found)


def length(text: str) -> int:
    """How many places it takes; two for what is in the extension table."""
    return len(text) + sum(character in _TWICE for character in text)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` places, ending in ``...`` where something is missing."""
    if length(text) <= limit:
        return text
    kept = clean.cut(text, limit).removesuffix("…")
    while kept and length(kept) > limit - 3:
        kept = kept[:-1]
    return f"{kept.rstrip()}..."[:limit]
