"""What the protocol asks for in each stage, item by item, and whether it is done.

An item is ended by a person (with its result, or set aside for a reason), by a fact that it asks for
(``root-cause``), or it holds by itself because irpd did it. ``stages.add`` and ``stages.drop`` of the
configuration change the list.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from irpd.config.values import Configuration
from irpd.model.incident import Incident
from irpd.model.stage import Stage

Holds = Callable[[Configuration, Incident], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """``role`` is who sees to it, ``asks`` what its result should say. With ``fact`` it is done when that
    fact is set; with ``holds`` irpd sees to it, and nobody has to say so."""

    id: str
    stage: Stage
    title: str
    role: str
    asks: str = "RESULT"
    fact: str = ""
    holds: Holds | None = None

    def open(self, configuration: Configuration, incident: Incident) -> bool:
        """Whether it is still to be done."""
        if self.id in incident.response.items:
            return False
        return self.holds is None or not self.holds(configuration, incident)


def _team(configuration: Configuration, incident: Incident) -> bool:
    """Each role that the level calls for has somebody."""
    called = (name for name, role in configuration.roles.items() if int(incident.level) in role.levels)
    return all(name in incident.roles for name in called)


LEAD, COMMANDER, IRPD = "technical-lead", "commander", "irpd"


def _protocol() -> Iterator[Item]:
    """The protocol's own, in its order."""

    def item(
        id: str, title: str, role: str = LEAD, *, asks: str = "", fact: str = "", holds: Holds | None = None
    ) -> Item:
        return Item(id=id, stage=stage, title=title, role=role, asks=asks or "RESULT", fact=fact, holds=holds)

    stage = Stage.DETECTION
    yield item("ticket", "Incident ticket created", IRPD, holds=lambda _c, _i: True)
    yield item("notified", "On-call responder notified", IRPD, holds=lambda _c, i: i.pages > 0)
    yield item("assessment", "Initial assessment performed", "responder", asks="WHAT YOU SEE")
    stage = Stage.TRIAGE
    yield item("level", "Level confirmed by its characteristics and impact", COMMANDER)
    yield item("team", "Response team assembled", IRPD, holds=_team)
    stage = Stage.INVESTIGATION
    yield item("root-cause", "Root cause diagnosed", asks="WHAT CAUSED IT", fact="root-cause")
    yield item("affected-systems", "Affected systems identified", asks="WHICH", fact="affected-systems")
    yield item("scope", "Scope of impact determined", asks="WHO AND HOW FAR", fact="scope")
    yield item("strategies", "Resolution strategies developed", asks="THE ONE CHOSEN, AND WHY")
    stage = Stage.CONTAINMENT
    yield item("immediate-actions", "Immediate actions to limit impact", asks="WHAT WAS DONE")
    yield item("workaround", "Temporary workaround, if possible", asks="WHAT USERS CAN DO", fact="workaround")
    yield item("isolation", "Affected components isolated, when necessary", asks="WHICH")
    yield item("user-impact", "User impact minimised", asks="HOW")
    stage = Stage.RESOLUTION
    yield item("fix", "Permanent fix developed and tested", asks="WHAT RESOLVES IT", fact="resolution")
    yield item("plan", "Implementation plan created", asks="THE STEPS")
    yield item("deployed", "Fix deployed to production", asks="WHAT AND WHEN")
    yield item("verified", "Effectiveness of the resolution verified", asks="HOW IT WAS SEEN")
    stage = Stage.RECOVERY
    yield item("normal-operations", "System restored to normal operations", asks="HOW IT WAS SEEN")
    yield item("data-validated", "Data validated, integrity checked", asks="WHAT WAS CHECKED")
    yield item(
        "watch",
        "Performance monitored after resolution",
        IRPD,
        holds=lambda _c, i: i.closed_at is not None,
    )
    yield item("temporary-measures", "Temporary measures removed", asks="WHICH")


ITEMS: Mapping[str, Item] = {item.id: item for item in _protocol()}


def items(configuration: Configuration) -> Mapping[str, Item]:
    """All of them under this configuration, by id."""
    stages = configuration.stages
    if not stages.add and not stages.drop:
        return ITEMS
    found = {id: item for id, item in ITEMS.items() if id not in stages.drop}
    for own in stages.add:
        found[own.id] = Item(id=own.id, stage=Stage(own.stage), title=own.title, role=own.role)
    return found


def checklist(configuration: Configuration, stage: Stage) -> list[Item]:
    """Those of one stage, in order."""
    return [item for item in items(configuration).values() if item.stage is stage]
