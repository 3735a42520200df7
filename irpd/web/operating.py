"""What operators do: reload, back up, test a person's channels, look at what wasn't understood."""

import asyncio
import os
from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from irpd.config.secret import Secret
from irpd.engine.ports import Receipt
from irpd.model import command as c
from irpd.model.command import Refusal
from irpd.web import bodies as b
from irpd.web.actor import Actor, NotAllowed
from irpd.web.heartbeat import beat_view
from irpd.web.history import History
from irpd.web.ports import Services
from irpd.web.problem import answer, error_view, problem
from irpd.web.shapes import utc_text
from irpd.web.views import page_view

LOOKED_AT = 5_000  # newest receipts searched for unreadable ones
DECIDED = timedelta(minutes=1)  # within which a receipt that came in is nearly always decided on
UNREADABLE = "irpd-unreadable"  # the kept header that says what could not be read


class Operating:
    def __init__(self, services: Services, history: History) -> None:
        self._services = services
        self._history = history

    # ---------------------------------------------------------------- configuration
    async def reload(self, _request: web.Request, actor: Actor) -> web.Response:
        """Read the files again. 200 when they are in force, 409 with the problems when they are refused."""
        result = await self._services.reload(actor.name)
        if not result.ok:
            return problem(
                409,
                "config-refused",
                f"the files are refused; configuration {result.hash} stays in force",
                errors=result.problems,
            )
        return answer(
            {
                "schema": "irpd.reload/1",
                "hash": result.hash,
                "previous": result.previous or None,
                "changed": result.hash != result.previous,
                "warnings": [error_view(problem) for problem in result.problems],
            }
        )

    async def config(self, _request: web.Request, _actor: Actor) -> web.Response:
        """The configuration in force, secrets as ``***``."""
        policy = self._services.engine.policy
        return answer(
            {"schema": "irpd.config/1", "hash": policy.hash, "configuration": masked(policy.configuration)}
        )

    # ---------------------------------------------------------------- journal
    async def backup(self, request: web.Request, actor: Actor) -> web.Response:
        """Write a copy of the journal to ``path`` on the daemon's machine. Over the socket only."""
        if not actor.local:
            raise NotAllowed(
                403, "permission", "a backup is written on the daemon's machine: ask over its socket"
            )
        path = (await b.read_body(request, b.BackupBody)).path
        if not os.path.isabs(path):
            raise Refusal("invalid", f"path {path!r} must be absolute")
        if await asyncio.to_thread(os.path.exists, path):
            raise Refusal("state", f"{path} exists; a backup overwrites nothing")
        folder = os.path.dirname(path)
        if not await asyncio.to_thread(os.access, folder, os.W_OK):
            # Under systemd's ProtectSystem=strict that is all but the state directory.
            there = await asyncio.to_thread(os.path.isdir, folder)
            what = "may not write into" if there else "sees no folder"
            raise Refusal("not-writable", f"the daemon {what} {folder}")
        try:
            await asyncio.to_thread(self._services.backup, path)
        except OSError as error:
            raise Refusal("invalid", f"{path}: {error.strerror}") from None
        return answer({"schema": "irpd.backup/1", "path": path})

    # ---------------------------------------------------------------- pages
    async def heartbeats(self, _request: web.Request, _actor: Actor) -> web.Response:
        """The monitors that must report: state (new, up, late, silent), when heard of last, when due."""
        beats = [beat_view(one) for one in self._services.heartbeats.beats()]
        return answer({"schema": "irpd.heartbeats/1", "heartbeats": beats})

    async def page_test(self, request: web.Request, actor: Actor) -> web.Response:
        """Page ``person`` on all channels, as a test."""
        person = (await b.read_body(request, b.TestBody)).person
        page_id = await self._services.engine.submit(c.TestPage(person=person, by=actor.name))
        page = self._services.engine.state.pages.get(str(page_id))
        return answer(
            {"schema": "irpd.page/1", "id": str(page_id), "page": None if page is None else page_view(page)},
            status=202,
        )

    # ---------------------------------------------------------------- what wasn't understood
    async def unreadable(self, request: web.Request, _actor: Actor) -> web.Response:
        """Receipts that could not be read, newest first; ``source`` for one source."""
        source = request.query.get("source", "")
        found = await self._history.newest_receipts(
            lambda receipt: UNREADABLE in receipt.headers and source in ("", receipt.source),
            look_at=LOOKED_AT,
        )
        return answer(
            {
                "schema": "irpd.unreadable/1",
                "total": len(found),
                "receipts": [self._receipt_view(receipt) for receipt in found[:500]],
            }
        )

    async def receipt(self, request: web.Request, _actor: Actor) -> web.Response:
        """A receipt without its body."""
        return answer(
            {"schema": "irpd.receipt/1", "receipt": self._receipt_view(await self._receipt(request))}
        )

    async def receipt_body(self, request: web.Request, _actor: Actor) -> web.Response:
        """A receipt's body, byte for byte."""
        receipt = await self._receipt(request)
        return web.Response(
            body=receipt.body,
            headers={
                "Content-Type": "application/octet-stream",
                "Content-Disposition": f'attachment; filename="receipt-{receipt.id}"',
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
                "Server": "irpd",
            },
        )

    async def replay(self, request: web.Request, _actor: Actor) -> web.Response:
        """Read a receipt again under the configuration in force; if that helps, it counts as received now."""
        receipt = await self._receipt(request)
        source = self._services.sources.get(receipt.source)
        if source is None:
            raise Refusal("state", f"source {receipt.source!r} is no longer configured")
        if "irpd-cut" in receipt.headers:
            raise Refusal("state", "only the beginning of this body was kept")
        now = self._services.clock.now()
        headers = {key: value for key, value in receipt.headers.items() if not key.startswith("irpd-")}
        normalised = source.normalise(receipt.body, headers, now)
        if not normalised.accepted:
            what = "; ".join(normalised.unreadable) or "it says nothing that irpd would act on"
            raise Refusal("state", f"still not readable: {what}")
        received = await self._services.engine.receive(
            receipt.source, receipt.body, {**headers, "irpd-replay-of": str(receipt.id)}, normalised, now
        )
        return answer(
            {
                "schema": "irpd.replay/1",
                "receipt": str(received.receipt),
                "replay_of": str(receipt.id),
                "accepted": normalised.accepted,
                "unreadable": "; ".join(normalised.unreadable) or None,
                "incidents": None if received.incidents is None else list(received.incidents),
            }
        )

    async def _receipt(self, request: web.Request) -> Receipt:
        text = request.match_info["receipt"]
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
        receipt = await self._history.receipt(number) if number else None
        if receipt is None:
            raise Refusal("not-found", f"there is no receipt {text[:20]} (or its time to be kept is over)")
        return receipt

    def _receipt_view(self, receipt: Receipt) -> dict[str, Any]:
        member = self._services.engine.state.member_of(f"{receipt.source}/unreadable")
        # Only the newest incident about the source is known here; an older receipt came into another.
        its = (
            member is not None and UNREADABLE in receipt.headers and receipt.at >= member.first_seen - DECIDED
        )
        incidents = [member.incident] if member is not None and its else []
        return {
            "id": str(receipt.id),
            "source": receipt.source,
            "at": utc_text(receipt.at),
            "bytes": len(receipt.body),
            "unreadable": receipt.headers.get(UNREADABLE),
            "cut": "irpd-cut" in receipt.headers,
            "replay_of": receipt.headers.get("irpd-replay-of"),
            "incidents": incidents,
        }


def masked(configuration: BaseModel) -> Any:
    """The configuration as JSON under the keys of the files, durations as they write them,
    every secret as ``***``."""
    return _masked(configuration.model_dump(mode="json", by_alias=True))


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if value.keys() == Secret.model_fields.keys():
            return "***"
        return {name: _masked(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item) for item in value]
    return "***" if key == "hash" else value
