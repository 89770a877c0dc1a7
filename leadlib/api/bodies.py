"""The JSON of an answer, read leniently: what is odd in one row costs no other row, and each row's text is kept."""

import json
import math
import re
from contextlib import suppress
from typing import Any, Final

import msgspec

from leadlib.records import TOO_DEEP, lead_from_documented

NOT_JSON: Final = object()
"""What `parse` gives for a body that is no JSON."""

LARGEST_DOCUMENTED = 2**20
"""A page of rows as documented has a twentieth of this many bytes. A larger one is not kept in memory twice."""

_ROWS = "data"


def parse(body: bytes, *, has_leads: bool = False) -> tuple[Any, tuple[str, ...]]:
    """The JSON in `body`, or NOT_JSON, and the text of each of its rows as it came.

    Rows are the elements of the list `data` of an object; without one there are no texts. Where they are leads
    (`has_leads`), a row that is in every point as documented stands as a Lead. A row that is nested too deeply to be
    read stands as TOO_DEEP. NaN, Infinity and numbers past a float are None, whole numbers of a thousand digits and
    more are text. A byte that is no UTF-8 stands as a lone surrogate (0xff as U+DCFF), which `records` keeps apart from
    what it shows.
    """
    if has_leads and len(body) <= LARGEST_DOCUMENTED:
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            return _page_of_leads(body)
    try:
        return _whole(_text(body).removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return NOT_JSON, ()


class _Page(msgspec.Struct, gc=False):
    data: list[msgspec.Raw]
    pagination: msgspec.Raw


_read_page = msgspec.json.Decoder(_Page).decode


def _page_of_leads(body: bytes) -> tuple[Any, tuple[str, ...]]:
    """The same as `_whole`, quickly, of a page in strict JSON: only rows unlike the documents are read leniently.

    Raises DecodeError, ValueError or RecursionError for any other page.
    """
    page = _read_page(body)
    rows: list[Any] = []
    texts: list[str] = []
    for raw in page.data:
        lead = lead_from_documented(bytes(raw))
        row, text = (lead, lead.raw) if lead is not None else _alone(raw)
        rows.append(row)
        texts.append(text)
    return {_ROWS: rows, "pagination": _alone(page.pagination)[0]}, tuple(texts)


def _alone(raw: msgspec.Raw) -> tuple[Any, str]:
    """A value and its text. Raises ValueError or RecursionError if it is none."""
    text = _text(bytes(raw))
    value, end = _value_at(text, 0)
    if end != len(text):
        raise ValueError("there is more after the end")
    return value, text


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) < 1000 else digits  # Python refuses numbers past 4300 digits: keep their text


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


# Not strict: a line break left bare within one name must not cost the page.
_decoder = json.JSONDecoder(parse_constant=lambda _: None, parse_float=_finite, parse_int=_int, strict=False)
_value_at = _decoder.raw_decode
_blanks_at = re.compile(r"[ \t\n\r]*").match
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)


def _whole(text: str) -> tuple[Any, tuple[str, ...]]:
    """The JSON value that is all of `text`. Raises ValueError or RecursionError if there is none.

    An object is taken apart here rather than by the decoder, which does not tell where in the text a row stood.
    """
    at = _skip(text, 0)
    whole: Any = {}
    texts: tuple[str, ...] = ()
    if text[at : at + 1] != "{":
        whole, at = _value_at(text, at)
    else:
        at = _skip(text, at + 1)
        is_open = text[at : at + 1] != "}"
        while is_open:
            key, at = _value_at(text, at)
            if not isinstance(key, str):
                raise ValueError("a key is no text")
            at = _skip(text, _after(text, _skip(text, at), ":"))
            if key == _ROWS:
                texts = ()
            if key == _ROWS and text[at : at + 1] == "[":
                whole[key], texts, at = _rows(text, at)
            else:
                whole[key], at = _value_at(text, at)
            at = _skip(text, at)
            if is_open := text[at : at + 1] == ",":
                at = _skip(text, at + 1)
        at = _after(text, at, "}")
    if _skip(text, at) != len(text):
        raise ValueError("there is more after the end")
    return whole, texts


def _rows(text: str, at: int) -> tuple[list[Any], tuple[str, ...], int]:
    """The elements of the list that begins at `at`, the text of each, and where the list ends."""
    rows: list[Any] = []
    texts: list[str] = []
    at = _skip(text, at + 1)
    is_open = text[at : at + 1] != "]"
    while is_open:
        begin = at
        try:
            row, at = _value_at(text, begin)
        except RecursionError:
            row, at = TOO_DEEP, _end_of(text, begin)
        rows.append(row)
        texts.append(text[begin:at])
        at = _skip(text, at)
        if is_open := text[at : at + 1] == ",":
            at = _skip(text, at + 1)
    return rows, tuple(texts), _after(text, at, "]")


def _end_of(text: str, begin: int) -> int:
    """Where the object or list that begins at `begin` ends, found without going down into it."""
    depth = 0
    for piece in _STRING_OR_BRACKET.finditer(text, begin):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(piece[0], 0)
        if depth == 0:
            return piece.end()
    raise ValueError("a bracket is never closed")


def _skip(text: str, at: int) -> int:
    found = _blanks_at(text, at)
    return found.end() if found else at


def _after(text: str, at: int, mark: str) -> int:
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} is missing")
    return at + 1
