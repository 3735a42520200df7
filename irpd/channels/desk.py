"""Where people's answers from every channel arrive, and become the commands that they mean.

Who answers is whoever the configuration says is reached at the address that the answer came from: a code or a
button alone lets nobody act. An answer that comes late changes nothing and hears who has it; whoever wants to
join does so by the link. Each answer, also a refusal, is a sentence that the channel hands back.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from irpd.channels.inbound import Does, NotSaved
from irpd.channels.words import meaning
from irpd.comms import clean
from irpd.comms.codes import written
from irpd.comms.links import Links
from irpd.comms.story import Subject, person_name
from irpd.comms.texts import render
from irpd.config.values import Configuration
from irpd.engine.ports import Clock
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.model.incident import Incident, Member, State
from irpd.model.page import Page, PageKind, Word

#: So many times an hour somebody is told that they weren't understood: a machine would go on for ever.
_CONFUSED = 3
_EARLY = (0.3, 1.0, 3.0, 10.0)  # a provider may speak of a message before it is on disk that it took it
_WAITING = 1000

log = structlog.get_logger(__name__)


class StateLike(Protocol):
    @property
    def incidents(self) -> Mapping[int, Incident]: ...
    @property
    def pages(self) -> Mapping[str, Page]: ...
    def members_of(self, number: int, /) -> Sequence[Member]: ...


class PolicyLike(Protocol):
    @property
    def configuration(self) -> Configuration: ...


class EngineLike(Protocol):
    @property
    def state(self) -> StateLike: ...
    @property
    def policy(self) -> PolicyLike: ...
    async def submit(self, command: c.Command, /) -> object: ...


class Desk:
    """One for all channels."""

    def __init__(self, engine: EngineLike, clock: Clock, links: Links) -> None:
        self._engine = engine
        self._clock = clock
        self._links = links
        self._confused: dict[str, list[float]] = {}
        self._early: set[asyncio.Task[None]] = set()

    # ---------------------------------------------------------------- people
    async def press(self, *, channel: str, page: str, does: Does, address: str, via: str) -> str:
        found = self._engine.state.pages.get(page.partition(".")[0])
        people = self._people(channel, address)
        if not people:
            return self._stranger(channel, address)
        if found is None or found.name != page:
            return "What this was about is no longer open. Nothing to do."
        by = found.person if found.person in people else people[0]
        return await self._told(found, by, does, via)

    async def answer(self, *, page: str, does: Does, via: str) -> str:
        found = self._engine.state.pages.get(page.partition(".")[0])
        if found is None or found.name != page:
            return "What this was about is no longer open. Nothing to do."
        return await self._take(found, found.person, does, via)

    def proof(self, page: str) -> str:
        return self._links.proof(page)

    async def write(self, *, channel: str, address: str, text: str, via: str) -> str:
        people = self._people(channel, address)
        if not people:
            log.warning("reply_from_a_stranger", channel=channel)
            return ""  # an answer would cost money and tell a stranger something
        reply = written(text)
        if reply is not None:
            code, cant = reply
            for person in people:
                known = self._engine.state.pages.get(self._links.codes.page_of(person, code) or "")
                if known is not None:
                    return await self._told(known, person, Does.CANT if cant else Does.HAS, via)
            if any(self._links.codes.page_of(person, code) for person in people):
                return f"What {code} was about is over. Nothing to do."
            return self._once_in_a_while(address, f"There is no page {code}. Look at the newest message.")
        does = meaning(text)
        if does is not None:
            waiting = self._waiting(people)
            if len(waiting) == 1:
                return await self._told(waiting[0], waiting[0].person, does, via)
            if not waiting:
                return self._once_in_a_while(address, "Nothing waits for an answer of yours.")
            codes = ", ".join(f"{self._links.codes.code(page)} for #{page.incident}" for page in waiting[:5])
            return f"{len(waiting)} pages wait for you: {codes}."
        return self._once_in_a_while(
            address, "Not understood. Reply with the code, such as K7, or K7N for can't."
        )

    def _people(self, channel: str, address: str) -> list[str]:
        configuration = self._engine.policy.configuration
        if not address:
            return []
        return [who for who in configuration.people if configuration.address(who, channel) == address]

    def _stranger(self, channel: str, address: str) -> str:
        log.warning("answer_from_a_stranger", channel=channel)
        shown = clean.line(address, 60) or "you"
        return f"irpd doesn't know {shown}: nobody has this address on {channel}. Use the link."

    def _waiting(self, people: Sequence[str]) -> list[Page]:
        return [
            page
            for page in self._engine.state.pages.values()
            if page.live and page.person in people and page.kind not in (PageKind.UPDATE, PageKind.SHIFT)
        ]

    async def _told(self, page: Page, by: str, does: Does, via: str) -> str:
        """What came of it, in words: whoever was woken must hear it when it did not work."""
        try:
            return await self._take(page, by, does, via)
        except NotSaved as error:
            log.error("answer_not_taken", error=repr(error.__cause__))
            return "irpd could not save that just now. Please answer again, or open the link."

    async def _take(self, page: Page, by: str, does: Does, via: str) -> str:
        if page.kind is PageKind.TEST:
            return await self._submit(c.SeePage(page=page.id, via=via), "It works: your answer has arrived.")
        if page.kind is PageKind.SHIFT:
            return "Nothing to do: that was only a word about a shift."
        incident = self._engine.state.incidents.get(page.incident)
        for _ in range(10):  # merged into one that was merged
            if incident is None or incident.state is not State.MERGED or incident.merged_into is None:
                break
            incident = self._engine.state.incidents.get(incident.merged_into)
        if incident is None:
            return f"#{page.incident} is over. Nothing to do."
        others = [person for person in incident.acknowledged_by if person != by]
        late = incident.state is State.ACKNOWLEDGED and not page.live and by not in incident.acknowledged_by
        if late and not page.asks and others and does is Does.HAS:
            return f"{self._names(others)} has {incident.ref}. Nothing to do. To join, open the link."
        if does is Does.HAS:
            return await self._submit(c.Acknowledge(incident=incident.number, by=by, via=via, page=page.id))
        return await self._submit(c.Decline(incident=incident.number, by=by, via=via, page=page.id))

    async def _submit(self, command: c.Command, said: str = "") -> str:
        try:
            answer = await self._engine.submit(command)
        except Refusal as refusal:
            return refusal.text
        except Exception as error:  # the journal, a queue that is full, a defect
            raise NotSaved("irpd could not save that just now") from error
        return said or str(getattr(answer, "text", "")) or "Done."

    def _names(self, people: Sequence[str]) -> str:
        configuration = self._engine.policy.configuration
        return " and ".join(person_name(configuration, person) for person in people[:3])

    def _once_in_a_while(self, address: str, text: str) -> str:
        now = self._clock.boot()
        lately = [at for at in self._confused.get(address, []) if now - at < 3600.0]
        if len(lately) >= _CONFUSED:
            return ""
        if len(self._confused) > _WAITING:
            self._confused.clear()
        self._confused[address] = [*lately, now]
        return text

    # ---------------------------------------------------------------- providers
    async def confirm(
        self, *, channel: str, provider_id: str, word: Word, at: datetime | None = None, detail: str = ""
    ) -> None:
        command = c.ConfirmSend(
            channel=channel, provider_id=provider_id, word=word, at=at, detail=clean.line(detail, 300)
        )
        if not await self._confirmed(command) and len(self._early) < _WAITING:
            task = asyncio.create_task(self._again(command), name="early word")
            self._early.add(task)
            task.add_done_callback(self._early.discard)

    async def _again(self, command: c.ConfirmSend) -> None:
        for seconds in _EARLY:
            await asyncio.sleep(seconds)
            if await self._confirmed(command):
                return

    async def _confirmed(self, command: c.ConfirmSend) -> bool:
        try:
            return bool(await self._engine.submit(command))
        except Exception as error:  # only the ledger is poorer for it
            log.warning("word_not_recorded", channel=command.channel, error=repr(error))
            return False

    async def close(self) -> None:
        """Wait for nothing more."""
        for task in self._early:
            task.cancel()
        await asyncio.gather(*self._early, return_exceptions=True)

    def speech(self, page: str) -> str:
        state = self._engine.state
        found = state.pages.get(page.partition(".")[0])
        if found is None or found.name != page:
            return ""
        subject = Subject(
            page=found,
            incident=state.incidents.get(found.incident),
            members=state.members_of(found.incident),
            configuration=self._engine.policy.configuration,
            now=self._clock.now(),
            link=self._links.url(found),
            cant_link=self._links.cant_url(found),
        )
        return render("voice", subject).text
