"""What the protocol asks for in each stage, item by item, and whether it is done.

An item is ended by a person (with its result, or set aside for a reason), by a fact that it asks for
(``root-cause``), or it holds by itself because irpd did it. ``stages.add`` and ``stages.drop`` of the
configuration change the list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from irpd.config.values import Configuration
from irpd.model.incident import Incident
from irpd.model.stage import Stage

Holds = Callable[[Configuration, Incident], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """``role`` is who sees to it. With ``fact`` it is done when that fact is set; with ``holds`` irpd sees to
    it, and nobody has to say so."""

    id: str
    stage: Stage
    title: str
    role: str
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


def _item(
    stage: Stage, id: str, title: str, role: str, *, fact: str = "", holds: Holds | None = None
) -> tuple[str, Item]:
    return id, Item(id=id, stage=stage, title=title, role=role, fact=fact, holds=holds)


LEAD, COMMANDER, COMMUNICATIONS = "technical-lead", "commander", "communications"

#: The protocol's own, in its order.
ITEMS: Mapping[str, Item] = dict(
    (
        _item(Stage.DETECTION, "ticket", "Incident ticket created", "irpd", holds=lambda _c, _i: True),
        _item(
            Stage.DETECTION, "notified", "On-call responder notified", "irpd", holds=lambda _c, i: i.pages > 0
        ),
        _item(Stage.DETECTION, "assessment", "Initial assessment performed", "responder"),
        _item(Stage.TRIAGE, "level", "Level confirmed by its characteristics and impact", COMMANDER),
        _item(Stage.TRIAGE, "team", "Response team assembled", COMMANDER, holds=_team),
        _item(Stage.INVESTIGATION, "root-cause", "Root cause diagnosed", LEAD, fact="root-cause"),
        _item(
            Stage.INVESTIGATION,
            "affected-systems",
            "Affected systems identified",
            LEAD,
            fact="affected-systems",
        ),
        _item(Stage.INVESTIGATION, "scope", "Scope of impact determined", LEAD, fact="scope"),
        _item(
            Stage.INVESTIGATION, "strategies", "Resolution strategies developed, the chosen one and why", LEAD
        ),
        _item(Stage.CONTAINMENT, "immediate-actions", "Immediate actions to limit impact", LEAD),
        _item(Stage.CONTAINMENT, "workaround", "Temporary workaround, if possible", LEAD, fact="workaround"),
        _item(Stage.CONTAINMENT, "isolation", "Affected components isolated, when necessary", LEAD),
        _item(Stage.CONTAINMENT, "user-impact", "User impact minimised", LEAD),
        _item(Stage.RESOLUTION, "fix", "Permanent fix developed and tested", LEAD, fact="resolution"),
        _item(Stage.RESOLUTION, "plan", "Implementation plan created", LEAD),
        _item(Stage.RESOLUTION, "deployed", "Fix deployed to production", LEAD),
        _item(Stage.RESOLUTION, "verified", "Effectiveness of the resolution verified", LEAD),
        _item(Stage.RECOVERY, "normal-operations", "System restored to normal operations", LEAD),
        _item(Stage.RECOVERY, "data-validated", "Data validated, integrity checked", LEAD),
        _item(
            Stage.RECOVERY,
            "watch",
            "Performance monitored after resolution",
            "irpd",
            holds=lambda _c, i: i.closed_at is not None,
        ),
        _item(Stage.RECOVERY, "temporary-measures", "Temporary measures removed", LEAD),
    )
)


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
