"""Telling the service manager that we are there, and that we still look (systemd's protocol)."""

from __future__ import annotations

import os
import socket

VARIABLE = "NOTIFY_SOCKET"


def notify(state: str) -> None:
    """Send a state, such as `READY=1` or `WATCHDOG=1`; nothing without a service manager.

    A datagram to a socket that it names. It may be gone, or be too busy to read: then it is not
    told this time. A supervisor that waited for it would supervise nothing meanwhile.
    """
    address = os.environ.get(VARIABLE, "")
    if not address:
        return
    if address.startswith("@"):  # an abstract one
        address = f"\0{address[1:]}"
    try:
        with socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        ) as out:
            out.sendto(state.encode("ascii"), address)
    except OSError:
        return
