"""Requests that a person built: a JSONL file, checked line by line, priced, and launched as a job."""

from functools import partial
from typing import Any

import orjson
import streamlit as st

from core.calls import clients
from core.errors import CairnError
from core.jobs import deletion, own_requests
from core.jobs import launch as jobs_launch
from core.jobs.launch import JobSpec
from core.jobs.own_requests import BadLines
from core.settings import defaults, limits, provider_rows
from pages.common import failures, formats, widgets
from pages.own_requests.draft import draft, show_draft
from pages.parts import launch as parts_launch
from pages.words import models

BODIES: dict[str, dict[str, Any]] = {
    "openai": {"messages": [{"role": "user", "content": "Name a river."}]},
    "anthropic": {"max_tokens": 300, "messages": [{"role": "user", "content": "Name a river."}]},
}

st.title("Custom requests")
st.caption("For requests that you built yourself, instead of a template over documents.")
failures.show_notice()

providers = [name for name in clients.configured() if provider_rows.can(name).own_endpoints]
if not providers:
    widgets.empty(
        "Custom requests need a language model: set the key of a provider.",
        "settings/settings.py",
        "Open the settings",
    )
    st.stop()


def take(spec: JobSpec, file: Any) -> None:
    """Make a draft of the file's requests. Raises CairnError, and keeps nothing, if a line is bad."""
    job_id = jobs_launch.create(spec, formats.utc_now(), start=False)
    try:
        file.seek(0)
        own_requests.add(job_id, file, formats.utc_now())
    except CairnError:
        deletion.delete(job_id)
        raise
    st.query_params["job"] = job_id
    st.session_state["own_files"] = st.session_state.get("own_files", 0) + 1


def show_bad(name: str, error: BadLines) -> None:
    count = formats.count(len(error.lines) + error.more, "line")
    st.error(f"**Nothing was taken** of {formats.plain(name)}: {count} to correct.", icon=":material/error:")
    lines = {"Line": [bad.number for bad in error.lines], "Why": [bad.reason for bad in error.lines]}
    config = {"Line": st.column_config.NumberColumn(width=80, format="localized")}
    st.dataframe(lines, hide_index=True, column_config=config)
    if error.more:
        st.caption(f"And {error.more:,} more. Correct these, then choose the file again.")


def example(provider: str) -> None:
    st.header("What the file looks like")
    endpoints = provider_rows.can(provider).own_endpoints
    line = {
        "custom_id": "river-1",
        "method": "POST",
        "url": endpoints[0],
        "body": BODIES[provider_rows.kind_of(provider)],
    }
    st.code(orjson.dumps(line).decode(), language="json", wrap_lines=True)
    kinds = " or ".join(f"`{url}`" for url in endpoints)
    st.markdown(
        "- One JSON object on each line, in OpenAI's batch format.\n"
        f"- `custom_id` is yours, at most {own_requests.LONGEST_CUSTOM_ID} characters and once in the file: answers "
        "come back under it.\n"
        f"- `url` is {kinds}.\n"
        "- `body` is what the provider takes. The model that it names goes before the one chosen here.\n"
        "- All or nothing: where one line is bad, nothing of the file is taken, and you see which and why."
    )


def choose() -> None:
    with st.grid(2, min_column_width=340):
        left, right = st.container(), st.container()
    with left:
        provider = st.selectbox("Provider", providers, format_func=provider_rows.label)
        default = defaults.model_for(provider, None)
        today = formats.utc_now().date()
        model = st.selectbox(
            "Model",
            models.to_choose(provider, default, today),
            format_func=partial(models.named, provider),
            accept_new_options=True,
            help="Of lines whose body names none. Choose, or type any name.",
        )
        if ends := models.end(provider, model or default, today):
            st.caption(ends)
        lane = st.segmented_control(
            "Lane", list(parts_launch.LANES), format_func=parts_launch.LANES.__getitem__, default="batch", required=True
        )
        name = st.text_input("Name", placeholder="Custom requests", max_chars=200)
        reuse = st.toggle("Reuse answers that are known", value=True, help="An equal request is then asked once.")
        file = st.file_uploader(
            "JSONL file",
            key=f"own-file-{st.session_state.get('own_files', 0)}",
            max_upload_size=min(limits.upload_mb(), st.get_option("server.maxUploadSize")),
        )
        pressed = st.button("Check the file", type="primary", disabled=file is None)
    with right, st.container(border=True):
        example(provider)
    if pressed and file is not None:
        spec = JobSpec(template=None, provider=provider, model=model, lane=lane, name=name, reuse=reuse)
        with left, st.spinner("Reading it line by line …"):
            try:
                take(spec, file)
            except BadLines as error:
                return show_bad(file.name, error)
            except CairnError as error:
                failures.show_failure(error.message, error.code)
                return
        st.rerun()


waiting = draft(st.query_params.get("job", ""))
if waiting is None:
    choose()
else:
    show_draft(waiting)
