"""Boxes of a form in Word: what is ticked and what is chosen."""

from lxml import etree

from core.documents.extraction.office import local, named, switched_on, val

TICKED, UNTICKED = "\u2611", "\u2610"
# Signs that tell by themselves whether a box is ticked.
_TELLING = frozenset("\u2610\u2611\u2612\u2713\u2714\u2717\u2718")
# A sign of its own that a box has for its state is not longer.
_SIGN = 2


def state_of(control: etree._Element) -> str:
    """Of a content control (`sdt`); empty where it is no check box."""
    for properties in named(control, "sdtPr"):
        for box in properties:
            if local(box).lower() == "checkbox":
                ticked = any(switched_on(one) for one in named(box, "checked"))
                return TICKED if ticked else UNTICKED
    return ""


def with_state(text: str, state: str) -> str:
    """The box's sign as it is shown, or one that tells."""
    if not _TELLING.isdisjoint(text):
        return text
    return state if len(text.strip()) < _SIGN else f"{state} {text}"


def of_form(field: etree._Element) -> str:
    """A field of the forms before 2010, where it begins: its state stands nowhere else."""
    for data in named(field, "ffData"):
        for box in data:
            if local(box) == "checkBox":
                return _ticked(box)
            if local(box) == "ddList":
                return _chosen(box)
    return ""


def _ticked(box: etree._Element) -> str:
    said = {local(one): switched_on(one) for one in box if local(one) in ("default", "checked")}
    return TICKED if said.get("checked", said.get("default", False)) else UNTICKED


def _chosen(box: etree._Element) -> str:
    entries = [val(one) for one in named(box, "listEntry")]
    number = next((val(one) for name in ("result", "default") for one in named(box, name)), "0")
    return entries[int(number)] if number.isdecimal() and int(number) < len(entries) else ""
