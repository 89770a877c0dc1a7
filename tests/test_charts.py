"""Charts: what stands in a figure for an empty, a one-row and a full frame, and that text stays text."""

import html
import itertools
import json
import math
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from leadlib import charts, theme
from leadlib.charts.drawing import rate_words, safe
from leadlib.charts.volume import MOST_BARS, grain_of
from leadlib.filters import Filters
from leadlib.metrics import (
    agents,
    backlog,
    badges,
    breakdown,
    decay,
    funnel,
    heat_map,
    league,
    like_for_like,
    rate_mix,
    replies_by,
    reply_chances,
    reply_curve,
    reply_shares,
    senders_over_time,
    stage_times,
    status_counts,
    transitions,
    volume,
    volume_change,
    volume_limits,
    why_changed,
    within_hours,
)
from leadlib.records import AgentName
from leadlib.store import Store
from leadlib.theme import PALETTES, Theme, channel_colour, group_colours
from tests.conftest import at, make_lead

ALL = Filters()
THEMES: tuple[Theme, ...] = get_args(Theme)
HOSTILE = '<a href="https://example.com/x">Click</a> %{y} $x$ &amp; \u202eabc'

Ask = Callable[[Store, Filters], pd.DataFrame]
CHARTS: dict[str, tuple[Callable[..., go.Figure], Callable[[pd.DataFrame], str], Ask]] = {
    "volume": (charts.plot_volume, charts.volume_takeaway, lambda s, f: volume(s, f, "day", by="channel")),
    "volume by agent": (charts.plot_volume, charts.volume_takeaway, lambda s, f: volume(s, f, "week", by="agent")),
    "volume by hour": (charts.plot_volume, charts.volume_takeaway, lambda s, f: volume(s, f, "hour")),
    "volume with limits": (
        charts.plot_volume,
        charts.volume_takeaway,
        lambda s, f: volume_limits(s, f, "day", by="channel"),
    ),
    "volume change": (charts.plot_volume_change, charts.volume_change_takeaway, volume_change),
    "senders": (charts.plot_senders, charts.senders_takeaway, lambda s, f: senders_over_time(s, f, "week")),
    "heat map": (charts.plot_heat_map, charts.heat_map_takeaway, heat_map),
    "funnel": (charts.plot_funnel, charts.funnel_takeaway, funnel),
    "funnel by channel": (
        charts.plot_funnel_by_channel,
        charts.funnel_by_channel_takeaway,
        lambda s, f: funnel(s, f, by="channel"),
    ),
    "status": (charts.plot_status, charts.status_takeaway, status_counts),
    "status by agent": (charts.plot_status, charts.status_takeaway, lambda s, f: status_counts(s, f, by="agent")),
    "entity types": (
        charts.plot_entity_types,
        charts.entity_types_takeaway,
        lambda s, f: breakdown(s, f, "entity_type"),
    ),
    "response rates": (
        charts.plot_response_rates,
        charts.response_rates_takeaway,
        lambda s, f: breakdown(s, f, "agent", limit=3),
    ),
    "backlog": (charts.plot_backlog, charts.backlog_takeaway, lambda s, f: backlog(s, f, "agent")),
    "reply chances": (charts.plot_reply_chances, charts.reply_chances_takeaway, reply_chances),
    "badges": (charts.plot_badges, charts.badges_takeaway, badges),
    "agents": (charts.plot_against_chance, charts.against_chance_takeaway, agents),
    "agents like for like": (charts.plot_against_chance, charts.against_chance_takeaway, like_for_like),
    "listings": (charts.plot_against_chance, charts.against_chance_takeaway, league),
    "missed": (charts.plot_missed, charts.missed_takeaway, league),
    "decay": (charts.plot_decay, charts.decay_takeaway, decay),
    "hours": (charts.plot_hours, charts.hours_takeaway, lambda s, f: breakdown(s, f, "hour")),
    "response trend": (
        charts.plot_response_trend,
        charts.response_trend_takeaway,
        lambda s, f: breakdown(s, f, "week"),
    ),
    "within trend": (
        charts.plot_within_trend,
        charts.within_trend_takeaway,
        lambda s, f: within_hours(s, f, "week"),
    ),
    "stage times": (charts.plot_stage_times, charts.stage_times_takeaway, stage_times),
    "transitions": (charts.plot_transitions, charts.transitions_takeaway, transitions),
    "reply curve": (charts.plot_reply_curve, charts.reply_curve_takeaway, reply_curve),
    "reply shares": (charts.plot_reply_shares, charts.reply_shares_takeaway, reply_shares),
    "why changed": (charts.plot_why_changed, charts.why_changed_takeaway, why_changed),
    "volume mix": (charts.plot_volume_mix, charts.volume_mix_takeaway, lambda s, f: rate_mix(s, f, "agent")),
    "rate mix": (charts.plot_rate_mix, charts.rate_mix_takeaway, rate_mix),
    "replies by channel": (
        charts.plot_replies_by,
        charts.replies_by_takeaway,
        lambda s, f: replies_by(s, f, "channel", within=1_440),
    ),
    "reply trend": (
        charts.plot_reply_trend,
        charts.reply_trend_takeaway,
        lambda s, f: replies_by(s, f, "month", clock="working", within=1_440),
    ),
    "league": (charts.plot_league, charts.league_takeaway, lambda s, f: breakdown(s, f, "listing", limit=3)),
}
every_chart = pytest.mark.parametrize("name", CHARTS)


