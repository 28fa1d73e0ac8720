"""Use cases of templates. A version is immutable; a change makes the next one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Row, or_
from sqlmodel import Session, col, select

from core.access import actor, audit
from core.access.roles import require
from core.asking.built_in import BUILT_IN
from core.asking.prompts import Asking, check_params, params_of
from core.errors import Conflict, InvalidInput, NotFound
from core.fields import FieldSpec, json_schema
from core.providers import sampling
from core.runtime import db
from core.runtime.ids import new_id
from core.runtime.text import bounded
from core.settings import defaults, provider_rows
from core.tables.templates import Template, TemplateVersion

PROMPT_LIMIT = 20_000
NAME_CHARACTERS = 100


@dataclass(frozen=True)
class TemplateView:
    id: str
    name: str
    description: str
    version: int
    built_in: bool
    prompt: str
    fields: tuple[FieldSpec, ...]
    insights: bool
    params_schema: dict[str, Any]


def sync_built_ins() -> None:
    """Store the built-in templates; one whose wording changed since gets its next version."""
    with db.transaction(everywhere=True) as session:
        db.execute(session, "SELECT pg_advisory_xact_lock(hashtext('cairn.templates'))")
        # All at once: every start of every process does this.
        newest = (
            select(Template, TemplateVersion)
            .join(TemplateVersion, col(TemplateVersion.template_id) == col(Template.id))
            .where(TemplateVersion.version == Template.version, col(Template.built_in))
        )
        stored = {template.id: (template, version.prompt) for template, version in session.exec(newest)}
        for built_in in BUILT_IN.values():
            template, prompt = stored.get(built_in.id, (None, None))
            if template is None:
                template = Template(id=built_in.id, name=built_in.name, built_in=True, version=0)
                session.add(template)
                session.flush()
            if prompt != built_in.prompt:
                _add_version(session, template, built_in.prompt, (), built_in.insights)


def create(name: str, prompt: str, fields: Sequence[FieldSpec], insights: bool) -> TemplateView:
    require("template.make")
    _check(name, prompt, fields, insights)
    with db.transaction() as session:
        own = db.workspace_of(session)
        template = Template(id=new_id("tpl"), workspace_id=own, name=name.strip(), built_in=False, version=0)
        template.made_by = actor.current()
        session.add(template)
        session.flush()
        version = _add_version(session, template, prompt, fields, insights)
        after = {"name": template.name, "version": template.version}
        audit.write(session, "template.change", "template", template.id, name=template.name, after=after)
        return _view(template, version)


def change(template_id: str, name: str, prompt: str, fields: Sequence[FieldSpec], insights: bool) -> TemplateView:
    """The next version of an own template; jobs keep the version they were made with."""
    _check(name, prompt, fields, insights)
    with db.transaction() as session:
        template = _own(session, template_id)
        before = {"name": template.name, "version": template.version}
        template.name = name.strip()
        version = _add_version(session, template, prompt, fields, insights)
        after = {"name": template.name, "version": template.version}
        audit.write(session, "template.change", "template", template.id, name=template.name, before=before, after=after)
        return _view(template, version)


def delete(template_id: str, at: datetime) -> None:
    """Nothing is asked by it from now on. Jobs that were made with it go on, and all answers and insights stay."""
    with db.transaction() as session:
        template = _own(session, template_id)
        template.retired_at = at
        before = {"name": template.name, "version": template.version}
        session.flush()
        audit.write(session, "template.delete", "template", template.id, name=template.name, before=before)


def _own(session: Session, template_id: str) -> Template:
    """One to change, locked. Raises NotFound, Conflict, Forbidden."""
    template = _locked(session, template_id)
    if template.built_in:
        raise Conflict("A built-in template cannot be changed or deleted. Make one of your own instead.")
    _refuse_retired(template)
    require("template.change", template.made_by)
    return template


def _refuse_retired(template: Template | Row[Any]) -> None:
    if template.retired_at is not None:
        raise Conflict(f"The template “{template.name}” was deleted. What it brought stays; ask with another one.")


# The one that leads a newcomer to insights; pages begin with it.
FIRST = "key_points"


GONE, WHERE_LISTED = "There is no template {}.", " GET /api/v1/templates lists them."


def list_all(*, retired: bool = False) -> list[TemplateView]:
    """Built-in templates first, then own ones in the order they were made; with `retired` also those that were deleted,
    by which answers and insights can still be found."""
    with db.reading() as session:
        found = db.rows(session, EVERY, retired=retired)
    views = [_view(row, row) for row in found if _of_documents(row.id)]
    order = list(BUILT_IN)
    return sorted(views, key=lambda view: order.index(view.id) if view.built_in else len(order))


# In its newest version.
_NEWEST = """
SELECT t.id, t.name, t.built_in, t.retired_at, v.version, v.prompt, v.fields, v.insights
FROM template t JOIN template_version v ON v.template_id = t.id AND v.version = t.version
WHERE (t.workspace_id = :workspace OR t.built_in)"""
EVERY = f"""{_NEWEST} AND (CAST(:retired AS boolean) OR t.retired_at IS NULL)
ORDER BY t.built_in DESC, t.created_at, t.name"""
ONE = f"{_NEWEST} AND t.id = :id"


def get(template_id: str) -> TemplateView:
    with db.reading() as session:
        found = db.row(session, ONE, id=template_id)
    if found is None:
        raise NotFound(GONE.format(template_id))
    return _view(found, found)


def _locked(session: Session, template_id: str) -> Template:
    """An own one of this transaction's workspace; also a built-in one, which is not locked. Raises NotFound."""
    found = select(Template).where(Template.id == template_id, _everybodys_or_of(db.workspace_of(session)))
    template = session.exec(found).first()
    # The database lets nobody lock what is everybody's.
    if template is not None and not template.built_in:
        template = session.exec(found.with_for_update().execution_options(populate_existing=True)).first()
    if template is None:
        raise NotFound(GONE.format(template_id))
    return template


