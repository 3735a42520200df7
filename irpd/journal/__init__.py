"""Adapters of the engine's journal port: SQLite (the default) and memory (simulation, tests).

Others use ``irpd.journal.sqlite.SqliteJournal``, ``irpd.journal.memory.MemoryJournal`` and, for
what reads a journal in a process of its own, ``irpd.journal.verify`` and ``irpd.journal.backup``.
The rest is how they work: ``codec`` (values as bytes), ``chain`` (the hash chain), ``delta``
(a receipt as a difference to an earlier one), ``projection`` (which rows are live).
"""
