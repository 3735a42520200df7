"""The sources as they are in force: built with their secrets, replaced at a reload."""

import structlog

from irpd.config.values import Configuration
from irpd.engine.ports import Normalised, Receipt
from irpd.intake import IntakeSource, SourceError, build_source

log = structlog.get_logger("irpd.daemon")


class Sources:
    """``built`` stays the same mapping; a reload replaces what is in it. A source whose secret can't be had
    refuses everything and stands in ``problems``; the others work."""

    def __init__(self, configuration: Configuration, *, reporter_key: bytes) -> None:
        self._reporter_key = reporter_key
        self.built: dict[str, IntakeSource] = {}
        self.problems: dict[str, str] = {}
        self.use(configuration)

    def use(self, configuration: Configuration) -> None:
        """Build them anew; secrets are read now."""
        built: dict[str, IntakeSource] = {}
        problems: dict[str, str] = {}
        for name, one in configuration.sources.items():
            try:
                built[name] = build_source(name, one, reporter_key=self._reporter_key)
            except SourceError as error:
                problems[name] = str(error)
                log.error("source-unusable", source=name, error=str(error))
        self.problems = problems
        self.built.clear()
        self.built.update(built)

    def normalise(self, receipt: Receipt) -> Normalised:
        """What a stored receipt says. Raises KeyError when its source is gone."""
        return self.built[receipt.source].normalise(receipt.body, receipt.headers, receipt.at)
