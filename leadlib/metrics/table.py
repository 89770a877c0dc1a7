"""METRICS, the second table: each number on the screen, its meaning and its source; and what leads are grouped by.

Labels, units and definitions have their only home here: screens, exports, the command line and the README read them.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from leadlib.errors import FilterError
from leadlib.filters import MISSING
from leadlib.formats import NBSP, Grain
from leadlib.records import HOURS_TO_MATURE, STAGE_OF_STATUS

DAYS_AHEAD = 3
"""How far ahead the chance that a reply still comes looks."""

MINIMUM_FOR_RATE = 5
"""Below this many leads no rate is shown."""

MINIMUM_FOR_VERDICT = 20
"""Below this many leads a rate has an interval, but nobody is judged by it."""

MINIMUM_FOR_STRATUM = 20
"""An agent's leads are compared within a kind of leads only if the other agents have at least so many of it."""

MAXIMUM_UNKNOWN_SHARE = 0.05
"""Above this share of leads with an unknown outcome, bounds stand in place of the rate."""

_H = f"{HOURS_TO_MATURE}{NBSP}h"

Unit = Literal[
    "leads",
    "people",
    "share",
    "points",
    "leads per hour",
    "hours",
    "minutes",
    "place",
    "words",
    "estimated share",
    "ratio",
    "leads per week",
]
Better = Literal["more", "less", "neither"]
Quality = Literal["no_leads", "too_few", "few", "bounds", "not_followed", "enough"]
Verdict = Literal["better", "worse", "look_high", "look_low", "no_call", "too_few"]
BadgeVerdict = Literal["passes", "fails", "cannot_tell", "too_few"]
Signal = Literal["above", "below", "run_above", "run_below", ""]
Silence = Literal["fine", "quiet", "silent", "cannot_tell", "too_little"]

QUALITY_WORDS: Mapping[Quality, str] = {
    "no_leads": "no leads",
    "too_few": "too few leads",
    "few": "few leads, no verdict",
    "bounds": "history unknown for more than 5 %",
    "not_followed": "the time before was not read",
    "enough": "",
}

VERDICT_WORDS: Mapping[Verdict, str] = {
    "better": "Better than team",
    "worse": "Worse than team",
    "look_high": "No call: high, worth a look",
    "look_low": "No call: low, worth a look",
    "no_call": "No call",
    "too_few": "Too few leads",
}

BADGE_WORDS: Mapping[BadgeVerdict, str] = {
    "passes": "Passes today",
    "fails": "Does not pass today",
    "cannot_tell": "Cannot be told",
    "too_few": "Too few leads",
}

SIGNAL_WORDS: Mapping[Signal, str] = {
    "above": "Above its limit",
    "below": "Below its limit",
    "run_above": "Eighth or later in a row above the usual",
    "run_below": "Eighth or later in a row below the usual",
    "": "",
}

SILENCE_WORDS: Mapping[Silence, str] = {
    "fine": "Fine",
    "quiet": "Quiet, but such pauses are usual",
    "silent": "Silent",
    "cannot_tell": "Cannot tell: our own sync was not healthy",
    "too_little": "Too little history",
}


OWN = "own"
"""The question of a metric whose SQL file has a row per group with `key` and the metric's own column."""


