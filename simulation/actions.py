"""The steps of a run: what happens next, and after how long.

A step carries only numbers of chance; who and what they mean is looked up when it is carried out, so
any step can be left out of a list and the others still mean something. That is what makes a failing
list short.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

#: Kinds of steps and how often they come.
WEIGHTS = {
    "fire": 120, "resolve": 70, "repeat": 60, "flap": 26, "impact": 24, "move-start": 8, "regroup": 10,
    "truncate": 8, "many": 10, "twice": 16, "late": 16, "burst": 10,
    "issue": 44, "metric": 20, "ticket": 50, "garbage": 8,
    "acknowledge": 60, "acknowledge-page": 40, "decline": 26, "undo": 22, "escalate": 12, "start-path": 10,
    "set-level": 24, "underrate": 14, "again": 36, "deaf": 12,
    "note": 14, "resolve-incident": 34, "reopen": 20, "open": 15, "merge": 38, "split": 16,
    "recall": 30, "ignored": 16,
    "see": 14, "test-page": 10, "tell-operators": 14,
    "override": 24, "swap": 10, "end-override": 14,
    "beat-stops": 10, "beat-again": 12, "beat-fails": 8, "night": 10, "teams": 10, "beside": 12, "shadow": 9,
    "silence": 36, "end-silence": 40, "answers": 60, "ease": 24, "storm": 12, "hold": 26, "chain": 12,
    "reload": 14, "bad-files": 7, "channel": 28, "channels-work": 10,
    "disk-slow": 8, "disk-full": 8, "disk-room": 8, "disk-fails": 10, "disk-fails-written": 12,
    "stutter": 8, "jam": 7,
    "wall-ahead": 6, "wall-back": 8, "wall-blip": 6, "wall-right": 8,
    "plant": 46, "plant-none": 10, "crash": 18, "stop": 6, "reboot": 5, "idle": 5, "long-down": 8, "sweep": 7,
}  # fmt: skip
_KINDS = list(WEIGHTS)
_CUMULATIVE = [sum(list(WEIGHTS.values())[: n + 1]) for n in range(len(WEIGHTS))]


@dataclass(frozen=True, slots=True)
class Action:
    """After ``after`` seconds, this. ``salt`` seeds every chance until the next step."""

    kind: str
    after: float
    a: int
    b: int
    salt: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.after:g}:{self.a}:{self.b}:{self.salt}"


def parse(text: str) -> Action:
    """The other way round of ``str``."""
    kind, after, a, b, salt = text.split(":")
    if kind not in WEIGHTS:
        raise ValueError(f"there is no step {kind!r}")
    return Action(kind, float(after), int(a), int(b), int(salt))


def steps(seed: int) -> Iterator[Action]:
    """The endless list of this seed."""
    chance = Random(seed)
    while True:
        kind = chance.choices(_KINDS, cum_weights=_CUMULATIVE)[0]
        pace = chance.random()
        if pace < 0.35:
            after = 0.0
        elif pace < 0.60:
            after = round(chance.expovariate(10), 4)
        elif pace < 0.90:
            after = round(chance.expovariate(1 / 8), 2)
        else:
            after = round(chance.expovariate(1 / 60), 1)
        yield Action(kind, after, chance.getrandbits(16), chance.getrandbits(16), chance.getrandbits(24))