def fill(store: Store, n: int = 240) -> Store:
    """Leads of many kinds; every name, status and reference that others write is hostile."""
    leads = [
        make_lead(
            str(i),
            f"2026-09-{1 + i % 28:02d}T{i % 24:02d}:10:00Z",
            status=("sent", "opened", "responded", "responded", "archived", HOSTILE)[i % 6],
            channel=("whatsapp", "call", "email", HOSTILE)[i % 4],
            entityType=("listing", "project", HOSTILE)[i % 3],
            publicProfile={"id": 1 + i % 5} if i % 7 else None,
            listing={"id": f"L{i % 5}", "reference": HOSTILE} if i % 3 else None,
        )
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at("2026-10-01 00:00"))
    store.write_names(
        [AgentName(1, HOSTILE, True), AgentName(2, "Gone Agent", False), AgentName(3, HOSTILE, None)], [], []
    )
    return store


def one_lead(store: Store) -> Store:
    store.write_leads([make_lead("a", "2026-09-15T06:00:00Z")], observed_at=at("2026-09-20 00:00"))
    return store


def texts(value: Any) -> list[str]:
    """Every text anywhere in a figure's JSON that Plotly would draw: not keys for clicks, not settings of axes."""
    if isinstance(value, dict):
        shown = {k: v for k, v in value.items() if k not in {"customdata", "legendgroup", "template"}}
        own = [row[-1] for row in value.get("customdata", []) if len(row) > 1 and isinstance(row[-1], str)]
        return own + [text for item in shown.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def traces(figure: go.Figure, kind: str) -> list[dict[str, Any]]:
    return [t for t in json.loads(figure.to_json())["data"] if t["type"] == kind]


def touched(figure: go.Figure) -> list[list[Any]]:
    """The key and hover text of every row that answers to the pointer."""
    rows: list[list[Any]] = traces(figure, "bar")[-1]["customdata"]
    return rows


# Every chart


@every_chart
@pytest.mark.parametrize("colours", THEMES)
def test_an_empty_frame_gives_a_figure_that_says_so(store: Store, name: str, colours: Theme) -> None:
    plot, takeaway, ask = CHARTS[name]
    frame = ask(store, ALL)
    figure = plot(frame, theme=colours)
    assert "no leads" in figure.layout.annotations[0].text
    assert not figure.data
    assert "leads" in takeaway(frame).lower() or "channel" in takeaway(frame)


@every_chart
@pytest.mark.parametrize("colours", THEMES)
@pytest.mark.parametrize("fill_with", [one_lead, fill], ids=["one lead", "many"])
def test_a_figure_is_small_see_through_and_leaves_the_frame_alone(
    store: Store, name: str, colours: Theme, fill_with: Callable[[Store], Store]
) -> None:
    plot, takeaway, ask = CHARTS[name]
    frame = ask(fill_with(store), ALL)
    before = frame.copy()
    figure = plot(frame, theme=colours)
    assert len(figure.to_json()) < 60_000
    assert go.Figure(json.loads(figure.to_json()))  # Plotly knows all names and values, which drawing does not check
    assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
    assert figure.layout.title.text is None
    assert figure.layout.height >= 40
    assert not {t.type for t in figure.data} & {"scattergl", "heatmapgl"}
    sentence = takeaway(frame)
    assert sentence.endswith(".")
    assert "nan" not in sentence.lower()
    assert "\n" not in sentence
    pd.testing.assert_frame_equal(frame, before)


@every_chart
def test_no_text_of_others_becomes_markup_a_formula_or_a_template(store: Store, name: str) -> None:
    plot, _, ask = CHARTS[name]
    found = texts(json.loads(plot(ask(fill(store), ALL)).to_json()))
    drawn = " ".join(found)
    assert "<a" not in drawn
    assert "$x" not in drawn
    assert "\u202e" not in drawn
    for text in found:
        assert "%{y} " not in text


@every_chart
def test_no_figure_shows_nan_or_a_missing_number(store: Store, name: str) -> None:
    plot, _, ask = CHARTS[name]
    assert not [t for t in texts(json.loads(plot(ask(fill(store), ALL)).to_json())) if "nan" in t.lower().split()]


def test_all_names_of_the_package_are_declared() -> None:
    public = {n for n in vars(charts) if n.startswith("plot_") or n.endswith("_takeaway")}
    assert public == set(charts.__all__)
    # The charts of the calibration say one thing: how many intervals hold what was planted.
    beside_truth = {"agents_beside_truth", "beside_truth"}
    takeaways = {n.removesuffix("_takeaway") for n in public if n.endswith("_takeaway")}
    assert {n.removeprefix("plot_") for n in public if n.startswith("plot_")} - beside_truth == takeaways - {
        "calibration",
        "maturing",
    }


# Text


def test_a_name_with_markup_reads_as_it_was_typed() -> None:
    assert html.unescape(safe("<b>Bold</b> & Co", None)) == "<b>Bold</b> & Co"
    assert "<" not in safe("<b>Bold</b>")
    assert safe("a\nb\tc") == "a b c"
    assert safe("x" * 50).endswith("…")
    assert len(safe("x" * 50)) == 26


def test_a_name_from_right_to_left_keeps_its_direction_to_itself() -> None:
    assert safe("فاطمة مثال") == "\u2068فاطمة مثال\u2069"
    assert safe("abc\u202edef") == "abc def"


def test_a_rate_in_few_words() -> None:
    assert rate_words(0.53, 0.52, 0.56, "enough").replace("\u00a0", " ") == "53 % (52–56)"
    assert rate_words(math.nan, 0.41, 0.49, "bounds").replace("\u00a0", " ") == "41–49 %"
    assert rate_words(math.nan, math.nan, math.nan, "too_few") == "too few"


# Volume


def buckets(
    starts: list[str], leads: list[int], covered: list[float], key: str = "whatsapp", label: str = "WhatsApp"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "bucket": pd.to_datetime(starts).as_unit("us"),
            "key": key,
            "label": label,
            "leads": leads,
            "is_partial": [share < 1 for share in covered],
            "covered": covered,
        }
    )


