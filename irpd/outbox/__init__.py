"""Delivery: what the published state says is to be sent goes out, and what became of it goes back.

One module per type of channel; ``channels`` is the place where they are registered.
"""

from irpd.outbox.channels import build_channel, build_channels
from irpd.outbox.needs import EngineLike, OutboxMetrics, PrometheusMetrics
from irpd.outbox.outbox import Outbox

__all__ = ["EngineLike", "Outbox", "OutboxMetrics", "PrometheusMetrics", "build_channel", "build_channels"]