@dataclass(frozen=True)
class Metric:
    """One number.

    `key` is its column in the frames and its name on the command line. `sql` is the stem of the file that computes it,
    a rate's numerator and denominator included. `numerator` and `denominator` are keys, for shares only. `better` is
    the direction that a manager would call good. `question` is the one (of QUESTIONS) whose frame has the column;
    "summary" stands for `breakdown` too, where leads are grouped; OWN means that `sql` alone gives the number. `beside`
    are columns without which it misleads.
    """

    key: str
    label: str
    short_label: str
    unit: Unit
    definition: str
    better: Better
    sql: str
    numerator: str | None = None
    denominator: str | None = None
    question: str = "summary"
    beside: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that can belong to it, in the order in which they are told."""
        interval = (f"{self.key}_low", f"{self.key}_high")
        parts = tuple(part for part in (self.numerator, self.denominator) if part is not None)
        return (self.key, *interval, *parts, f"{self.key}_quality", *self.beside)


METRICS: tuple[Metric, ...] = (
    Metric(
        "leads",
        "Leads",
        "Leads",
        "leads",
        "Leads by the moment they were created; one that was seen twice counts once.",
        "more",
        "counts",
    ),
    Metric(
        "leads_change",
        "Change of the leads",
        "Change",
        "leads",
        "By how many leads the view differs between two moments, each as it was known then, and which part of that is "
        "new leads, leads that moved to or from the chosen agents or statuses, and leads that left the period.",
        "neither",
        "why_changed",
        question="why_changed",
        beside=("leads_in_part", "leads_level", "leads_reason"),
    ),
    Metric(
        "unique_senders",
        "Unique senders",
        "Senders",
        "people",
        "Different phones, e-mail addresses or usernames behind the leads; leads that carry none are left out.",
        "more",
        "senders",
    ),
    Metric(
        "repeat_senders",
        "Repeat senders",
        "Repeat",
        "people",
        "Phones, e-mail addresses or usernames behind two leads or more of those that are counted here.",
        "neither",
        "repeat_senders",
        question=OWN,
    ),
    Metric(
        "repeat_share",
        "Repeat share",
        "Repeat",
        "share",
        "Share of leads whose sender had written in the 28 days before, by any lead of theirs; leads that carry no "
        "sender are left out.",
        "neither",
        "senders_over_time",
        "repeat_leads",
        "leads_of_senders",
        question="senders_over_time",
    ),
    Metric(
        "repeat_leads",
        "Leads of repeat senders",
        "Repeat leads",
        "leads",
        "Leads whose sender had written in the 28 days before, by any lead of theirs, whatever the filters.",
        "neither",
        "senders_over_time",
        question="senders_over_time",
    ),
    Metric(
        "leads_of_senders",
        "Leads with a sender",
        "With sender",
        "leads",
        "Leads that carry a phone, an e-mail address or a username.",
        "neither",
        "senders_over_time",
        question="senders_over_time",
    ),
    Metric(
        "usual_leads",
        "Usual leads",
        "Usual",
        "leads",
        "Mean leads of the newest 91 complete days or 26 weeks, of days those of the same weekday; the limits beside "
        "it hold what comes and goes by chance (XmR, at least 15 complete periods).",
        "neither",
        "volume",
        question="volume_limits",
        beside=("leads", "n_complete", "reason"),
    ),
    Metric(
        "signal",
        "Signal",
        "Signal",
        "words",
        "What is told from chance: a day or week outside its limits, or the eighth and any later one in a row on one "
        "side of the usual.",
        "neither",
        "volume",
        question="volume_limits",
        beside=("leads", "usual_leads", "n_complete", "reason"),
    ),
    Metric(
        "leads_ratio",
        "Leads against the period before",
        "Ratio",
        "ratio",
        "Leads of a period divided by those of an equally long one before, day by day of equal age and without days "
        "that were not read whole; its interval grows with how uneven days are.",
        "more",
        "volume",
        "current_leads",
        "earlier_leads",
        question="volume_change",
        beside=("n_compared", "reason"),
    ),
    Metric(
        "silence",
        "Silent or not",
        "Silent or not",
        "words",
        "Whether a channel's last lead is longer ago than pauses within a month go, at the hours of the week that "
        "passed since; told only where all of that time was read without a gap and our newest sync has not failed.",
        "neither",
        "volume",
        question="channel_silence",
        beside=("last_lead_at", "silent_h", "expected_leads", "silence_chance", "n_history", "history_days", "reason"),
    ),
    Metric(
        "expected_leads",
        "Leads usual since the last one",
        "Usual since",
        "leads",
        "How many leads a channel usually gets at the hours of the week that have passed since its last one.",
        "neither",
        "volume",
        question="channel_silence",
        beside=("silent_h", "n_history"),
    ),
    Metric(
        "responded",
        "Responded",
        "Responded",
        "leads",
        "Leads that the portal has ever shown as responded: a response link was opened or a call was answered, "
        "which is not yet a conversation.",
        "more",
        "counts",
    ),
    Metric(
        "response_rate",
        f"Response rate so far ({_H})",
        f"Rate so far ({_H})",
        "share",
        f"Share responded by now among leads that were followed for at least {_H}; younger leads are pending, neither "
        "failures nor dropped.",
        "more",
        "counts",
        "responded_matured",
        "matured",
    ),
    Metric(
        "response_rate_within",
        f"Responded within {_H}",
        f"Within {_H}",
        "share",
        f"Share of the leads followed for at least {_H} that were seen responded by that age, whatever came later: the "
        "only response rate to compare weeks by. Leads whose looks do not tell on which side of the mark a response "
        "came are unknown.",
        "more",
        "within_hours",
        "responded_within",
        "matured",
        question="within_hours",
        beside=("unknown_within",),
    ),
    Metric(
        "response_rate_of_all",
        "Response rate of all leads",
        "Rate of all",
        "share",
        "Responded divided by all leads, the portal's own plain figure: the youngest leads count against it, and so do "
        "archived ones without a history.",
        "more",
        "counts",
        "responded",
        "leads",
    ),
    Metric(
        "response_rate_change",
        f"Change of the response rate so far ({_H})",
        "Change of rate",
        "points",
        "By how much the response rate so far differs between two moments, each as it was known then; a part is what "
        "its leads add to the replies, less what they would add at the mean rate of both moments.",
        "more",
        "why_changed",
        question="why_changed",
        beside=("response_rate_in_part", "response_rate_level", "response_rate_reason"),
    ),
    Metric(
        "response_rate_of_all_change",
        "Change of the response rate of all leads",
        "Change of rate",
        "points",
        "The same for the response rate of all leads, the portal's own plain figure.",
        "more",
        "why_changed",
        question="why_changed",
        beside=("response_rate_of_all_in_part", "response_rate_of_all_level", "response_rate_of_all_reason"),
    ),
    Metric(
        "rate_effect",
        f"Other rates within ({_H})",
        "Other rates",
        "points",
        "Part of the response rate's change between two periods that comes from other rates within the groups: each "
        "group's change at its mean share of the leads.",
        "more",
        "cohort",
        question="rate_mix",
        beside=("reason",),
    ),
    Metric(
        "mix_effect",
        f"Another mix ({_H})",
        "Another mix",
        "points",
        "Part of the response rate's change between two periods that comes from another mix of groups: each group's "
        "change of share at its mean rate above or below that of all. The two parts add up (Kitagawa).",
        "more",
        "cohort",
        question="rate_mix",
        beside=("reason",),
    ),
    Metric(
        "matured",
        f"Matured ({_H})",
        "Matured",
        "leads",
        f"Leads that were followed for at least {_H} after their creation.",
        "neither",
        "counts",
    ),
    Metric(
        "responded_matured",
        f"Responded among matured ({_H})",
        "Responded, matured",
        "leads",
        f"Leads followed for at least {_H} that have responded by now, within {_H} or later.",
        "more",
        "counts",
    ),
    Metric(
        "responded_within",
        f"Leads responded within {_H}",
        f"Responded, {_H}",
        "leads",
        f"Leads followed for at least {_H} that were seen responded by that age.",
        "more",
        "within_hours",
        question="within_hours",
    ),
    Metric(
        "unknown_within",
        f"Unknown within {_H}",
        f"Unknown, {_H}",
        "leads",
        f"Leads followed for at least {_H} that responded between a look before that age and one after it, or of which "
        "no stage was ever seen.",
        "less",
        "within_hours",
        question="within_hours",
    ),
    Metric(
        "unknown_matured",
        f"Outcome unknown among matured ({_H})",
        "Unknown, matured",
        "leads",
        f"Leads followed for at least {_H} of which no stage was ever seen: first seen archived, or with a status that "
        "nobody knows.",
        "less",
        "counts",
    ),
    Metric(
        "pending",
        f"Pending (under {_H})",
        "Pending",
        "leads",
        f"Leads followed for less than {_H} that have not responded: too young to judge.",
        "neither",
        "counts",
    ),
    Metric(
        "waiting",
        "Waiting now",
        "Waiting",
        "leads",
        "Leads without a response that are still open at the portal: sent, delivered or opened, of any age, and not "
        "gone from it.",
        "less",
        "counts",
    ),
    Metric(
        "archived",
        "Archived",
        "Archived",
        "leads",
        "Leads that are archived today, with or without a response before.",
        "neither",
        "counts",
    ),
    Metric(
        "archived_unknown",
        "Archived, history unknown",
        "Archived, unknown",
        "leads",
        "Leads that were archived when first seen: whether they were answered is unknown, so rates carry bounds.",
        "less",
        "counts",
    ),
    Metric(
        "unrecognised",
        "Unrecognised status",
        "Unrecognised",
        "leads",
        "Leads whose status today is a word that Leadlight does not know; on no rung unless seen on one before.",
        "less",
        "counts",
    ),
    Metric(
        "reached_sent",
        "Sent",
        "Sent",
        "leads",
        "Leads that were at least sent: all but those of which only an unrecognised status was ever seen.",
        "more",
        "counts",
    ),
    Metric(
        "reached_delivered",
        "Reached delivered",
        "Delivered",
        "leads",
        "Leads seen as delivered or further; for calls, delivered means voicemail.",
        "more",
        "counts",
    ),
    Metric(
        "reached_opened",
        "Reached opened",
        "Opened",
        "leads",
        "Leads seen as opened or further; a responded lead counts even if its opening was never seen.",
        "more",
        "counts",
    ),
    Metric(
        "reached_responded",
        "Reached responded",
        "Responded",
        "leads",
        "Leads seen as responded, whatever became of them later.",
        "more",
        "counts",
    ),
    Metric(
        "share_of_start",
        "Share of all sent",
        "Of sent",
        "share",
        "Leads that reached a stage divided by those that were sent.",
        "more",
        "counts",
        "leads",
        "start_leads",
        question="funnel",
    ),
    Metric(
        "share_of_previous",
        "Share of the stage before",
        "Of previous",
        "share",
        "Leads that reached a stage divided by those that reached the stage before it.",
        "more",
        "counts",
        "leads",
        "previous_leads",
        question="funnel",
    ),
    Metric(
        "median_step_min",
        "Median time to the next stage",
        "Median step",
        "minutes",
        "Time on the wall clock after which half of the leads on one rung of the ladder, calls left out, were on the "
        "next; those that never get there count too. Worked out from the looks between which stages changed, refused "
        "where these are too far apart.",
        "less",
        "stage_times",
        question="stage_times",
        beside=("reason",),
    ),
    Metric(
        "moved",
        "Leads that moved",
        "Moved",
        "leads",
        "Leads by the stage that they were first seen at, those that they were seen to enter after it, and the one of "
        "today: what goes into a stage comes out of it.",
        "neither",
        "stage_moves",
        question="transitions",
    ),
    Metric(
        "unassigned",
        "Unassigned",
        "Unassigned",
        "leads",
        "Leads without an assigned agent.",
        "less",
        "counts",
    ),
    Metric(
        "leads_per_hour",
        "Leads per hour",
        "Per hour",
        "leads per hour",
        "Mean leads per hour of one weekday and time of day, over the hours of that kind that were read.",
        "more",
        "heat_map",
        "leads",
        "occurrences",
        question="heat_map",
    ),
    Metric(
        "shrunken_rate",
        f"Shrunken response rate ({_H})",
        "Shrunken",
        "share",
        "Response rate so far, drawn towards that of all agents (or listings) together by as much as chance may have "
        "moved it: the rate to sort by, with the interval in which the true one lies.",
        "more",
        "counts",
        "responded_matured",
        "matured",
        question="agents",
    ),
    Metric(
        "rank",
        "Rank",
        "Rank",
        "place",
        "Place by shrunken rate, 1 for the highest; the ranks beside it hold the true place with 95 % certainty, and "
        "where they are far apart the place says little.",
        "less",
        "counts",
        question="agents",
        beside=("rank_best", "rank_worst", "n_ranked"),
    ),
    Metric(
        "peer_rate",
        f"Response rate of all other agents ({_H})",
        "Other agents",
        "share",
        "Response rate so far of all other agents together, without the agent's own leads and without unassigned ones.",
        "more",
        "counts",
        "peers_responded",
        "peers_matured",
        question="agents",
    ),
    Metric(
        "verdict",
        "Verdict",
        "Verdict",
        "words",
        "Better or worse than team: outside the limits within which chance alone leaves 99.8 % of those with so many "
        f"leads; outside the 95 % limits is worth a look; below {MINIMUM_FOR_VERDICT} matured leads there are too few.",
        "neither",
        "counts",
        question="agents",
    ),
    Metric(
        "expected_responded",
        f"Expected responded ({_H})",
        "Expected",
        "leads",
        "How many of an agent's matured leads would have responded at the rate that all agents together have with "
        "leads of the same channel, entity type and hour of arrival; of a wider kind where the others have fewer than "
        f"{MINIMUM_FOR_STRATUM} leads of that one.",
        "neither",
        "case_mix",
        question="like_for_like",
        beside=("compared_finely",),
    ),
    Metric(
        "observed_to_expected",
        f"Responded to expected ({_H})",
        "To expected",
        "ratio",
        "Responded matured leads divided by those expected of such leads: 1 is as all agents together do. The interval "
        "is Wilson's of the responded share, a little too wide where an agent's leads differ much in their chances.",
        "more",
        "case_mix",
        "responded_matured",
        "expected_responded",
        question="like_for_like",
    ),
    Metric(
        "standardised_rate",
        f"Response rate, like for like ({_H})",
        "Like for like",
        "share",
        "Response rate so far as if all agents had the same kinds of leads: responded to expected, times the rate of "
        "all agents. It corrects for channel, entity type and hour of arrival, and for nothing else.",
        "more",
        "case_mix",
        "responded_matured",
        "expected_responded",
        question="like_for_like",
    ),
    Metric(
        "standardised_shrunken_rate",
        f"Shrunken response rate, like for like ({_H})",
        "Shrunken",
        "share",
        "The rate like for like, drawn towards that of all agents by as much as chance may have moved it.",
        "more",
        "case_mix",
        "responded_matured",
        "expected_responded",
        question="like_for_like",
    ),
    Metric(
        "standardised_rank",
        "Rank, like for like",
        "Rank",
        "place",
        "Place by the shrunken rate like for like, 1 for the highest; the ranks beside it hold the true place with "
        "95 % certainty.",
        "less",
        "case_mix",
        question="like_for_like",
        beside=("standardised_rank_best", "standardised_rank_worst", "standardised_n_ranked"),
    ),
    Metric(
        "standardised_verdict",
        "Verdict, like for like",
        "Verdict",
        "words",
        "Better or worse than team with the same kinds of leads: outside the limits within which chance alone leaves "
        "99.8 % of agents with such leads; outside the 95 % limits is worth a look; below "
        f"{MINIMUM_FOR_VERDICT} matured leads there are too few.",
        "neither",
        "case_mix",
        question="like_for_like",
    ),
    Metric(
        "oldest_waiting_h",
        "Oldest waiting",
        "Oldest waiting",
        "hours",
        "How long the oldest lead that still waits has been waiting, up to the last observation.",
        "less",
        "oldest_waiting",
        question="agents",
    ),
    Metric(
        "replies_short",
        "Replies short of the team",
        "Replies short",
        "leads",
        "How many more matured leads of a listing, project or developer would have responded at the rate of all of "
        "them together; leads of unknown outcome are taken as responded.",
        "less",
        "counts",
        question="league",
    ),
    Metric(
        "leads_a_week",
        "Leads a week since the first",
        "Leads a week",
        "leads per week",
        "Leads in a week of age, the first lead left out, divided by the listings, projects or developers of which "
        "that week was read whole. One that has left the portal counts on, without leads, which is part of the fall; "
        "one that never had a lead does not count.",
        "more",
        "decay",
        "leads",
        "groups_followed",
        question="decay",
    ),
    Metric(
        "overdue",
        "Overdue",
        "Overdue",
        "leads",
        "Leads that wait now and have waited longer than the SLA allows, on the working clock.",
        "less",
        "backlog",
        question="backlog",
        beside=("waiting", "sla_minutes"),
    ),
    Metric(
        "waiting_again",
        "From repeat senders",
        "Repeat senders",
        "leads",
        "Leads that wait now and whose sender (phone, e-mail or username, as a keyed hash) has sent a lead before, to "
        "anyone here.",
        "less",
        "backlog",
        question="backlog",
    ),
    Metric(
        "reply_chance",
        f"Chance that a reply still comes ({DAYS_AHEAD}{NBSP}d)",
        f"Chance ({DAYS_AHEAD}{NBSP}d)",
        "estimated share",
        f"Of leads of this channel that have waited as long, the share that is replied to within {DAYS_AHEAD} days, "
        "by the looks at all leads that came since Leadlight began to look; refused where fewer than "
        f"{MINIMUM_FOR_VERDICT} were followed so long, or where looks are too far apart. Calls have none: they are "
        "answered at once or never.",
        "more",
        "reply_intervals",
        question="reply_chances",
        beside=("n_waited", "reason"),
    ),
    Metric(
        "badge_share",
        "Share answered, as badges count",
        "Answered",
        "share",
        "Leads of the rule's last days, today included, that have responded, divided by all leads of those days, of "
        "any channel and however young; the days are the account's, and filters other than the agent have no say.",
        "more",
        "badges",
        "badge_answered",
        "badge_leads",
        question="badges",
        beside=("badge_share_needed",),
    ),
    Metric(
        "badge_to_answer",
        "Answers missing",
        "Missing",
        "leads",
        "How many more of today's leads would have to be answered for the share to reach what the rule asks.",
        "less",
        "badges",
        question="badges",
        beside=("badge_waiting",),
    ),
    Metric(
        "badge_whatsapp_min",
        "Mean time to a WhatsApp reply",
        "WhatsApp reply",
        "minutes",
        "Mean minutes from a WhatsApp lead to its reply, of those answered in the rule's last days; between the least "
        "and the most that the looks allow, and refused where what the rule asks lies between the two.",
        "less",
        "badges",
        question="badges",
        beside=("badge_whatsapp_needed", "n_whatsapp"),
    ),
    Metric(
        "badge_verdict",
        "Badge today",
        "Badge today",
        "words",
        "Whether all rules that will be in force at the next evaluation are met by today's figures; too few leads are "
        f"fewer than the rules ask for, or than {MINIMUM_FOR_RATE}.",
        "neither",
        "badges",
        question="badges",
        beside=("badge_action",),
    ),
    Metric(
        "badge_chance",
        "Chance to pass the next evaluation",
        "Chance to pass",
        "estimated share",
        "Share of 2,000 simulated futures in which all rules are met on the day: leads leave the window, new ones come "
        "as they did in it (Poisson) and are answered at the agent's shrunken rate (beta-binomial); leads that have "
        "waited a day stay unanswered, WhatsApp replies take as long as they did, nobody does anything differently. "
        f"From the worst to the best that unknown leads allow; not below {MINIMUM_FOR_VERDICT} leads.",
        "more",
        "badges",
        question="badges",
        beside=("badge_chance_reason",),
    ),
    Metric(
        "replied_within",
        "Replied within",
        "Replied",
        "estimated share",
        "Share of all leads but calls that had a reply by an age on the chosen clock, found from the looks between "
        "which replies came (Turnbull); refused where too few looks tell of that age.",
        "more",
        "reply_intervals",
        question="reply_shares",
        beside=("n_looks", "reason"),
    ),
    Metric(
        "archived_within",
        "Archived without a reply within",
        "Archived",
        "estimated share",
        "Share of all leads but calls that by an age had been archived, with no reply seen before.",
        "less",
        "reply_intervals",
        question="reply_curve",
    ),
    Metric(
        "still_waiting",
        "Still waiting at",
        "Waiting",
        "estimated share",
        "Share of all leads but calls that at an age were neither replied to nor archived; with the other two, 100 %.",
        "less",
        "reply_intervals",
        question="reply_curve",
    ),
    Metric(
        "median_reply_min",
        "Median time to a reply",
        "Median reply",
        "minutes",
        "Age on the chosen clock by which half of all leads but calls had a reply; those without one count as still "
        "waiting or archived, so that it is no average of the answered ones alone.",
        "less",
        "reply_intervals",
        question="reply_shares",
        beside=("median_reply_min_reason",),
    ),
    Metric(
        "p90_reply_min",
        "Nine in ten replies within",
        "P90 reply",
        "minutes",
        "Age on the chosen clock by which nine in ten of the replies had come; leads without a reply are left out, so "
        "that it says how long slow replies take, and nothing of those that never come. Its interval lies where chance "
        "may have put nine in ten of the replies that were seen to come, with no upper end where these are few; below "
        f"{MINIMUM_FOR_VERDICT} of them it is not told.",
        "less",
        "reply_intervals",
        question="replies_by",
        beside=("p90_reply_min_reason",),
    ),
    Metric(
        "settled_h",
        "95 % of replies after",
        "Settled after",
        "hours",
        "Age on the wall clock by which 95 % of the replies of a week had come: a rate within a shorter time "
        "leaves more of them out.",
        "less",
        "stage_times",
        question="settling",
        beside=("n_reached", "n_followed", "reason"),
    ),
)
_BY_KEY = {metric.key: metric for metric in METRICS}

STAGE_LABELS: Mapping[str, str] = {
    "sent": "Sent",
    "delivered": "Delivered",
    "opened": "Opened",
    "responded": "Responded",
    "archived": "Archived",
    "unrecognised": "Unrecognised",
}
STAGES: tuple[str, ...] = tuple(STAGE_LABELS)
"""Ladder first, then what is off it: the order in which stages are listed and drawn."""

CHANNEL_LABELS: Mapping[str, str] = {"whatsapp": "WhatsApp", "call": "Call", "email": "E-mail", "chat": "Chat"}
ENTITY_LABELS: Mapping[str, str] = {
    "listing": "Listing",
    "project": "Project",
    "developer": "Developer",
    "publicProfile": "Agent profile",
    "company": "Company",
}

_MOST_SHOWN = 40
"""Characters of a value that a portal made up; it may be of any length."""

GRAINS: tuple[Grain, ...] = get_args(Grain)


@dataclass(frozen=True)
class Dimension:
    """Something leads are grouped by: a closed table, because `expression` becomes SQL text.

    `missing` names the group of leads that have none. `names` is the stem of the SQL file with names for keys.
    `detail` is an expression for a label where there is no name. `words` are labels of known values.
    """

    key: str
    label: str
    expression: str
    missing: str
    names: str | None = None
    detail: str | None = None
    words: Mapping[str, str] | None = None
    is_time: bool = False


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("channel", "Channel", "channel", "No channel given", words=CHANNEL_LABELS),
    # The two dialects' words for an agent's own page are one kind of lead.
    Dimension(
        "entity_type",
        "Entity type",
        "case entity_type when 'agent' then 'publicProfile' else entity_type end",
        "No entity type given",
        words=ENTITY_LABELS,
    ),
    Dimension("status", "Status", "status", "No status given", words={status: status for status in STAGE_OF_STATUS}),
    Dimension("stage", "Stage", "stage", "No stage", words=STAGE_LABELS),
    Dimension("agent", "Agent", "agent_id", "Unassigned", names="names_agent"),
    Dimension(
        "listing",
        "Listing",
        "coalesce(listing_id, nullif(listing_reference, '-'))",
        "No listing",
        names="names_listing",
        detail="nullif(listing_reference, '-')",
    ),
    Dimension("project", "Project", "project_id", "No project", names="names_project"),
    Dimension("developer", "Developer", "developer_id", "No developer", names="names_developer"),
    Dimension("day", "Day", "cast(created_local as date)", "", is_time=True),
    Dimension("week", "Week", "cast(date_trunc('week', created_local) as date)", "", is_time=True),
    Dimension("month", "Month", "cast(date_trunc('month', created_local) as date)", "", is_time=True),
    Dimension("hour", "Hour of day", "hour(created_local)", "", is_time=True),
    Dimension("weekday", "Weekday", "isodow(created_local)", "", is_time=True),
)
_DIMENSION_BY_KEY = {dimension.key: dimension for dimension in DIMENSIONS}

OTHERS = "others"
"""The key of the row that stands for all groups beyond `limit`."""

ALL = "all"
"""The key of the only group when nothing is grouped by."""

NO_GROUP = Dimension(ALL, "All leads", "'all'", "", words={ALL: "All leads"})


def metric_named(key: str) -> Metric:
    """The metric with this key. Raises FilterError, which names the nearest known one."""
    if key in _BY_KEY:
        return _BY_KEY[key]
    raise unknown("metric", key, _BY_KEY)


def dimension_named(key: str) -> Dimension:
    """The dimension with this key. Raises FilterError, which names the nearest known one."""
    if key in _DIMENSION_BY_KEY:
        return _DIMENSION_BY_KEY[key]
    raise unknown("dimension", key, _DIMENSION_BY_KEY)


def grain_named(key: str) -> Grain:
    """The grain of this name. Raises FilterError, which names the nearest known one."""
    for grain in GRAINS:
        if grain == key:
            return grain
    raise unknown("grain", key, GRAINS)


def unknown(kind: str, name: str, known: Iterable[str]) -> FilterError:
    """The error for a name that is not in a closed table: it says the nearest one, or all of them."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean “{near[0]}”?" if near else f"Known: {', '.join(names)}."
    return FilterError(f"There is no {kind} “{name[:40]}”. {hint}", name)


def label_of(dimension: Dimension, key: str) -> str:
    """The words for a group's key where no table of names is needed: "whatsapp" gives "WhatsApp"."""
    if key in {MISSING, ""}:
        return dimension.missing
    return key if dimension.words is None else dimension.words.get(key) or other(key)


def other(value: str) -> str:
    """Words for a value that no document of the API has: "telegram" gives "Other (telegram)"."""
    return f"Other ({value if len(value) <= _MOST_SHOWN else value[:_MOST_SHOWN] + '…'})"
