"""Words in pictures are read by PP-OCR, whose models rapidocr ships; onnxruntime runs them, in one thread.

Only ever in a child that read no other file before: see `ocr_child`.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps
from rapidocr import RapidOCR

from core.documents.extraction import ocr_order, ocr_spaces

# Of a picture, before it is made smaller: what takes more is not read.
MOST_PIXELS = 80_000_000
# What is larger is made smaller: 4,000 pixels are the long side of A4 at 340 dots per inch.
LONGEST_SIDE = 4000
# Where words are is looked for in a smaller picture, which takes a tenth of the time; in a larger one where letters
# turn out to be small there, nothing is found, or what is found can hardly be read.
FIRST_LOOK, CLOSER_LOOK = 960, 1920
SMALL_LETTERS = 14
WELL_READ = 0.93
# Of a line: what is below the first is not taken, and what is below the second is taken with doubt.
LEAST_SCORE, SURE_SCORE = 0.5, 0.85
# A line of which so few characters were read, to its length in heights, is in letters that the model does not know.
FEW_FOR_LENGTH, LONG = 0.8, 4
STROKE = 2
# A few lines on a large empty ground are overlooked, so the ground around them is cut off: all that differs from it by
# less than this, of 255, in squares of so many pixels, which levels out what a scanner adds.
FAINT, SQUARE, MARGIN = 24, 4, 24
# Where nothing differs from it by more than this nobody can see words, and a page would be looked through twice.
INVISIBLE = 4
LINE_HEIGHT = 48
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")
_TALL = 1.5
_ASKED_FOR_TURN, _READ_FOR_TURN = 9, 3

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Seen:
    """`lines` that were found, of which `doubtful` could not be read, or hardly."""

    text: str
    lines: int
    doubtful: int


@dataclass(frozen=True)
class _Line:
    box: Array
    text: str
    score: float

    @property
    def is_a_stroke(self) -> bool:
        """A rule, the edge of a picture or its pattern, read as the Chinese figure of one or as a dash."""
        wide = _width(self.box) > STROKE * _height(self.box)
        return len(self.text) == 1 and (wide or self.score < SURE_SCORE)

    @property
    def is_doubtful(self) -> bool:
        length = _width(self.box) / max(1.0, _height(self.box))
        short = length > LONG and len(self.text.replace(" ", "")) < FEW_FOR_LENGTH * length
        return self.score < SURE_SCORE or short


class Recognizer:
    """Loads its models at once."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        one = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
        detection = {"Det.limit_type": "max", "Det.limit_side_len": FIRST_LOOK, "Global.use_vertical_padding": False}
        # One line at a time: lines of one batch are padded to the longest, and leave the processor's cache.
        self._engine = RapidOCR(params={"Global.log_level": "critical", "Rec.rec_batch_num": 1, **one, **detection})
        self._engine.return_word_box = True  # where characters stand in a line
        blank = np.full((48, 320, 3), 255, np.uint8)
        self._engine(blank, use_det=True, use_cls=False, use_rec=False)
        self._engine(blank, use_det=False, use_cls=True, use_rec=True)

    def seen(self, data: bytes) -> Seen:
        """Raises whatever a picture that is broken, too large or of another kind makes its decoder raise."""
        image = _trimmed(_decoded(data))
        if image is None:
            return Seen("", 0, 0)
        boxes = self._boxes(image)
        if len(boxes) > 1 and np.mean([_is_tall(box) for box in boxes]) > 0.5:
            image = np.ascontiguousarray(np.rot90(image))
            boxes = self._boxes(image)
        if len(boxes) and self._is_upside_down(image, boxes):
            image = _turned(image)
            boxes = self._boxes(image)
        lines = self._read(image, boxes)
        if _score(lines) < WELL_READ and max(image.shape[:2]) > FIRST_LOOK:
            closer = self._read(image, self._look(image, CLOSER_LOOK))
            lines = closer if _score(closer) > _score(lines) else lines
        taken = [one for one in lines if one.score >= LEAST_SCORE and one.text and not one.is_a_stroke]
        words = ocr_order.straightened([one.box.tolist() for one in taken], [one.text for one in taken])
        return Seen(ocr_order.text_of(words), len(lines), sum(one.is_doubtful for one in lines))

    def _boxes(self, image: Array) -> Array:
        """Four corners each."""
        found = self._look(image, FIRST_LOOK)
        scale = FIRST_LOOK / max(image.shape[:2])
        small = not len(found) or np.median([_height(box) for box in found]) * scale < SMALL_LETTERS
        return max(found, self._look(image, CLOSER_LOOK), key=_area) if scale < 1 and small else found

    def _look(self, image: Array, side: int) -> Array:
        detector = self._engine.text_det
        assert detector is not None
        detector.limit_side_len = side
        found = detector(image).boxes
        return np.zeros((0, 4, 2), np.float32) if found is None else found

    def _read(self, image: Array, boxes: Array) -> list[_Line]:
        if not len(boxes):
            return []
        pictures = self._engine.crop_text_regions(image, boxes)
        read = self._engine.recognize_txt([_reduced(one) for one in pictures])
        scores = map(float, read.scores or ())
        found = zip(boxes, read.txts or (), scores, read.word_results, pictures, strict=True)
        return [_Line(box, _spaced(text, words, picture), score) for box, text, score, words, picture in found]

    def _is_upside_down(self, image: Array, boxes: Array) -> bool:
        """As most of the longest lines are said to be, and are read better so: the model that says it errs about one
        word, such as "page left", on all lines alike."""
        longest = sorted(boxes, key=_width)[-_ASKED_FOR_TURN:]
        pictures = self._engine.crop_text_regions(image, np.array(longest))
        _, said = self._engine.cls_and_rotate([one.copy() for one in pictures])
        if sum("180" in label for label, _ in said.cls_res or ()) * 2 <= len(longest):
            return False
        tried = [_reduced(one) for one in pictures[-_READ_FOR_TURN:]]
        upright, turned = (
            self._engine.recognize_txt(one).scores or (0.0,) for one in (tried, list(map(_turned, tried)))
        )
        return float(np.mean(turned)) > float(np.mean(upright))


