"""Figures for Prometheus on a port of their own, read from the store when somebody asks for them and not before.

No label speaks of a lead, an agent or a person: whoever runs the monitoring need not be allowed to see them.
docs/monitoring.md has the table.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from leadlib import formats
from leadlib.engine import Engine
from leadlib.errors import LeadlibError, SettingsError
from leadlib.expiry import expiry
from leadlib.freshness import freshness

_LAST_OF_SYNCS = """
select
    (select n_uncertain from syncs where outcome in ('complete', 'uncertain') and kind in ('cold', 'warm', 'hot')
        order by finished_at desc limit 1) as uncertain,
    (select store_total - portal_total from syncs where portal_total is not null
        order by finished_at desc limit 1) as delta,
    (select count(*) from rejected_leads where resolved_at is null) as rejected
"""


class Figures(Collector):
    """What an engine can tell of itself at the moment. A figure that is not known yet is left out."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        try:
            yield from self._of_store(datetime.now(UTC))
            is_up = 1
        except LeadlibError:
            is_up = 0
        yield _gauge("store_usable", "1 if the store answers", is_up)
        yield from self._of_process()

    def _of_store(self, now: datetime) -> Iterator[Metric]:
        engine, store = self._engine, self._engine.store
        age = freshness(store, engine.settings.sync_minutes, now)
        success = GaugeMetricFamily(
            "leadlight_last_success_timestamp_seconds", "When a sweep of the band last succeeded", labels=["band"]
        )
        for band, at in sorted(age.read_at.items()):
            success.add_metric([band], at.timestamp())
        yield success
        stale = GaugeMetricFamily("leadlight_stale", "1 if the band is older than it may be", labels=["band"])
        for band in age.limits:
            stale.add_metric([band], int(band in age.stale))
        yield stale
        if (as_of := store.as_of()) is not None:
            yield _gauge(
                "data_age_seconds", "Since the newest full row, by the portal's clock", (now - as_of).total_seconds()
            )
        last = store.query(_LAST_OF_SYNCS).iloc[0]
        for name, column, words in (
            ("uncertain_slices", "uncertain", "Stretches that the last sweep could not certify"),
            ("reconcile_delta", "delta", "Our leads minus the portal's, when they were last compared"),
            ("rejected_rows", "rejected", "Rows of the portal that are no leads, not mended yet"),
        ):
            if not formats.is_missing(last[column]):
                yield _gauge(name, words, float(last[column]))
        yield _gauge("ledger_sequence", "Number of the store's last commit", store.sequence())
        if (published := store.published()) is not None:
            yield _gauge("generation_sequence", "Number of the commit that the newest generation holds", published)
        if (known := expiry(engine.settings, store)) is not None:
            today = now.astimezone(engine.settings.timezone).date()
            yield _gauge("key_days_left", "Days until the portal's key ends", (known.ends_on - today).days)
        alarms = GaugeMetricFamily("leadlight_alarm", "1 for each kind of alarm that stands", labels=["kind"])
        for alarm in store.alarms():
            alarms.add_metric([alarm.kind], 1)
        yield alarms
        yield _gauge(
            "webhook_events_waiting", "Events on the disk that are not in the store yet", len(engine.spool.waiting())
        )

    def _of_process(self) -> Iterator[Metric]:
        engine = self._engine
        calls = engine.client.stats
        yield _gauge("syncing", "1 while a sync runs", int(engine.worker.status.is_running))
        yield _counter("calls", "Calls to the portal since the start", calls.calls)
        yield _counter("retries", "Calls that had to be repeated", calls.retries)
        yield _counter("rate_limited", "Calls that the portal answered with 429", calls.rate_limited)
        yield _counter("exports", "Downloads that were built", engine.tickets.n_redeemed)
        if engine.watch is not None and engine.watch.n_unknown is not None:
            yield _gauge(
                "unknown_subscriptions",
                "Addresses that get the account's leads and are not ours",
                engine.watch.n_unknown,
            )


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"leadlight_{name}", words, value=value)


def _counter(name: str, words: str, value: float) -> Metric:
    return CounterMetricFamily(f"leadlight_{name}", words, value=value)


class MetricsPort:
    """The port, open from `open` to `close`."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread

    @classmethod
    def open(cls, engine: Engine) -> "MetricsPort | None":
        """Opens the port that the settings name; None if they name none. Raises SettingsError if it is taken."""
        port, host = engine.settings.metrics_port, engine.settings.metrics_host
        if port is None:
            return None
        registry = CollectorRegistry()
        registry.register(Figures(engine))
        try:
            return cls(*start_http_server(port, host, registry))
        except OSError as error:
            raise SettingsError(
                f"LEADLIB_METRICS_PORT: nothing can listen on {host}, port {port} ({type(error).__name__}). Choose "
                "another port, or end the program that has it.",
                "LEADLIB_METRICS_PORT",
            ) from error

    @property
    def port(self) -> int:
        return int(self._server.server_port)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
