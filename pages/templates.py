"""Templates: the built-in ones, and own ones made of a prompt and fields."""

import streamlit as st

from core.asking import templates
from core.asking.templates import TemplateView
from core.errors import CairnError, InvalidInput
from pages.common import failures, formats, widgets
from pages.parts import template_fields

st.title("Templates")
failures.show_notice()


@failures.dialog("Template", width="large")
def edit(template: TemplateView | None, *, copy: bool = False, makes_insights: bool = True) -> None:
    """A new template, a new version of `template`, or with `copy` a new one that begins as it is. `makes_insights`: how
    a new one begins."""
    until_now = template.name if template else ""
    name = st.text_input("Name", f"{until_now}, copy" if copy else until_now, max_chars=100)
    prompt = st.text_area(
        "Prompt",
        template.prompt if template else "",
        height=160,
        placeholder="Find every commitment that the document makes, with its date.",
    )
    insights = st.toggle(
        "Makes insights: a list of statements, each with a quote", template.insights if template else makes_insights
    )
    what = "of each finding, beside its statement and its quote" if insights else "of the answer"
    st.caption(f"Fields {what}. Click into the empty row to add one.")
    fields = template_fields.edit(template.fields if template else (), insights=insights)
    if template and not copy:
        st.caption(f"Saving makes version {template.version + 1:d}; jobs keep the version they were made with.")
    if st.button("Save", type="primary"):
        try:
            if template and not copy:
                templates.change(template.id, name, prompt, fields, insights)
            else:
                templates.create(name, prompt, fields, insights)
        except InvalidInput as error:
            st.error(formats.plain(error.message), icon=":material/error:")
        except CairnError as error:
            failures.show_failure(error.message, error.code)
        else:
            failures.notify("Saved.")
            st.rerun()


@failures.dialog("Delete this template?")
def delete(template: TemplateView) -> None:
    st.markdown(f"Nothing can be asked with *{formats.plain(template.name)}* any more.")
    st.caption("Jobs that were made with it go on. Its answers and insights stay, and can be found by it.")

    def act() -> None:
        templates.delete(template.id, formats.utc_now())

    done = f"The template {template.name} was deleted."
    if st.button("Delete", type="primary", on_click=lambda: failures.attempt(act, done)):
        st.rerun()


# From the matrix, which takes templates that make no insights.
for_matrix = st.query_params.pop("new", None) == "matrix"
if st.button("New template", type="primary", icon=":material/add:") or for_matrix:
    edit(None, makes_insights=not for_matrix)

known = templates.list_all()
# Own ones first, the newest at the top: it was just saved.
for template in (*(one for one in reversed(known) if not one.built_in), *(one for one in known if one.built_in)):
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formats.plain(template.name)}**")
            st.badge("built in" if template.built_in else f"version {template.version:d}", color="gray")
            if template.insights:
                st.badge("makes insights", color="green")
        st.caption(formats.plain(template.description or template.prompt[:300]))
        if template.fields:
            quote: formats.Markdown = " with its quote"
            named = (formats.plain(template_fields.called(f)) + (quote if f.quote else "") for f in template.fields)
            st.caption("Fields: " + ", ".join(named))
        with st.expander("Prompt"):
            st.code(template.prompt, language=None, wrap_lines=True)
            st.caption(
                "Cairn adds the document, the form of the answer, and that quotes are to be taken word for word."
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            widgets.link("Analyse with it", "analyse/analyse.py", ":material/play_circle:", template=template.name)
            if template.fields and not template.insights:
                widgets.link("Matrix", "matrix/matrix.py", ":material/table_chart:", template=template.name)
            if not template.built_in and st.button("Edit", key=template.id, icon=":material/edit:"):
                edit(template)
            # The answers of built-in ones have shapes of their own, which fields do not give.
            if not template.built_in and st.button("Copy", key=f"copy-{template.id}", icon=":material/content_copy:"):
                edit(template, copy=True)
            if not template.built_in and st.button("Delete", key=f"delete-{template.id}", icon=":material/delete:"):
                delete(template)
