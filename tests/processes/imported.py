"""What a jobs process and web import, sooner or later, as far as nothing of it is about the environment."""

import gc
from functools import partial

import tests.as_installed.sitecustomize

# isort: split
import anthropic
import anthropic.types.messages
import genai_prices.data
import genai_prices.data_snapshot
import httpcore2
import openai
import openai.resources.batches
import openai.resources.chat
import openai.resources.files
import pandas
import plotly.express
import streamlit.components.v2.manifest_scanner as manifest_scanner
import streamlit.web.bootstrap
import streamlit.web.cli
import streamlit.web.server.starlette
import time_machine
import uvicorn.lifespan.on
import uvicorn.protocols.http.auto
import uvicorn.protocols.websockets.auto
import websockets.asyncio.server
from sqlalchemy.orm import configure_mappers

import app
import jobs.once
import jobs.process
import jobs.queue_workers
import jobs.scheduler
from core.runtime import migrate, tokens

__all__ = ["anthropic", "app", "genai_prices", "httpcore2", "jobs", "openai", "pandas", "plotly", "streamlit", "tests"]
__all__ += ["time_machine", "uvicorn", "websockets"]

# As much as a process does once and in the same way whatever its environment is.
configure_mappers()
manifest_scanner.scan_component_manifests = partial(list, manifest_scanner.scan_component_manifests())
tokens.count("")
migrate.head()
gc.collect()
gc.freeze()  # else the collector of each process goes through all of it, and copies it on the way
