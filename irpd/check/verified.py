"""People whom pages reach only by addresses that they have never confirmed.

What people confirmed is in the journal: the daemon knows it when files are read again, and ``irpd check``
where it can read the journal. Where nobody knows, nothing is said.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from irpd.check.material import Material
from irpd.check.reach import paged
from irpd.config.base import LEVEL_NAMES
from irpd.config.load import Loaded
from irpd.config.problem import Problem
from irpd.config.values import Configuration
from irpd.oncall.contacts import Contacts

WHAT_NOW = "`irpd page verify {person}` asks them; new people stand under `people` first, and on call later"


def unverified(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """As ``server.verify`` says: errors, warnings, or nothing."""
    if configuration.server.verify == "ignore" or material.contacts is None:
        return
    severe = configuration.server.verify == "required"
    for person, levels in never_confirmed(configuration, material.contacts).items():
        message = f"{in_words(levels)}: {WHAT_NOW.format(person=person)}"
        at = ("people", person)
        yield material.merged.problem(at, message, key=True, severity="error" if severe else "warning")


def unverified_in(loaded: Loaded, contacts: Contacts) -> list[Problem]:
    """The same of files that were looked at before it was known what people confirmed."""
    material = Material(
        merged=loaded.merged, configuration=loaded.configuration, rules=loaded.rules, now=datetime.now(UTC),
        contacts=contacts,
    )  # fmt: skip
    return list(unverified(material, loaded.configuration))


def never_confirmed(configuration: Configuration, contacts: Contacts) -> dict[str, tuple[int, ...]]:
    """The people whom pages may go to, and the levels at which nothing reaches them that they confirmed."""
    asked = paged(configuration)
    found = {
        person: contacts.missing(configuration, person) for person in configuration.people if person in asked
    }
    return {person: levels for person, levels in found.items() if levels}


def in_words(levels: tuple[int, ...]) -> str:
    """``has confirmed no address that pages of level 1 (critical) go to``."""
    listed = ", ".join(f"{level} ({LEVEL_NAMES[level - 1]})" for level in levels)
    return f"has confirmed no address that pages of level {listed} go to"
