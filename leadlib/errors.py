"""What can go wrong, as one tree.

LeadlibError
├── SettingsError            a setting is unknown, missing or malformed                    exit 2
│   └── HostingError         others can reach the app, and it is not safe for that
├── AccessError              nobody is signed in, or whoever is has no right to it           exit 2
│   └── ExportLimitError     somebody has taken as many persons in files as they may
├── FilterError              a filter, metric, format or the like that does not exist       exit 2
├── UnprovenError            a file that says nothing of where it comes from, or not enough  exit 2
├── PortalError
│   ├── PortalRefusedError   the portal understood and said no; asking again will not help  exit 3
│   │   ├── CredentialsError     401 on the token call, or twice on data
│   │   ├── ScopeError           403: the key lacks a scope
│   │   ├── BadRequestError      400 or 422: a parameter is out of its rules
│   │   └── NotFoundError        404: no such thing at the portal
│   └── PortalUnavailableError   no usable answer, after all retries                        exit 4
│       ├── RateLimitedError     429
│       └── UnexpectedPayloadError   an answer that is not what the contract promises
├── NotebookError            a notebook that cannot be read, or not be saved                 exit 2
│   └── NotebookConflictError    somebody else has saved it meanwhile
├── StoppedError             the program is being stopped                                   exit 1
├── ExportError              a file could not be written                                    exit 1
├── DeliveryError            a message was not accepted                                     exit 1
├── SqlCellError             a SQL cell was refused, failed or ran into a limit             exit 2
└── StoreError                                                                              exit 5
    ├── StoreBusyError       another process holds the files
    ├── LostRaceError        another program wrote a shared store first; the same may be tried again
    ├── StoreUnreadableError foreign, not writable or of a newer program
    │   └── StoreDamagedError    damaged; it can be restored
    ├── StoreReadOnlyError   it was opened where nothing may be written
    ├── SlowQueryError       a question took longer than one may, and was stopped
    ├── QueryStoppedError    whoever asked is gone
    └── WrongPortalError     the folder holds the leads of another portal

No message, attribute or repr here holds a token, a payload or anything about a person.
"""

from datetime import datetime


class LeadlibError(Exception):
    """Something went wrong that the caller or the user can act on.

    `title` is a few words for the top of a screen; `str(error)` says what was asked, what came instead and what to do
    next; `exit_code` is what the command line ends with.
    """

    title = "Something went wrong"
    exit_code = 1


class SettingsError(LeadlibError):
    """A setting is unknown, missing or malformed. `name` is the setting's name."""

    title = "A setting needs attention"
    exit_code = 2

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class AccessError(LeadlibError):
    """Somebody may not see or do what they asked for. `reason` is one word for it, for programs and logs."""

    title = "You have no access to this"
    exit_code = 2

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class HostingError(SettingsError):
    """The app would be reachable from elsewhere with a configuration that is not safe for that. `rules` are broken."""

    title = "Refused to start"

    def __init__(self, rules: list[str]) -> None:
        super().__init__(f"Refused to start: {', '.join(rules)}. The log says what to do.", rules[0])
        self.rules = rules


class ExportLimitError(AccessError):
    """Somebody has taken as many persons in files as one may. `again_at` is when more is possible, UTC; None: never."""

    title = "That is more than one person may take"

    def __init__(self, message: str, again_at: datetime | None) -> None:
        super().__init__("export_limit", message)
        self.again_at = again_at


class FilterError(LeadlibError):
    """A filter, metric, group, grain or format does not exist, or a value cannot be. `name` is what was asked for."""

    title = "That was not understood"
    exit_code = 2

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class UnprovenError(LeadlibError):
    """A file cannot be held against the store: it is none of Leadlight's, or of another store. `path` is the file."""

    title = "That file cannot be verified"
    exit_code = 2

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class PortalError(LeadlibError):
    """A call to the portal did not give what was asked.

    `status` is the HTTP status (None: there was no answer), `call` is "METHOD /path" without its query, `trace_id` is
    the portal's own reference for its support, where it gave one.
    """

    title = "The portal did not answer as expected"
    is_retryable = False

    def __init__(self, message: str, *, call: str, status: int | None = None, trace_id: str | None = None) -> None:
        super().__init__(message)
        self.call = call
        self.status = status
        self.trace_id = trace_id


