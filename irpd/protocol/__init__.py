"""The protocol itself, pure: which incident a signal belongs to, what a command leads to,
and how events change the rows.

``decide(rows, command, policy, now)`` emits events and answers; ``evolve(rows, fact)``
applies one event and never sees the configuration. No clock, I/O, asyncio or randomness.
"""
