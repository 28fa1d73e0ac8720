"""A 300-page PDF through the fenced extraction, against bare pypdfium2 in a process of its own; and a real one, a
standard of 50 pages, in one process by CPU seconds, which other work on the machine does not change.

Scanned pages through the children that recognize words, against rapidocr as it comes, in a process of its own.

Small files, against the bare readers in one process, and against an interpreter that is started for each file.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from core.documents.claims import READERS
from core.documents.extraction import media_type_of
from core.documents.extraction.limits import ExtractionLimits
from core.documents.extraction.process import extract
from core.samples import files

PDF = "application/pdf"

PAGES = 300
BARE = """
import sys, pypdfium2
document = pypdfium2.PdfDocument(sys.argv[1])
print(sum(len(document[i].get_textpage().get_text_range()) for i in range(len(document))))
"""
# CPU seconds of pdfium's text in its own order, and of ours, which stands where a person reads it.
IN_ONE = """
import json, sys, time
from pathlib import Path
import pypdfium2
from core.documents.extraction import pdf
from core.documents.extraction.pages import Pages
def bare():
    document = pypdfium2.PdfDocument(sys.argv[1])
    for page in document:
        page.get_textpage().get_text_range()
    return len(document)
def seconds(do):
    begun = time.process_time()
    do()
    return time.process_time() - begun
best = [min(seconds(do) for _ in range(5)) for do in (bare, lambda: pdf.read(
    Path(sys.argv[1]), Pages(10**7, lambda *_: None)))]
print(json.dumps([bare(), *best]))
"""
REAL = "filesystem-hierarchy-standard.pdf"
SCANS = 2
# A page at 200 dots per inch, as the reader draws it.
BARE_OCR = """
import sys, time
import pypdfium2
from rapidocr import RapidOCR
engine = RapidOCR(params={"Global.log_level": "critical"})
document = pypdfium2.PdfDocument(sys.argv[1])
engine(document[0].render(scale=200 / 72).to_numpy())
begun = time.perf_counter()
for page in document:
    engine(page.render(scale=200 / 72).to_numpy())
print(time.perf_counter() - begun)
"""
SMALL_BYTES, ROUNDS, LOOKS = 50_000, 10, 2
BARE_READERS = """
import json, sys, time
from pathlib import Path
from core.documents.extraction import child
from core.documents.extraction.pages import Pages
def read(rounds):
    for _ in range(rounds):
        for path, media_type in json.loads(sys.argv[1]):
            child._read(media_type, Path(path), 10**9, Pages(10**7, lambda *_: None))
