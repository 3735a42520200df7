"""Levels: how severe an incident is, as the protocol numbers it."""

from enum import IntEnum


class Level(IntEnum):
    """Severity, 1 (critical) to 4 (low). A smaller number is more severe."""

    CRITICAL = 1
    HIGH = 2
    MEDIUM = 3
    LOW = 4

    @property
    def severity(self) -> str:
        """The name in lower case, as configuration files and JSON spell it."""
        return self.name.lower()

    @property
    def impact(self) -> str:
        """What the protocol says that a level means for the business, in one sentence."""
        return _IMPACT[self]

    @property
    def characteristics(self) -> tuple[str, ...]:
        """What the protocol recognises it by; the last is the share of users."""
        return _CHARACTERISTICS[self]

    @property
    def urgent(self) -> bool:
        """Levels 1 and 2: people confirm what happened to them, paging ignores the hour."""
        return self <= Level.HIGH

    @classmethod
    def of(cls, severity: str) -> "Level":
        """The level by its severity name. Raises KeyError for any other text."""
        return cls[severity.upper()]


_IMPACT = {
    Level.CRITICAL: "Significant business disruption; users unable to access core functionality; "
    "potential legal or compliance implications",
    Level.HIGH: "Important business functions impaired; workarounds may exist but are cumbersome",
    Level.MEDIUM: "Business functions affected but alternative paths exist; productivity impact is moderate",
    Level.LOW: "Minimal business impact; inconvenience rather than functional limitation",
}

_CHARACTERISTICS = {
    Level.CRITICAL: (
        "Complete system outage",
        "Data breach or security compromise",
        "Loss of data or data corruption",
        "Payment processing failure",
        "Any issue affecting >80% of users",
    ),
    Level.HIGH: (
        "Major feature unavailable",
        "Significant performance degradation system-wide",
        "Integration failures with critical third-party services",
        "Any issue affecting 40-80% of users",
    ),
    Level.MEDIUM: (
        "Non-critical feature unavailable",
        "Intermittent issues with specific functionality",
        "Minor performance degradation",
        "Any issue affecting 10-40% of users",
    ),
    Level.LOW: (
        "Cosmetic issues",
        "Minor bugs with simple workarounds",
        "Documentation errors",
        "Any issue affecting <10% of users",
    ),
}
