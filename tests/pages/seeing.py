"""Open a page, read what stands on it, press a button."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def show(page: str, /, **query: str) -> AppTest:
    at = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=20)
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def words(at: AppTest) -> str:
    """All that stands on the page."""
    kinds = (at.title, at.subheader, at.markdown, at.caption, at.info, at.warning, at.error, at.success, at.toast)
    texts = [element.value for kind in kinds for element in kind]
    texts += [f"{metric.label} {metric.value} {metric.delta}" for metric in at.metric]
    return "\n".join([*texts, *(button.label for button in at.button)])


def press(at: AppTest, label: str) -> AppTest:
    """The last button of that label: a dialog stands after the page."""
    return [button for button in at.button if button.label == label][-1].click().run()


def buttons(at: AppTest) -> set[str]:
    return {button.label for button in at.button}
