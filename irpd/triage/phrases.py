"""What people wrote, in words: lists of phrases looked for in titles and texts, and what takes them back.

A phrase is words in order. In it ``a|b`` is any of these words, ``fail*`` and ``*ausfall`` a word that begins
or ends so, and ``...`` stands for at most ``GAP`` words between. Letters are compared without their case,
``ä`` as ``ae``, ``ß`` as ``ss``; a hyphen between letters parts words as a space does.

Words are compared whole, within one sentence, and never in addresses or in lines that quote an earlier mail.
A phrase that stands at most ``REACH`` words after one of the list's ``not_after`` ("no data loss", "kein
Datenverlust"), with no comma or other break between, doesn't count; nor does one shortly before one of
``not_before`` ("data loss: none"). It is kept as denied, because that is worth telling.

In a label a phrase must be a whole item of what commas part there: ``outage`` is the tag ``outage``, never a
part of ``outage-newsletter``.

The work for one text is bounded (``STEPS``), whatever it repeats; what lies behind the bound isn't read.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from irpd.model.signal import MAX_VALUE

GAP = 3
REACH = 4
STEPS = 8_000
#: Words of one phrase, letters that a word with a ``*`` needs, and words remembered.
MAX_WORDS = 12
LEAST_LETTERS = 3
MEMORY = 4096

#: An address begins where a space ends: looked for from each letter on, one long word would take 40 ms.
_ELSEWHERE = re.compile(r"(?<!\S)(?:\S+://\S+|\S+@\S+)|^[ \t]*>.*$", re.MULTILINE)
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|\n\s*\n|[.!?;:,()\[\]{}|/…–—\n-]", re.UNICODE)
_LETTERS = re.compile(r"\*?[^\W_]+(?:['’][^\W_]+)*\*?", re.UNICODE)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "’": "'"})
_HARD, _SOFT = ".", ","

#: An element of a phrase: the numbers of the word patterns that fit, or None for a gap.
Element = frozenset[int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """``look_in`` names fields (title, text, labels.NAME); ``not_after`` and ``not_before`` other lists.
    ``until`` are words that what takes back doesn't reach across."""

    id: str
    phrases: tuple[str, ...]
    look_in: tuple[str, ...] = ("title", "text")
    not_after: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()
    until: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """Where a phrase of a list stands, as it was written, and the words that take it back, if any do."""

    field: str
    quote: str
    denied_by: str = ""

    def __str__(self) -> str:
        taken = f', taken back by "{self.denied_by}"' if self.denied_by else ""
        return f'{self.field} says "{self.quote}"{taken}'


