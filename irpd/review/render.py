"""A report as Markdown and as one HTML file.

Whatever senders and people wrote stays text: in Markdown signs of markup are escaped and no HTML gets
through; in HTML everything is escaped, and what people wrote keeps its lines. The HTML needs nothing from
elsewhere and runs no script.
"""

from collections.abc import Iterable, Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from irpd.comms.markdown import escape
from irpd.model.report import ActionItem
from irpd.review.document import KINDS, Document, Figure, Paragraph, Piece

_HTML = Environment(
    loader=PackageLoader("irpd.review"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def report_markdown(document: Document) -> str:
    """The report as Markdown; figures are links to the events in its timeline."""
    one = document
    lines = [f"# Incident report {one.ref}: {_text(one.title)}", "", *_status(one), ""]
    lines += [f"- **{title}:** {_paragraph(text)}" for title, text in one.head]
    if one.places:
        named = ", ".join(f"[{place.text}]({place.url})" for place in one.places)
        lines.append(f"- **See:** {named}")
    for section in one.sections:
        lines += ["", f"## {section.title}", ""]
        lines += [_written(section.written)] if section.written else _paragraphs(section.paragraphs)
    lines += [
        "",
        "## Detailed timeline",
        "",
        f"Times are {one.zone}.",
        "",
        "| time | what happened |",
        "| --- | --- |",
    ]
    for entry in one.timeline:
        lines.append(f'| <a id="event-{entry.seq}"></a>{entry.at} | {_text(entry.text)} |')
    lines += ["", "## Action items", ""]
    lines += list(_items(one)) or ["None."]
    return "\n".join(lines) + "\n"


def _status(one: Document) -> Iterable[str]:
    if one.state:
        version = f", version {one.version}" if one.version else ""
        yield f"*{one.state.capitalize()}{version}. {_text(one.owner)} has it.*"


def _items(one: Document) -> Iterable[str]:
    for kind, title in KINDS.items():
        of_kind = [(item, owner) for item, owner in one.items if item.kind is kind]
        if of_kind:
            yield f"### {title}"
            yield ""
        for item, owner in of_kind:
            mark = "x" if item.done_at is not None and not item.dropped else " "
            end = " (dropped)" if item.dropped else ""
            due = one.items_due[item.n]
            yield f"- [{mark}] {item.n}. {_text(item.text)} – {_text(owner)}, due {due}{end}"
        if of_kind:
            yield ""


def _paragraphs(paragraphs: Iterable[Paragraph]) -> list[str]:
    lines: list[str] = []
    for paragraph in paragraphs:
        lines += [_paragraph(paragraph), ""]
    return lines[:-1]


def _paragraph(paragraph: Paragraph) -> str:
    return "".join(_piece(piece) for piece in paragraph)


def _piece(piece: Piece) -> str:
    if isinstance(piece, Figure):
        return f"[{_text(piece.text)}](#event-{piece.seq})"
    return _text(piece)


def _text(text: str) -> str:
    """One line in which nothing is markup."""
    return escape(text).replace("<", "&lt;").replace("|", "\\|").replace("!\\[", "\\!\\[")


def _written(text: str) -> str:
    """What a person wrote is Markdown; HTML in it is not."""
    return text.replace("<", "&lt;")


def report_html(document: Document) -> str:
    """The report as a whole HTML file."""
    by_kind: Mapping[str, list[tuple[ActionItem, str]]] = {
        title: [(item, owner) for item, owner in document.items if item.kind is kind]
        for kind, title in KINDS.items()
    }
    return _HTML.get_template("report.html.j2").render(r=document, by_kind=by_kind, is_figure=_is_figure)


def _is_figure(piece: Piece) -> bool:
    return isinstance(piece, Figure)