def test_a_bucket_that_is_not_over_is_hatched_and_left_out_of_the_sentence() -> None:
    frame = buckets(["2026-09-01", "2026-09-02", "2026-09-03"], [4, 2, 9], [1, 1, 0.5])
    bar = traces(charts.plot_volume(frame), "bar")[0]
    assert bar["marker"]["pattern"]["shape"] == ["", "", "/"]
    assert charts.volume_takeaway(frame).replace("\u00a0", " ") == (
        "15 leads; the busiest full day was Tue 1 Sep 2026, with 4."
    )


def test_days_that_were_not_read_are_a_gap_and_not_a_zero() -> None:
    frame = buckets(["2026-09-01", "2026-09-02", "2026-09-03", "2026-09-04"], [4, 0, 0, 2], [1, 0, 0, 1])
    figure = charts.plot_volume(frame)
    assert traces(figure, "bar")[0]["y"] == [4, None, None, 2]
    assert [(s.x0[:13], s.x1[:13], s.label.text) for s in figure.layout.shapes] == [
        ("2026-09-01T12", "2026-09-03T12", "not read")
    ]


def test_the_takeaway_names_the_largest_group_but_never_the_others() -> None:
    frame = pd.concat(
        [
            buckets(["2026-09-01"], [3], [1], "others", "Others"),
            buckets(["2026-09-01"], [2], [1], "7", "Test Agent"),
            buckets(["2026-09-01"], [1], [1], "8", "Test Agent"),
        ]
    )
    assert charts.volume_takeaway(frame).replace("\u00a0", " ") == "Test Agent brings 33 % of 6 leads."


