"""Maintenance windows that mute nothing, or more than anybody means: warnings."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from irpd.check.material import Material
from irpd.config.problem import Problem
from irpd.oncall.windows import next_span, open_until
from irpd.triage.ruleset import RuleSet
from irpd.triage.waiting import WindowRule

#: A window that holds for so long on end is no window.
LONGEST = timedelta(days=7)


def windows(material: Material, ruleset: RuleSet) -> Iterator[Problem]:
    """Windows that never hold from now on, and those that never end."""
    by_file = {document.file: document for document in material.rules}
    for rule in ruleset.quieting.windows:
        message = _doubt(rule, material.now)
        if message:
            place = rule.place
            yield Problem(
                file=place.file,
                line=place.line,
                column=place.column,
                path=f"{rule.id}.window",
                message=message,
                severity="warning",
                source_line=by_file[place.file].lines[place.line - 1][:200],
            )


def _doubt(rule: WindowRule, now: datetime) -> str:
    span = next_span(rule.window, now)
    if span is None:
        if rule.window.end is not None and rule.window.end <= now:
            return f"over since {rule.window.end:%Y-%m-%d %H:%M} UTC: it mutes nothing any more"
        return "holds at no time in the next two months: look at days, since and until"
    end = open_until(rule.window, span[0])
    if end is not None and end - span[0] > LONGEST:
        return (
            f"holds for more than {LONGEST.days} days on end: what is always muted is a rule with at_most: 4"
        )
    return ""
