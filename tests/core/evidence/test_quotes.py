"""What stands in a document, however it is written, and what does not."""

import pytest

from core.evidence.quotes import Check, SourceText, Span, check, normalise

# A kind of writing: what stands in the document, and how a model quotes it.
WRITTEN_OTHERWISE = {
    "white space": ("The pump was\n  replaced on Monday.", "The pump was replaced on Monday."),
    "narrow space": ("Le loyer est de 12\u202f000\u00a0€ par an.", "Le loyer est de 12 000 € par an."),
    "English quotation marks": ("She wrote: “we can’t deliver” twice.", 'She wrote: "we can\'t deliver" twice.'),
    "German quotation marks": (
        "Sie schrieb: „Wir liefern später“ im Mai.",
        "Sie schrieb: »Wir liefern später« im Mai.",
    ),
    "corner brackets": ("彼は「納期は延びる」と述べた。", "彼は“納期は延びる”と述べた。"),
    "kinds of dashes": ("Costs of 7–9 million — at most.", "Costs of 7-9 million - at most."),
    "fixed hyphen": ("A short\u2011term loan was granted.", "A short-term loan was granted."),
    "hyphen at a line's end": ("The guaran-\ntee ends in autumn.", "The guarantee ends in autumn."),
    "compound at a line's end": ("A short-\nterm loan was granted.", "A short-term loan was granted."),
    "hyphen of a list": ("Ein-\nund Ausgang bleiben zu.", "Ein- und Ausgang bleiben zu."),
    "soft hyphen": ("Die Liefer\u00adverträge laufen aus.", "Die Lieferverträge laufen aus."),
    "invisible": ("The guar\u200bantee ends\u2060 in autumn.", "The guarantee ends in autumn."),
    "direction marks": ("Total \u200f1750\u200f only for rent.", "Total 1750 only for rent."),
    "composed": ("Die Ku\u0308ndigung gilt ab Ma\u0308rz.", "Die Kündigung gilt ab März."),
    "ligatures": ("The ﬁrst oﬀer was ﬂawed.", "The first offer was flawed."),
    "full width": ("利益は２５％減った（前期比）。", "利益は25%減った(前期比)。"),
    "line break without spaces": ("工場の稼働率は\n六割に下がった。", "工場の稼働率は六割に下がった。"),
    "Chinese marks": ("项目推迟两周,费用增加。", "项目推迟两周，费用增加。"),
    "Thai": ("ค่าเช่าไม่เพิ่มขึ้นในปีนี้", "ค่าเช่าไม่เพิ่มขึ้น ในปีนี้"),
    "Arabic points": ("دَفَعَ المُستأجِرُ الإيجارَ كاملا.", "دفع المستأجر الإيجار كاملا."),
    "Arabic stroke": ("دفع المستأجر الإيـــجار كاملا.", "دفع المستأجر الإيجار كاملا."),
    "Arabic presentation forms": ("ﺩﻓﻊ المستأجر الإيجار كاملا.", "دفع المستأجر الإيجار كاملا."),
    "ellipsis character": ("And so… they left at noon.", "And so... they left at noon."),
    "Markdown": ("The lease **ends in** _May_ of 2031.", "The lease ends in May of 2031."),
    "quoted mail": ("> The lease ends\n> in May of 2031.", "The lease ends in May of 2031."),
    "escaped": ("About 2/3 of the members came.", "About 2\\/3 of the members came."),
    "footnote": ("The fee[^1] is 3,450[^12] euros.[^iv]", "The fee is 3,450 euros."),
    "struck out before": ("The price is [Struck out: 500[^2]] 450 euros.", "The price is 450 euros."),
    "struck out, quoted": ("The price is [Struck out: 500] 450 euros.", "is [Struck out: 500] 450 euros"),
    "struck out by its own words": ("The price is [Struck out: 500] 450 euros.", "Struck out: 500"),
    "hidden before": ("The price is 9 [Hidden: (cost 5)] net of tax.", "The price is 9 net of tax."),
    "struck out, with a page's number": (
        "The lease [Struck out: always] ends\n\n17\n\nin May of 2031.",
        "The lease ends\n17\nin May of 2031.",
    ),
    "struck out, over a page's end": (
        "The lease [Struck out: always] ends\n\n17\n\nin May of 2031.",
        "The lease ends in May of 2031.",
    ),
    "case": ("however, the lease ends in May.", "However, the lease ends in May."),
    "capitals": ("The lease ends in May.", "THE LEASE ENDS IN MAY."),
    "closing stop": ("The lease ends in May, which is early", "The lease ends in May."),
    "marks around": ("The lease ends in May.", "“The lease ends in May.”"),
    "page's number": ("The lease ends\n\n17\n\nin May of 2031.", "The lease ends in May of 2031."),
    "footer": (
        "The lease ends\n\nAcme Ltd · Draft      Page 3 of 40\n\nin May of 2031.",
        "The lease ends in May of 2031.",
    ),
}


