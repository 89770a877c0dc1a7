"""What a viewer is changing in a notebook: kept for the session on every page, until saved or discarded."""

from dataclasses import dataclass, replace
from itertools import count

import streamlit as st

from leadlib.notebooks import Cell, MetricCell, Notebook

_DRAFTS = "notebook_drafts"
_IDS = count(1)


@dataclass(frozen=True)
class Piece:
    """A cell with an id of its own, by which its widgets are told apart wherever it is moved."""

    id: int
    cell: Cell


@dataclass(frozen=True)
class Draft:
    """A notebook being changed. `after` is the version that it began from, 0 for a new one."""

    name: str
    title: str
    pieces: tuple[Piece, ...]
    after: int
    begun_as: Notebook

    @property
    def cells(self) -> tuple[Cell, ...]:
        return tuple(piece.cell for piece in self.pieces)

    @property
    def is_changed(self) -> bool:
        """True if something would be lost with it."""
        return self.after == 0 or (self.title, self.cells) != (self.begun_as.title, self.begun_as.cells)


def drafts() -> dict[str, Draft]:
    """The drafts of this session by the names of their notebooks."""
    kept: dict[str, Draft] = st.session_state.setdefault(_DRAFTS, {})
    return kept


def begin(notebook: Notebook, after: int) -> None:
    """Starts to change a notebook that is at version `after`."""
    pieces = tuple(Piece(next(_IDS), cell) for cell in notebook.cells)
    drafts()[notebook.name] = Draft(notebook.name, notebook.title, pieces, after, notebook)


def discard(name: str) -> None:
    """Ends the draft of this name, if there is one."""
    drafts().pop(name, None)


def put(name: str, piece_id: int, cell: Cell) -> None:
    """Another cell in the place of one."""
    _change(name, [Piece(one.id, cell) if one.id == piece_id else one for one in drafts()[name].pieces])


def add(name: str, cell: Cell) -> None:
    """A new cell at the end."""
    _change(name, [*drafts()[name].pieces, Piece(next(_IDS), cell)])


def remove(name: str, piece_id: int) -> None:
    """Takes a cell out."""
    _change(name, [one for one in drafts()[name].pieces if one.id != piece_id])


def duplicate(name: str, piece_id: int) -> None:
    """The same cell once more, just below."""
    pieces = []
    for one in drafts()[name].pieces:
        pieces += [one, Piece(next(_IDS), one.cell)] if one.id == piece_id else [one]
    _change(name, pieces)


def move(name: str, piece_id: int, by: int) -> None:
    """Moves a cell up (-1) or down (1); at the end of the way it stays."""
    pieces = list(drafts()[name].pieces)
    at = next(place for place, one in enumerate(pieces) if one.id == piece_id)
    to = min(max(at + by, 0), len(pieces) - 1)
    pieces.insert(to, pieces.pop(at))
    _change(name, pieces)


def rename(name: str, title: str) -> None:
    """Another title; the name stays until a new notebook is saved."""
    drafts()[name] = replace(drafts()[name], title=title)


def go_on_after(name: str, version: int) -> None:
    """The next save comes on top of `version`, which somebody else has saved."""
    drafts()[name] = replace(drafts()[name], after=version)


def new_metric() -> MetricCell:
    """What “Add a metric” adds."""
    return MetricCell("leads", "channel", show="bar")


def _change(name: str, pieces: list[Piece]) -> None:
    drafts()[name] = replace(drafts()[name], pieces=tuple(pieces))
