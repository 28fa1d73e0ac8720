"""What a configuration does, as sentences."""

from core.presets import PRESETS
from pages.words.resilience import compared


def test_what_differs_from_what_is_in_force_is_shown_beside_it_in_plain_numbers() -> None:
    lines = compared(PRESETS["production"], PRESETS["simple"])
    assert "a call that keeps failing gives up after **31 s** :orange[(now 3.5 s)]" in lines
    assert "the breaker opens after **10 failures** in a row :orange[(now 5 failures)]" in lines


def test_what_is_the_same_stands_alone() -> None:
    lines = compared(PRESETS["simple"], PRESETS["simple"])
    assert "a call that keeps failing gives up after **3.5 s**" in lines
    assert not [line for line in lines if "now" in line]
