"""The switches for what goes wrong at a portal: one class each, found by its name in `FAULTS`."""

from leadlib.sandbox.faults import transport, access, counting, bounds, life, rows, corpus, webhooks  # noqa: F401, I001 - the order of FAULTS
from leadlib.sandbox.faults.base import FAULT_OPTIONS, FAULTS, Answer, Call, Fault, Option, options_fault, switched_on
from leadlib.sandbox.faults.corpus import ODD_CORPUS, OddRow

__all__ = [
    "FAULTS",
    "FAULT_OPTIONS",
    "ODD_CORPUS",
    "Answer",
    "Call",
    "Fault",
    "OddRow",
    "Option",
    "options_fault",
    "switched_on",
]
