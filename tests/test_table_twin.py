"""The table twin of a chart, and the sentence under the funnel, on frames small enough to check by eye."""

import pandas as pd
import pytest

from leadlib.ui.funnel_notes import notes
from leadlib.ui.numbers import twin


def by_agent() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "key": ["17", "none"],
            "label": ["Sample Agent", "Unassigned"],
            "is_active": pd.Series([False, None], dtype=object),
            "n_groups": [1, 1],
            "leads": [1_204, 4],
            "matured": [1_000, 4],
            "responded_matured": [523, 1],
            "response_rate": [0.523, float("nan")],
            "response_rate_low": [0.492, float("nan")],
            "response_rate_high": [0.554, float("nan")],
            "response_rate_quality": ["enough", "too_few"],
        }
    )


def test_a_rate_is_in_percent_beside_its_interval_and_its_counts() -> None:
    table = twin(by_agent(), ["response_rate"]).frame
    assert table.columns.tolist() == [
        "Name",
        "Leads",
        "Response rate so far (24\u00a0h)",
        "Rate so far (24\u00a0h), 95 % interval",
        "Responded among matured (24\u00a0h)",
        "Matured (24\u00a0h)",
    ]
    assert table.iloc[0].tolist() == ["Sample Agent (left)", 1_204, pytest.approx(52.3), "49–55\u00a0%", 523, 1_000]
    assert table.iloc[1, 3] == "–"


def volume_frame(labels: tuple[str, str]) -> pd.DataFrame:
    days = pd.to_datetime(["2026-05-04", "2026-05-04", "2026-05-05", "2026-05-05"])
    return pd.DataFrame(
        {
            "bucket": days,
            "key": ["a", "b", "a", "b"],
            "label": [*labels, *labels],
            "leads": [3, 1, 0, 2],
            "is_partial": [False, False, True, True],
            "covered": [1.0, 1.0, 0.5, 0.5],
        }
    )


def test_time_runs_down_and_groups_run_across_with_their_total() -> None:
    table = twin(volume_frame(("Call", "Chat")), ["leads"]).frame
    assert table.drop(columns="When").to_dict("list") == {
        "Call": [3, 0],
        "Chat": [1, 2],
        "Total": [4, 2],
        "Read": [100.0, 50.0],
    }


def test_two_groups_of_one_name_are_two_columns() -> None:
    table = twin(volume_frame(("Sample Agent", "Sample Agent")), ["leads"]).frame
    assert table.columns.tolist() == ["When", "Sample Agent (a)", "Sample Agent (b)", "Total", "Read"]


def test_the_week_has_hours_down_and_days_across() -> None:
    frame = pd.DataFrame(
        [
            {"weekday": day, "hour": hour, "leads": 1, "occurrences": 2, "leads_per_hour": 0.5}
            for day in range(1, 8)
            for hour in range(24)
        ]
    )
    table = twin(frame, ["leads_per_hour"]).frame
    assert table.columns.tolist() == ["Hour", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert table["Hour"].iloc[9] == "09:00–10:00"


def stages(**channels: list[str]) -> pd.DataFrame:
    rows = [{"key": name, "label": name, "stage": stage} for name, reached in channels.items() for stage in reached]
    return pd.DataFrame(rows, columns=["key", "label", "stage"])


@pytest.mark.parametrize(
    ("frame", "sentences"),
    [
        (stages(), []),
        (stages(Call=["sent", "delivered", "opened", "responded"]), []),
        (
            stages(Call=["sent", "responded"], Chat=["sent", "opened", "responded"]),
            ["The portal reports “delivered” for none of these leads. It never reports “opened” for Call."],
        ),
        (
            stages(Call=["sent"], Chat=["sent"], WhatsApp=["sent", "delivered", "opened", "responded"]),
            ["It never reports “delivered”, “opened” or “responded” for Call or Chat."],
        ),
    ],
    ids=["no-leads", "all-reported", "one-nowhere-one-in-a-channel", "two-channels-alike"],
)
def test_stages_that_nobody_reports_are_said_once(frame: pd.DataFrame, sentences: list[str]) -> None:
    assert notes(frame) == sentences
