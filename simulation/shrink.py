"""The shortest list of steps that still fails: leave out what isn't needed, in ever smaller pieces."""

import time
from collections.abc import Sequence

from simulation.actions import Action
from simulation.run import simulate


def shrink(
    seed: int, actions: Sequence[Action], name: str, *, ending: bool, seconds: float = 120.0
) -> list[Action]:
    """Steps that break the same rule, each of them needed. Gives up looking after so many seconds."""
    until = time.monotonic() + seconds
    needed = list(actions)

    def fails(some: Sequence[Action]) -> bool:
        violation = simulate(seed, some, ending=ending).violation
        return violation is not None and violation.name == name

    piece = max(len(needed) // 2, 1)
    while time.monotonic() < until:
        n = 0
        left_out = False
        while n < len(needed) and time.monotonic() < until:
            shorter = needed[:n] + needed[n + piece :]
            if fails(shorter):
                needed, left_out = shorter, True
            else:
                n += piece
        if piece == 1 and not left_out:
            break
        piece = max(piece // 2, 1)
    return needed
