"""What a Prometheus answers to an instant query: one number, or that it has none.

Written against the HTTP API of Prometheus 2 and 3 (``POST /api/v1/query``). A query must come to one number:
a scalar, or a vector of one element. No element means that nothing is measured, which is unknown and not
zero; so are NaN and infinities, which a division by nothing gives.
"""

from math import isfinite

from irpd.evidence.ask import Http, NoAnswer

#: A number of users is below this; more is no number of users.
_MOST = 10**15


async def number(server: Http, promql: str, *, within: float) -> int | None:
    """The answer, rounded to whole users; None when there is no value. ``within`` is in seconds, for the
    server to give up itself. Raises NoAnswer."""
    answer = await server.post("/api/v1/query", {"query": promql, "timeout": f"{within:g}s"})
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or answer.get("status") != "success":
        raise NoAnswer("this is not the answer of a Prometheus")
    found = data.get("result")
    match data.get("resultType"):
        case "scalar":
            return _value(found)
        case "vector" if isinstance(found, list):
            if len(found) > 1:
                raise NoAnswer(f"the query gives {len(found)} series, not one number; sum() them")
            return _value(found[0].get("value")) if found and isinstance(found[0], dict) else None
        case kind:
            raise NoAnswer(f"the query gives a {str(kind)[:20]}, not a number")


def _value(pair: object) -> int | None:
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str):
        raise NoAnswer("a number was expected, as time and text")
    try:
        value = float(pair[1])
    except ValueError:
        raise NoAnswer("a number was expected, as time and text") from None
    if not isfinite(value):
        return None
    if value > _MOST:
        raise NoAnswer(f"{value:g} is no number of users")
    return max(round(value), 0)