def test_many_buckets_are_steps_instead_of_bars() -> None:
    starts = [str(t) for t in pd.date_range("2026-09-01", periods=MOST_BARS + 1, freq="h")]
    figure = charts.plot_volume(buckets(starts, [1] * len(starts), [1.0] * len(starts)))
    assert not traces(figure, "bar")
    assert traces(figure, "scatter")[0]["line"]["shape"] == "hv"


@pytest.mark.parametrize(
    ("freq", "grain"),
    [("h", "hour"), ("D", "day"), ("7D", "week"), ("MS", "month")],
    ids=["hour", "day", "week", "month"],
)
@pytest.mark.parametrize("n", [2, 3, 30, 150])
def test_the_grain_is_read_from_the_buckets_and_gives_few_ticks(freq: str, grain: str, n: int) -> None:
    starts = [str(t) for t in pd.date_range("2026-02-01", periods=n, freq=freq)]
    frame = buckets(starts, [1] * n, [1.0] * n)
    assert grain_of(frame) == grain
    axis = charts.plot_volume(frame).layout.xaxis
    step = axis.dtick
    ticks = (
        n / int(step[1:])
        if grain == "month"
        else (pd.Timestamp(starts[-1]) - pd.Timestamp(starts[0])) / pd.Timedelta(milliseconds=step)
    )
    assert ticks <= 8


def test_two_agents_of_one_name_stay_two() -> None:
    frame = pd.concat(
        [buckets(["2026-09-01"], [1], [1], "7", "Test Agent"), buckets(["2026-09-01"], [1], [1], "8", "Test Agent")]
    )
    assert len([t for t in traces(charts.plot_volume(frame), "bar") if t.get("customdata")]) == 2


# Rows


def test_funnel_bars_say_count_and_both_shares_and_hatch_what_is_unknown(store: Store) -> None:
    statuses = ["sent"] * 40 + ["opened"] * 30 + ["responded"] * 29 + ["archived"]
    store.write_leads(
        [make_lead(str(i), "2026-09-15T00:00:00Z", status=s) for i, s in enumerate(statuses)],
        observed_at=at("2026-09-20 00:00"),
    )
    figure = charts.plot_funnel(funnel(store, ALL))
    left, right = ([text.replace("\u00a0", " ") for text in t["text"]] for t in traces(figure, "scatter"))
    assert left == ["<b>Sent</b>  100", "<b>Opened</b>  59", "<b>Responded</b>  29"]
    assert right == ["", "59 % of sent", "29 % of sent · 48 % of opened"]  # 29 of at most 59 + 1
    assert traces(figure, "bar")[2]["x"] == [0, 1, 1]
    assert [key for key, _ in touched(figure)] == ["sent", "opened", "responded"]


def test_a_channel_has_no_bar_at_a_stage_that_it_never_reports(store: Store) -> None:
    leads = [make_lead(f"e{i}", channel="email", status="responded") for i in range(6)]
    leads += [make_lead(f"c{i}", channel="call", status=s) for i, s in enumerate(["delivered"] * 5 + ["replied"] * 3)]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))
    figure = charts.plot_funnel_by_channel(funnel(store, ALL, by="channel"))
    left = [text for text in traces(figure, "scatter")[0]["text"] if text]
    assert left == ["<b>Delivered</b>", "Call · 8 of 8", "<b>Responded</b>", "Call · 3 of 8", "E-mail · 6 of 6"]
    marks = ["delivered/call", "responded/call", "responded/email"]
    assert [key for key, _ in touched(figure)] == marks


