"""What reading a source's bodies may depend on: its settings, nothing else."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from irpd.config.values import Source
from irpd.engine.ports import Normalised

#: Reads one body: body, kept headers, time of the receipt. Raises Unreadable.
Read = Callable[[bytes, Mapping[str, str], datetime], Normalised]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    name: str
    settings: Source
    reporter_key: bytes = field(repr=False)

    def reporter(self, identity: str) -> str | None:
        """A keyed hash (64 bit, hex) that stands for the person who wrote a ticket.

        The same address at two help desks is the same person; any other identity means
        something only at its own source. None for nobody.
        """
        identity = identity.strip()
        if not identity:
            return None
        person = identity.casefold() if "@" in identity else f"{self.name}\0{identity}"
        digest = hmac.new(self.reporter_key, person.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:16]
