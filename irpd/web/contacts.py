"""Contact methods as the API has them: who has confirmed what, asking, and the code that confirms."""

import hmac
from datetime import timedelta
from typing import Any

from aiohttp import web

from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.page import Page
from irpd.oncall.contacts import Contacts, to_verify
from irpd.protocol.contacts import Asked
from irpd.web import bodies as b
from irpd.web.actor import Actor
from irpd.web.bucket import Buckets
from irpd.web.filters import known
from irpd.web.ports import Services
from irpd.web.problem import answer
from irpd.web.views import at_or_null

#: So long a code is worth something.
CODE_ENDS = timedelta(days=1)
#: Codes that may be tried for one person, of a million there are: a second, at once.
_TRIES = (1 / 600, 5.0)


class Contacting:
    def __init__(self, services: Services) -> None:
        self._services = services
        self._tries = Buckets(rate=_TRIES[0], burst=_TRIES[1], names=4096)

    async def contacts(self, request: web.Request, _actor: Actor) -> web.Response:
        """By what each person (``person``: this one) is reached, and whether they confirmed it: verified,
        asked, changed (it was verified, and the address is another now), or unverified."""
        configuration = self._services.engine.policy.configuration
        person = request.query.get("person", "")
        if person:
            known(person, "person", configuration.people)
        contacts = Contacts(self._services.engine.state.contacts)
        views = [
            self._view(contacts, who, channel)
            for who in ((person,) if person else configuration.people)
            for channel in to_verify(configuration, who)
        ]
        document = {"schema": "irpd.contacts/1", "verify": configuration.server.verify, "contacts": views}
        return answer(document)

    def _view(self, contacts: Contacts, person: str, channel: str) -> dict[str, Any]:
        configuration, row = self._services.engine.policy.configuration, contacts.row(person, channel)
        state = "unverified"
        if contacts.verified(configuration, person, channel):
            state = "verified"
        elif row is not None and self._waits(row.page):
            state = "asked"
        elif row is not None and row.verified:
            state = "changed"
        return {
            "person": person,
            "channel": channel,
            "state": state,
            "asked_at": at_or_null(row.asked_at if row else None),
            "verified_at": at_or_null(row.verified_at if row and state == "verified" else None),
        }

    async def verify(self, request: web.Request, actor: Actor) -> web.Response:
        """Ask a person to confirm that what is sent reaches them: a message by each of their channels, or by
        ``via``. They press its link or button, answer it, or type the code that stands in it."""
        body = await b.read_body(request, b.VerifyBody)
        person = request.match_info["person"]
        command = c.VerifyContact(person=person, via=body.via, by=actor.name)
        asked = await self._services.engine.submit(command)
        assert isinstance(asked, Asked)
        document = {"schema": "irpd.contacts-asked/1", "person": person, "pages": list(asked.pages)}
        return answer({**document, "answer": {"changed": True, "text": asked.text}}, status=202)

    async def confirm(self, request: web.Request, actor: Actor) -> web.Response:
        """The six digits of a message that asked you to confirm. After five tries: wait."""
        if not actor.person:
            raise Refusal("who", "whose code is it? Say who you are with --as PERSON (as=PERSON)")
        code = (await b.read_body(request, b.ConfirmBody)).code.replace(" ", "")
        if not self._tries.take(actor.person, self._services.clock.boot()):
            raise Refusal("state", "too many codes were tried: wait ten minutes, or press the link")
        page = self._asked(actor.person, code)
        if page is None:
            raise Refusal("not-found", f"no message to {actor.person} of the last day has this code")
        await self._services.engine.submit(c.SeePage(page=page.id, via="code"))
        channel = page.sends[0].channel
        configuration, contacts = (
            self._services.engine.policy.configuration,
            Contacts(self._services.engine.state.contacts),
        )
        if not contacts.verified(configuration, actor.person, channel):
            raise Refusal("stale", f"the address on {channel} is another by now: ask again")
        text = f"Confirmed: {channel} reaches {actor.person}."
        return answer({"schema": "irpd.contact-confirmed/1", "person": actor.person, "channel": channel,
                       "answer": {"changed": True, "text": text}})  # fmt: skip

    def _asked(self, person: str, code: str) -> Page | None:
        """The message that this code stands in; each is compared, in constant time."""
        found = None
        for row in self._services.engine.state.contacts:
            page = self._services.engine.state.pages.get(row.page)
            if page is None or row.person != person or not self._waits(row.page):
                continue
            digits = self._services.links.digits(page)
            if hmac.compare_digest(digits.encode(), code.encode("utf-8", "replace")):
                found = page
        return found

    def _waits(self, page_id: str) -> bool:
        page = self._services.engine.state.pages.get(page_id)
        return (
            page is not None
            and page.seen_at is None
            and (self._services.clock.now() < page.requested_at + CODE_ENDS)
        )
