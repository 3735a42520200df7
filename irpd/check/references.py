"""Every name that stands for something else must name something."""

from collections.abc import Iterator

from irpd.check.material import Material
from irpd.config.problem import Problem, quoted, suggest
from irpd.config.supported import places, value_at
from irpd.config.yaml import Document, Where
from irpd.model.heartbeat import HEARTBEAT

#: Where names stand, the section they are of, and what one of it is called.
_REFERENCES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("unmapped",), "services", "service"),
    (("operators",), "people", "person"),
    (("fallback",), "people", "person"),
    (("services", "*", "paths", "*"), "paths", "path"),
    (("services", "*", "paths", "*", "path"), "paths", "path"),
    (("services", "*", "signals", "*", "source"), "sources", "source"),
    (("services", "*", "affected", "ask"), "prometheus", "prometheus"),
    (("services", "*", "users", "ask"), "prometheus", "prometheus"),
    (("shadow_uses",), "channels", "channel"),
    (("heartbeats", "*", "service"), "services", "service"),
    (("sources", "*", "watchdog", "service"), "services", "service"),
    (("notify", "*", "*", "via"), "channels", "channel"),
    (("people", "*", "notify", "*", "via"), "channels", "channel"),
    (("channels", "*", "use"), "channels", "channel"),
    (("schedules", "*", "layers", "*", "people"), "people", "person"),
    (("schedules", "*", "layers", "*", "except"), "holidays", "holidays"),
    (("schedules", "*", "layers", "*", "only"), "holidays", "holidays"),
    (("paths", "*", "steps", "*", "schedule"), "schedules", "schedule"),
    (("paths", "*", "steps", "*", "person"), "people", "person"),
    (("paths", "*", "steps", "*", "team"), "teams", "team"),
    (("teams", "*", "people"), "people", "person"),
    (("teams", "*", "schedules"), "schedules", "schedule"),
    (("levels", "*", "holidays"), "holidays", "holidays"),
    (("roles", "*", "schedule"), "schedules", "schedule"),
    (("roles", "*", "person"), "people", "person"),
    (("audiences", "*", "page"), "people", "person"),
    (("audiences", "*", "services"), "services", "service"),
)
_RULE_REFERENCES = (
    (("rules", "*", "match"), "service", "services", "service"),
    (("rules", "*", "match"), "source", "sources", "source"),
    (("group", "*", "match"), "service", "services", "service"),
    (("group", "*", "match"), "source", "sources", "source"),
    (("silences", "*", "match"), "service", "services", "service"),
    (("silences", "*", "match"), "source", "sources", "source"),
)


def references(material: Material) -> Iterator[Problem]:
    """Errors for names that name nothing, and for parts that name too few or too many."""
    for pattern, section, kind in _REFERENCES:
        for path, name in material.texts(*pattern):
            yield from _unknown(material, path, name, section, kind)
    for path in places(material.merged.value, ("people", "*", "notify")):
        name = value_at(material.merged.value, path)
        if isinstance(name, str):
            yield from _unknown(material, path, name, "notify", "notify")
    for path in places(material.merged.value, ("people", "*", "addresses", "*")):
        yield from _unknown(material, path, str(path[-1]), "channels", "channel", key=True)
    for path in places(material.merged.value, ("services", "*", "depends_on", "*")):
        yield from _unknown(material, path, str(path[-1]), "services", "service", key=True)
        if path[1] == path[3]:
            yield material.merged.problem(path, "a service doesn't depend on itself", key=True)
    if HEARTBEAT in (material.section("sources") or {}):
        message = "is the name of what irpd says of monitors that fall silent; choose another"
        yield material.merged.problem(("sources", HEARTBEAT), message, key=True)
    for path, name in material.texts("shadow_uses"):
        channel = (material.section("channels") or {}).get(name)
        if isinstance(channel, dict) and channel.get("type") != "file":
            message = f"{quoted(name)} tells people; only a channel of type file may"
            yield material.merged.problem(path, message)
    yield from _default(material)
    yield from _targets(material)
    yield from _queries(material)


