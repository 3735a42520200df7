"""TwiML: the few words of Twilio's XML that irpd says. Whatever is put in is text, never markup.

Facts: twilio.com/docs, "TwiML for Programmable Voice" (Response, Gather, Say, Pause, Hangup; Gather falls
through to the next verb when nothing was pressed) and "TwiML for Programmable Messaging" (Message).
"""

import re
from xml.sax.saxutils import escape, quoteattr

from irpd.comms.voice import KEYS

#: What XML 1.0 can't hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XML = "text/xml"
LONGEST = 4000  # characters of the parameter Twiml


def message(text: str) -> str:
    """A reply to a text message; no text means no reply."""
    return _response(f"<Message>{_text(text)}</Message>" if text else "")


def call(text: str, action: str) -> str:
    """Say it twice and wait for a key, which goes to ``action``; without one just say it twice."""
    if not action:
        return _response(f'{_say(text)}<Pause length="1"/>{_say(text)}')
    keys = f"{_say(text)}{_say(KEYS)}"
    gather = f'<Gather input="dtmf" numDigits="1" timeout="6" method="POST" action={quoteattr(action)}>'
    return _response(
        f'{gather}{keys}<Pause length="2"/>{keys}</Gather>{_say("No key was pressed. Goodbye.")}'
    )


def said(text: str) -> str:
    """Say it and hang up."""
    return _response(f"{_say(text)}<Hangup/>")


def _say(text: str) -> str:
    return f"<Say>{_text(text)}</Say>"


def _text(text: str) -> str:
    return escape(_NOT_XML.sub(" ", text))


def _response(inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'