def _of_documents(template_id: str) -> bool:
    built_in = BUILT_IN.get(template_id)
    return built_in is None or built_in.of_documents


def _everybodys_or_of(workspace_id: str) -> ColumnElement[bool]:
    return or_(col(Template.built_in), col(Template.workspace_id) == workspace_id)


def name_of(session: Session, template_id: str) -> str:
    return session.get_one(Template, template_id).name


def asking(session: Session, template_id: str, params: Mapping[str, Any], version: int | None = None) -> Asking:
    """A template version (the newest by default) with checked parameters. Raises NotFound, InvalidInput.

    Of any workspace: the caller has a job that was made with it, or has looked (`asked_now`).
    """
    template = session.get(Template, template_id)
    if template is None:
        raise NotFound(f"{GONE.format(template_id)}{WHERE_LISTED}")
    return _asking(template_id, session.get_one(TemplateVersion, (template_id, version or template.version)), params)


def _asking(template_id: str, stored: TemplateVersion | Row[Any], params: Mapping[str, Any]) -> Asking:
    return Asking(
        template_id=template_id,
        version=stored.version,
        prompt=stored.prompt,
        fields=_fields(stored),
        insights=stored.insights,
        params=check_params(template_id, params, params_of(template_id, _fields(stored), stored.insights)),
    )


class Made(Protocol):
    """A job, or a row that names what it was made with."""

    @property
    def template_id(self) -> str | None: ...
    @property
    def template_version(self) -> int | None: ...
    @property
    def params(self) -> Mapping[str, Any]: ...
    @property
    def sampling(self) -> Mapping[str, Any] | None: ...


def of_job(session: Session, job: Made) -> Asking:
    """What a job with a template asks."""
    assert job.template_id is not None
    found = asking(session, job.template_id, job.params, job.template_version)
    return replace(found, sampling=sampling.read(job.sampling))


def check_language(params: Mapping[str, Any], provider: str) -> None:
    """Raises InvalidInput where these checked parameters ask for a language that this provider cannot answer in."""
    if params.get("language") and not provider_rows.can(provider).can_translate:
        raise InvalidInput(
            "The offline engine cannot translate: it answers in the document's own words. Leave language out, or "
            "choose another provider."
        )


def asked_now(session: Session, template_id: str, params: Mapping[str, Any], provider: str) -> Asking:
    """The newest version, in the default language where none is given; a job stores both.

    Raises NotFound, InvalidInput, Conflict where it was deleted.
    """
    template = db.row(session, ONE, id=template_id)
    if template is None:
        raise NotFound(f"{GONE.format(template_id)}{WHERE_LISTED}")
    _refuse_retired(template)
    if not _of_documents(template_id):
        raise InvalidInput("This is asked of pairs of insights: see Review, or POST /api/v1/review/judge.")
    found = _asking(template_id, template, params)
    check_language(found.params, provider)
    default = defaults.language()[0]
    given = params.get("language") is not None
    if given or default is None or not provider_rows.can(provider).can_translate or not found.worded:
        return found
    return replace(found, params={**found.params, "language": default})


def _check(name: str, prompt: str, fields: Sequence[FieldSpec], insights: bool) -> None:
    if not name.strip():
        raise InvalidInput("Give the template a name.")
    bounded(name, "A template's name", NAME_CHARACTERS)
    if not prompt.strip() or len(prompt) > PROMPT_LIMIT:
        raise InvalidInput(f"The prompt must hold 1 to {PROMPT_LIMIT:,} characters.")
    if not fields and not insights:
        raise InvalidInput("Add at least one field, or let the template make insights.")
    json_schema(fields, insights)


def _add_version(
    session: Session, template: Template, prompt: str, fields: Sequence[FieldSpec], insights: bool
) -> TemplateVersion:
    template.version += 1
    version = TemplateVersion(
        template_id=template.id,
        version=template.version,
        prompt=prompt,
        fields=[field.as_json() for field in fields],
        insights=insights,
    )
    session.add(version)
    session.flush()
    return version


def _fields(version: TemplateVersion | Row[Any]) -> tuple[FieldSpec, ...]:
    return tuple(FieldSpec(**{**field, "choices": tuple(field.get("choices") or ())}) for field in version.fields)


def _view(template: Template | Row[Any], version: TemplateVersion | Row[Any]) -> TemplateView:
    built_in = BUILT_IN.get(template.id)
    return TemplateView(
        id=template.id,
        name=template.name,
        description=built_in.description if built_in else "",
        version=version.version,
        built_in=template.built_in,
        prompt=version.prompt,
        fields=_fields(version),
        insights=version.insights,
        params_schema=_schema_of(params_of(template.id, _fields(version), version.insights)),
    )


@cache
def _schema_of(params: type[BaseModel]) -> dict[str, Any]:
    """Cached: it takes as long as reading all templates."""
    return params.model_json_schema()
