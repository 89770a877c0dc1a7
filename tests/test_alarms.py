"""Alarms: kept with the data, one per kind, and shown until they are over."""

from collections.abc import Callable

from leadlib.store import Store


def test_a_new_store_has_no_alarm(store: Store) -> None:
    assert store.alarms() == ()


def test_an_alarm_outlives_the_program(open_store: Callable[..., Store]) -> None:
    first = open_store()
    first.raise_alarm("mass_deletion", "Half of the leads are missing.")
    raised = first.alarms()
    first.close()
    assert [(alarm.kind, alarm.message) for alarm in raised] == [("mass_deletion", "Half of the leads are missing.")]
    assert open_store().alarms() == raised


def test_a_kind_stands_once_with_its_newest_words_and_its_first_time(store: Store) -> None:
    store.raise_alarm("mass_deletion", "6 leads are missing.")
    began = store.alarms()[0].raised_at
    store.raise_alarm("mass_deletion", "7 leads are missing.")
    assert [(alarm.message, alarm.raised_at) for alarm in store.alarms()] == [("7 leads are missing.", began)]


def test_the_same_alarm_again_writes_nothing(store: Store) -> None:
    store.raise_alarm("restored", "As of noon.")
    version = store.data_version
    store.raise_alarm("restored", "As of noon.")
    store.clear_alarm("mass_deletion")
    assert store.data_version == version


def test_a_cleared_alarm_is_gone(store: Store) -> None:
    store.raise_alarm("restored", "As of noon.")
    store.raise_alarm("mass_deletion", "6 leads are missing.")
    store.clear_alarm("restored")
    assert [alarm.kind for alarm in store.alarms()] == ["mass_deletion"]
