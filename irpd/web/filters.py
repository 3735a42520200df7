"""Which incidents a list shows: the query's words, checked before anything is read."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from irpd.config.problem import suggest
from irpd.model.command import Refusal
from irpd.model.incident import Incident, State
from irpd.web.bodies import level_of

MAX_LIMIT = 500
_KNOWN = ("state", "level", "service", "since", "mine", "drill", "cursor", "limit", "as")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    states: frozenset[State]
    levels: frozenset[int]
    services: frozenset[str]
    since: datetime | None
    mine: str
    drill: bool | None
    before: int | None
    limit: int

    @property
    def active_only(self) -> bool:
        """Whether all that it can match is in memory."""
        return bool(self.states) and all(state.active for state in self.states)

    def holds(self, incident: Incident) -> bool:
        return (
            (not self.states or incident.state in self.states)
            and (not self.levels or int(incident.level) in self.levels)
            and (not self.services or not self.services.isdisjoint(incident.services))
            and (self.since is None or incident.opened_at >= self.since)
            and (not self.mine or self.mine in incident.acknowledged_by)
            and (self.drill is None or incident.drill is self.drill)
        )


def known(name: str, what: str, names: Collection[str]) -> None:
    """Raises Refusal, with what is near, where ``name`` is none of these ``names``: an empty list would say
    that all is well. Only for an empty list, as what is no longer configured still has its past."""
    if name not in names:
        listed = ", ".join(list(names)[:24])
        raise Refusal("not-found", f"there is no {what} {name[:80]!r}{suggest(name, names)} ({listed})")


def filter_of(query: Mapping[str, str], *, person: str) -> Filter:
    """Raises Refusal that names what is allowed."""
    for name in query:
        if name not in _KNOWN:
            raise Refusal("invalid", f"unknown filter {name!r}; there are {', '.join(_KNOWN)}")
    states = set()
    for word in _words(query.get("state", "")):
        if word == "all":
            continue
        try:
            states.add(State(word))
        except ValueError:
            raise Refusal("invalid", f"no state {word!r}; there are {', '.join(State)}, all") from None
    mine = _yes(query, "mine")
    if mine and not person:
        raise Refusal("who", "mine: irpd doesn't know who you are; say it with as=PERSON")
    limit = whole_number(query, "limit", least=1)
    return Filter(
        states=frozenset(states),
        levels=frozenset(level_of(word) for word in _words(query.get("level", ""))),
        services=frozenset(_words(query.get("service", ""))),
        since=_time(query.get("since", "")),
        mine=person if mine else "",
        drill=_yes(query, "drill"),
        before=whole_number(query, "cursor", least=1),
        limit=100 if limit is None else min(limit, MAX_LIMIT),
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _yes(query: Mapping[str, str], name: str) -> bool | None:
    text = query.get(name)
    if text is None:
        return None
    if text.lower() in ("1", "true", "yes", ""):
        return True
    if text.lower() in ("0", "false", "no"):
        return False
    raise Refusal("invalid", f"{name}={text!r}: true or false")


def whole_number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    """The parameter's value, None when it is absent. Raises Refusal."""
    text = query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 15 or int(text) < least:
        raise Refusal("invalid", f"{name}={text[:40]!r}: a whole number from {least}")
    return int(text)


def _time(text: str) -> datetime | None:
    return instant_of(text, name="since") if text else None


def instant_of(text: str, *, name: str) -> datetime:
    """An RFC 3339 time with its offset. Raises Refusal."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal("invalid", f"{name}={text[:60]!r}: a time as RFC 3339, like 2026-11-24T02:00:00Z")
