"""irpd: an incident-response daemon that a team can run itself.

The shape of the whole is in ``docs/architecture.md``. In one line:
receipt → decide → commit → publish → outbox → channel.
"""

__version__ = "0.1.0"
