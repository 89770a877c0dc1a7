"""The app without some of what makes its front fast, for `benchmarks.front`: FRONT_WITHOUT names what is left out."""

import gc
import os
from pathlib import Path

import streamlit as st

from leadlib import web
from leadlib.metrics import queries
from leadlib.ui import bundles, engine, warming

without = set(filter(None, os.environ.get("FRONT_WITHOUT", "").split(",")))
middleware = [one for one in web.MIDDLEWARE if not ("packed scripts" in without and one.cls is bundles.Bundles)]
if "early scripts" in without:
    bundles._early = lambda base: ""  # type: ignore[assignment]  # what is switched off
if "gc.freeze" in without:
    gc.freeze = lambda: None
if "warming" in without:
    warming.load_all = lambda: None
    warming.ask_first = lambda engine: None
if "kept answers" in without:
    engine._load = engine._load.__wrapped__
    queries.remembered = lambda store, key, make: make()

app = st.App(
    Path(web.__file__).resolve().parent / "ui" / "shell.py",
    lifespan=web.lifespan,
    routes=web.ROUTES,
    middleware=middleware,
)
