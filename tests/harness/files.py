"""Files to read: one that is good, and the means to write what is wrong into it."""

from collections.abc import Callable
from pathlib import Path

import pytest

GOOD = """\
version: 1
sources:
  alertmanager: {type: alertmanager, auth: none}
unmapped: platform
fallback: [emil]
services:
  checkout:
    paths: {technical: engineering}
    signals: [{source: alertmanager, labels: {service: checkout}}]
  platform: {paths: {technical: engineering}}
channels:
  local: {type: file}
notify:
  default: [{after: 0m, via: [local]}]
people:
  asha: {name: Asha Rao, phone: "+4915100000001"}
  emil: {name: Emil Novak}
schedules:
  first-responder:
    time_zone: Europe/Berlin
    layers: [{rotate: weekly, handoff: "Mon 09:00", start: "2026-01-05", people: [asha, emil]}]
paths:
  engineering:
    kind: technical
    steps: [{schedule: first-responder, wait: 5m}, {person: emil, wait: 10m}]
"""


@pytest.fixture
def good() -> str:
    """A small configuration without a mistake."""
    return GOOD


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Writes files by name into an empty folder that is current, and returns the names."""
    monkeypatch.chdir(tmp_path)

    def files(**contents: str | bytes) -> list[str]:
        names = []
        for stem, content in contents.items():
            name = f"{stem}.yaml"
            data = content if isinstance(content, bytes) else content.encode("utf-8")
            (tmp_path / name).write_bytes(data)
            names.append(name)
        return names

    return files
