"""The notebooks that every installation has: to be read as they are, and copied to be changed."""

from leadlib.filters import Filters
from leadlib.notebooks.model import MetricCell, Notebook, TextCell

BUILTIN: tuple[Notebook, ...] = (
    Notebook(
        "monday-review",
        "Monday review",
        (
            TextCell(
                "Ten minutes for the whole team, once a week. Set **From** and **To** in the sidebar to the weeks you "
                "want to talk about, or leave them open to see everything.\n\n"
                "## What came in"
            ),
            MetricCell("leads", show="number"),
            MetricCell("unique_senders", show="number"),
            MetricCell("unassigned", show="number"),
            MetricCell("leads", "week", show="line"),
            MetricCell("leads", "channel", show="bar"),
            TextCell(
                "## What we answered\n\n"
                "Compare weeks by *responded within 24 h* only: the rate so far still grows for young weeks. Where the "
                "looks at the portal cannot tell, there is no point."
            ),
            MetricCell("response_rate", show="number"),
            MetricCell("waiting", show="number"),
            MetricCell("overdue", show="number"),
            MetricCell("response_rate_within", "week", show="line"),
            MetricCell("response_rate", "channel", show="bar"),
            TextCell(
                "## Who needs help\n\n"
                "A rank alone is mostly chance. The verdict says which agents differ from the team by more than that; "
                "“no call” is a good answer."
            ),
            MetricCell("verdict", show="table"),
            MetricCell("overdue", "agent", show="bar"),
            TextCell(
                "## Before you close\n\n"
                "1. Who takes the overdue leads, and by when?\n"
                "2. Which leads have nobody assigned?\n"
                "3. One thing to try this week, and the number that will show it."
            ),
        ),
    ),
    Notebook(
        "agent-one-to-one",
        "Agent one-to-one",
        (
            TextCell(
                "For a talk between two people. Choose the agent under **Assigned agent** in the sidebar first; "
                "without one, this is about the whole team.\n\n"
                "## Where we stand"
            ),
            MetricCell("leads", show="number"),
            MetricCell("response_rate", show="number"),
            MetricCell("median_reply_min", show="number"),
            MetricCell("waiting", show="number"),
            MetricCell("overdue", show="number"),
            TextCell(
                "## Which leads get an answer\n\n"
                "Start with what goes well. Under five leads there is no rate, and under twenty no verdict."
            ),
            MetricCell("response_rate", "channel", show="bar"),
            MetricCell("response_rate", "entity_type", show="bar"),
            TextCell("## How it went over time"),
            MetricCell("leads", "week", show="line"),
            MetricCell("replied_within", "channel", show="table"),
            TextCell(
                "## When leads come\n\nHours with many leads and few replies are a matter of the rota, not of effort."
            ),
            MetricCell("leads", "hour", show="bar"),
            MetricCell("badge_to_answer", show="table"),
            TextCell("## What we agree\n\n- Keep doing:\n- Change:\n- What I, as your manager, do for it:"),
        ),
    ),
    Notebook(
        "project-launch",
        "Project launch",
        (
            TextCell(
                "The first weeks of a project. Choose it under **Project** in the sidebar, and set **From** to the day "
                "of the launch.\n\n"
                "## Is the campaign working?"
            ),
            MetricCell("leads", show="number"),
            MetricCell("unique_senders", show="number"),
            MetricCell("repeat_senders", show="number"),
            MetricCell("leads", "day", show="line"),
            MetricCell("leads", "channel", show="bar"),
            TextCell(
                "## Are we ready for it?\n\n"
                "Paid interest cools within the hour. Leads without an agent are nobody's job."
            ),
            MetricCell("unassigned", show="number"),
            MetricCell("waiting", show="number"),
            MetricCell("waiting_again", show="number"),
            MetricCell("replied_within", show="bar"),
            MetricCell("response_rate", "channel", show="bar"),
            MetricCell("leads", "agent", show="bar"),
            TextCell(
                "## How fast does interest fade?\n\n"
                "Week by week, what is left of the launch. Below it what is usual here: leads a week since a listing's "
                "first one, over all listings, whatever the sidebar says."
            ),
            MetricCell("leads", "week", show="line"),
            MetricCell("leads_a_week", "listing", Filters(), show="line"),
            TextCell("## What we do next\n\n- More of:\n- Less of:\n- Look again on:"),
        ),
    ),
)
