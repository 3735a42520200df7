"""Who fills a role of an incident: chosen once, when its level first calls for the role.

Whoever is on call at that moment keeps the role through the incident, also when their shift ends. The choice
stands in the event that set the level, so that replay needs no schedule.
"""

from irpd.model.incident import Incident
from irpd.model.level import Level
from irpd.protocol.draft import Draft
from irpd.protocol.paging import on_call, reachable


def filled(draft: Draft, level: Level, already: dict[str, str]) -> dict[str, str]:
    """The roles that this level calls for and that nobody fills yet, with their people."""
    found: dict[str, str] = {}
    for name, role in draft.configuration.roles.items():
        if name in already or level not in role.levels:
            continue
        persons = on_call(draft, role.schedule or "", role.person or "", draft.now)
        if persons:
            found[name] = persons[0]
    return found


def commanders(draft: Draft, incident: Incident, level: Level) -> tuple[str, ...]:
    """Who is to hear what concerns the command at this level: who commands, else who would at that level,
    else who has it, else fallback; the first of these who can be reached."""
    configuration = draft.configuration
    role = (incident.roles | filled(draft, level, incident.roles)).get("commander")
    for persons in ((role,) if role else (), incident.acknowledged_by):
        if any(reachable(configuration, person, level) for person in persons):
            return persons
    return configuration.fallback
