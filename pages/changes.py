"""Why did it change: what moved a figure between two moments, and what between two periods."""

import streamlit as st

from leadlib import charts
from leadlib.charts.waterfall import why_changed_sentences
from leadlib.metrics import rate_mix, why_changed
from leadlib.ui import changes, kpis, plots, states
from leadlib.ui.controls import pick
from leadlib.ui.text import plain
from leadlib.ui.view import current_view

view = current_view()
states.page_title(view, "Why did it change")
states.stop_if_empty(view)
kpis.draw(view, ["leads", "response_rate", "response_rate_of_all", "waiting", "pending"])
theme = plots.current_theme()

compare = pick("change", "Compare", changes.COMPARE_WORDS)
if compare == "moments":
    moments = changes.pick_moments()
    figure = pick("figure", "Figure", changes.FIGURE_WORDS)
    parts = view.ask(why_changed, **moments)
    plots.draw(
        f"{changes.FIGURE_WORDS[figure]}, then and now",
        charts.plot_why_changed(parts, figure, theme=theme),
        takeaway=charts.why_changed_takeaway(parts, figure),
        table=parts,
        metrics=[f"{figure}_change"],
        notes=why_changed_sentences(parts, figure),
        on_choose=changes.to_part(view, parts, figure, str(moments["period"])),
    )
    plain(changes.compared(parts, view))
else:
    by = pick("split", "Split by", changes.MIX_WORDS)
    groups = view.ask(rate_mix, by=by)
    left, right = st.columns(2)
    with left:
        plots.draw(
            "Leads, period against period",
            charts.plot_volume_mix(groups, theme=theme),
            takeaway=charts.volume_mix_takeaway(groups),
            table=groups,
            metrics=["leads"],
            on_choose=changes.to_group(view, groups, by),
        )
    with right:
        plots.draw(
            "Response rate, period against period",
            charts.plot_rate_mix(groups, theme=theme),
            takeaway=charts.rate_mix_takeaway(groups),
            table=groups,
            metrics=["rate_effect", "mix_effect", "matured"],
            notes=changes.period_notes(groups),
        )