@pytest.mark.parametrize("kind", WRITTEN_OTHERWISE)
def test_a_quote_is_found_however_it_is_written(kind: str) -> None:
    text, quote = WRITTEN_OTHERWISE[kind]
    assert check(quote, SourceText(text)).verdict == "found"


INVENTED = {
    "number": ("The fee is 3,450 euros.", "The fee is 3,540 euros."),
    "sign of a number": ("The margin was 4 percent.", "The margin was -4 percent."),
    "a sign less": ("It was −12 degrees at night.", "It was 12 degrees at night."),
    "unit": ("The fee is 20 € a month.", "The fee is 20 $ a month."),
    "percent": ("Output rose to 60 % in May.", "Output rose to 60 in May."),
    "date": ("It was paid on 12.05.2031 in cash.", "It was paid on 12.06.2031 in cash."),
    "footnote within a number": ("The fee is 3[^1]450 euros.", "The fee is 3450 euros."),
    "struck out": ("The price is [Struck out: 500 euros a year] 450 euros.", "500 euros a year"),
    "from what is struck out": ("The price is [Struck out: 500] 450 euros a year.", "500 450 euros a year"),
    "number cut": ("Sales reached 15 million euros.", "5 million euros"),
    "decimals cut": ("Sales reached 1.5 million euros.", "5 million euros"),
    "groups cut": ("It costs 40 000 euros a year.", "000 euros a year"),
    "range cut": ("It costs 3–4 million euros a year.", "4 million euros a year"),
    "word cut": ("The bank was unable to pay the rent.", "able to pay the rent"),
    "compound cut": ("A non-refundable deposit is due.", "refundable deposit is due"),
    "negation": ("The bank did not pay the rent.", "The bank did pay the rent."),
    "negation in a word": ("You can't return the goods here.", "You can return the goods here."),
    "negation at the end": ("Die Stimmen der Gäste zählen nicht.", "Die Stimmen der Gäste zählen"),
    "negation before": ("我们不可以退货。", "可以退货"),
    "negation behind": ("契約は更新されない。", "契約は更新され"),
    "negation of an adjective": ("Das Darlehen ist unkündbar bis Mai.", "Das Darlehen ist kündbar bis Mai."),
    "name": ("Mr Meier signed in May.", "Mr Maier signed in May."),
    "another word": ("Three women were hired in May.", "Three woman were hired in May."),
    "opposite": ("They decided to increase the fees.", "They decided to decrease the fees."),
    "order": ("Lena paid Jonas for the boat.", "Jonas paid Lena for the boat."),
    "paraphrase": ("The pump was replaced on Monday.", "On Monday they got a new pump."),
    "added word": ("The pump was replaced on Monday.", "The pump was quickly replaced on Monday."),
    "halves joined": ("The pump was new. The motor was old.", "The pump was old."),
    "circled figures": ("It costs ①00 euros today.", "It costs 100 euros today."),
    "a line of its own that says no": ("The year was good.\n\nNot so in 2031\n\nfor us.", "The year was good for us."),
}


@pytest.mark.parametrize("kind", INVENTED)
def test_what_was_cut_or_changed_is_not_found(kind: str) -> None:
    text, quote = INVENTED[kind]
    assert not check(quote, SourceText(text)).supported


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("All cusfomers were informed in May.", "All customers were informed in May."),
        ("The c0ntract ends in May.", "The contract ends in May."),
        ("The rnoney was paid back in May.", "The money was paid back in May."),
        ("Das unentschuldigtc Fehlen hat Folgen.", "Das unentschuldigte Fehlen hat Folgen."),
        ("Les premières semaines d’août où l’on ferme.", "Les premieres semaines d'aout ou l'on ferme."),
    ],
)
def test_a_misspelling_such_as_ocr_makes_is_said_to_be_one(text: str, quote: str) -> None:
    assert check(quote, SourceText(text)).verdict == "spelling"


MINUTES = (
    "The board met in May. It did not approve the budget. The auditor, who was ill, was not asked. "
    "The audit was closed in June. The members were unable to vote."
)


