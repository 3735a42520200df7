"""What a supervisor hears: ready, reloading, stopping, and that work is progressing.

The protocol is one datagram of ``KEY=VALUE`` lines to the socket that ``$NOTIFY_SOCKET``
names (sd_notify(3)). A leading ``@`` means the abstract namespace.
"""

import os
import socket
import time


def notify(**fields: str | int) -> bool:
    """Tell the supervisor; False when there is none. Never raises: paging goes on without it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    text = "\n".join(f"{key}={value}" for key, value in fields.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
            peer.connect(address)
            peer.sendall(text.encode())
    except OSError:
        return False
    return True


def ready(status: str) -> None:
    notify(READY=1, STATUS=status)


def reloading() -> None:
    notify(RELOADING=1, MONOTONIC_USEC=time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)


def stopping() -> None:
    notify(STOPPING=1, STATUS="draining")


def watchdog_seconds() -> float | None:
    """How often the supervisor must hear from this process; None when it doesn't ask."""
    try:
        period = int(os.environ.get("WATCHDOG_USEC", "")) / 1e6
    except ValueError:
        return None
    for_pid = os.environ.get("WATCHDOG_PID", "")
    return period if period > 0 and (not for_pid or for_pid == str(os.getpid())) else None