def test_response_rates_put_the_highest_on_top_and_those_not_to_be_judged_last(store: Store) -> None:
    groups = {1: (30, 20), 2: (30, 25), 3: (3, 3), None: (10, 9), 4: (8, 4)}
    leads = [
        make_lead(
            f"{agent}-{i}",
            "2026-09-15T00:00:00Z",
            status="responded" if i < hits else "sent",
            publicProfile={"id": agent} if agent else None,
        )
        for agent, (n, hits) in groups.items()
        for i in range(n)
    ]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))
    store.write_names([AgentName(2, "Gone Agent", False)], [], [])
    figure = charts.plot_response_rates(breakdown(store, ALL, "agent"))
    assert [key for key, _ in touched(figure)] == ["2", "1", "4", "3", "none"]
    left, right = ([text.replace("\u00a0", " ") for text in t["text"]] for t in traces(figure, "scatter")[-2:])
    assert left[1:] == [
        "<b>Gone Agent</b> · left · 30",
        "<b>#1</b> · 30",
        "<b>#4</b> · 8",
        "<b>#3</b> · 3",
        "Unassigned · 10",
    ]
    assert right[4] == "too few"
    dots = next(t for t in traces(figure, "scatter") if t["mode"] == "markers")
    assert dots["x"] == [25 / 30, 20 / 30, 4 / 8, None, 9 / 10]
    accent, unjudged = PALETTES["light"].accent, PALETTES["light"].unjudged
    assert dots["marker"]["color"] == [accent, accent, unjudged, unjudged, unjudged]
    assert figure.layout.shapes[0].x0 == (20 + 25 + 3 + 9 + 4) / 81


def test_a_large_rest_does_not_flatten_the_league(store: Store) -> None:
    leads = [make_lead(f"{k}{i}", listing={"id": k}) for k, n in (("A", 3), ("B", 2), ("C", 1)) for i in range(n)]
    leads += [make_lead(f"x{i}", listing=None) for i in range(20)]
    store.write_leads(leads, observed_at=at("2026-09-20 00:00"))
    frame = breakdown(store, ALL, "listing", limit=3)
    figure = charts.plot_league(frame)
    assert [key for key, _ in touched(figure)] == ["A", "B", "none", "others"]
    assert traces(figure, "bar")[1]["x"] == [3, 2, 1]  # no bar for twenty leads without a listing
    assert charts.league_takeaway(frame).replace("\u00a0", " ") == "A comes first with 3 of 26 leads (12 %)."


def test_the_heat_map_has_monday_on_top_and_leaves_unread_hours_blank(store: Store) -> None:
    store.write_leads([make_lead("a", "2026-09-14T06:00:00Z")], observed_at=at("2026-09-14 20:00"))
    figure = charts.plot_heat_map(heat_map(store, ALL))
    cells = traces(figure, "heatmap")[0]
    assert cells["z"][0][10] == 1
    assert cells["z"][1][10] is None
    assert figure.layout.yaxis.ticktext[0] == "Mon"
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert cells["customdata"][6][23][0].startswith("<b>Sunday, 23:00–00:00</b>")
    assert [mark for mark, _ in touched(figure)] == ["mon/10"]  # where there are leads
    over = traces(figure, "bar")[0]
    assert (over["x"], over["base"], over["y"], over["width"]) == ([10], [-0.5], [1], 1)


# Colours


def _linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    dark, light = sorted(float(_linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (light + 0.05) / (dark + 0.05)


def _lab(linear: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(linear, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira and Fernandes 2009, severity 1.
_VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("colours", THEMES)
def test_every_colour_that_means_something_stands_out_from_the_page(colours: Theme) -> None:
    palette = PALETTES[colours]
    for colour in [
        *palette.channels.values(),
        *palette.stages.values(),
        *palette.series,
        palette.accent,
        palette.unjudged,
    ]:
        assert _contrast(colour, palette.page) >= 3, colour
    for words in (palette.text, palette.quiet, palette.warning):
        assert _contrast(words, palette.page) >= 4.5, words


@pytest.mark.parametrize("colours", THEMES)
@pytest.mark.parametrize("vision", _VISION)
def test_channels_can_be_told_apart_by_any_eye(colours: Theme, vision: str) -> None:
    seen = [_lab(np.array(_VISION[vision]) @ _linear(c)) for c in PALETTES[colours].channels.values()]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 20


def test_a_channel_keeps_its_colour_whoever_else_is_shown() -> None:
    for colours in THEMES:
        for key in ("whatsapp", "telegram"):
            assert group_colours([key, "call"], colours)[key] == group_colours(["call", "chat", key], colours)[key]
    assert channel_colour("telegram", "light") not in PALETTES["light"].channels.values()
    assert channel_colour("", "light") == PALETTES["light"].unjudged
    assert group_colours(["none", "7", "others"], "light")["7"] == PALETTES["light"].series[0]


def test_the_template_is_small() -> None:
    assert len(json.dumps(theme.template("light"))) < 2_000
