from core.offline.lines import blocks


def cut(text: str) -> list[str]:
    return [" ".join(text[block.start : block.end].split()) for block in blocks(text)]


def test_a_new_page_begins_a_new_block() -> None:
    assert cut("one line of the first page goes on here and\fsecond page") == [
        "one line of the first page goes on here and",
        "second page",
    ]


def test_a_hyphen_at_the_end_of_a_line_ties_it_to_the_next() -> None:
    text = "Die Hardware-\nPlattformen sind im Anhang ausführlich beschrieben und überall bekannt.\n"
    assert len(cut(text)) == 1
    assert len(cut(text.replace("Hardware-", "Hardware"))) == 2


def test_a_date_at_the_start_of_a_line_is_no_list_item() -> None:
    assert cut("Es geschah bald:\n3. Oktober 2025 war der Tag") == ["Es geschah bald:", "3. Oktober 2025 war der Tag"]
    assert cut("Es geschah bald:\n3. Otter kamen ans Ufer") == ["Es geschah bald:", "Otter kamen ans Ufer"]


def test_an_amount_at_the_start_of_a_line_is_no_section_number() -> None:
    assert cut("3.5 million people live here") == ["3.5 million people live here"]
    assert cut("3.5 Living here\n2.1.3 people") == ["Living here", "people"]


def test_the_usual_length_is_that_of_the_text_and_not_of_a_few_joined_lines() -> None:
    line = "Hier steht eine Zeile von siebzig Zeichen, an deren Ende umgebrochen wird"
    wrapped = "\n\n".join([line] * 30)
    joined = f"{line} {line}\n{line} {line}\n{line} durch das\nRathaus gehen\n"
    assert cut(f"{wrapped}\n\n{joined}")[-1].endswith("durch das Rathaus gehen")
    assert cut(joined)[-1] == "Rathaus gehen"


def test_a_heading_over_an_unwrapped_paragraph_stands_alone() -> None:
    paragraph = "debian-installer is the name of the program that installs the system on a new machine. " * 2
    assert cut(f"Tools\n{paragraph}") == ["Tools", paragraph.strip()]


def test_captions_and_columns_stand_alone() -> None:
    text = "Table 1.2 – Sales by region\nThe north sold most of all the regions in the year.\nname   place   price\nend"
    assert cut(text) == [
        "Table 1.2 – Sales by region",
        "The north sold most of all the regions in the year.",
        "name place price",
        "end",
    ]
