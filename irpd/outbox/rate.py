"""How fast one address may be written to. Urgent pages pass at once and count all the same."""

from dataclasses import dataclass

#: Addresses remembered before those that have been idle are forgotten.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many messages a second to one address in the long run, ``burst`` at once."""

    per_second: float
    burst: int


class Pace:
    """Keeps the rate for the addresses of one channel, on a clock of seconds."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._free_at: dict[str, float] = {}  # when the address will have its whole burst again

    def wait(self, address: str, now: float, *, urgent: bool) -> float:
        """Seconds to wait before writing to this address; 0 takes the turn."""
        gap = 1 / self._rate.per_second
        free_at = max(self._free_at.get(address, now), now)
        excess = free_at - now - gap * (self._rate.burst - 1)
        if excess > 1e-9 and not urgent:
            return excess
        if len(self._free_at) >= _REMEMBERED:
            self._free_at = {a: at for a, at in self._free_at.items() if at > now}
        self._free_at[address] = free_at + gap
        return 0.0
