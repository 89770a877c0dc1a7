"""A text that travels in a PDF beside its pages: added at the end, as the format has later changes added.

Readers of PDFs pass over it, and every byte before it stays where it is.
"""

import re

_END = re.compile(rb"trailer\s*<<(?P<told>.*?)>>\s*startxref\s+(?P<table>\d+)\s+%%EOF\s*", re.DOTALL)
_SIZE = re.compile(rb"/Size (\d+)")
_TYPE = b"/Leadlight"
_HEAD = re.compile(rb"\d+ 0 obj\n<</Type " + _TYPE + rb" /Length (\d+)>>\nstream\n")


def with_text(printed: bytes, text: str) -> bytes | None:
    """The PDF with `text` (ASCII) in it; None if it ends in another way than those of Chromium do."""
    end = _END.fullmatch(printed, max(printed.rfind(b"trailer"), 0))
    size = _SIZE.search(end["told"]) if end else None
    if end is None or size is None:
        return None
    number, body = int(size[1]), text.encode("ascii")
    added = b"%d 0 obj\n<</Type %s /Length %d>>\nstream\n%s\nendstream\nendobj\n" % (number, _TYPE, len(body), body)
    table = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (number, len(printed))
    told = _SIZE.sub(b"/Size %d" % (number + 1), end["told"]).strip()
    links = b"/Prev %s\n%s %d 0 R" % (end["table"], _TYPE, number)
    trailer = b"trailer\n<<%s\n%s>>\nstartxref\n%d\n%%%%EOF\n" % (told, links, len(printed) + len(added))
    return printed + added + table + trailer


def text_in(content: bytes) -> tuple[bytes, str] | None:
    """The PDF as it was without the text, and the text; None if there is none in it. Raises ValueError if it is cut."""
    heads = list(_HEAD.finditer(content))
    if not heads:
        return None
    head = heads[-1]
    body = content[head.end() : head.end() + int(head[1])]
    return content[: head.start()], body.decode("ascii")
