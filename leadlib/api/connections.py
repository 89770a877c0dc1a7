"""Connections to the portal's host, each of them lent to one call at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1)


class Connections:
    """As many transports as there are calls at once, of one connection each, kept open between calls.

    One pool of httpx for all of them would look at each of its connections, under one lock, for each call: with 16
    calls in flight that took longer than all the rest of a call. `transport`, if given, is used for every call.
    """

    def __init__(self, base_url: str, transport: httpx.BaseTransport | None) -> None:
        self._given = transport
        self._proxy = _proxy_of(base_url)
        self._context = httpx.create_ssl_context() if transport is None else None
        self._lock = Lock()
        self._all: list[httpx.BaseTransport] = [transport] if transport is not None else []
        self._free: list[httpx.BaseTransport] = []  # the last one given back is lent first, so that some stay idle

    @contextmanager
    def lent(self) -> Iterator[httpx.BaseTransport]:
        """A transport that nobody else uses meanwhile."""
        if self._given is not None:
            yield self._given
            return
        with self._lock:
            transport = self._free.pop() if self._free else self._another()
        try:
            yield transport
        finally:
            with self._lock:
                self._free.append(transport)

    def close(self) -> None:
        for transport in self._all:
            transport.close()

    def _another(self) -> httpx.BaseTransport:
        assert self._context is not None  # noqa: S101  # made above, where no transport was given
        transport = httpx.HTTPTransport(verify=self._context, limits=_ONE, proxy=self._proxy)
        self._all.append(transport)
        return transport


def _proxy_of(base_url: str) -> str | None:
    """A company's proxy is taken from the environment, but nothing on this machine is reached through it."""
    host, scheme = urlsplit(base_url).hostname or "", urlsplit(base_url).scheme
    if host in {"localhost", "127.0.0.1", "::1"} or proxy_bypass(host):
        return None
    found = getproxies()
    proxy = found.get(scheme) or found.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"
