"""Markdown that people wrote, before it goes anywhere that would make more of it than words."""

import re

_MARKS = re.compile(r"[\\`*_{}\[\]<>#!|~$&@=^]|:(?=[:/])|(?<=:):")
_ICON = re.compile(r"::(?=[a-zA-Z0-9-]+:[a-zA-Z0-9-]+::)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def without_images(text: str) -> str:
    """Markdown in which each image is a link: a stranger's server need not know who reads this."""
    return re.sub(r"!+\[", "[", text)


def harmless(text: str) -> str:
    """Markdown as the page shows it, for programs that would also read HTML in it: no image, and tags as text."""
    return _TAG.sub("&lt;", without_images(text))


def harmless_in_marimo(text: str) -> str:
    """The same for marimo, which would fetch a picture for “::set:name::”: something without a width breaks it up."""
    return _ICON.sub(":\u2060:", harmless(text))


def literal_markdown(text: str) -> str:
    """A title or a name inside Markdown, on one line: every sign stands for itself.

    Character references, because not every reader of Markdown knows a backslash before every sign.
    """
    return _MARKS.sub(lambda sign: f"&#{ord(sign[0])};", " ".join(text.splitlines()))
