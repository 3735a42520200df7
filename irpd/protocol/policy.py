"""What decisions are made under: the configuration in force, compiled."""

from dataclasses import dataclass

from irpd.config.values import Configuration
from irpd.triage.ruleset import RuleSet
from irpd.triage.service import ServiceIndex


@dataclass(frozen=True, slots=True)
class Policy:
    """The configuration as a value. ``hash`` names it in every decision."""

    configuration: Configuration
    ruleset: RuleSet
    services: ServiceIndex
    hash: str
