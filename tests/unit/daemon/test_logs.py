"""What a log says of an exception, and what it keeps to itself."""

import io
import json as jsonlib
import logging
from collections.abc import Iterator

import pytest
import structlog

from irpd.daemon import logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before, root, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    yield
    structlog.configure(**before)
    logging.root.handlers[:], logging.root.level = root, level


@pytest.mark.parametrize("json", [True, False], ids=["json", "terminal"])
def test_a_traceback_shows_where_and_not_what_the_variables_held(json: bool) -> None:
    out = io.StringIO()
    logs.configure(stream=out, json=json)

    def judge(body: bytes) -> None:
        raise ValueError(f"{len(body)} bytes")

    try:
        judge(b"what a customer " + b"wrote")
    except ValueError:
        structlog.get_logger("test").exception("judgement-raised")
    said = out.getvalue()
    assert "judge" in said
    assert "21 bytes" in said
    assert "customer wrote" not in said
    assert not json or jsonlib.loads(said)["event"] == "judgement-raised"
