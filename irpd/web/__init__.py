"""The door: HTTP for senders (webhooks), for the paged person (the link) and for programs
(API, metrics, health).

Thin handlers, one module per concern; no rule of the protocol lives here. Handlers turn a
request into a command, ask the engine, and show what the published state says.

``Services`` is all that the door needs; ``build_tcp_app`` and ``build_socket_app`` make the
two aiohttp applications from it. ``Metrics`` is what the engine and the outbox count with.
"""
