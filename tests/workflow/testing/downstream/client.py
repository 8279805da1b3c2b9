"""A plain client, which shows everything and classifies nothing."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


def send(
    url: str,
    body: Any = None,
    *,
    key: str | None = "k-1",
    method: str | None = None,
    timeout: float = 5,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, dict[str, str]]:
    """Return status, body and headers; status 0 if the connection ended, -1 after a time-out."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    given = {} if key is None else {"Idempotency-Key": key}
    content = json.dumps(body) if isinstance(body, dict) else body
    try:
        connection.request(
            method or ("GET" if body is None else "POST"),
            parts.path,
            body=content,
            headers={**given, **(headers or {})},
        )
        response = connection.getresponse()
        raw = response.read()
        told = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in told["content-type"]
        return response.status, json.loads(raw) if is_json else raw.decode(), told
    except TimeoutError:
        return -1, None, {}
    except (OSError, http.client.HTTPException):
        return 0, None, {}
    finally:
        connection.close()
