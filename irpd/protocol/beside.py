"""Paths beside the one that a report starts: the business's, the customers'.

A rule asks for them (``start: [business]``), a service at levels that it names, or a person. Each runs by
itself; one that has been at work in an incident isn't started again by what is only said again.
"""

from collections.abc import Iterable, Iterator

from irpd.config.paths import ServicePath
from irpd.config.values import Configuration
from irpd.model.incident import Incident
from irpd.protocol.draft import Draft
from irpd.protocol.paging import start_path


def start_beside(draft: Draft, incident: Incident, kinds: Iterable[str] = ()) -> Incident:
    """Start the paths of these kinds, and those that its services want at its level."""
    for name, because in _wanted(draft.configuration, incident, kinds):
        if not any(run.name == name for run in incident.paths):
            incident = start_path(draft, incident, name, because=because)
    return incident


def _wanted(
    configuration: Configuration, incident: Incident, kinds: Iterable[str]
) -> Iterator[tuple[str, str]]:
    for kind in kinds:
        name = _path_of(configuration, incident, kind)
        if name:
            yield name, f"a rule starts the {kind} path"
    for service in incident.services:
        settings = configuration.services.get(service)
        for path in settings.paths.values() if settings is not None else ():
            if isinstance(path, ServicePath) and incident.level in path.levels:
                yield path.path, f"{service} wants it at level {incident.level}"


def _path_of(configuration: Configuration, incident: Incident, kind: str) -> str:
    """The path of this kind that one of its services names, else the only one that there is."""
    named = (configuration.path_of(service, kind) for service in incident.services)
    found = next((name for name in named if name), "")
    if found:
        return found
    of_kind = [name for name, path in configuration.paths.items() if path.kind == kind]
    return of_kind[0] if len(of_kind) == 1 else ""
