"""What the core answered to a press, kept for the page that the press leads back to.

The address carries only a key: a text in it could be anybody's words on our page. After a restart, or when
many presses came since, the key is unknown; the page then says how things are, as it always does.
"""

import secrets
from collections import OrderedDict

KEPT = 1_000


class Said:
    def __init__(self) -> None:
        self._texts: OrderedDict[tuple[str, str], str] = OrderedDict()

    def keep(self, page: str, text: str) -> str:
        """The key under which ``text`` is shown, on this page only; the oldest of 1,000 makes room."""
        key = secrets.token_urlsafe(6)
        self._texts[page, key] = text
        if len(self._texts) > KEPT:
            self._texts.popitem(last=False)
        return key

    def text(self, page: str, key: str) -> str:
        return self._texts.get((page, key), "")