class BadPhrase(ValueError):
    """A phrase that can't be used; its text says why."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    list: str
    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as tokens: its words normalised (breaks are ``.`` and ``,``), as written, and which word
    patterns fit each."""

    words: tuple[str, ...]
    written: tuple[str, ...]
    fits: tuple[frozenset[int], ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a phrase stands: from ``start`` to before ``end``; ``gaps`` are the words between its own."""

    start: int
    end: int
    gaps: tuple[int, ...] = ()


#: By list.
_Spans = Mapping[str, Sequence[_Span]]


@dataclass(slots=True)
class _Budget:
    left: int = STEPS


@dataclass(slots=True)
class _Patterns:
    """Word patterns by what a word must be: the word itself, its beginning or its end."""

    whole: dict[str, int] = field(default_factory=dict)
    begins: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    ends: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    count: int = 0

    def number(self, text: str) -> int:
        """The number of a pattern, a new one if need be. Raises BadPhrase."""
        word = _plain(text)
        if _LETTERS.fullmatch(word) is None:
            raise BadPhrase(f'"{text[:60]}" is no word: letters and digits, with * at one end at most')
        bare = word.strip("*")
        if word == bare:
            if bare not in self.whole:
                self.whole[bare] = self._next()
            return self.whole[bare]
        if word.startswith("*") and word.endswith("*"):
            raise BadPhrase(f'"{text[:60]}": * at one end, not at both')
        if len(bare) < LEAST_LETTERS:
            raise BadPhrase(f'"{text[:60]}" would fit too much: {LEAST_LETTERS} letters at least')
        group, key = (self.ends, bare[-3:]) if word.startswith("*") else (self.begins, bare[:3])
        for known, number in group.setdefault(key, []):
            if known == bare:
                return number
        number = self._next()
        group[key].append((bare, number))
        return number

    def _next(self) -> int:
        self.count += 1
        return self.count

    def fitting(self, word: str) -> frozenset[int]:
        found = [number for end, number in self.ends.get(word[-3:], ()) if word.endswith(end)]
        found += [number for start, number in self.begins.get(word[:3], ()) if word.startswith(start)]
        if word in self.whole:
            found.append(self.whole[word])
        return frozenset(found) if found else _NOTHING


_NOTHING: frozenset[int] = frozenset()


class Phrasebook:
    """All word lists, ready to be looked for. Immutable but for a bounded memory of words."""

    def __init__(self, lists: Sequence[WordList] = ()) -> None:
        """Lists must be good (see ``mistakes``) and name only each other."""
        self.lists: Mapping[str, WordList] = {one.id: one for one in lists}
        self._patterns = _Patterns()
        self._memory: dict[str, frozenset[int]] = {}
        self._by_first: dict[int, list[_Phrase]] = {}
        for one in lists:
            for text in one.phrases:
                self._add(_Phrase(one.id, self._elements(text)))
        self._until = {one.id: frozenset(_plain(word) for word in one.until if word.strip()) for one in lists}
        self._fields = tuple(dict.fromkeys(name for one in lists for name in one.look_in))

    def _add(self, phrase: _Phrase) -> None:
        first = phrase.elements[0]
        assert first is not None
        for number in first:
            self._by_first.setdefault(number, []).append(phrase)

    def _elements(self, text: str) -> tuple[Element, ...]:
        return tuple(
            None if part == "..." else frozenset(map(self._patterns.number, part.split("|")))
            for part in _parts(text)
        )

    def said_in(self, title: str, text: str, labels: Mapping[str, str]) -> dict[str, Said]:
        """What each list finds; one that finds nothing isn't in it. A phrase that stands comes before one
        that is taken back."""
        found: dict[str, Said] = {}
        for name in self._fields:
            match name:
                case "title":
                    value = title
                case "text":
                    value = text
                case _:
                    value = labels.get(name.removeprefix("labels."), "")
            if value:
                self._look(name, value[:MAX_VALUE], found)
        return found

    def _look(self, name: str, value: str, found: dict[str, Said]) -> None:
        read = self._read(value)
        budget = _Budget()
        spans: dict[str, list[_Span]] = {}
        for at, fits in enumerate(read.fits):
            for number in sorted(fits) if fits else ():
                for phrase in self._by_first.get(number, ()):
                    span = _span(read, at, phrase.elements, budget)
                    if span is not None:
                        spans.setdefault(phrase.list, []).append(span)
                    if budget.left <= 0:
                        break
        if name.startswith("labels."):
            spans = {one: [span for span in many if _whole(read, span)] for one, many in spans.items()}
        ending = {one: sorted(many, key=_end) for one, many in spans.items()}
        for one in self.lists.values():
            if name not in one.look_in or (one.id in found and not found[one.id].denied_by):
                continue
            for span in spans.get(one.id, ()):
                denied = self._denied(one, read, spans, ending, span)
                quote = " ".join(read.written[span.start : span.end])[:120]
                if not denied or one.id not in found:
                    found[one.id] = Said(name, quote, denied)
                if not denied:
                    break

    def _denied(self, one: WordList, read: _Read, spans: _Spans, ending: _Spans, span: _Span) -> str:
        """The words that take back the phrase at ``span``; empty when none do. ``spans`` stand in the order
        of their beginnings, the same in ``ending`` in that of their ends."""
        for other in one.not_after:
            takings = ending.get(other, ())
            first = bisect_left(takings, span.start - REACH, key=_end)
            for taking in takings[first : bisect_right(takings, span.end, key=_end)]:
                if taking.start in span.gaps and taking.end - 1 in span.gaps:
                    return " ".join(read.written[taking.start : taking.end])
                if taking.end > span.start:
                    continue
                between = read.words[taking.end : span.start]
                if not any(word in (_HARD, _SOFT) or word in self._until[other] for word in between):
                    return " ".join(read.written[taking.start : taking.end])
        for other in one.not_before:
            takings = spans.get(other, ())
            # The nearest alone: whatever parts this one from it parts those behind it too.
            nearest = bisect_left(takings, span.end, key=_start)
            if nearest < len(takings) and _within_reach(read, span.end, takings[nearest].start):
                taking = takings[nearest]
                return " ".join(read.written[taking.start : taking.end])
        return ""

    def _read(self, value: str) -> _Read:
        words: list[str] = []
        written: list[str] = []
        fits: list[frozenset[int]] = []
        for found in _TOKEN.finditer(_ELSEWHERE.sub(" . ", value)):
            token = found.group()
            if token[0].isalnum():
                word = _plain(token)
                words.append(word)
                fits.append(self._fitting(word))
                written.append(token)
                continue
            if token == "\n" or (token == "-" and _within_word(found)):
                continue  # a line that is wrapped, a word in two parts
            words.append(_HARD if token[0] in ".!?;…\n" else _SOFT)
            fits.append(_NOTHING)
            written.append(token.strip() or " ")
        return _Read(tuple(words), tuple(written), tuple(fits))

    def _fitting(self, word: str) -> frozenset[int]:
        known = self._memory.get(word)
        if known is None:
            known = self._patterns.fitting(word)
            if len(self._memory) >= MEMORY:
                self._memory.clear()
            if len(word) <= 64:
                self._memory[word] = known
        return known


def mistakes(phrase: str) -> str:
    """What is wrong with a phrase; empty when nothing is."""
    parts = _parts(phrase)
    if not parts:
        return "an empty phrase"
    if len(parts) > MAX_WORDS:
        return f"longer than {MAX_WORDS} words"
    if parts[0] == "..." or parts[-1] == "...":
        return "... stands between two words"
    if parts.count("...") > 2:
        return "... twice at most"
    patterns = _Patterns()
    for part in parts:
        if part != "...":
            try:
                for word in part.split("|"):
                    patterns.number(word)
            except BadPhrase as error:
                return str(error)
    return ""


def _parts(phrase: str) -> list[str]:
    """A phrase's words; a hyphen parts them, as it does in texts."""
    return re.sub(r"(?<=[^\W_])-(?=[^\W_])", " ", phrase).split()


def _plain(word: str) -> str:
    # Case first: a capital umlaut has a small one.
    return unicodedata.normalize("NFKC", word).casefold().translate(_UMLAUTS)


def _within_word(found: "re.Match[str]") -> bool:
    text, at = found.string, found.start()
    return 0 < at < len(text) - 1 and text[at - 1].isalnum() and text[at + 1].isalnum()


def _start(span: _Span) -> int:
    return span.start


def _end(span: _Span) -> int:
    return span.end


def _within_reach(read: _Read, start: int, end: int) -> bool:
    """Whether no end of a sentence and at most ``REACH`` words stand between."""
    words = 0
    for at in range(start, end):
        words += read.words[at] != _SOFT
        if words > REACH or read.words[at] == _HARD:
            return False
    return True


def _whole(read: _Read, span: _Span) -> bool:
    """Whether breaks or the text's ends are all around."""
    return (span.start == 0 or read.words[span.start - 1] in (_HARD, _SOFT)) and (
        span.end == len(read.words) or read.words[span.end] in (_HARD, _SOFT)
    )


def _span(read: _Read, at: int, elements: tuple[Element, ...], budget: _Budget) -> _Span | None:
    """The phrase that begins at ``at``; None when it doesn't stand there."""
    start = at
    for number, element in enumerate(elements):
        budget.left -= 1
        if budget.left <= 0:
            return None
        if element is None:
            for after in _starts(read, at):
                rest = _span(read, after, elements[number + 1 :], budget)
                if rest is not None:
                    return _Span(start, rest.end, (*range(at, after), *rest.gaps))
            return None
        if at >= len(read.fits) or read.fits[at].isdisjoint(element):
            return None
        at += 1
    return _Span(start, at)


def _starts(read: _Read, at: int) -> Iterator[int]:
    """Where what follows a gap may begin: after up to GAP words, breaks within the sentence not counted."""
    skipped = 0
    while at < len(read.words) and read.words[at] != _HARD:
        yield at
        if read.words[at] != _SOFT:
            skipped += 1
        if skipped > GAP:
            return
        at += 1