def rule_references(material: Material) -> Iterator[Problem]:
    """A rule about a service or source that isn't there never decides: warnings."""
    for document in material.rules:
        for pattern, key, section, kind in _RULE_REFERENCES:
            known = {**(material.section(section) or {}), **({HEARTBEAT: ...} if key == "source" else {})}
            for path in places(document.value, (*pattern, key)):
                value = value_at(document.value, path)
                listed = value if isinstance(value, list) else [value]
                for n, name in enumerate(listed):
                    if isinstance(name, str) and name not in known:
                        at = (*path, n) if isinstance(value, list) else path
                        message = f"no {kind} {quoted(name)}, so this never holds{suggest(name, known)}"
                        yield document.problem(at, message, allowed=tuple(known), severity="warning")
        yield from _starts(material, document)


def _starts(material: Material, document: Document) -> Iterator[Problem]:
    """A rule starts a kind of path that there is."""
    paths = (material.section("paths") or {}).values()
    kinds = {path["kind"] for path in paths if isinstance(path, dict) and isinstance(path.get("kind"), str)}
    for path in places(document.value, ("rules", "*", "start", "*")):
        kind = value_at(document.value, path)
        if isinstance(kind, str) and kind in ("business", "customer") and kind not in kinds:
            message = f"there is no {kind} path to start; add one under paths"
            yield document.problem(path, message)


def _unknown(
    material: Material, path: Where, name: str, section: str, kind: str, *, key: bool = False
) -> Iterator[Problem]:
    known = material.section(section)
    if known is None and section in material.merged.value:
        return  # said to be no mapping
    if known is None or name not in known:
        names = tuple(known or ())
        message = f"no {kind} {quoted(name)}{suggest(name, names)}"
        yield material.merged.problem(path, message, key=key, allowed=names)


def _default(material: Material) -> Iterator[Problem]:
    notify, people = material.section("notify"), material.section("people")
    if notify is None or people is None or "default" in notify:
        return
    lacking = [name for name, person in people.items() if isinstance(person, dict) and "notify" not in person]
    if lacking:
        who = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        yield material.merged.problem(("notify",), f"default is missing; it is for {who}", key=True)


def _queries(material: Material) -> Iterator[Problem]:
    """A query names whom to ask, unless there is exactly one."""
    known = material.section("prometheus") or {}
    for key in ("affected", "users"):
        for path in places(material.merged.value, ("services", "*", key)):
            query = value_at(material.merged.value, path)
            if not isinstance(query, dict) or "promql" not in query or "ask" in query or len(known) == 1:
                continue
            if known:
                message = f"which one to ask? there are {', '.join(known)}; add ask:"
            else:
                message = "nobody to ask: there is no section prometheus"
            yield material.merged.problem((*path, "promql"), message, key=True, allowed=tuple(known))


def _targets(material: Material) -> Iterator[Problem]:
    for pattern in (("paths", "*", "steps", "*"), ("roles", "*")):
        what = "step" if len(pattern) > 2 else "role"
        for path in places(material.merged.value, pattern):
            part = value_at(material.merged.value, path)
            if not isinstance(part, dict):
                continue
            keys = ("schedule", "person", "team") if what == "step" else ("schedule", "person")
            targets = [key for key in keys if part.get(key) not in (None, [])]
            if not targets:
                add = "schedule:, person: or team:" if what == "step" else "schedule: or person:"
                message = f"a {what} that can never fire: it names nobody; add {add}"
                yield material.merged.problem(path, message)
            elif len(targets) > 1 and what == "role":
                yield material.merged.problem(path, "a role names a schedule or a person, not both")
    for path in places(material.merged.value, ("teams", "*")):
        team = value_at(material.merged.value, path)
        if isinstance(team, dict) and not team.get("people") and not team.get("schedules"):
            message = "a team of nobody: a step that names it can never fire; add people: or schedules:"
            yield material.merged.problem(path, message, key=True)
