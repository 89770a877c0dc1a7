"""The client: pages of leads, totals, names and probes over one paced, authorised, retrying wire."""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx

from leadlib.api import lookups, probes, webhooks
from leadlib.api.pacing import Pacer
from leadlib.api.pages import (
    LEADS_PATH,
    LEADS_SCOPE,
    MAX_PER_PAGE,
    NO_FILTERS,
    LeadPage,
    Params,
    leads_query,
    leads_url,
    page_from_json,
    url_of,
)
from leadlib.api.tokens import Tokens
from leadlib.api.wire import Answer, Call, Counters, Stats, Wire, refuse
from leadlib.config import Dialect, Secret, Settings
from leadlib.errors import CredentialsError, NotFoundError, StoppedError, UnexpectedPayloadError
from leadlib.filters import Filters
from leadlib.records import AgentName, Lead, ListingName, ProjectName

MAX_PAGES = 100_000
"""A list of leads that is longer than this (5 million) has no end that we could trust."""

MISSING_SCOPE_KEPT_S = 86_400.0
"""How long a lookup that was refused is not tried again: it may have been a network in front of the portal."""

logger = logging.getLogger("leadlib.api")


class Client:
    """The portal's API for one key. Thread-safe; close it, or use it as a context manager.

    Calls raise CredentialsError or ScopeError (see the key), BadRequestError (see the question), and
    PortalUnavailableError (try later) with its kinds; StoppedError after `stop`. `dialect` is what an earlier
    `find_dialect` answered for this portal; a dialect fixed in the settings wins over it. Raises SettingsError without
    credentials.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        transport: httpx.BaseTransport | None = None,
        pacer: Pacer | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
        rng: random.Random | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self._settings = settings
        self._counters = Counters()
        self._stopped = threading.Event()
        sleep = sleep or self._nap
        self.pacer = pacer or Pacer(settings.calls_per_minute, monotonic=monotonic, sleep=sleep)
        self._wire = Wire(
            settings.api_url, self.pacer, self._counters,
            transport=transport, monotonic=monotonic, sleep=sleep, rng=rng or random.Random(),  # noqa: S311
            stopped=self._stopped,
        )  # fmt: skip
        try:
            self._tokens = Tokens(settings, self._wire, self._counters, monotonic)
        except BaseException:
            self._wire.close()
            raise
        self._dialect = dialect if settings.api_dialect == "auto" else settings.api_dialect
        self._dialect_lock = threading.Lock()
        self._unavailable_lock = threading.Lock()
        self._unavailable: dict[str, float] = {}  # scope, and when it was found missing
        self._monotonic = monotonic
        self.dialect_note: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stop(self) -> None:
        """Ends, within a moment and in all threads, what runs and waits: calls raise StoppedError from now on."""
        self._stopped.set()
        self._wire.hang_up()

    def close(self) -> None:
        self.stop()
        self._wire.close()

    def _nap(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StoppedError

    @property
    def stats(self) -> Stats:
        """What was done so far; may be read from another thread while calls run."""
        return self._counters.stats

    @property
    def unavailable(self) -> frozenset[str]:
        """Scopes that a lookup found missing within a day, such as "users:read": their names cannot be had."""
        with self._unavailable_lock:
            found = self._unavailable.items()
            return frozenset(scope for scope, at in found if self._monotonic() - at < MISSING_SCOPE_KEPT_S)

    @property
    def dialect(self) -> Dialect | None:
        """The dialect as far as it is known; None until `find_dialect` has decided. Makes no call."""
        return self._dialect

    def request_url(self, params: Params) -> str:
        """The URL of GET /v1/leads with this query, exactly as `page` sends it."""
        return leads_url(self._settings.api_url, params)

    # Leads

    def page(
        self,
        number: int = 1,
        *,
        filters: Filters = NO_FILTERS,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        per_page: int = MAX_PER_PAGE,
        extra: Params = (),
    ) -> LeadPage:
        """One page of leads, in the portal's order, its rows checked against what was asked.

        `created_from` and `created_to` are instants with a zone and are sent in either dialect; `extra` are further
        parameters, unchecked. Raises ValueError before any call for what the portal would refuse (more than 50 rows),
        NotFoundError for a page past the end where the portal says so.
        """
        query = leads_query(
            filters, self._dialect_for(filters), self._settings.timezone,
            number=number, per_page=per_page, created_from=created_from, created_to=created_to, extra=extra,
        )  # fmt: skip
        label = f"GET {LEADS_PATH}"
        return page_from_json(
            self._get(Call(label, self.request_url(query.params), LEADS_SCOPE, has_leads=True)), label,
            number=number, per_page=per_page, filters=filters, here=[key for key, _ in query.here],
            timezone=self._settings.timezone, created_from=created_from, created_to=created_to,
        )  # fmt: skip

    def iter_pages(
        self,
        filters: Filters = NO_FILTERS,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> Iterator[LeadPage]:
        """All pages in order, one call at a time.

        The last page carries a warning if the distinct rows of all pages are not as many as the portal's total: leads
        that arrive or leave while we page shift the rows. Raises UnexpectedPayloadError if the list loops, repeats a
        page, or breaks off where it should go on.
        """
        seen: set[str] = set()
        n_without_id = 0
        before: LeadPage | None = None
        for number in range(1, MAX_PAGES + 1):
            try:
                page = self.page(number, filters=filters, created_from=created_from, created_to=created_to)
            except NotFoundError as error:
                if number == 1:
                    raise
                n_read, total = len(seen) + n_without_id, self.total(filters, created_from, created_to)
                if n_read < total:
                    # A network in front of the portal answers 404 now and then: that is no end.
                    raise UnexpectedPayloadError(
                        f"{error.call}: page {number} was not found, after {n_read} of {total} leads. Try again.",
                        call=error.call, status=error.status, trace_id=error.trace_id,
                    ) from error  # fmt: skip
                return
            if before is not None and page.row_ids and page.row_ids == before.row_ids:
                raise UnexpectedPayloadError(
                    f"GET {LEADS_PATH}: page {number} holds the same rows as page {number - 1}. Try again.",
                    call=f"GET {LEADS_PATH}", status=200,
                )  # fmt: skip
            seen.update(page.row_ids)
            seen.discard("")
            n_without_id += page.row_ids.count("")
            if page.is_last and len(seen) + n_without_id != page.total:
                counts = f"{len(seen) + n_without_id} leads were read where the portal counts {page.total}"
                page = replace(page, warnings=(*page.warnings, f"{counts}: leads came or went meanwhile. Read again."))
            yield page
            if page.is_last:
                return
            before = page
        raise UnexpectedPayloadError(
            f"GET {LEADS_PATH}: the list goes on after {MAX_PAGES} pages.", call=f"GET {LEADS_PATH}", status=200
        )

    def iter_leads(
        self,
        filters: Filters = NO_FILTERS,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> Iterator[Lead]:
        """All leads in the portal's order. Rejected rows and warnings stay on the pages: see `iter_pages`."""
        for page in self.iter_pages(filters, created_from, created_to):
            yield from page.leads

    def total(
        self,
        filters: Filters = NO_FILTERS,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
    ) -> int:
        """How many leads the portal counts, in one call.

        Where the dialect cannot express a filter (`leads_query(...).here`), the portal counts without it.
        """
        return self.page(filters=filters, created_from=created_from, created_to=created_to, per_page=1).total

    def leads_by_id(self, ids: Iterable[str]) -> tuple[LeadPage, ...] | None:
        """Pages with those of the leads that the portal still shows, 50 ids a call.

        None if the dialect is not flat: only that one has a parameter for ids, and an empty answer would read as "all
        deleted". Rows that were not asked for are left out and counted as mismatched.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return ()
        if self.find_dialect() != "flat":
            return None
        return tuple(
            self._page_of_ids(wanted[start : start + MAX_PER_PAGE]) for start in range(0, len(wanted), MAX_PER_PAGE)
        )

    def _page_of_ids(self, ids: list[str]) -> LeadPage:
        page = self.page(extra=[("id", lead_id) for lead_id in ids])
        leads = tuple(lead for lead in page.leads if lead.lead_id in ids)
        n_others = len(page.leads) - len(leads)
        if not n_others:
            return page
        warning = f"{n_others} of {page.n_rows} rows were not among the ids asked for, and were left out."
        return replace(page, leads=leads, mismatched=page.mismatched + n_others, warnings=(*page.warnings, warning))

    # What this portal can do

    def find_dialect(self) -> Dialect:
        """The portal's dialect: the settings', the remembered one, or found by at most three cheap calls.

        An account without leads cannot tell; then the answer is "filter", `dialect_note` says why, and nothing is
        remembered.
        """
        with self._dialect_lock:
            if self._dialect is not None:
                return self._dialect
            found, self.dialect_note = probes.find_dialect(self)
            self._dialect = found
            return found or "filter"

    def oldest_accepted(self, now: datetime) -> datetime:
        """The oldest createdAtFrom that the portal took at `now`, to the day: asked for, never computed.

        At most 10 calls. The window moves on meanwhile: the answer may be refused by now, a minute after it is not.
        Raises BadRequestError if the portal refuses even yesterday.
        """
        return probes.oldest_accepted(self, now)

    def bounds_created_to(self) -> bool | None:
        """Whether the portal obeys createdAtTo, found by three cheap calls; None if there are no leads to tell by."""
        return probes.bounds_created_to(self)

    def probe(self) -> probes.Capabilities:
        """What this portal and this key can do, in about fifteen calls."""
        return probes.probe(self)

    def _dialect_for(self, filters: Filters) -> Dialect:
        # The first day is asked for alike in both, so a sync of everything needs no probe.
        needs_dialect = any(key != "from" for key, _ in filters.selected)
        return self.find_dialect() if needs_dialect else self._dialect or "filter"

    # Names

    def iter_agents(self) -> Iterator[AgentName]:
        """The names behind the public profiles, inactive ones included. Nothing if the key lacks users:read."""
        return lookups.iter_agents(self._look_up)

    def listings(self, ids: Iterable[str]) -> list[ListingName]:
        """What is known of these listings: published, then drafts, then archived. Nothing without listings:read."""
        return lookups.listings(self._look_up, ids)

    def project(self, project_id: str) -> ProjectName | None:
        """What is known of a project; None if the portal knows it not, or the key lacks projects:read."""
        return lookups.project(self._look_up, project_id)

    def _look_up(
        self, path: str, params: Params, scope: str, *, shown_path: str | None = None, is_one: bool = False
    ) -> Answer | None:
        """The answer of a lookup; None if the names cannot be had, which `unavailable` then remembers."""
        if scope in self.unavailable:
            return None
        call = Call(f"GET {shown_path or path}", url_of(self._settings.api_url, path, params), scope)
        answer = self._authorised(call)
        if answer.status == 200:
            return answer
        if answer.status == 403 or (answer.status == 404 and not is_one):
            with self._unavailable_lock:
                self._unavailable[scope] = self._monotonic()
            logger.warning("%s: %d, so names are unavailable without %s", call.label, answer.status, scope)
        if answer.status in {403, 404}:
            return None
        refuse(call, answer)

    # Webhooks

    def subscriptions(self) -> list[webhooks.Subscription]:
        """Which events of the account the portal sends to which address. Raises ScopeError."""
        return webhooks.subscriptions(self._authorised, self._settings.api_url)

    def subscribe(self, event: str, url: str, secret: Secret) -> bool:
        """Has the portal send `event` to `url`, signed with `secret`; False if it did so already. Raises ScopeError."""
        return webhooks.subscribe(self._authorised, self._settings.api_url, event, url, secret)

    def unsubscribe(self, subscription_id: str) -> None:
        """Ends a subscription, by its id as returned. Raises ScopeError, or NotFoundError where there is none."""
        webhooks.unsubscribe(self._authorised, self._settings.api_url, subscription_id)

    # Calls

    def _get(self, call: Call) -> Answer:
        answer = self._authorised(call)
        if answer.status != 200:
            refuse(call, answer)
        return answer

    def _authorised(self, call: Call) -> Answer:
        """The answer to `call`; a token that is refused is replaced once."""
        answer = self._wire.ask(call, self._tokens.token)
        if answer.status != 401 or answer.token is None:
            return answer
        if self._tokens.is_static:
            raise CredentialsError(
                f"{call.label} was refused with 401: LEADLIB_API_TOKEN is wrong or has ended. A ready token lives for "
                "half an hour or so and cannot be renewed. Paste a new one, or set LEADLIB_API_KEY and "
                "LEADLIB_API_SECRET instead: a key renews its tokens.",
                call=call.label, status=401, trace_id=answer.trace_id,
            )  # fmt: skip
        self._tokens.drop(answer.token)
        answer = self._wire.ask(call, self._tokens.token)
        if answer.status == 401:
            raise CredentialsError(
                f"{call.label} was refused with 401, with a fresh token too. Check that the key is still active and "
                "belongs to this portal (LEADLIB_API_URL).",
                call=call.label, status=401, trace_id=answer.trace_id,
            )  # fmt: skip
        return answer
