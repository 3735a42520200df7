"""Short codes that a paged person answers with: ``K7`` is "I have it", ``K7N`` "I can't".

A code is derived from the link key and the page's name and is unique among the pages of one person of the
last week, so it is worth something only together with the telephone number that it comes from. The first that
is free of a page's own sequence is taken, in the order in which pages were requested: after a restart the
pages that are in memory get the codes that they had. No letter or digit is taken for another; ``N`` is none
of them.
"""

import hashlib
import itertools
import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from irpd.model.page import Page

_LETTERS = "ABCDEFHJKLMPRTUVWXY"
_DIGITS = "23456789"
#: So many codes of one digit are tried, then of two, and so on: who gets thousands of pages a week has longer
#: ones, and each is found soon.
_TRIES = (24, 12, 6, 6, 6, 6, 6, 6)
_TO_LETTER = bytes(ord(_LETTERS[one % len(_LETTERS)]) for one in range(256))
_TO_DIGIT = bytes(ord(_DIGITS[one % len(_DIGITS)]) for one in range(256))
_HELD = timedelta(days=7)
_KEPT = 200_000
_WRITTEN = re.compile(rf"\s*([{_LETTERS}])\s*([{_DIGITS}]{{1,8}})\s*(N|NO)?\s*[.!]?\s*", re.IGNORECASE)


class Codes:
    """The codes of pages. ``note`` must see each page when it is published, before it is sent."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, person=b"irpd codes").digest()
        self._code_of: dict[str, str] = {}  # name of the page → code
        self._page_of: dict[
            tuple[str, str], tuple[str, datetime]
        ] = {}  # (person, code) → page's id, requested

    def note(self, pages: Iterable[Page]) -> None:
        """Give these pages their codes, unless they have them. Nobody answers a message to an audience."""
        fresh = [page for page in pages if page.person and page.name not in self._code_of]
        if len(fresh) > 1:
            fresh.sort(key=lambda page: (page.requested_at, page.incident, len(page.id), page.id))
        for page in fresh:
            self._give(page)

    def code(self, page: Page) -> str:
        """``K7``."""
        if page.name not in self._code_of:
            self._give(page)
        return self._code_of[page.name]

    def page_of(self, person: str, code: str) -> str | None:
        """The id of the page that this person knows by this code."""
        found = self._page_of.get((person, code))
        return found[0] if found else None

    def _give(self, page: Page) -> None:
        code = self._free(page)
        self._code_of[page.name] = code
        self._page_of[page.person, code] = page.id, page.requested_at
        if len(self._code_of) > _KEPT:
            del self._code_of[next(iter(self._code_of))]
        if len(self._page_of) > _KEPT:
            del self._page_of[next(iter(self._page_of))]

    def _free(self, page: Page) -> str:
        """The first of the page's own sequence that is no other page's of this person."""
        about = f"code\0{page.name}\0{page.person}\0".encode()
        for block in itertools.count():
            digest = hashlib.blake2b(about + b"%d" % block, key=self._key).digest()
            letters, digits = digest.translate(_TO_LETTER).decode(), digest.translate(_TO_DIGIT).decode()
            many = min(block, len(_TRIES) - 1)
            width = many + 2  # a letter, and one digit more than in the block before
            for start in range(0, _TRIES[many] * width, width):
                code = letters[start] + digits[start + 1 : start + width]
                held = self._page_of.get((page.person, code))
                if held is None or page.requested_at - held[1] > _HELD:
                    return code
        raise AssertionError("there are more codes than pages are kept")


def written(text: str) -> tuple[str, bool] | None:
    """The code in an answer and whether it says "I can't"; None where it is no such answer."""
    match = _WRITTEN.fullmatch(text[:40]) if len(text) <= 40 else None
    return None if match is None else (match[1].upper() + match[2], match[3] is not None)
