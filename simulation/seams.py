"""Where the simulation looks into irpd, and where it plants failures in irpd's judgement.

All of it is put in at the beginning of a run and taken out at its end. Nothing else of irpd is touched:
what runs is the code that is shipped. The bounds that a run should meet are made small here too.
"""

import gc
import importlib
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol
from unittest import mock

import structlog

from irpd.comms import texts
from irpd.daemon import heartbeats
from irpd.engine import engine, pace, upkeep
from irpd.model.command import Command, Refusal
from irpd.protocol.draft import Draft
from simulation.beats import LOOKS
from simulation.loop import Escape

#: What can be made to raise: rule 9 says that somebody is paged all the same.
SPOILT = ("Receive", "Wake", "Acknowledge", "RecordSend", "WakeSignal", "TakeAnswer")
PLANTS = ("decide", "set-aside", "level", "level", "group", "group", "schedule", "hours", "hours", "text")

#: What the simulated must not reach for: the real clocks and real chance.
OUTSIDE = ("time.time", "time.monotonic", "time.sleep", "random.random", "random.uniform", "os.urandom")

#: One text in so many is made from its template, which takes longer than all else; the others are the
#: built-in ones.
TEXT_ONE_IN = 20


class Planted(Exception):
    """A failure that the simulation put there."""


class Observer(Protocol):
    """Who is told of every decision."""

    plant: str

    def decided(self, draft: Draft, command: Command) -> None: ...

    def refused(self, command: Command, refusal: Refusal) -> None: ...

    def raised(self, command: Command, error: Exception) -> None: ...

    def planted(self, what: str) -> None: ...

    def logged(self, event: str, values: dict[str, Any]) -> None: ...


class _NoCollector:
    """The engine freezes its heap after loading; here many engines follow one another."""

    @staticmethod
    def collect() -> None: ...

    @staticmethod
    def freeze() -> None: ...


class _NoWork:
    """How much processor time work takes depends on the real machine; here it takes none."""

    @staticmethod
    def thread_time() -> float:
        return 0.0


@contextmanager
def installed(observer: Observer) -> Iterator[None]:
    """The simulation's look into irpd, for the time of a run."""

    def decide(real: Any) -> Any:
        def looked_at(draft: Draft, command: Command) -> object:
            name = type(command).__name__
            if observer.plant == "decide" and name in SPOILT and next(tried) % 3 == 0:
                observer.planted("decide")
                observer.raised(command, error := Planted("decide"))
                raise error
            if observer.plant == "set-aside" and name in ("Receive", "SetAside"):
                observer.planted("set-aside")
                observer.raised(command, error := Planted("set-aside"))
                raise error
            try:
                answer = real(draft, command)
            except Refusal as refusal:
                observer.refused(command, refusal)
                raise
            except Exception as raised:
                observer.raised(command, raised)
                raise
            observer.decided(draft, command)
            return answer

        return looked_at

    def failing(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
            def maybe(*args: Any, **options: Any) -> Any:
                if observer.plant == name:
                    observer.planted(name)
                    raise Planted(name)
                return real(*args, **options)

            return maybe

        return wrap

    def guarded(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
            def from_outside(*args: Any) -> Any:
                caller = str(sys._getframe(1).f_globals.get("__name__"))
                if caller.startswith("irpd."):
                    raise Escape(f"{name} was called by {caller}")
                return real(*args)

            return from_outside

        return wrap

    made, tried = count(), count()

    def render(real: Callable[..., Any]) -> Callable[..., Any]:
        def sometimes(channel_type: str, subject: Any) -> Any:
            if next(made) % TEXT_ONE_IN == 0:
                return real(channel_type, subject)
            return texts.built_in(subject, error="")

        return sometimes

    def render_several(real: Callable[..., Any]) -> Callable[..., Any]:
        def sometimes(channel_type: str, subjects: Any) -> Any:
            if next(made) % TEXT_ONE_IN == 0:
                return real(channel_type, subjects)
            return texts.built_in(subjects[0], error="")

        return sometimes

    def heard(_logger: object, _method: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        observer.logged(str(values.get("event")), dict(values))
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[heard],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=lambda *_args: None,  # nothing gets past ``heard``
        cache_logger_on_first_use=False,
    )

    def instead(where: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Any:
        module, _, name = where.rpartition(".")
        return mock.patch(where, wrap(getattr(importlib.import_module(module), name)))

    patches = [
        instead("irpd.engine.batch.decide", decide),
        mock.patch.object(engine, "gc", _NoCollector),
        mock.patch.object(pace, "time", _NoWork),
        mock.patch.object(upkeep, "MAINTAIN_EVERY", 20.0),
        mock.patch.object(heartbeats, "LOOK_EVERY", LOOKS),
        mock.patch.object(engine, "STORE_ONLY_ABOVE", 6),
        mock.patch.object(engine, "CATCH_UP", 5),
        instead("irpd.protocol.levels.level_for", failing("level")),
        instead("irpd.protocol.placing.group_for", failing("group")),
        instead("irpd.protocol.paging.persons_for", failing("schedule")),
        instead("irpd.protocol.paging.next_working", failing("hours")),
        instead("irpd.outbox.compose.render", render),
        instead("irpd.outbox.compose.several", render_several),
        instead("irpd.comms.texts.tell", failing("text")),
        *(instead(name, guarded(name)) for name in OUTSIDE),
    ]
    collecting = gc.isenabled()
    gc.disable()
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()
        structlog.configure(**before)
        if collecting:
            gc.enable()


def bury(dropped: MutableSequence[object]) -> None:
    """Let go of what crashes left behind. Its coroutines are closed now, in a world that is gone, and
    what they complain about means nothing."""
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _args: None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dropped.clear()
            gc.collect()
    finally:
        sys.unraisablehook = hook
