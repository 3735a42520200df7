"""What the tests of intake share: recorded payloads, and sources built as the daemon builds them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from irpd.config.values import Source
from irpd.engine.ports import Normalised
from irpd.intake import IntakeSource, build_source
from irpd.model.signal import Signal

PAYLOADS = Path(__file__).resolve().parents[2] / "payloads"
NOW = datetime(2026, 11, 24, 3, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def payload() -> Callable[[str], bytes]:
    """A recorded body by its name without ``.json``."""
    return lambda name: (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture(scope="session")
def source() -> Callable[..., IntakeSource]:
    def build(type: str, name: str = "", **settings: Any) -> IntakeSource:
        settings.setdefault("auth", "none")
        if type == "ticket":
            settings.setdefault("fields", {"key": "id"})
        return build_source(
            name or type, Source.model_validate({"type": type, **settings}), reporter_key=b"key of the tests"
        )

    return build


@pytest.fixture(scope="session")
def read(source: Callable[..., IntakeSource], payload: Callable[[str], bytes]) -> Callable[..., Normalised]:
    """Send a recorded payload (by name) or a body to a source of a type."""

    def send(
        type: str, body: str | bytes, headers: dict[str, str] | None = None, **settings: Any
    ) -> Normalised:
        if isinstance(body, str):
            body = payload(body)
        return source(type, **settings).normalise(body, headers or {}, NOW)

    return send


@pytest.fixture(scope="session")
def only(read: Callable[..., Normalised]) -> Callable[..., Signal]:
    """Like ``read`` for a body that is understood whole and says one thing."""

    def one(*args: Any, **settings: Any) -> Signal:
        said = read(*args, **settings)
        assert said.unreadable == ()
        assert said.accepted == 1
        (signal,) = said.signals
        return signal

    return one
