"""The command as people run it: a process of its own, against a house in this one."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from house import SECRET, House, build_house

from irpd.__main__ import group

Build = Callable[..., Awaitable[House]]


@dataclass(frozen=True)
class Done:
    """What a run of the command left."""

    status: int
    out: str
    err: str


@pytest.fixture
async def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Build]:
    monkeypatch.setenv("DOOR_SECRET", SECRET)
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> House:
            return await build_house(stack, tmp_path, **options)

        yield make


@pytest.fixture
async def house(build: Build) -> House:
    return await build()


Run = Callable[..., Awaitable[Done]]


@pytest.fixture
def irpd(tmp_path: Path) -> Run:
    """Run the command; the daemon's socket is found as a user's would be, unless a test says else."""

    async def run(*arguments: str, stdin: bytes = b"", env: dict[str, str] | None = None) -> Done:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("IRPD_") and k != "STATE_DIRECTORY"}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "irpd",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=tmp_path,
            env={**plain, "RUNTIME_DIRECTORY": str(tmp_path), "TZ": "Europe/Berlin", **(env or {})},
        )
        async with asyncio.timeout(45):
            out, err = await process.communicate(stdin)
        return Done(process.returncode or 0, out.decode(), err.decode())

    return run


@pytest.fixture
def commands() -> Any:
    return group
