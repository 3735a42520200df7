"""Asking others: Prometheus how many users are affected, senders what is firing.

The core decides with what it has and never waits; this room asks on its own time and hands in what it learns,
as commands and as receipts like any other. Nothing here is on the way of a report or of a page: a server that
is slow, wrong or gone costs its answers, which the metrics, ``/readyz`` and the log say.

- ``Asker``: the queries of services with open incidents, asked at once and again
- ``Reconciler``: what senders say is firing, against what irpd believes
- ``ask.Http``: one JSON answer over HTTP, bounded in time and size, behind a breaker
"""

from irpd.evidence.asker import Asker
from irpd.evidence.reconciler import Reconciler

__all__ = ["Asker", "Reconciler"]
