"""Notebook: words, metrics and SQL in the order in which they are talked about, saved and handed on by a link."""

from leadlib.ui import notebook as notebook_ui
from leadlib.ui import notebook_cells, notebook_edit, states
from leadlib.ui.view import current_view

view = current_view()
opened = notebook_ui.open_chosen(view)
states.page_title(view, opened.notebook.title or "Notebook")
notebook_ui.draw_bar(view, opened)
if opened.draft is None:
    states.stop_before_first_sync(view)
    notebook_cells.draw(view, opened.notebook.cells)
else:
    notebook_ui.draw_saving(view, opened, opened.draft)
    notebook_edit.draw(view, opened.draft)