def _turned(line: Array) -> Array:
    return np.ascontiguousarray(np.rot90(line, 2))


def _reduced(line: Array) -> Array:
    """To the height that the model takes, which it would reach by leaving pixels out."""
    height, width = line.shape[:2]
    if height <= LINE_HEIGHT:
        return line
    size = max(1, round(width * LINE_HEIGHT / height)), LINE_HEIGHT
    return cv2.resize(line, size, interpolation=cv2.INTER_AREA)


def _spaced(text: str, words: Any, picture: Array) -> str:
    """`words`: which step of the model brought which character."""
    steps = [step for word in words.word_cols for step in word]
    columns = [(step + 0.5) / max(1.0, words.line_txt_len) for step in steps]
    return " ".join(ocr_spaces.with_spaces(text, columns, picture).split())


def _score(lines: list[_Line]) -> float:
    return float(np.mean([0.0 if one.is_doubtful else one.score for one in lines])) if lines else 0.0


def _area(boxes: Array) -> float:
    return sum(_width(box) * _height(box) for box in boxes)


def _width(box: Array) -> float:
    return float(np.linalg.norm(box[0] - box[1]))


def _height(box: Array) -> float:
    return float(np.linalg.norm(box[0] - box[3]))


def _is_tall(box: Array) -> bool:
    return _height(box) > _TALL * _width(box)


def _decoded(data: bytes) -> Array:
    """Blue, green, red, as OpenCV has it."""
    image: Image.Image = Image.open(BytesIO(data), formats=FORMATS)
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is made smaller as it is decoded
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":  # 16 bits, and more
        values = np.asarray(image, dtype=np.float64)
        top = float(values.max()) or 1.0
        image = Image.fromarray((values * (255.0 / top)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground
    image = image.convert("RGB")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return np.ascontiguousarray(np.asarray(image)[:, :, ::-1])


def _trimmed(image: Array) -> Array | None:
    """None: it is blank, as the backs of many scanned pages are."""
    height, width = image.shape[:2]
    if min(height, width) < 2 * MARGIN:
        return image
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (width // SQUARE, height // SQUARE), interpolation=cv2.INTER_AREA).astype(np.int16)
    difference = np.abs(small - int(np.median(small)))
    if not (difference > INVISIBLE).any():
        return None
    written = difference > FAINT
    rows, columns = np.flatnonzero(written.any(axis=1)), np.flatnonzero(written.any(axis=0))
    if not len(rows):
        return image
    top, left = (max(0, int(first) * SQUARE - MARGIN) for first in (rows[0], columns[0]))
    bottom, right = (int(last + 1) * SQUARE + MARGIN for last in (rows[-1], columns[-1]))
    return np.ascontiguousarray(image[top:bottom, left:right])
