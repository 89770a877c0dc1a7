"""`migrate`: the whole store out of a folder into a shared one, or back."""

import argparse
from pathlib import Path

from leadlib.cli.arguments import UsageError
from leadlib.cli.output import tell
from leadlib.shared import PREFIX, LakeAddress, SharedAddress, lake_address


def place(text: str) -> Path | LakeAddress:
    """A folder, or the address of a shared store."""
    if not text.startswith(PREFIX):
        return Path(text)
    try:
        return lake_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"a shared store is written as {error}") from error


def run(asked: argparse.Namespace) -> int:
    from leadlib.store import is_free, move_to_folder, move_to_lakes
    from leadlib.webhooks import Spool

    source, target = asked.source, asked.target
    if isinstance(source, Path) and isinstance(target, LakeAddress):
        if n_waiting := len(Spool(source).waiting()):
            raise UsageError(
                f"Events from webhooks wait in {source} to be taken in ({n_waiting:,}). Start the app there for a "
                "minute, stop it, and migrate then."
            )
        rows = move_to_lakes(source, _shared(target, asked.personal))
    elif isinstance(source, LakeAddress) and isinstance(target, Path):
        if not is_free(target):
            raise UsageError(f"{target} is not empty. Name a new folder, or move away what is in this one.")
        rows = move_to_folder(_shared(source, asked.personal), target)
    else:
        raise UsageError(
            "One of the two has to be a folder, and the other a shared store (ducklake:postgres:DSN?data=PLACE). From "
            "folder to folder “backup” and “restore” do it."
        )
    print(f"{rows['leads']:,} leads, {sum(rows.values()):,} rows in all, are in {target}.")
    tell(
        f"Every table was compared. {source} is as it was: set LEADLIB_DATABASE to the new place, start the app, and "
        "keep the old one until you have seen that all is there. It holds persons: who is erased from now on is erased "
        "in the new place only."
    )
    return 0


def _shared(address: LakeAddress, personal: LakeAddress | None) -> SharedAddress:
    return SharedAddress(address, personal or address)
