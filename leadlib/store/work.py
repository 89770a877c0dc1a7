"""Work: which of several programs on one store reads the portal and does the chores, and what the others ask it for."""

from dataclasses import dataclass

from leadlib.errors import StoreReadOnlyError


@dataclass(frozen=True)
class Told:
    """What the program at work says of itself: how far it is, in its own words, and how many syncs have ended."""

    progress: str = ""
    n_finished: int = 0
    n_waiting: int = 0


class Work:
    """The work of one program: of a store that nobody else can have open meanwhile, so it is always ours."""

    is_shared = False
    """True if other programs may do the work: then it has to be taken, and asked for."""

    def take(self) -> bool:
        """True if this program does the work from now on, or did before. Raises StoreError."""
        return True

    def release(self) -> None:
        """Leaves the work to others."""

    def ask(self, wish: str) -> None:
        """Has whoever does the work do this too: a text that means something to it. Raises StoreError."""

    def asked(self) -> list[str]:
        """What others have asked for, once; for who does the work. Raises StoreError."""
        return []

    def tell(self, told: Told) -> None:
        """Says to others how far the work is. Raises StoreError."""

    def told(self) -> Told:
        """What was told last. Raises StoreError."""
        return Told()


class LeftToOthers(Work):
    """The work on a shared store, for a program that may only read it."""

    is_shared = True

    def take(self) -> bool:
        return False

    def ask(self, wish: str) -> None:
        raise StoreReadOnlyError(
            "This program may only read the shared store, so it asks for no sync either. Use “Sync now” in one that "
            "may write.",
            "",
        )


ALONE = Work()
