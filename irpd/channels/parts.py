"""What channels are built of: what the daemon has, and each takes what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import aiohttp

from irpd.channels.inbound import DeskLike
from irpd.config.channels import ChannelSettings
from irpd.engine.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """``public_url`` is ``server.public_url``, "" where providers can't reach irpd; ``settings`` those of all
    channels, because one may use another's account; ``terminal`` None where nobody looks."""

    session: aiohttp.ClientSession
    clock: Clock
    desk: DeskLike
    state_dir: Path
    public_url: str = ""
    terminal: TextIO | None = None
    settings: Mapping[str, ChannelSettings] = field(default_factory=dict)
