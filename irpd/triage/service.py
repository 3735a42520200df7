"""Which service a signal is about: the first whose claim holds, in the order of the configuration."""

import msgspec

from irpd.config.values import Claim, Configuration
from irpd.model.signal import Signal
from irpd.triage.matching import Match, MatchIndex

UNMAPPED = "unmapped"


def as_values(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """A single value or a list of them: any of these."""
    return (value,) if isinstance(value, str) else tuple(value)


class _Reported(msgspec.Struct, frozen=True, gc=False):
    source: str
    project: str


class ServiceIndex:
    """Answers are remembered, so that a signal costs about a microsecond."""

    def __init__(self, configuration: Configuration) -> None:
        self._known = frozenset(configuration.services)
        self._unmapped = configuration.unmapped
        #: service → what mutes it while that has an outage, also by way of others; only those with any
        self.muted_by = {
            name: found for name in configuration.services if (found := _needed(configuration, name))
        }
        matches: list[Match] = []
        answers: list[tuple[str, str]] = []
        for name, service in configuration.services.items():
            for number, claim in enumerate(service.signals):
                wants = _wants(claim)
                if wants:  # an empty claim would take everything: `irpd check` refuses it
                    matches.append(Match(wants))
                    answers.append((name, f"services.{name}.signals[{number}]"))
        self._index = MatchIndex(
            matches, lambda found, _: answers[found.held[0]] if found.held else (self._unmapped, UNMAPPED)
        )

    def service_for(self, source: str, signal: Signal) -> tuple[str, str]:
        """The service and what says so, like ``services.checkout.signals[0]``.

        A service that the report itself names (a field map's ``service``) comes first if it exists;
        what nothing claims belongs to the ``unmapped`` service.
        """
        if signal.service and signal.service in self._known:
            return signal.service, f"sources.{source}.fields.service"
        return self._index.find(_Reported(source, signal.project), signal.labels)


def _needed(configuration: Configuration, service: str) -> tuple[str, ...]:
    """What this service can't do without, and what that can't, in order of distance; never itself."""
    found: dict[str, None] = {}
    looking = [service]
    while looking:
        settings = configuration.services.get(looking.pop(0))
        for name, how in settings.depends_on.items() if settings is not None else ():
            if how == "mutes" and name not in found and name != service:
                found[name] = None
                looking.append(name)
    return tuple(found)


def _wants(claim: Claim) -> dict[str, tuple[str, ...]]:
    wants: dict[str, tuple[str, ...]] = {}
    if claim.source is not None:
        wants["source"] = as_values(claim.source)
    if claim.project is not None:
        wants["project"] = as_values(claim.project)
    for label, value in claim.labels.items():
        wants[f"labels.{label}"] = as_values(value)
    return wants
