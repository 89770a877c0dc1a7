"""`erase`: a person out of every place where the store keeps them, and kept out."""

import argparse

from leadlib import formats
from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.cli.settings import settings_asked
from leadlib.cli.stored import open_store
from leadlib.errors import StoreBusyError


def run(asked: argparse.Namespace) -> int:
    if not (asked.phone or asked.email or asked.lead):
        raise UsageError("Say who: --phone, --email or --lead, each as often as needed.")
    settings = settings_asked()
    from leadlib.export import COMMAND_LINE
    from leadlib.store import Person

    try:
        person = Person(tuple(asked.phone), tuple(asked.email), tuple(asked.lead))
    except ValueError as error:
        raise UsageError(f"That is nobody's: {error}.") from error
    try:
        store = open_store(settings)
    except StoreBusyError as error:
        raise StoreBusyError(
            f"{error} Erase on the page Privacy of the running app, or stop the app, erase, start it again.",
            error.path,
        ) from error
    with store:
        erased = store.erase(person, COMMAND_LINE)
    leads = formats.count_of(erased.n_leads, "lead")
    print(f"The person behind {leads} is erased, and kept out from now on; the counts stay.")
    for number, what in (
        (erased.n_texts, "unreadable row"),
        (erased.n_notebooks, "version of a notebook that held a phone or an address of theirs"),
        (erased.n_keepsakes, "saved view or note that held a phone or an address of theirs"),
        (erased.n_deliveries, "waiting event"),
        (erased.n_damaged, "damaged file that had been put aside"),
    ):
        if number:
            tell(f"Removed as well: {number:,} {what}{'s' if number > 1 and ' that ' not in what else ''}.")
    tell(f"On record as {erased.erasure_id}, without a word of whom.")
    tell("Backups and downloads made before still hold the person: delete those that have served their time.")
    return 0
