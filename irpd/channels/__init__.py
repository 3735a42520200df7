"""Ways to reach people: one module per type of channel, each an adapter of ``engine.ports.Channel``.

``registry`` is the one place where a type is made known. What is to be sent, when, to whom and how often is
``irpd.outbox``'s; here is only how one message gets to one provider, and what its answer means. The two rooms
don't know each other: ``irpd.daemon`` brings them together.
"""

from irpd.channels.registry import build_channel, build_channels

__all__ = ["build_channel", "build_channels"]
