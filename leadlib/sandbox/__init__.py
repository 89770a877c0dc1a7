"""The portal's double: a planted brokerage behind the portal's API, for tests, demonstrations and calibration."""

from leadlib.sandbox.app import create_app
from leadlib.sandbox.clock import Clock
from leadlib.sandbox.faults import FAULT_OPTIONS, FAULTS, ODD_CORPUS
from leadlib.sandbox.lead import Lead as PlantedLead
from leadlib.sandbox.server import SandboxServer, serve
from leadlib.sandbox.settings import API_KEY, API_SECRET, SandboxSettings
from leadlib.sandbox.truth import Truth

__all__ = [
    "API_KEY",
    "API_SECRET",
    "FAULTS",
    "FAULT_OPTIONS",
    "ODD_CORPUS",
    "Clock",
    "PlantedLead",
    "SandboxServer",
    "SandboxSettings",
    "Truth",
    "create_app",
    "serve",
]
