"""A shared store under writers and readers that are processes of their own, one of them killed: the short form.

The long one is `python -m benchmarks.shared`; docs/scaling.md has its figures.
"""

import pytest

from benchmarks.shared import run
from tests.postgres import Postgres

pytestmark = pytest.mark.shared


def test_nothing_is_lost_or_doubled_and_nobody_sees_an_error_while_the_elected_writer_is_killed(
    postgres: Postgres,
) -> None:
    found = run(minutes=0.4, n_writers=3, n_readers=2, n_leads=1_500, n_kills=1, server=postgres)
    assert found.errors == []
    assert (found.lost, found.doubled, found.without_sender, found.doubled_history) == (0, 0, 0, 0)
    assert found.is_clean
    assert found.kills == 1
    assert found.leads_at_end > 1_500
