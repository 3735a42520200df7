"""What the checks look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from irpd.config.merge import Merged
from irpd.config.supported import places, value_at
from irpd.config.values import Configuration
from irpd.config.yaml import Document, Where
from irpd.oncall.contacts import Contacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """``merged`` is the files as they were written, whatever is wrong in them; ``configuration`` the typed
    value, None when single values are wrong. ``now`` is when gaps are looked for; ``contacts`` is what people
    have confirmed, None where that isn't known."""

    merged: Merged
    configuration: Configuration | None
    rules: tuple[Document, ...]
    now: datetime
    contacts: Contacts | None = None

    def texts(self, *pattern: str) -> Iterator[tuple[Where, str]]:
        """The texts at the places that fit, with their paths; those of a list one by one."""
        for path in places(self.merged.value, pattern):
            value = value_at(self.merged.value, path)
            if isinstance(value, str):
                yield path, value
            elif isinstance(value, list):
                yield from (((*path, n), item) for n, item in enumerate(value) if isinstance(item, str))

    def section(self, name: str) -> Mapping[str, object] | None:
        """A top-level section, if it is one."""
        value = self.merged.value.get(name)
        return value if isinstance(value, Mapping) else None
