"""Persons that were planted, and the search for any of them in whatever a browser has received."""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Error, Page, Response, WebSocket

N_PERSONS = 1_000
_ANCHOR = 8
_HASH_BITS = 24


@dataclass(frozen=True)
class Person:
    """Somebody who never was, with a name, a phone and an address of their own."""

    name: str
    phone: str
    email: str

    @classmethod
    def planted(cls, number: int) -> "Person":
        return cls(
            f"Naïma Zwq{number:04d}an O'Qarn", f"+97150{7_310_000 + number}", f"naima.zwq{number:04d}@mail.example"
        )


PERSONS = tuple(Person.planted(number) for number in range(N_PERSONS))


def forms(text: str) -> Iterator[bytes]:
    """How a text may lie in what is sent: as it is, in an address, in JSON or HTML, in UTF-16, or in base64."""
    escaped = json.dumps(text)[1:-1]
    html = text.replace("'", "&#x27;")
    for plain in {text, text.upper(), text.lower(), quote(text), quote(text, safe=""), quote_plus(text), escaped, html}:
        yield plain.encode()
    yield escaped.replace("+", "\\u002b").replace("@", "\\u0040").encode()
    yield text.encode("utf-16-le")
    raw = text.encode()
    for skipped in range(3):
        # Where base64 counts by threes, a text looks in three ways; its ends depend on its neighbours.
        inside = base64.b64encode(raw[skipped : skipped + (len(raw) - skipped) // 3 * 3])
        yield inside
        yield inside.translate(bytes.maketrans(b"+/", b"-_"))


def _needles() -> Iterator[tuple[bytes, str]]:
    for person in PERSONS:
        digits = re.sub(r"\D", "", person.phone)
        words = (person.name, person.name.split(" ")[1], person.phone, digits, f"0{digits[3:]}", person.email)
        for text in (*words, person.email.partition("@")[0]):
            for form in forms(text):
                yield form, text


def _hashes(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    return (words * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - _HASH_BITS)


class Search:
    """Looks for every planted text in every form at once: by its first eight bytes, then by all of it."""

    def __init__(self) -> None:
        self._by_anchor: dict[int, dict[bytes, str]] = {}
        for form, text in _needles():
            assert len(form) >= _ANCHOR, text
            anchor = int.from_bytes(form[:_ANCHOR], "little")
            self._by_anchor.setdefault(anchor, {})[form] = text
        self._anchors = np.array(sorted(self._by_anchor), dtype="<u8")
        self._may_be = np.zeros(1 << _HASH_BITS, dtype=bool)
        self._may_be[_hashes(self._anchors)] = True

    def found(self, chunks: Iterable[bytes]) -> set[str]:
        """The planted texts that are in any of the chunks."""
        return {text for chunk in chunks for text in self._in(chunk)}

    def _in(self, chunk: bytes) -> Iterator[str]:
        for start in range(_ANCHOR):
            n_words = (len(chunk) - start) // _ANCHOR
            if n_words <= 0:
                return
            words = np.frombuffer(chunk, "<u8", n_words, start)
            for place in np.flatnonzero(self._may_be[_hashes(words)]):
                at = start + int(place) * _ANCHOR
                for form, text in self._by_anchor.get(int(words[place]), {}).items():
                    if chunk.startswith(form, at):
                        yield text


class Capture:
    """All that a page's browser receives: bodies of answers, frames of sockets, and the page's source when asked."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._answers: list[Response] = []
        self.chunks: list[bytes] = []
        page.context.on("response", lambda answer: self._answers.append(answer))
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda data: self.chunks.append(data.encode() if isinstance(data, str) else data))

    def _body(self, answer: Response) -> bytes:
        try:
            return answer.body()
        except Error:  # a browser forgets bodies when it leaves a page
            return self._page.request.get(answer.url).body()

    def take(self) -> list[bytes]:
        """What has come since the last time, with the page as it stands now."""
        answers, self._answers[:] = list(self._answers), []
        for answer in answers:
            self.chunks += [answer.url.encode(), json.dumps(answer.all_headers()).encode()]
            if answer.status not in {204, 301, 302, 303, 304} and "/static/" not in answer.url:
                self.chunks.append(self._body(answer))
        self.chunks += [self._page.content().encode(), self._page.url.encode()]
        taken, self.chunks[:] = list(self.chunks), []
        return taken
