"""Where the simulation looks into irpd, and where it plants failures in irpd's judgement.

All of it is put in at the beginning of a run and taken out at its end. Nothing else of irpd is touched:
what runs is the code that is shipped. The bounds that a run should meet are made small here too.
"""

import gc
import logging
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, Protocol
from unittest import mock

import structlog

from irpd.comms import texts
from irpd.engine import batch, engine, upkeep
from irpd.model.command import Command, Refusal
from irpd.outbox import compose
from irpd.protocol import levels, paging, receive
from irpd.protocol.draft import Draft
from simulation.loop import Escape

#: What can be made to raise: rule 9 says that somebody is paged all the same.
PLANTS = ("decide", "set-aside", "level", "group", "schedule", "hours", "text")

#: One text in so many is made from its template, which takes longer than all else; the others are the
#: built-in ones.
TEXT_ONE_IN = 4


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


@contextmanager
def installed(observer: Observer) -> Iterator[None]:
    """The simulation's look into irpd, for the time of a run."""

    def decide(real: Any) -> Any:
        def looked_at(draft: Draft, command: Command) -> object:
            name = type(command).__name__
            if observer.plant == "decide" and name in ("Receive", "Wake", "Acknowledge", "RecordSend"):
                if len(draft.rows.parent.incidents) % 3 == 0 if draft.rows.parent else False:
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

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*args: Any, **options: Any) -> Any:
            if observer.plant == name:
                observer.planted(name)
                raise Planted(name)
            return real(*args, **options)

        return maybe

    def guarded(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def from_outside(*args: Any) -> Any:
            if str(sys._getframe(1).f_globals.get("__name__")).startswith("irpd."):
                raise Escape(f"{name} was called by {sys._getframe(1).f_globals['__name__']}")
            return real(*args)

        return from_outside

    made = count()

    def render(real: Callable[..., Any]) -> Callable[..., Any]:
        def sometimes(channel_type: str, subject: Any) -> Any:
            if next(made) % TEXT_ONE_IN == 0:
                return real(channel_type, subject)
            return texts.built_in(subject, error="")

        return sometimes

    def heard(_logger: object, _method: str, values: dict[str, Any]) -> dict[str, Any]:
        observer.logged(str(values.get("event")), values)
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(
        processors=[heard],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    patches = [
        mock.patch.object(batch, "decide", decide(batch.decide)),
        mock.patch.object(engine, "gc", _NoCollector),
        mock.patch.object(upkeep, "MAINTAIN_EVERY", 20.0),
        mock.patch.object(engine, "STORE_ONLY_ABOVE", 6),
        mock.patch.object(engine, "CATCH_UP", 5),
        mock.patch.object(levels, "level_for", failing("level", levels.level_for)),
        mock.patch.object(receive, "group_for", failing("group", receive.group_for)),
        mock.patch.object(paging, "persons_for", failing("schedule", paging.persons_for)),
        mock.patch.object(paging, "next_working", failing("hours", paging.next_working)),
        mock.patch.object(compose, "render", render(compose.render)),
        mock.patch.object(texts, "tell", failing("text", texts.tell)),
        *(
            mock.patch.object(module, name, guarded(f"{module.__name__}.{name}", getattr(module, name)))
            for module, name in (
                (time, "time"), (time, "monotonic"), (time, "sleep"), (random, "random"), (random, "uniform"),
                (os, "urandom"),
            )
        ),
    ]  # fmt: skip
    collecting = gc.isenabled()
    gc.disable()
    hook = sys.unraisablehook
    try:
        for patch in patches:
            patch.start()
        yield
    finally:
        for patch in reversed(patches):
            patch.stop()
        structlog.configure(**before)
        sys.unraisablehook = lambda _args: None  # dropped tasks are closed now, in a world that is gone
        gc.collect()
        sys.unraisablehook = hook
        if collecting:
            gc.enable()
