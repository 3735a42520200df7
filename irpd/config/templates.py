"""Templates of messages: what may stand in them, whether they can be filled, and filling them.

They run in a sandbox, see texts only, and a name that nothing fills is an error that says which.
"""

from collections.abc import Callable, Mapping
from functools import cache

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from irpd.model.notice import Template

#: Characters of a whole text.
LONGEST = 20_000
_COMMON = ("id", "severity", "level", "services", "title", "audience", "impact", "status", "next_update")
#: What may stand in each template; all are texts. ``report_within`` is "" where no report follows.
FIELDS: Mapping[Template, tuple[str, ...]] = {
    Template.INITIAL: (*_COMMON, "issue", "workaround", "estimated_resolution"),
    Template.UPDATE: (*_COMMON, "issue", "workaround", "progress", "estimated_resolution"),
    Template.RESOLUTION: (
        *_COMMON, "issue", "resolution_time", "root_cause", "resolution", "impact_duration", "prevention",
        "report_within",
    ),
}  # fmt: skip

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


def mistakes(template: Template, text: str) -> list[tuple[int, str]]:
    """What is wrong with a template: the line, counted from 1, and what. Nothing where it can be filled."""
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateError as error:
        return [(getattr(error, "lineno", None) or 1, str(error.message))]
    known = FIELDS[template]
    found = [
        (name.lineno, f"{name.name} is nothing that a message has")
        for name in tree.find_all(nodes.Name)
        if name.ctx == "load" and name.name not in known and name.name not in _assigned(tree)
    ]
    if found:
        return found
    try:
        filled = fill(text, dict.fromkeys(known, "x"))
    except Exception as error:  # whatever a template does when it is filled
        return [(_line_of(error), f"{type(error).__name__}: {error}")]
    return [] if filled.strip() else [(1, "nothing is left when it is filled")]


def _assigned(tree: nodes.Template) -> set[str]:
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx in ("store", "param")}
    return stored | set(_ENVIRONMENT.globals)


def _line_of(error: Exception) -> int:
    trace = error.__traceback__
    line = 1
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


@cache
def _compiled(text: str) -> Callable[..., str]:
    return _ENVIRONMENT.from_string(text).render


def fill(text: str, values: Mapping[str, str]) -> str:
    """The filled template: lines without trailing blanks, none empty at either end."""
    filled = _compiled(text)(**values)
    lines = [line.rstrip() for line in filled[:LONGEST].split("\n")]
    return "\n".join(lines).strip("\n") + "\n"
