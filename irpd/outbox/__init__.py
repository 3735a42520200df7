"""Delivery: what the published state says is to be sent goes out, and what became of it goes back.

The channels themselves are in ``irpd.channels``; here they are only ``engine.ports.Channel``.
"""

from irpd.outbox.needs import EngineLike, OutboxMetrics
from irpd.outbox.outbox import Outbox

__all__ = ["EngineLike", "Outbox", "OutboxMetrics"]
