"""A message as sentences whose numbers lead to their proof, and its three forms: text, a mail's HTML, Slack's."""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A piece of a sentence. `path` is the address, below the app's own, of the page that shows the same number."""

    words: str
    path: str | None = None


Sentence = tuple[Part, ...]


@dataclass(frozen=True)
class Message:
    """What is sent. `site` is the app's own address, ending in a slash; empty if nobody has set it."""

    title: str
    sections: tuple[tuple[str, tuple[Sentence, ...]], ...]
    foot: str
    site: str = ""


_STYLE = "font: 15px/1.5 system-ui, sans-serif; color: #1f2937; max-width: 42em"


def sentence(*parts: str | Part) -> Sentence:
    """One sentence of plain words and parts with a proof."""
    return tuple(Part(part) if isinstance(part, str) else part for part in parts)


def as_text(message: Message) -> str:
    """Plain text: numbers in brackets, the links below each section."""
    lines = [message.title, "=" * len(message.title)]
    for title, sentences in message.sections:
        lines += ["", title, "-" * len(title)]
        links: list[str] = []
        for one in sentences:
            lines.append("- " + "".join(_in_text(part, message.site, links) for part in one))
        lines += [f"  [{place}] {link}" for place, link in enumerate(links, 1)]
    return "\n".join([*lines, "", message.foot, ""])


def _in_text(part: Part, site: str, links: list[str]) -> str:
    if part.path is None or not site:
        return part.words
    links.append(site + part.path)
    return f"{part.words} [{len(links)}]"


def as_html(message: Message) -> str:
    """A small page without images, scripts or anything to be loaded. Words are escaped."""
    body = [f"<h1>{html.escape(message.title)}</h1>"]
    for title, sentences in message.sections:
        listed = "".join(f"<li>{_joined(one, message.site, _in_html)}</li>" for one in sentences)
        body.append(f"<h2>{html.escape(title)}</h2><ul>{listed}</ul>")
    body.append(f"<p><small>{html.escape(message.foot)}</small></p>")
    head = f'<meta charset="utf-8"><title>{html.escape(message.title)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body style="{_STYLE}">{"".join(body)}</body></html>'


def _in_html(words: str, link: str | None) -> str:
    return html.escape(words) if link is None else f'<a href="{html.escape(link)}">{html.escape(words)}</a>'


def as_slack(message: Message) -> str:
    """Slack's own marks: bold titles, links as <address|words>. What could be a mark in a word is not one."""
    blocks = [f"*{_slack_words(message.title)}*"]
    for title, sentences in message.sections:
        blocks.append(f"*{_slack_words(title)}*")
        blocks += [f"• {_joined(one, message.site, _in_slack)}" for one in sentences]
    return "\n".join([*blocks, f"_{_slack_words(message.foot)}_"])


def _in_slack(words: str, link: str | None) -> str:
    return _slack_words(words) if link is None else f"<{link}|{_slack_words(words)}>"


def _slack_words(words: str) -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A mark counts only beside a space or an edge; a character without width after it makes it a plain sign.
    return re.sub(r"([*_~`|])", "\\1\u200b", escaped)


def _joined(parts: Sequence[Part], site: str, form: Callable[[str, str | None], str]) -> str:
    return "".join(form(part.words, site + part.path if part.path is not None and site else None) for part in parts)
