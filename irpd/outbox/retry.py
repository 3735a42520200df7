"""What follows from an attempt: done, again at a time, or given up. A decision, no waiting."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from irpd.engine.ports import Outcome
from irpd.model.page import Page, Send, SendState

FIRST_DELAY = 5.0
LONGEST_DELAY = 60.0
JITTER = 0.2
#: After so long without success a channel counts as failed, and the next method comes at once.
GIVE_UP_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    state: SendState
    detail: str
    retry_at: datetime | None = None
    moves_on: bool = False  # the person's next method comes now


def decide(
    outcome: Outcome,
    *,
    attempt: int,
    first_at: datetime,
    now: datetime,
    expires_at: datetime,
    next_at: datetime | None,
    random: Random,
) -> Decision:
    """``attempt`` counts from 1; ``first_at`` is when the first one was made. ``next_at`` is when the
    person's next method would come: what can't be tried again before makes it come at once, and is tried
    again beside it."""
    if outcome.kind == "delivered":
        return Decision(state=SendState.DELIVERED, detail=outcome.detail)
    if outcome.kind != "transient":
        return Decision(state=SendState.FAILED, detail=outcome.detail)
    retry_at = now + timedelta(seconds=_delay(attempt, outcome.retry_after, random))
    if retry_at >= expires_at:
        return Decision(state=SendState.FAILED, detail=f"gave up, it would be too late: {outcome.detail}")
    if retry_at - first_at > GIVE_UP_AFTER:
        tried = f"{attempt} attempt{'' if attempt == 1 else 's'}"
        return Decision(state=SendState.FAILED, detail=f"gave up after {tried}: {outcome.detail}")
    moves_on = next_at is not None and retry_at > next_at
    return Decision(state=SendState.PENDING, detail=outcome.detail, retry_at=retry_at, moves_on=moves_on)


def next_method_at(page: Page, send: Send, now: datetime) -> datetime | None:
    """When the person's next method comes after this one, unless it was brought already."""
    if send.moved_on:
        return None
    pending = (one for one in page.sends if one.state is SendState.PENDING and one.n != send.n)
    untried = (one.due_at for one in pending if not one.attempts and not one.moved_on)
    return min((at for at in untried if at > now), default=None)


def began(attempts: int, now: datetime) -> datetime:
    """When the first attempt was about, for a send attempted before this process started."""
    return now - timedelta(seconds=sum(_nominal(n) for n in range(1, attempts + 1)))


def _nominal(attempt: int) -> float:
    return min(FIRST_DELAY * 2.0 ** min(attempt - 1, 10), LONGEST_DELAY)


def _delay(attempt: int, retry_after: float | None, random: Random) -> float:
    if retry_after is not None and math.isfinite(retry_after) and retry_after >= 0:
        # Never before the time asked for; a little after it, so that not all come back at once.
        return min(max(retry_after, 1.0), 86400.0) * (1 + JITTER * random.random())
    return _nominal(attempt) * random.uniform(1 - JITTER, 1 + JITTER)
