"""The baseline: a bare aiohttp handler that reads and validates the same bodies with the same
pydantic models, stores nothing and answers as irpd does. ``python -m irpd.measure.bare PORT``."""

import sys

from aiohttp import web

from irpd.intake.alertmanager import Webhook

HEADERS = {"Content-Type": "application/json"}


async def handle(request: web.Request) -> web.Response:
    webhook = Webhook.model_validate_json(await request.read())
    body = b'{"accepted": %d, "incidents": [1], "receipt": "1"}\n' % len(webhook.alerts)
    return web.Response(status=202, body=body, headers=HEADERS)


def main() -> None:
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/webhook/{source}", handle)
    app.router.add_get("/readyz", handle_ready)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


async def handle_ready(_request: web.Request) -> web.Response:
    return web.Response(text="ready")


if __name__ == "__main__":
    main()
