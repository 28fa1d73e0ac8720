"""What the documents promise about settings and samples is what the code does."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import Exposition
from core import samples
from core.documents.extraction import media_type_of
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.process import extract
from core.environment import Settings
from core.health import sampling
from core.runtime import db, worker_lease
from core.samples import SampleFile
from tests.pages import made

ROOT = Path(__file__).resolve().parents[1]
NAMES = {name.upper() for name in Settings.model_fields}
SAMPLES_AT_MOST_BYTES = 400_000
NOT_SETTINGS = {"POSTGRES_PASSWORD", "APP_PASSWORD"}  # read by compose.yaml


def defaults() -> Mapping[str, str]:
    """Each setting's default as a person would write it."""
    fields = Settings.model_fields.items()
    told = {name.upper(): written(field.get_default(call_default_factory=True)) for name, field in fields}
    return {**told, "CORS_ORIGINS": "[]"}  # the one list that is JSON


def written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(str(part).removesuffix("/32") for part in value) if isinstance(value, tuple) else str(value)


def table(text: str, heading: str) -> dict[str, str]:
    """First and second column of the tables under a heading, without their backticks."""
    section = text.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? *\|", section, re.MULTILINE))


def test_the_readme_lists_every_setting_with_its_default() -> None:
    assert table((ROOT / "README.md").read_text(encoding="utf-8"), "## Settings") == defaults()


def test_the_example_environment_is_the_defaults_of_every_setting() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    shown = {found[1]: found[2] for line in lines if (found := re.fullmatch(r"# ([A-Z_]+)=(.*)", line))}
    assert shown == {**defaults(), **dict.fromkeys(NOT_SETTINGS, "")}


def test_the_example_environment_can_be_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    used = tmp_path / ".env"
    used.write_text(re.sub(r"^# ([A-Z_]+=)", r"\1", example, flags=re.MULTILINE), encoding="utf-8")
    assert Settings(_env_file=used) == Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.mark.parametrize("sample", samples.files(), ids=lambda sample: sample.name)
def test_a_sample_is_recognised_and_has_text(sample: SampleFile, tmp_path: Path) -> None:
    copy = tmp_path / sample.name
    copy.write_bytes(sample.path.read_bytes())
    media_type = media_type_of(sample.name, copy.read_bytes()[: 1 << 20])
    assert media_type is not None
    extracted = extract(copy, media_type, ExtractionLimits(), lambda _stage, _done, _total: None)
    assert len(extracted.text) > 1000
    assert extracted.tokens > 300


def test_the_samples_are_small_of_several_formats_and_all_named_with_their_source() -> None:
    folder = Path(samples.__file__).parent
    lying = {path.name for path in folder.iterdir() if path.suffix not in (".py", "")} - {"SOURCES.md"}
    files = samples.files()
    assert {sample.name for sample in files} == {sample.path.name for sample in files} == lying
    assert len({sample.path.suffix for sample in files}) >= 5
    assert sum(sample.path.stat().st_size for sample in files) < SAMPLES_AT_MOST_BYTES
    sources = (folder / "SOURCES.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", sources, re.MULTILINE)) == lying


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_links_inside_the_project_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link.split("#")[0] for link in re.findall(r"\]\((?!https?://|#)([^)]+)\)", text)]
    assert [link for link in links if not (ROOT / link).exists()] == []


METRIC = re.compile(r"\bcairn_[a-z0-9_]+\b")


def expressions() -> dict[str, list[str]]:
    """The queries of the dashboard and of the alerts."""
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    alerts = yaml.safe_load((ROOT / "docs/prometheus-alerts.yml").read_text(encoding="utf-8"))
    return {
        "dashboard": [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])],
        "alerts": [rule["expr"] for group in alerts["groups"] for rule in group["rules"]],
    }


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("where", ["dashboard", "alerts"])
def test_dashboard_and_alerts_name_metrics_that_there_are(where: str) -> None:
    text = Exposition(0).text()
    told = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
    told |= {f"{name}_bucket" for name in re.findall(r"^# TYPE (\S+) histogram$", text, re.MULTILINE)}
    asked = {name for expression in expressions()[where] for name in METRIC.findall(expression)}
    assert asked
    assert asked <= told


SELECTOR = re.compile(r"\b(cairn_[a-z0-9_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("where", ["dashboard", "alerts"])
def test_dashboard_and_alerts_name_labels_that_there_are(where: str) -> None:
    one_of_everything()
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(Exposition(0).text()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    for expression in expressions()[where]:
        for name, selected in SELECTOR.findall(expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= labels[name], expression
        for grouped in GROUPED.findall(expression):
            for name in METRIC.findall(expression):
                assert set(grouped.replace(" ", "").split(",")) <= labels[name], expression


def one_of_everything() -> None:
    job = made.job("running")
    made.requests(job, "pending")
    made.batch(job, "in_progress")
    made.usage(job)
    worker_lease.register("one")
    with db.transaction() as session:
        for statement in (
            "INSERT INTO breaker (provider, model, state) VALUES ('openai', 'm', 'open')",
            "INSERT INTO rate_limit (provider, model, kind) VALUES ('openai', 'm', 'requests')",
            """INSERT INTO call_minute (provider, model, minute, answered, failed, latencies)
               VALUES ('openai', 'm', date_trunc('minute', now()), 1, 1, '{0,1}')""",
        ):
            db.execute(session, statement)
    sampling.take(datetime.now(UTC), well=True)


def test_every_alert_says_what_happened_and_what_to_do() -> None:
    alerts = yaml.safe_load((ROOT / "docs/prometheus-alerts.yml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule["annotations"]) == {"summary", "remedy"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_the_panels_of_the_dashboard_lie_side_by_side() -> None:
    dashboard = json.loads((ROOT / "docs/grafana-dashboard.json").read_text(encoding="utf-8"))
    taken = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