@pytest.mark.parametrize(
    "quote",
    [
        "The board met in May ... The audit was closed in June.",
        "The board met in May … closed in June.",
        "The board met in May [...] The audit was closed in June.",
    ],
)
def test_with_an_ellipsis_all_parts_stand_there_in_order(quote: str) -> None:
    found = check(quote, SourceText(MINUTES))
    assert found.verdict == "found"
    assert [MINUTES[span.start : span.end].split(maxsplit=1)[0] for span in found.spans] in (
        ["The", "The"],
        ["The", "closed"],
    )
    assert found.span == Span(0, MINUTES.index("June.") + 5)


@pytest.mark.parametrize(
    "quote",
    [
        "The audit was closed in June ... The board met in May.",
        "The auditor ... was asked.",
        "It did ... approve the budget.",
        "The members were ... able to vote.",
        "The board met in May ... The audit was closed in July.",
    ],
)
def test_an_ellipsis_turns_nothing_round_and_hides_no_negation(quote: str) -> None:
    assert not check(quote, SourceText(MINUTES)).supported


@pytest.mark.parametrize(
    ("quote", "text"),
    [("met in", MINUTES), ("", MINUTES), (" \n", MINUTES), ("..", MINUTES), ("工場の", "工場の稼働率")],
)
def test_what_is_too_short_is_a_quote_of_nothing(quote: str, text: str) -> None:
    assert check(quote, SourceText(text)) == Check("short")


def test_a_short_quote_counts_with_a_figure_of_its_statement() -> None:
    source = SourceText("The fee is 450 euros a month.")
    assert check("450 euros", source, "They pay 450 euros.").verdict == "found"
    assert check("450 euros", source, "They pay a fee.").verdict == "short"


def test_where_a_quote_differs_the_place_is_shown() -> None:
    found = check("The audit was closed in July.", SourceText(MINUTES))
    assert found.verdict == "differs"
    assert found.nearest is not None
    assert "closed in June" in MINUTES[found.nearest.start : found.nearest.end]
    assert check("Nobody ever spoke of bananas here.", SourceText(MINUTES)) == Check("absent")


def test_spans_count_code_points_of_the_text_as_it_is() -> None:
    text = "Zwei Pumpen\n  fielen aus. 😀 Zwei Pu\u00admpen fielen aus."
    source = SourceText(text)
    assert check("zwei pumpen fielen aus.", source).span == Span(0, 25)
    assert check("Aus. Zwei Pumpen fielen", source).span == Span(21, 47)


def test_a_text_is_folded_once_for_all_its_quotes() -> None:
    source = SourceText("The pump failed again. " * 40_000 + "The motor was replaced in May.")
    assert check("The motor was replaced in May.", source).verdict == "found"
    assert check("The motor was repaired in May.", source).verdict == "differs"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Pumps failed.", "pumps failed"),
        ("Pumps  failed!", " PUMPS\nfailed "),
        ("Straße gesperrt", "STRASSE GESPERRT;"),
    ],
)
def test_what_makes_two_statements_the_same(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("Pumps failed", "Pumps fail"), ("a b", "ab"), ("3.5", "35")])
def test_what_does_not(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@pytest.mark.parametrize("nothing", ["", " ", "...", "!"])
def test_nothing_said_is_nothing(nothing: str) -> None:
    assert normalise(nothing) == ""


def test_long_statements_are_told_apart_by_keys_that_fit_an_index() -> None:
    long = "pumps fail " * 1000
    assert len(normalise(long + "x").encode()) < 2704
    assert normalise(long + "x") != normalise(long + "y")
    assert normalise(long + "X.") == normalise(long + "x")


@pytest.mark.parametrize(
    ("marks", "quarantined"),
    [
        ([(0, 5)], False),
        ([(20, 30)], True),
        ([(0, 60)], True),
        ([(0, 5), (44, 60)], True),
        ([(45, 60)], False),
        ([], False),
    ],
)
def test_a_quote_that_meets_a_passage_with_instructions_is_told_apart(
    marks: list[tuple[int, int]], quarantined: bool
) -> None:
    source = SourceText("Well: the audit was closed late in July 2024. And more was said of it.", marks)
    found = check("the audit was closed late in July 2024.", source)
    assert (found.verdict, found.span, found.quarantined) == ("found", Span(6, 45), quarantined)
    differs = check("the audit was closed quite late in July 2024.", source)
    place = differs.nearest
    assert place is not None
    assert differs.quarantined == any(start < place.end and place.start < end for start, end in marks)
