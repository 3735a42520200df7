"""The words a condition may use: the names of facts, with their types, and the functions."""

from collections.abc import Mapping
from typing import get_args

from irpd.config.values import Source

#: The types that a source may have.
SOURCE_TYPES: tuple[str, ...] = tuple(map(str, get_args(Source.model_fields["type"].annotation)))

#: Every name a condition may use, with its type and meaning.
NAMES: Mapping[str, tuple[str, str]] = {
    "source": ("string", "name of the source"),
    "source_type": ("string", "its type: `alertmanager`, `grafana`, `sentry`, `zendesk`, `ticket`, ..."),
    "service": ("string", "the service that claimed the signal"),
    "status": ("string", "`firing` or `resolved`"),
    "title": ("string", "the signal's title"),
    "text": ("string", "its text, empty where it has none"),
    "labels": ("map(string, string)", 'its labels; `labels.get("x")` is `""` for one that is missing'),
    "project": ("string", "the sender's project (Sentry), else empty"),
    "share": (
        "double",
        "share of its users that are affected, 0.0 to 1.0; 0.0 while unknown",
    ),
    "share_known": ("bool", "whether `share` is known"),
    "affected": ("int", "users affected, 0 while unknown"),
    "users": ("int", "users of the service, 0 while unknown"),
    "reporters": ("int", "distinct people whose tickets belong to the incident"),
    "signals": ("int", "signals of the incident, this one included"),
    "open_minutes": ("int", "whole minutes the incident has been open"),
    "count": ("int", "times this signal was reported"),
    "at": ("timestamp", 'the time of the decision; `at.getHours("Europe/Berlin")`'),
}
FUNCTIONS = (
    "contains", "startsWith", "endsWith", "matches", "size", "get", "has",
    "all", "exists", "exists_one", "map", "filter",
    "int", "double", "string", "timestamp", "duration",
    "getHours", "getMinutes", "getDayOfWeek", "getDate", "getMonth", "getFullYear",
)  # fmt: skip
