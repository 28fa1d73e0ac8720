"""A page asked for over the socket that browsers use, and what one would be sent: much as it is, without its CPU."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Navigation_pb2 import Navigation
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.pipeline import PATIENCE_S


class PageRun:
    """All that one run of a page's script sent."""

    def __init__(self, messages: list[ForwardMsg]):
        self.messages = messages
        # Without the backslashes that Markdown takes.
        self.text = "".join(map(str, messages)).replace("\\\\", "")
        shown = (one.navigation for one in messages if one.navigation.position != Navigation.HIDDEN)
        self.menu = [page.url_pathname for one in shown for page in one.app_pages]

    def _elements(self, kind: str) -> Iterator[object]:
        for message in self.messages:
            element = message.delta.new_element
            if element.WhichOneof("type") == kind:
                yield getattr(element, kind)

    @property
    def titles(self) -> list[str]:
        return [one.body for one in self._elements("heading") if one.tag == "h1"]  # type: ignore[attr-defined]

    @property
    def buttons(self) -> dict[str, str]:
        """Their ids by what stands on them."""
        return {one.label: one.id for one in self._elements("button")}  # type: ignore[attr-defined]

    @property
    def leads_to(self) -> str:
        """Where the browser is sent to sign in."""
        return next(one.auth_redirect.url for one in self.messages if one.WhichOneof("type") == "auth_redirect")


@contextmanager
def session(app: str, cookies: Mapping[str, str] | None = None) -> Iterator[ClientConnection]:
    """A session as that of one tab of a browser with these cookies; `app` is the address of web."""
    cookies = cookies or {}
    # Without the token of this one, who is signed in is not looked at.
    protocols = [Subprotocol(name) for name in ("streamlit", cookies.get("_streamlit_xsrf")) if name]
    with connect(
        f"{app.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=protocols,
        origin=Origin(app),
        additional_headers={"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
        max_size=None,
    ) as connection:
        yield connection


def request(page: str, *clicked: str, **link: str) -> bytes:
    """What a browser sends to be shown a page. `clicked`: ids of buttons."""
    asked = BackMsg()
    asked.rerun_script.page_name = page
    asked.rerun_script.query_string = urlencode(link)
    for button in clicked:
        asked.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
    return asked.SerializeToString()


def is_last(message: ForwardMsg) -> bool:
    """Of those that a run sends."""
    return message.WhichOneof("type") == "script_finished"


def run(connection: ClientConnection, page: str, *clicked: str, **link: str) -> PageRun:
    connection.send(request(page, *clicked, **link))
    messages: list[ForwardMsg] = []
    while not messages or not is_last(messages[-1]):
        messages.append(ForwardMsg.FromString(connection.recv(PATIENCE_S, decode=False)))
    return PageRun(messages)


def shown(app: str, page: str, cookies: Mapping[str, str] | None = None, **link: str) -> PageRun:
    """A page in a session of its own."""
    with session(app, cookies) as connection:
        return run(connection, page, **link)
