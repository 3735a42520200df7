"""What senders post, made into signals: one module per source type, registered in ``source``.

A source proves itself (``auth``), its body is read by the module of its type, and what
comes out is ``Normalised``: signals of one vocabulary, and what could not be understood.
Reading never raises, holds nothing back for being strange, and depends on nothing but the
body, a few kept headers, the settings and the time of the receipt, so that a receipt read
again after a crash says the same.
"""

from irpd.intake.auth import AuthResult, SourceError
from irpd.intake.source import TYPES, IntakeSource, build_source

__all__ = ["TYPES", "AuthResult", "IntakeSource", "SourceError", "build_source"]
