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


class _Earlier:
    """The claims so far. Each is kept under one of its keys, the one that says most, with each of the values
    it takes there: a claim that takes all that another wants is found under any one value of that."""

    def __init__(self) -> None:
        self._under: dict[tuple[str, str], list[tuple[int, _Claim]]] = {}
        self._count = 0

    def add(self, claim: _Claim) -> None:
        key = min(claim.wants, key=lambda key: (key == "source", len(claim.wants[key])))
        for value in claim.wants[key]:
            self._under.setdefault((key, value), []).append((self._count, claim))
        self._count += 1

    def taking(self, claim: _Claim) -> _Claim | None:
        """The first that takes all that ``claim`` wants."""
        found = [
            numbered
            for key, values in claim.wants.items()
            for numbered in self._under.get((key, next(iter(values), "")), [])
            if _takes(numbered[1], claim)
        ]
        return min(found, key=lambda numbered: numbered[0])[1] if found else None


def _takes(earlier: _Claim, later: _Claim) -> bool:
    return earlier.wants.keys() <= later.wants.keys() and all(
        later.wants[key] <= values for key, values in earlier.wants.items()
    )


def claims(material: Material, configuration: Configuration) -> Iterator[Problem]:
    """The first claim that holds decides, in the order of the files; what it takes no later one gets."""
    earlier = _Earlier()
    named_by_reports = any("service" in source.fields for source in configuration.sources.values())
    for name, service in configuration.services.items():
        path = ("services", name)
        for n, claim in enumerate(service.signals):
            found = _Claim((*path, "signals", n), name, _wants(claim))
            yield from _taken(material, found, earlier)
            if found.wants and all(found.wants.values()):
                earlier.add(found)
        if not service.signals and name != configuration.unmapped and not named_by_reports:
            message = "no report is about it: add signals:, or leave the service out"
            yield material.merged.problem(path, message, key=True, severity="warning")
        yield from _paths(material, configuration, name)
    yield from _unused(material, configuration)


def _taken(material: Material, claim: _Claim, earlier: _Earlier) -> Iterator[Problem]:
    if not claim.wants:
        yield material.merged.problem(
            claim.path, "would take every report; name a source, a project or labels"
        )
        return
    nothing = [key for key, values in claim.wants.items() if not values]
    if nothing:
        message = f"{nothing[0]} may have no value at all, so this never holds; name one"
        yield material.merged.problem(claim.path, message)
        return
    other = earlier.taking(claim)
    if other is None:
        return
    same = other.wants == claim.wants
    message = f"{'the same as' if same else 'never reached: all of it goes to'} {other.name}"
    if other.service == claim.service:
        yield material.merged.problem(claim.path, message, severity="warning")
    else:
        yield material.merged.problem(claim.path, message + "; the first that holds decides")


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
    for kind in service.paths:
        path = configuration.path_of(name, kind)
        used = configuration.paths.get(path)
        if used is not None and used.kind != kind:
            message = f"{path} is a {used.kind} path"
            yield material.merged.problem(("services", name, "paths", kind), message, severity="warning")


def _unused(material: Material, configuration: Configuration) -> Iterator[Problem]:
    used = {
        configuration.path_of(name, kind)
        for name, service in configuration.services.items()
        for kind in service.paths
    }
    for name, path in configuration.paths.items():
        if name not in used and path.kind != "business":  # that one is started by hand
            message = "no service uses this path"
            yield material.merged.problem(("paths", name), message, key=True, severity="warning")
