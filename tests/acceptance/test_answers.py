"""A person's phone against the real daemon: a text message, and its code sent back."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode

import pytest
from harness import Irpd, eventually, firing

from irpd.channels.twilio import signature

pytestmark = pytest.mark.acceptance

TOKEN, NUMBER, PUBLIC = "twilio-token", "+4915100000001", "https://irpd.example.com"


class PhoneCompany:
    """Takes text messages and calls for delivery and keeps them."""

    def __init__(self) -> None:
        self.made: list[dict[str, str]] = []
        company = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                fields = self.rfile.read(int(self.headers["Content-Length"])).decode()
                company.made.append(dict(parse_qsl(fields)))
                answer = json.dumps({"sid": f"SM{len(company.made)}", "status": "queued"}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def texts(self) -> list[str]:
        return [one["Body"] for one in self.made if "Body" in one]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def phones() -> Iterator[PhoneCompany]:
    one = PhoneCompany()
    yield one
    one.close()


def tell(irpd: Irpd, place: str, **fields: str) -> str:
    """As the provider posts it to the public address."""
    path = f"/channel/{place}"
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature(TOKEN, f"{PUBLIC}{path}", list(fields.items())),
    }
    status, _, body = irpd.request("POST", path, urlencode(fields).encode(), headers)
    assert status in (200, 204), (status, body)
    return body.decode()


def test_a_text_message_is_answered_by_its_code_after_a_restart_too(irpd: Irpd, phones: PhoneCompany) -> None:
    auth = "{account: {env: TEST_SID}, token: {env: TEST_TOKEN}}"
    irpd.configure(
        channels=(
            f'  sms: {{type: twilio, from: "+493012345678", api_url: "http://127.0.0.1:{phones.port}",'
            f" auth: {auth}}}\n  call: {{use: sms, as: voice}}"
        ),
        notify="  default: [{after: 0s, via: [sms, call, local]}]",
        wait="10m",
    )
    text = irpd.config.read_text().replace("email: asha@", f'phone: "{NUMBER}", email: asha@')
    irpd.config.write_text(text.replace("server: {", f'server: {{public_url: "{PUBLIC}", '))
    secrets = {"TEST_SID": "AC0", "TEST_TOKEN": TOKEN}
    irpd.start(env=secrets)
    irpd.post("alertmanager", firing("First", 1))
    irpd.post("alertmanager", firing("Second", 2, environment="other"))
    eventually(lambda: len(phones.made) == 4, what="two text messages and two calls")
    codes = {}
    for message in phones.texts():
        found = re.search(
            r"irpd #(\d+) .* Reply (\w+) = I have it, \2N = can't\. https://irpd.example.com/a/\w+$", message
        )
        assert found, message
        assert len(message) <= 160
        codes[found[1]] = found[2]
    assert irpd.stop() == 0
    irpd.start(env=secrets)
    tell(irpd, "sms/status", MessageSid="SM1", MessageStatus="delivered")
    assert "You have #2" in tell(irpd, "sms/reply", From=NUMBER, Body=codes["2"])
    assert "no page" in tell(
        irpd, "sms/reply", From=NUMBER, Body="B2" if "B2" not in codes.values() else "B3"
    )
    assert "Escalation has stopped" in tell(irpd, "sms/reply", From=NUMBER, Body=codes["1"].lower())
    for number in ("1", "2"):
        shown = json.loads(irpd.cli("incident", "show", number, "--json"))["incident"]
        assert (shown["state"], shown["acknowledged_by"]) == ("acknowledged", ["asha"])
    assert TOKEN not in irpd.log.read_text()
    assert irpd.stop() == 0
    irpd.sound()
