"""The doors: TCP for senders and phones, a Unix socket for the command line."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack
from pathlib import Path

from aiohttp import web

from irpd.daemon.options import EXIT_ADDRESS, StartError
from irpd.engine.ports import Clock
from irpd.web.app import build_socket_app, build_tcp_app
from irpd.web.connections import Connections
from irpd.web.metrics import Metrics
from irpd.web.ports import Services


async def open_doors(
    services: Services,
    *,
    listen: str,
    socket_path: Path,
    clock: Clock,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> tuple[str, "asyncio.Task[None]"]:
    """Listen on both; what ``stack`` unwinds closes them. The address, and the task that looks after
    connections. Raises StartError."""
    host, _, port = listen.rpartition(":")
    public = build_tcp_app(services)
    connections = Connections(public, now=clock.boot, cut=metrics.connections_cut)
    tcp = web.AppRunner(public, access_log=None, shutdown_timeout=5.0)
    local = web.AppRunner(build_socket_app(services), access_log=None, shutdown_timeout=5.0)
    for runner in (tcp, local):
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
    assert tcp.server is not None
    watching = asyncio.create_task(connections.watch(tcp.server), name="connections")
    try:
        await web.TCPSite(tcp, host.strip("[]") or None, int(port), backlog=1024).start()
        _clear(socket_path)
        before = os.umask(0o117)  # 0660 from the first moment
        try:
            await web.UnixSite(local, str(socket_path)).start()
        finally:
            os.umask(before)
    except (OSError, ValueError) as error:
        watching.cancel()
        raise StartError(EXIT_ADDRESS, f"can't listen on {listen} or {socket_path}: {error}") from None
    stack.callback(socket_path.unlink, missing_ok=True)
    addresses = tcp.addresses
    return "http://{}:{}".format(*addresses[0][:2]) if addresses else listen, watching


def socket_path(named: str | None, state_dir: Path) -> Path:
    """Where the command line reaches the daemon: as named, else in $RUNTIME_DIRECTORY, else beside the
    state."""
    if named:
        return Path(named)
    folder = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(folder or state_dir) / "irpd.sock"


def _clear(path: Path) -> None:
    """Remove a socket that a killed daemon left. Raises OSError if one answers there."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise OSError(f"another irpd answers at {path}")
