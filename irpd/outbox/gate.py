"""Whether a provider may be asked now, or would be asked in vain.

A provider that gives no answer: after ``FAILURES`` attempts in a row it is *down*. What is due to it then is
not tried (each try would hold a place in the lane for a whole time limit) and the person's next method comes
at once. One attempt at a time probes whether it is back, after ``PROBE_FIRST`` seconds and then ever less
often; the first that succeeds opens the gate for all that waits.

A provider that answers and asks for a pause (``Retry-After``): nothing goes to that address before, or to
nobody over the channel when it says that (``Outcome.pauses``). Other channels and other addresses go on.

A provider is a channel; where addresses are URLs, one host of the channel: a colleague's dead gateway is
nobody else's. While all failures in a row were of one address, only that address is taken for down.

In memory only: after a start the first attempts tell anew. Times are seconds of the boot-time clock.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

import structlog

from irpd.engine.ports import Outcome

log = structlog.get_logger(__name__)

#: So many attempts in a row without an answer, and the provider is down.
FAILURES = 5
PROBE_FIRST, PROBE_LONGEST = 10.0, 30.0
JITTER = 0.2
#: While a probe is under way the others look again after so long; also the most that a probe may take.
LOOK_AGAIN, PROBE_AT_MOST = 5.0, 130.0
#: No pause that a provider asks for is kept for longer.
LONGEST_PAUSE = 86400.0
#: Addresses with a pause that are remembered before those over are forgotten.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Closed:
    """Not now: look again after so many seconds."""

    seconds: float
    why: str
    down: bool  # the provider gives no answer; else it asked for a pause


@dataclass(slots=True)
class _Provider:
    streak: int = 0  # attempts in a row without an answer
    addresses: set[str] = field(default_factory=set)  # whom they were to; two are as good as all
    since: float = 0.0  # of the first of them
    detail: str = ""
    probe_after: float = PROBE_FIRST
    probe_at: float = 0.0
    probing_until: float = 0.0
    paused_until: float = 0.0

    @property
    def down(self) -> bool:
        return self.streak >= FAILURES


class Gates:
    """One gate for each provider. ``changed`` is called with a channel's name and whether it works now."""

    def __init__(
        self, random: Random, changed: Callable[[str, bool], None] = lambda _name, _up: None
    ) -> None:
        self._random = random
        self._changed = changed
        self._providers: dict[tuple[str, str], _Provider] = {}
        self._paused: dict[tuple[str, str], float] = {}  # (channel, address) → until when

    def closed(self, channel: str, address: str, now: float) -> Closed | None:
        """Why and for how long nothing may go there; None: it may."""
        provider = self._providers.get((channel, _host(address)))
        until = self._paused.get((channel, address), 0.0)
        if provider is not None:
            if provider.down and (len(provider.addresses) > 1 or address in provider.addresses):
                waits = _to_probe(provider, now)
                if waits > 0:
                    return Closed(waits, f"{channel} is down: {provider.detail}", True)
            until = max(until, provider.paused_until)
        return Closed(until - now, f"{channel} asked for a pause", False) if until > now else None

    def begins(self, channel: str, address: str, now: float) -> None:
        """An attempt begins: of what is down it is the one probe."""
        provider = self._providers.get((channel, _host(address)))
        if provider is not None and provider.down:
            provider.probing_until = now + PROBE_AT_MOST

    def ended(self, channel: str, address: str, outcome: Outcome, now: float) -> bool:
        """What came of an attempt; True when the provider was down and isn't any more."""
        key = (channel, _host(address))
        if outcome.kind == "transient" and outcome.retry_after is None:
            self._failed(key, address, outcome.detail, now)
            return False
        if outcome.kind == "transient":
            self._pause(key, address, outcome, now)
        provider = self._providers.get(key)
        if provider is None:
            return False
        was_down = provider.down
        provider.streak, provider.probe_after, provider.probing_until = 0, PROBE_FIRST, 0.0
        provider.addresses.clear()
        if provider.paused_until <= now:
            del self._providers[key]
        if was_down:
            log.warning("channel_up", channel=channel, host=key[1], after=round(now - provider.since, 1))
            self._changed(channel, channel not in self.down())
        return was_down

    def down(self) -> Mapping[str, tuple[float, str]]:
        """The channels that are down, by name: since when, and what the last attempt met."""
        found: dict[str, tuple[float, str]] = {}
        for (channel, host), provider in self._providers.items():
            if provider.down:
                named = f"{host}: {provider.detail}" if host else provider.detail
                since = min(provider.since, found.get(channel, (provider.since, ""))[0])
                found[channel] = (since, named)
        return found

    def forget(self, channel: str) -> None:
        """The channel is another now, or gone: what is known of it tells nothing."""
        for key in [key for key in self._providers if key[0] == channel]:
            del self._providers[key]
        for key in [key for key in self._paused if key[0] == channel]:
            del self._paused[key]

    def _failed(self, key: tuple[str, str], address: str, detail: str, now: float) -> None:
        provider = self._providers.setdefault(key, _Provider())
        if not provider.streak:
            provider.since = now
        provider.streak += 1
        provider.detail = detail
        if len(provider.addresses) < 2:
            provider.addresses.add(address)
        was_probe, provider.probing_until = provider.probing_until > 0, 0.0
        if was_probe:
            provider.probe_after = min(provider.probe_after * 2, PROBE_LONGEST)
        if was_probe or provider.streak == FAILURES:
            wait = provider.probe_after * self._random.uniform(1 - JITTER, 1 + JITTER)
            provider.probe_at = now + wait
        if provider.streak == FAILURES:
            log.error("channel_down", channel=key[0], host=key[1], detail=detail, failures=provider.streak)
            self._changed(key[0], False)

    def _pause(self, key: tuple[str, str], address: str, outcome: Outcome, now: float) -> None:
        asked = outcome.retry_after or 0.0
        until = now + (min(max(asked, 0.0), LONGEST_PAUSE) if math.isfinite(asked) else 0.0)
        if outcome.pauses == "channel":
            provider = self._providers.setdefault(key, _Provider())
            provider.paused_until = max(provider.paused_until, until)
            return
        if len(self._paused) >= _REMEMBERED:
            self._paused = {one: at for one, at in self._paused.items() if at > now}
        self._paused[key[0], address] = until


def _to_probe(provider: _Provider, now: float) -> float:
    if provider.probing_until > now:
        return LOOK_AGAIN
    return provider.probe_at - now


def _host(address: str) -> str:
    if "://" not in address:
        return ""
    try:
        parts = urlsplit(address)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname or "")
    except ValueError:
        return ""
