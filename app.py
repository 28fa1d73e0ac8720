"""The launcher: `streamlit run app.py`. It brings up what the pages need and mounts the API; nothing else."""

from pathlib import Path

import streamlit as st
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api import acting, api, bodies, browser_sign_in, guard, headers, metrics, probes
from core.boot import lifespan
from pages.common import failures, sign_in_file

STREAMLITS_PAGE = Path(st.__file__).parent / "static" / "index.html"
# Ours that pages bring along: the policy in force runs no others.
SCRIPTS = Path(__file__).parent / "pages" / "scripts"

sign_in_file.prepare()
app = st.App(
    "pages/navigation.py",
    lifespan=lifespan(
        lambda: st.get_option("server.address"),
        lambda: st.get_option("server.port"),
        lambda: st.get_option("server.baseUrlPath"),
    ),
    routes=[
        Route("/health", probes.health),
        Route("/health/db", probes.database_health),
        Route("/metrics", metrics.Exposition().answer),
        Mount("/api/v1", app=api),
        Mount("/scripts", app=StaticFiles(directory=SCRIPTS)),
    ],
    middleware=[
        headers.middleware(STREAMLITS_PAGE),
        guard.middleware(),
        acting.middleware(),
        browser_sign_in.middleware(),
        bodies.middleware(),
    ],
    on_script_error=failures.unexpected,
)
