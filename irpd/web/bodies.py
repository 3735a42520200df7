"""What commands of the API carry: small JSON objects, every unknown key an error."""

import asyncio
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from irpd.model.command import Refusal

MAX_BODY = 256 * 1024


class Nothing(Struct, forbid_unknown_fields=True):
    pass


class OpenBody(Struct, forbid_unknown_fields=True, kw_only=True):
    title: str
    service: str
    level: int | str | None = None
    because: str = ""
    text: str = ""


class AckBody(Struct, forbid_unknown_fields=True):
    path: str = ""


class EscalateBody(Struct, forbid_unknown_fields=True):
    path: str | None = None
    because: str = ""


class LevelBody(Struct, forbid_unknown_fields=True):
    level: int | str
    because: str = ""


class NoteBody(Struct, forbid_unknown_fields=True):
    text: str
    update: bool = False


class RoleBody(Struct, forbid_unknown_fields=True, kw_only=True):
    role: str
    person: str
    topic: str = ""
    because: str = ""


class TakenRoleBody(Struct, forbid_unknown_fields=True):
    role: str = ""


class AskBody(Struct, forbid_unknown_fields=True):
    who: str
    question: str


class AnswerBody(Struct, forbid_unknown_fields=True):
    ask: int
    text: str


class BecauseBody(Struct, forbid_unknown_fields=True):
    because: str = ""


class StageBody(Struct, forbid_unknown_fields=True, kw_only=True):
    stage: str
    because: str = ""
    aside: str = ""


class ItemBody(Struct, forbid_unknown_fields=True, kw_only=True):
    item: str
    result: str = ""


class AsideBody(Struct, forbid_unknown_fields=True, kw_only=True):
    item: str
    because: str = ""


class ActionBody(Struct, forbid_unknown_fields=True, kw_only=True):
    text: str
    result: str = ""


class DecisionBody(Struct, forbid_unknown_fields=True, kw_only=True):
    text: str
    because: str = ""


class FactsBody(Struct, forbid_unknown_fields=True, kw_only=True):
    facts: dict[str, str | None]


class AssignBody(Struct, forbid_unknown_fields=True, kw_only=True):
    owner: str = ""
    due_at: str = ""


class WriteBody(Struct, forbid_unknown_fields=True, kw_only=True):
    sections: dict[str, str]
    version: int | None = None


class PlanBody(Struct, forbid_unknown_fields=True, kw_only=True):
    at: str


class HeldBody(Struct, forbid_unknown_fields=True, kw_only=True):
    text: str = ""


class AddItemBody(Struct, forbid_unknown_fields=True, kw_only=True):
    text: str
    owner: str
    due_at: str
    kind: str = "preventive"


class ChangeItemBody(Struct, forbid_unknown_fields=True, kw_only=True):
    n: int
    owner: str = ""
    due_at: str = ""


class EndItemBody(Struct, forbid_unknown_fields=True, kw_only=True):
    n: int
    result: str = ""
    dropped: bool = False


class UpdateBody(Struct, forbid_unknown_fields=True, kw_only=True):
    progress: str = ""
    to: list[str] = []
    impact: str = ""
    estimated_resolution: str | None = None
    draft: bool = False


class AudienceBody(Struct, forbid_unknown_fields=True, kw_only=True):
    audience: str
    because: str = ""


class MergeBody(Struct, forbid_unknown_fields=True):
    into: int


class SplitBody(Struct, forbid_unknown_fields=True):
    signals: list[int | str]


class TestBody(Struct, forbid_unknown_fields=True):
    person: str


class VerifyBody(Struct, forbid_unknown_fields=True):
    via: str = ""


class ConfirmBody(Struct, forbid_unknown_fields=True):
    code: str


class BackupBody(Struct, forbid_unknown_fields=True):
    path: str


T = TypeVar("T", bound=Struct)


async def read_body(request: web.Request, kind: type[T]) -> T:
    """The body as ``kind``; an empty one as an empty object. Raises Refusal."""
    raw = b""
    try:
        async with asyncio.timeout(20):
            while len(raw) <= MAX_BODY and (chunk := await request.content.readany()):
                raw += chunk
    except TimeoutError:
        raise Refusal("invalid", "the body did not arrive") from None
    if len(raw) > MAX_BODY:
        raise Refusal("invalid", f"the body is above {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        allowed = ", ".join(kind.__struct_fields__) or "an empty object"
        raise Refusal("invalid", f"the body can't be used: {error}; allowed: {allowed}") from None


_SEVERITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4}


def level_of(text: int | str) -> int:
    """1-4, also by name. Raises Refusal."""
    level = _SEVERITIES.get(text.strip().lower(), text) if isinstance(text, str) else text
    if str(level) not in ("1", "2", "3", "4"):
        raise Refusal("invalid", f"no level {text!r}: 1 critical, 2 high, 3 medium, 4 low")
    return int(level)


def signal_numbers(incident: int, signals: list[int | str]) -> tuple[int, ...]:
    """``3``, ``"3"``, ``"42.3"`` or ``"#42.3"`` as numbers of signals of the incident."""
    found = []
    for signal in signals:
        owner, dot, number = str(signal).removeprefix("#").rpartition(".")
        if not number.isdecimal() or (dot and owner != str(incident)):
            raise Refusal(
                "invalid", f"{signal!r} is no signal of #{incident}; they are called {incident}.1, ..."
            )
        found.append(int(number))
    if not found:
        raise Refusal("invalid", f"name the signals that leave, as {incident}.3")
    return tuple(found)
