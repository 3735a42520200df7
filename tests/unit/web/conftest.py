"""A house for each test of the doors."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from house import SECRET, House, build_house

Build = Callable[..., Awaitable[House]]


@pytest.fixture
async def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Build]:
    """Make a house; ``tokens``, ``login`` and ``body_timeout`` as ``build_house`` has them."""
    monkeypatch.setenv("DOOR_SECRET", SECRET)
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> House:
            return await build_house(stack, tmp_path, **options)

        yield make


@pytest.fixture
async def house(build: Build) -> House:
    return await build()
