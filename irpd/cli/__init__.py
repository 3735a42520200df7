"""The ``irpd`` command: what people type, against a running daemon or the files alone.

Thin: it asks the daemon's API or the rooms below and prints what they say. Each command is
imported only when it is used, so ``irpd --help`` and ``irpd ack`` answer at once.

``group`` is the command; ``irpd.__main__`` adds ``serve`` to it.
"""

from irpd.cli.root import group

__all__ = ["group"]
