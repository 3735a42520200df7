"""Which page a link's token belongs to.

A token is an HMAC over page and person, so it can't be turned back into its page; this
index holds the tokens of all pages in memory and is kept up as pages are published. Pages
of incidents that have left memory stay in it, up to a bound, so that a late press finds
out how things ended.
"""

import asyncio
from collections.abc import Collection, Iterable

import structlog

from irpd.model.incident import Incident
from irpd.model.page import Page
from irpd.web.history import History
from irpd.web.ports import EngineLike, LinksLike

KEPT = 500_000
_CHUNK = 500
_PAST_CHUNK = 100
_PAST = 5_000  # incidents that have left memory and are looked through at start

log = structlog.get_logger("irpd.web.tokens")


class Tokens:
    def __init__(self, engine: EngineLike, links: LinksLike, history: History, *, kept: int = KEPT) -> None:
        self._engine = engine
        self._links = links
        self._history = history
        self._kept = kept
        self._page_of: dict[str, str] = {}
        self._known: set[str] = set()
        engine.on_publish(self._published)

    def __len__(self) -> int:
        return len(self._page_of)

    def page_id(self, token: str) -> str | None:
        return self._page_of.get(token)

    async def build(self) -> None:
        """Index what is in memory, then what has left it not long ago. The loop goes on meanwhile."""
        pages = list(self._engine.state.pages.values())
        for start in range(0, len(pages), _CHUNK):
            self._add(pages[start : start + _CHUNK])
            await asyncio.sleep(0)
        try:
            known = self._engine.state.incidents
            number = max(known, default=0) or await self._history.highest_incident()
            past = [n for n in range(number, max(0, number - _PAST), -1) if n not in known]
            for start in range(0, len(past), _PAST_CHUNK):
                for stored in await self._history.incidents(past[start : start + _PAST_CHUNK]):
                    self._add(stored[2])
        except Exception as error:  # whatever reading raises, links of what is in memory work
            log.warning("links.past_not_indexed", error=repr(error))

    def _published(self, pages: Collection[Page], _incidents: Collection[Incident]) -> None:
        self._add(pages)

    def _add(self, pages: Iterable[Page]) -> None:
        for page in pages:
            if page.id in self._known or not page.person:  # a message to an audience has no link
                continue
            self._known.add(page.id)
            self._page_of[self._links.token(page)] = page.id
            if len(self._page_of) > self._kept:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        """The oldest whose incident has left memory; with none such, the bound waits."""
        live = self._engine.state.pages
        for looked_at, (token, page_id) in enumerate(self._page_of.items()):
            if page_id not in live:
                del self._page_of[token]
                self._known.discard(page_id)
                return
            if looked_at > 100:
                return
