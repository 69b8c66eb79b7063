"""The routes of the page: its files, and who one can be on it.

`/web/session` hands out the people's tokens without a login. On loopback that gives nothing away:

- Only this machine reaches it: the connection has to come from a loopback address, even when the
  server listens elsewhere.
- Other sites in the visitor's browser can not read it: it sends no CORS headers, refuses requests
  that a browser marks as coming from another site, and answers nothing but JSON with `nosniff`, so
  that it can not be loaded as a script either.
- DNS rebinding does not get around that: a name that was made to point here still says its name in
  `Host`, and only loopback names are served.

The tokens are good for a fake Discord alone, which forgets them when it stops.
"""

import ipaddress
import mimetypes
from collections.abc import Callable
from pathlib import Path

from aiohttp import hdrs, web

from bot.harness.model import JsonObject

STATIC = Path(__file__).parent / "static"

# Scripts, styles, connections and images from here alone. Trusted Types make a browser refuse
# `innerHTML` and its like, should one ever slip in.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "connect-src 'self' ws://{host}",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

# What someone sent is shown from the same origin as the page: without this an HTML or SVG file that
# is opened by itself could act as the page does.
UPLOAD_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def add_to(app: web.Application, describe: Callable[[], JsonObject]) -> None:
    """Serve the page's files below /web/. `describe` answers what `FakeDiscord.describe` does."""

    async def session(request: web.Request) -> web.Response:
        _refuse_strangers(request)
        told = describe()
        return web.json_response(
            {key: told[key] for key in ("users", "bot_user_id", "application_id")},
            headers=_HEADERS,
        )

    app.router.add_get("/web/session", session)
    app.router.add_get("/web/{name}", _file)


async def index(request: web.Request) -> web.Response:
    """The page itself."""
    return _static("index.html", request)


async def _file(request: web.Request) -> web.Response:
    return _static(request.match_info["name"], request)


def _static(name: str, request: web.Request) -> web.Response:
    path = STATIC / name
    if path.parent != STATIC or not path.is_file():
        raise web.HTTPNotFound
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    # Windows' registry may call it text/plain, which no browser runs as a module.
    kind = "text/javascript" if name.endswith(".js") else kind
    policy = _POLICY.format(host=request.host if _is_loopback_host(request.host) else "")
    return web.Response(
        body=path.read_bytes(),
        headers=_HEADERS | {"Content-Security-Policy": policy},
        content_type=kind,
        charset="utf-8" if kind.startswith("text/") else None,
    )


def _refuse_strangers(request: web.Request) -> None:
    """403 unless this machine asks, by a loopback name, for a page of this very origin."""
    origin = request.headers.get(hdrs.ORIGIN)
    if not (
        _is_loopback(request.remote or "")
        and _is_loopback_host(request.host)
        and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
        and origin in (None, f"http://{request.host}")
    ):
        raise web.HTTPForbidden(text="The people of this server are for its own page.")


def _is_loopback_host(host: str) -> bool:
    """Whether a Host header, with or without a port, names this machine."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name == "localhost" or _is_loopback(name.removeprefix("[").removesuffix("]"))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
