"""The JSON of an answer, read leniently: what is odd in one row costs no other row, and each row's text is kept."""

import json
import math
import re
from typing import Any, Final

from leadlib.records import TOO_DEEP

NOT_JSON: Final = object()
"""What `parse` gives for a body that is no JSON."""

_ROWS = "data"


def parse(body: bytes) -> tuple[Any, tuple[str, ...]]:
    """The JSON in `body`, or NOT_JSON, and the text of each of its rows as it came.

    Rows are the elements of the list `data` of an object; without one there are no texts. A row that is nested too
    deeply to be read stands as TOO_DEEP. NaN, Infinity and numbers past a float are None, whole numbers of a thousand
    digits and more are text. A byte that is no UTF-8 stands as a lone surrogate (0xff as U+DCFF), which `records` keeps
    apart from what it shows.
    """
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        return _whole(text)
    except (ValueError, RecursionError):
        return NOT_JSON, ()


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
