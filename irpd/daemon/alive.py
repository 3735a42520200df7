"""irpd's own heartbeat to dead man's switches elsewhere: silence is what tells.

The watching thread feeds ``Alive`` while loop, engine and delivery progress, and the daemon does its job
(``wrong``). Each switch has a thread of its own that asks for its address every so often, if the last
feeding is fresh. So a switch hears nothing more when the process is gone, when anything in it hangs (the
watching thread too), when delivery stalls and when the journal can't be written. A switch that is slow, or
a name that isn't found, holds up nothing but itself.

That a switch doesn't answer is no reason to wake anybody: it tells people by itself. It is logged when it
begins and when it ends, and counted.
"""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Protocol
from urllib.parse import urlsplit

import structlog

from irpd.config.secret import Secret
from irpd.config.watching import Report, wrong_address

log = structlog.get_logger("irpd.alive")

#: A feeding older than so many seconds proves nothing: the watching thread hangs, or irpd isn't well.
FRESH = 10.0
#: irpd may be unable to do its job for so many seconds before the switches hear no more of it.
UNWELL_AFTER = 60.0


class Counters(Protocol):
    """``to`` is the host of a switch, never its whole address."""

    def reported(self, to: str, outcome: str, at: datetime) -> None: ...


class Alive:
    """``use`` what the files say, then ``feed`` while all is well. ``now`` counts seconds, never set."""

    def __init__(
        self,
        *,
        now: Callable[[], float],
        wrong: Callable[[], str],
        counters: Counters,
        clock: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._wrong = wrong
        self._counters = counters
        self._clock = clock
        self._fed_at: float | None = None
        self._unwell_since: float | None = None
        self._told = ""
        self._switches: dict[Report, _Switch] = {}

    # ------------------------------------------------------------ on the watching thread
    def feed(self, stalled: Sequence[str] = ()) -> None:
        """One look: ``stalled`` names what doesn't move."""
        now = self._now()
        why = f"stalled: {', '.join(stalled)}" if stalled else self._lasting(now)
        if why:
            self._fed_at = None
            if not self._told and self._switches:
                log.error("switches-starved", why=why)
        else:
            self._fed_at = now
            if self._told and self._switches:
                log.info("switches-fed-again")
        self._told = why

    def _lasting(self, now: float) -> str:
        """What has been wrong for so long that somebody should hear of it from outside."""
        wrong = self._wrong()
        if not wrong:
            self._unwell_since = None
            return ""
        if self._unwell_since is None:
            self._unwell_since = now
        return wrong if now - self._unwell_since >= UNWELL_AFTER else ""

    # ------------------------------------------------------------ for the daemon
    def use(self, reports: Sequence[Report]) -> None:
        """From here on report to these; secrets are read now."""
        before, self._switches = self._switches, {}
        for report in dict.fromkeys(reports):
            try:
                request = _request(report)
            except LookupError as error:
                log.error("switch-unusable", why=str(error))
                self._counters.reported(_host(report.url), "unusable", self._clock())
                continue
            known = before.get(report)
            if known is not None and known.same(request):
                self._switches[report] = before.pop(report)
            else:
                self._switches[report] = _Switch(report, request, self.well, self._counters, self._clock)
        for gone in before.values():
            gone.stop()

    def stop(self) -> None:
        self.use(())

    def well(self) -> bool:
        """Whether the switches may hear of it at this moment."""
        fed_at = self._fed_at
        return fed_at is not None and self._now() - fed_at <= FRESH


class _Switch:
    """One switch and its thread."""

    def __init__(
        self,
        report: Report,
        request: urllib.request.Request,
        well: Callable[[], bool],
        counters: Counters,
        clock: Callable[[], datetime],
    ) -> None:
        self._report = report
        self._request = request
        self._well = well
        self._counters = counters
        self._clock = clock
        self._to = _host(report.url if isinstance(report.url, str) else request.full_url)
        self._failing = ""
        self._stopped = threading.Event()
        # A daemon: an answer that doesn't come holds up no end.
        self._thread = threading.Thread(target=self._run, name=f"irpd-alive-{self._to}", daemon=True)
        self._thread.start()

    def same(self, request: urllib.request.Request) -> bool:
        mine, other = self._request, request
        return (mine.full_url, mine.headers) == (other.full_url, other.headers)

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        """At once when irpd is well, then every so often; while it isn't, a look a second."""
        while not self._stopped.is_set():
            if not self._well():
                self._stopped.wait(1.0)
                continue
            self._say(_ask(self._request, self._report.timeout))
            self._stopped.wait(self._report.every)

    def _say(self, problem: str) -> None:
        self._counters.reported(self._to, "failed" if problem else "ok", self._clock())
        if problem and not self._failing:
            log.warning("switch-not-reached", to=self._to, why=problem)
        elif self._failing and not problem:
            log.info("switch-reached-again", to=self._to)
        self._failing = problem


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What goes with the request is for the configured address alone."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _ask(request: urllib.request.Request, timeout: float) -> str:
    """Why the switch was not reached; "" when it took it."""
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"HTTP {error.code}" + (", it has moved" if error.code // 100 == 3 else "")
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"{type(error).__name__}: {' '.join(str(reason).split())[:200]}"


def _request(report: Report) -> urllib.request.Request:
    """Raises LookupError without a secret."""
    url = report.url.reveal() if isinstance(report.url, Secret) else report.url
    if problem := wrong_address(url):
        raise LookupError(f"{report.url.place if isinstance(report.url, Secret) else 'url'}: {problem}")
    headers = {"User-Agent": "irpd", **(report.auth.header() if report.auth is not None else {})}
    data = b"" if report.method == "POST" else None
    return urllib.request.Request(url, data=data, headers=headers, method=report.method)


def _host(url: str | Secret) -> str:
    return urlsplit(url).netloc if isinstance(url, str) else url.place
