"""Leadlight: `streamlit run app.py`. The page script is leadlib/ui/shell.py; it must not lie beside pages/."""

from pathlib import Path

import streamlit as st

from leadlib.web import MIDDLEWARE, ROUTES, lifespan

app = st.App(
    Path(__file__).resolve().parent / "leadlib" / "ui" / "shell.py",
    lifespan=lifespan,
    routes=ROUTES,
    middleware=MIDDLEWARE,
)