class PortalRefusedError(PortalError):
    """The portal understood the call and refused it."""

    title = "The portal refused"
    exit_code = 3


class CredentialsError(PortalRefusedError):
    """The key, the secret or the token was not accepted."""

    title = "The portal does not accept these credentials"


class ScopeError(PortalRefusedError):
    """The key may not do this. `scope` names the missing permission."""

    title = "The key lacks a permission"

    def __init__(
        self, message: str, *, scope: str, call: str, status: int | None = None, trace_id: str | None = None
    ) -> None:
        super().__init__(message, call=call, status=status, trace_id=trace_id)
        self.scope = scope


class BadRequestError(PortalRefusedError):
    """A parameter broke one of the portal's rules."""

    title = "The portal refused the request"


class NotFoundError(PortalRefusedError):
    """The portal knows no such thing."""

    title = "Not known at the portal"


class PortalUnavailableError(PortalError):
    """No usable answer came, after all the retries that are polite."""

    title = "The portal cannot be reached"
    exit_code = 4
    is_retryable = True


class RateLimitedError(PortalUnavailableError):
    """The portal asked for fewer calls. `retry_after_s` is what it asked to wait, where it said so."""

    title = "The portal asks for fewer calls"

    def __init__(
        self,
        message: str,
        *,
        call: str,
        status: int | None = 429,
        trace_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, call=call, status=status, trace_id=trace_id)
        self.retry_after_s = retry_after_s


class UnexpectedPayloadError(PortalUnavailableError):
    """An answer came that is not what the contract promises (not JSON, no `data`, a pagination without an end)."""

    title = "The portal's answer was not understood"


class NotebookError(LeadlibError):
    """A notebook cannot be read, or not be saved as it is."""

    title = "The notebook needs attention"
    exit_code = 2


class NotebookConflictError(NotebookError):
    """Somebody else has saved the notebook since it was opened. `newest` is the number of their version."""

    def __init__(self, message: str, newest: int) -> None:
        super().__init__(message)
        self.newest = newest


class StoppedError(LeadlibError):
    """The program is being stopped, so nothing more is asked of the portal."""

    title = "Stopped"

    def __init__(self) -> None:
        super().__init__("The program is being stopped; the next sync goes on from what is stored.")


class ExportError(LeadlibError):
    """The file could not be written. `path` is where it should have come."""

    title = "The export could not be written"

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class DeliveryError(LeadlibError):
    """A digest or an alert could not be handed over."""

    title = "The message was not sent"


class SqlCellError(LeadlibError):
    """A SQL cell has no answer: it was refused, it is wrong, or it ran into a limit.

    `line` is the line of its SQL that the message is about, counted from 1; None where no line is to blame.
    """

    title = "The SQL cell has no answer"
    exit_code = 2

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class StoreError(LeadlibError):
    """The store could not do what was asked. `path` is the folder or file in question."""

    title = "The store has a problem"
    exit_code = 5

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class StoreBusyError(StoreError):
    """Another process holds the store's files."""

    title = "The store is in use"


class LostRaceError(StoreError):
    """Another program has changed a shared store first, so nothing was written: the same may be tried again."""

    title = "Another program was writing"


class StoreUnreadableError(StoreError):
    """The store's files are damaged, not a store, or may not be written."""

    title = "The store cannot be opened"


class StoreDamagedError(StoreUnreadableError):
    """A file of the store is gone, cannot be read, or has lost commits that were acknowledged.

    `sequence` is the last commit that it still holds where all of its tables can be read, else None.
    """

    title = "The store is damaged"

    def __init__(self, message: str, path: str, sequence: int | None = None) -> None:
        super().__init__(message, path)
        self.sequence = sequence


class StoreReadOnlyError(StoreError):
    """The store was opened for reading only, because its folder may not be written."""

    title = "The store cannot be written"


class SlowQueryError(StoreError):
    """A question to the store took longer than whoever asked may wait, and was stopped."""

    title = "This took too long"


class QueryStoppedError(StoreError):
    """A question to the store was stopped because whoever had asked it wants no answer any more."""

    title = "Stopped"


class WrongPortalError(StoreError):
    """The folder belongs to another portal: leads of two accounts are never mixed."""

    title = "This store belongs to another portal"
