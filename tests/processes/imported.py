"""What a jobs process and web import, sooner or later, as far as nothing of it is about the environment."""

import anthropic
import anthropic.types.messages
import genai_prices.data_snapshot
import openai
import openai.resources.batches
import openai.resources.chat
import openai.resources.files
import pandas
import plotly.express
import streamlit.web.bootstrap
import streamlit.web.cli
import streamlit.web.server.starlette
import time_machine

import app
import jobs.once
import jobs.process
import jobs.queue_workers
import jobs.scheduler
import tests.as_installed.sitecustomize

__all__ = ["anthropic", "app", "genai_prices", "jobs", "openai", "pandas", "plotly", "streamlit", "tests"]
__all__ += ["time_machine"]
