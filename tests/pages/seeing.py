"""Open a page, read what stands on it, press a button."""

from pathlib import Path

from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from tests.pipeline import PATIENCE_S

PAGES = Path(__file__).resolve().parents[2] / "pages"


def opened(page: str, /, **query: str) -> AppTest:
    """In the app with its navigation, as links need it; not run yet."""
    # AppTest does not find a page that has an address of its own.
    at = AppTest.from_file(
        str(PAGES / ("health/health.py" if page == "health" else "navigation.py")), default_timeout=PATIENCE_S
    )
    for name, value in query.items():
        at.query_params[name] = value
    # Without it each AppTest searches all installed packages for components, which takes 0.15 s and finds none.
    # AppTest has no public way to hand one in (Streamlit 1.67).
    at._bidi_component_manager = BidiComponentManager()
    return at if page == "health" else at.switch_page(f"{page}/{page}.py" if (PAGES / page).is_dir() else f"{page}.py")


def show(page: str, /, **query: str) -> AppTest:
    return opened(page, **query).run()


def unfold(at: AppTest, key: str) -> AppTest:
    """As a click on a popover or an expander does, which is made once it is open."""
    at.session_state[key] = True
    return at.run()


def words(at: AppTest) -> str:
    """All that stands on the page."""
    kinds = (
        at.title,
        at.header,
        at.subheader,
        at.markdown,
        at.caption,
        at.info,
        at.warning,
        at.error,
        at.success,
        at.toast,
    )
    texts = [element.value for kind in kinds for element in kind]
    texts += [f"{metric.label} {metric.value} {metric.delta}" for metric in at.metric]
    return "\n".join([*texts, *buttons(at)])


def press(at: AppTest, label: str) -> AppTest:
    """The last button of that label, whatever its price: a dialog stands after the page."""
    return (
        [button for button in at.button if label in (button.label, button.label.partition(" · ")[0])][-1].click().run()
    )


def links(at: AppTest) -> dict[str, str]:
    """The links to other pages: their label and where they lead."""
    return {link.proto.label: f"{link.proto.page}?{link.proto.query_string}" for link in at.get("page_link")}


def buttons(at: AppTest) -> set[str]:
    """All that can be clicked."""
    enabled = {link.proto.label for link in at.get("page_link") if not link.proto.disabled}
    return {button.label for button in at.button if not button.disabled} | enabled
