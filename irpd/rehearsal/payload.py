"""A payload in a file, read as the source would read it that gets it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from irpd.config.values import Source
from irpd.engine.ports import Normalised
from irpd.intake import build_source

#: What irpd takes in one request.
MAX_PAYLOAD = 16 * 1024 * 1024
_KEY = b"rehearsal" * 4
_SENTRY = (
    (b'"metric_alert"', "metric_alert"),
    (b'"triggered_rule"', "event_alert"),
    (b'"comment_id"', "comment"),
    (b'"issue"', "issue"),
    (b'"error"', "error"),
)


class BadPayload(Exception):
    """A payload that can't be read from its file; the text says why."""


def payload_of(path: Path) -> bytes:
    """Raises BadPayload."""
    try:
        size = path.stat().st_size
        if size > MAX_PAYLOAD:
            raise BadPayload(f"{path}: {size:,} bytes; irpd takes {MAX_PAYLOAD:,} at most")
        return path.read_bytes()
    except OSError as error:
        raise BadPayload(f"{path}: {error.strerror or error}") from None


def read_as(
    name: str, settings: Source, body: bytes, at: datetime, headers: Mapping[str, str] | None = None
) -> Normalised:
    """What the source ``name`` makes of a body. ``headers`` that are left out are guessed from the body."""
    hints = {**hints_for(settings.type, body), **(headers or {})}
    # No secret is needed to read a body.
    open_to_all = settings.model_copy(update={"auth": "none"})
    return build_source(name, open_to_all, reporter_key=_KEY).normalise(body, hints, at)


def hints_for(source_type: str, body: bytes) -> dict[str, str]:
    """Sentry says in a header what a body is; a file has none, so its content must do."""
    if source_type != "sentry":
        return {}
    for mark, resource in _SENTRY:
        if mark in body:
            return {"Sentry-Hook-Resource": resource}
    return {}
