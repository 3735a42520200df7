"""Services: whether reports reach them, and whether their claims take each other's."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from irpd.check.material import Material
from irpd.config.problem import Problem
from irpd.config.values import Claim, Configuration
from irpd.config.yaml import Where


@dataclass(frozen=True, slots=True)
class _Claim:
    path: Where
    service: str
    wants: Mapping[str, frozenset[str]]

    @property
    def name(self) -> str:
        return f"services.{self.service}.signals[{self.path[-1]}]"


def claims(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """The first claim that holds decides, in the order of the files; what it takes no later one gets."""
    earlier: list[_Claim] = []
    for name, service in configuration.services.items():
        path = ("services", name)
        for n, claim in enumerate(service.signals):
            found = _Claim((*path, "signals", n), name, _wants(claim))
            yield from _taken(material, found, earlier)
            if found.wants:
                earlier.append(found)
        named_by_reports = any("service" in source.fields for source in configuration.sources.values())
        if not service.signals and name != configuration.unmapped and not named_by_reports:
            message = "no report is about it: add signals:, or leave the service out"
            yield material.merged.problem(path, message, key=True, severity="warning")
        yield from _paths(material, configuration, name)
    yield from _unused(material, configuration)


def _taken(material: Material, claim: _Claim, earlier: list[_Claim]) -> Iterator[Problem]:
    if not claim.wants:
        message = "would take every report; name a source, a project or labels"
        yield material.merged.problem(claim.path, message)
        return
    for other in earlier:
        if other.wants.keys() <= claim.wants.keys() and all(
            claim.wants[key] <= values for key, values in other.wants.items()
        ):
            same = other.wants == claim.wants
            message = f"{'the same as' if same else 'never reached: all of it goes to'} {other.name}"
            if other.service == claim.service:
                yield material.merged.problem(claim.path, message, severity="warning")
            else:
                yield material.merged.problem(claim.path, message + "; the first that holds decides")
            return


def _wants(claim: Claim) -> dict[str, frozenset[str]]:
    wants = {"source": claim.source, "project": claim.project}
    wants |= {f"labels.{name}": value for name, value in claim.labels.items()}
    return {
        key: frozenset([value] if isinstance(value, str) else value)
        for key, value in wants.items()
        if value is not None
    }


def _paths(material: Material, configuration: Configuration, name: str) -> Iterator[Problem]:
    service = configuration.services[name]
    if "technical" not in service.paths:
        at = ("services", name, "paths")
        message = "technical is missing; what monitoring reports would page fallback only"
        yield material.merged.problem(at, message, key=True, severity="warning")
    for kind, path in service.paths.items():
        used = configuration.paths.get(path)
        if used is not None and used.kind != kind:
            message = f"{path} is a {used.kind} path"
            yield material.merged.problem(("services", name, "paths", kind), message, severity="warning")


def _unused(material: Material, configuration: Configuration) -> Iterator[Problem]:
    used = {path for service in configuration.services.values() for path in service.paths.values()}
    for name, path in configuration.paths.items():
        if name not in used and path.kind != "business":  # that one is started by hand
            message = "no service uses this path"
            yield material.merged.problem(("paths", name), message, key=True, severity="warning")
