"""A 300-page PDF through the fenced extraction, against bare pypdfium2 in a process of its own."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from core.documents.extraction.process import ExtractionLimits, extract

PDF = "application/pdf"

PAGES = 300
BARE = """
import sys, pypdfium2
document = pypdfium2.PdfDocument(sys.argv[1])
print(sum(len(document[i].get_textpage().get_text_range()) for i in range(len(document))))
"""


def measure(scratch: Path) -> dict[str, dict[str, Any]]:
    path = scratch / "long.pdf"
    path.write_bytes(_pdf())
    bare, ours = [], []
    for _ in range(4):
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
    }


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