read(1)
begun = time.perf_counter()
read(int(sys.argv[2]))
print(time.perf_counter() - begun)
"""
ONE_START = """
import json, os, sys
from core.documents.extraction import child
from core.documents.extraction.forked import Descriptors
path, media_type = json.loads(sys.argv[1])
message = json.dumps([media_type, path, 10**9, 60, 10**7, 0, "auto"]).encode()
child.run(message, Descriptors(os.dup(1), 2, os.dup(1)), os.getppid())
"""


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    path = scratch / "long.pdf"
    path.write_bytes(_pdf())
    bare, ours = [], []
    for _ in range(2):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", BARE, str(path)], check=True, capture_output=True)
        bare.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        extracted = extract(path, PDF, ExtractionLimits(), lambda *_: None)
        ours.append(time.perf_counter() - begun)
        assert len(extracted.page_starts) == PAGES
    best_bare, best_ours = min(bare), min(ours)
    return {
        "bare pypdfium2": {"pages_per_s": round(PAGES / best_bare)},
        "fenced, language, tokens": {
            "pages_per_s": round(PAGES / best_ours),
            "throughput_ratio": round(best_bare / best_ours, 2),
        },
        **real_pages(),
        **scans(scratch),
        **small_files(),
    }


def real_pages() -> dict[str, dict[str, Any]]:
    path = next(one.path for one in files() if one.path.name == REAL)
    asked = [sys.executable, "-c", IN_ONE, str(path)]
    pages, bare, ours = json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)
    return {
        "real PDF, bare pypdfium2": {"pages_per_cpu_s": round(pages / bare)},
        "real PDF, ours": {"pages_per_cpu_s": round(pages / ours), "ratio": round(bare / ours, 2)},
    }


def scans(scratch: Path) -> dict[str, dict[str, Any]]:
    """Pages of 30 lines each. The parent and its children are warm, as rapidocr is after its first page."""
    path = scratch / "scans.pdf"
    pages = [_scan(number) for number in range(SCANS)]
    pages[0].save(path, save_all=True, append_images=pages[1:], resolution=200)
    asked = [sys.executable, "-c", BARE_OCR, str(path)]
    bare = float(subprocess.run(asked, check=True, capture_output=True).stdout)
    _extracted((str(path), PDF))
    ours = _seconds(lambda: _extracted((str(path), PDF)))
    return {
        "scanned pages, bare rapidocr": {"pages_per_s": round(SCANS / bare, 2)},
        "scanned pages, fenced": {"pages_per_s": round(SCANS / ours, 2), "ratio": round(bare / ours, 2)},
    }


def _scan(number: int) -> Image.Image:
    page = Image.new("L", (1654, 2339), 250)
    font = ImageFont.load_default(size=30)
    for line in range(30):
        said = f"Page {number}, line {line}: the supplier's liability is limited to EUR {1250 + line:,}.00 in each year"
        ImageDraw.Draw(page).text((150, 150 + line * 60), said, font=font, fill=25)
    return page.rotate(0.6, fillcolor=250)


def small_files() -> dict[str, dict[str, Any]]:
    """The samples under 50 kB: a text, Markdown, a mail, a document of Word and a workbook. Best of two looks."""
    known = [(str(one.path), str(media_type_of(one.path.name, one.path.read_bytes()))) for one in files()]
    small = [(path, media_type) for path, media_type in known if os.path.getsize(path) < SMALL_BYTES]
    _extracted(small[0])  # the parent is started
    rates: dict[str, list[float]] = {}
    with ThreadPoolExecutor(READERS) as threads:
        ways: dict[str, Callable[[], float]] = {
            "bare readers, one process": lambda: ROUNDS * len(small) / _bare(small),
            "an interpreter per file": lambda: len(small) / _seconds(lambda: [_one_start(one) for one in small]),
            "warm parent, one at a time": lambda: (
                ROUNDS * len(small) / _seconds(lambda: [_extracted(one) for one in small * ROUNDS])
            ),
            f"warm parent, {READERS} at a time": lambda: (
                ROUNDS * len(small) / _seconds(lambda: list(threads.map(_extracted, small * ROUNDS)))
            ),
        }
        for _ in range(LOOKS):
            for name, rate in ways.items():
                rates.setdefault(name, []).append(rate())
    of_old = max(rates["an interpreter per file"])
    return {
        f"small files, {name}": {"files_per_s": round(max(found), 1), "ratio": round(max(found) / of_old, 1)}
        for name, found in rates.items()
    }


def _bare(small: list[tuple[str, str]]) -> float:
    asked = [sys.executable, "-c", BARE_READERS, json.dumps(small), str(ROUNDS)]
    return float(subprocess.run(asked, check=True, capture_output=True).stdout)


def _one_start(one: tuple[str, str]) -> None:
    subprocess.run([sys.executable, "-c", ONE_START, json.dumps(one)], check=True, capture_output=True)


def _extracted(one: tuple[str, str]) -> None:
    path, media_type = one
    extract(Path(path), media_type, ExtractionLimits(), lambda *_: None)


def _seconds(do: Callable[[], object]) -> float:
    begun = time.perf_counter()
    do()
    return time.perf_counter() - begun


def _pdf() -> bytes:
    """A plain PDF of many pages with forty lines each."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(PAGES))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {PAGES} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for page in range(PAGES):
        lines = "".join(
            f"(Page {page} line {n} says that the pumps of the plant were replaced.) Tj T* " for n in range(40)
        )
        stream = f"BT /F1 10 Tf 12 TL 40 800 Td {lines}ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * page} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    tail = (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>"
    )
    return out + f"{tail}\nstartxref\n{len(out)}\n%%EOF".encode()
