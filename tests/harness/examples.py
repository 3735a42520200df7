"""How many examples a property test looks at: few in an ordinary run, many in ``script/soak --examples``."""

import os

#: Set by ``script/soak``.
TIMES = int(os.environ.get("IRPD_EXAMPLES", "1"))


def examples(count: int) -> int:
    """So many in an ordinary run."""
    return count * TIMES
