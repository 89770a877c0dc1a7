"""Answers that can be checked: the facts that travel with a figure, the hash of its rows, and files of them."""

from leadlib.proof.answers import (
    AnswerFile,
    AnswerVerdict,
    answer_about,
    answer_to_csv,
    answer_to_json,
    read_answer,
    sql_about,
    verify_answer,
)
from leadlib.proof.facts import (
    RULES_VERSION,
    Facts,
    Sum,
    check_origin,
    filters_told,
    link_of,
    one_sum,
    other_settings,
    sum_of,
    told_as_of,
)

__all__ = [
    "RULES_VERSION",
    "AnswerFile",
    "AnswerVerdict",
    "Facts",
    "Sum",
    "answer_about",
    "answer_to_csv",
    "answer_to_json",
    "check_origin",
    "filters_told",
    "link_of",
    "one_sum",
    "other_settings",
    "read_answer",
    "sql_about",
    "sum_of",
    "told_as_of",
    "verify_answer",
]
