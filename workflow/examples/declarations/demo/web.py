"""The demo's web server, and a visitor who looks whether it serves."""

from __future__ import annotations

import http.cookiejar
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from django.conf import settings

from workflow.examples.declarations.console.child import Child

HOST = "127.0.0.1"
_USUAL_PORT = 8000
_ANSWERS_WITHIN = 20.0
_OK = 200


def free_port(wanted: int | None) -> int | None:
    """Return the wanted port, None if it is taken; by default the usual one, or any free one."""
    if wanted is not None:
        return wanted if _is_free(wanted) else None
    if _is_free(_USUAL_PORT):
        return _USUAL_PORT
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def serve(*, port: int, output: Path) -> Child:
    """Start gunicorn. Nothing is collected or compiled: static files come from the apps."""
    application = ":".join(settings.WSGI_APPLICATION.rsplit(".", 1))
    return Child(
        name="web",
        command=[
            *(sys.executable, "-m", "gunicorn", application),
            *("--bind", f"{HOST}:{port}", "--workers", "1", "--threads", "8"),
            *("--graceful-timeout", "5", "--no-control-socket"),
        ],
        # Plain HTTP, on this machine alone.
        changes={"INSECURE_HTTP": "true"},
        output=output,
    )


class Visitor:
    """Somebody with a browser that keeps cookies."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._cookies = http.cookiejar.CookieJar()
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )

    def answers(self, server: Child) -> bool:
        """Wait until the server answers; return whether it did so in time, and lives."""
        until = time.monotonic() + _ANSWERS_WITHIN
        while time.monotonic() < until and server.exit_code is None:
            if self.open("/accounts/login/")[0] == _OK:
                return True
            time.sleep(0.1)
        return False

    def open(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        """Return status and text of a page after redirects; 0 and the problem if none came."""
        body = None if data is None else urllib.parse.urlencode(data).encode()
        try:
            with self._browser.open(f"{self._address}{path}", body, timeout=10) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 0, str(error)

    def sign_in(self, *, name: str, password: str) -> tuple[int, str]:
        """Fill in the log-in page; return what comes after it."""
        _, page = self.open("/accounts/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        return self.open(
            "/accounts/login/",
            {
                "csrfmiddlewaretoken": token[1] if token else "",
                "username": name,
                "password": password,
                "next": "/declarations/",
            },
        )
