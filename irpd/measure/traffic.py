"""What an Alertmanager sends all day: the same groups again and again, now and then something new.

Most of it is repeats, byte for byte or with other values in the annotations. Some groups gain an alert,
some are resolved and fire again, a few alerts open an incident of their own. All from a seed.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from irpd.measure import bodies

Kind = Literal["repeat", "update", "join", "resolve", "open"]

#: How often each kind is sent, in a thousand.
MIX: dict[Kind, int] = {"repeat": 500, "update": 400, "join": 50, "resolve": 35, "open": 15}
#: How many alerts a group has.
SIZES = (1, 2, 3, 5, 8, 13, 21, 34, 55)


@dataclass(frozen=True, slots=True)
class Request:
    kind: Kind
    body: bytes
    title: str = ""  # of the incident that it opens


class Traffic:
    """``known`` are the groups that fire already: send them first. ``next`` is the next request."""

    def __init__(self, seed: int, *, groups: int = 300) -> None:
        self._chance = random.Random(seed)
        self.known = [
            bodies.new_alerts(self._chance.choice(SIZES), f"region-{n % 40}") for n in range(groups)
        ]
        self._kinds: Sequence[Kind] = tuple(kind for kind, n in MIX.items() for _ in range(n))

    def next(self) -> Request:
        kind = self._chance.choice(self._kinds)
        n = self._chance.randrange(len(self.known))
        match kind:
            case "repeat":
                return Request(kind, self.known[n])
            case "update":
                value = b"slower than %d ms" % self._chance.randrange(2000, 9000)
                return Request(kind, self.known[n].replace(b"slower than 2 s", value))
            case "join":
                self.known[n] = self._joined(self.known[n])
                return Request(kind, self.known[n])
            case "resolve":
                return Request(kind, self.known[n].replace(b'"firing"', b'"resolved"'))
            case "open":
                body = bodies.new_alerts(1)
                return Request(kind, body, json.loads(body)["alerts"][0]["annotations"]["summary"])

    def _joined(self, body: bytes) -> bytes:
        """The group with an alert more, or, when it is large, with one alert."""
        group = json.loads(body)
        new = json.loads(bodies.new_alerts(1, group["alerts"][0]["labels"]["environment"]))["alerts"]
        alerts = [*group["alerts"], *new] if len(group["alerts"]) < 60 else new
        return json.dumps({**group, "alerts": alerts}, separators=(",", ":")).encode()
