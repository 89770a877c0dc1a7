"""The pagination object of a page."""

from __future__ import annotations

from typing import Any


def page_json(total: int, page: int, per_page: int) -> dict[str, Any]:
    """The pagination of page `page` out of `total` rows."""
    n_pages = -(-total // per_page)
    return {
        "page": page,
        "perPage": per_page,
        "total": total,
        "totalPages": n_pages,
        "nextPage": page + 1 if page < n_pages else None,
        "prevPage": page - 1 if page > 1 else None,
    }
