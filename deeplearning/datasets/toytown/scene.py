"""Scenes of Toytown: the contents of a picture are drawn at random, then placed, then painted.

All randomness comes from a random.Random, whose numbers are the same on every machine. So the same
seed gives the same pictures wherever Pillow has the same version.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from deeplearning.datasets.toytown import creatures, objects
from deeplearning.datasets.toytown.pen import Pen
from deeplearning.datasets.toytown.places import PLACES, light
from deeplearning.datasets.toytown.world import (
    COLOURS,
    KINDS,
    WEATHERS,
    Scene,
    Thing,
    companions,
    spot,
)

SIZE = 128  # height and width in pixels
LEAST = 0.10  # share of the picture that every main thing covers at least
# share of the picture that a main thing covers before others hide it
SHARES = {
    "big": (0.19, 0.27),
    "small": (0.115, 0.145),
}
# share that each other thing covers, by their count
OTHER_SHARES = {
    1: (0.06, 0.085),
    2: (0.045, 0.056),
    3: (0.036, 0.042),
}
WATERLINE = {"harbour": (0.60, 0.66), "beach": (0.58, 0.61)}
SOLID = [0] * 128 + [255] * 128  # from a pixel's opacity to whether it counts as covered


class Cutout:
    """A drawing at its final size: covering a given share of the picture, or as large as fits.

    - width, height: In pixels
    - sheet: PIL image in RGBA; outline: PIL image in L, 255 where it covers what is behind it,
      otherwise 0. Both are made only when needed, since most sizes that are tried don't fit
    - covered: Number of pixels that it covers
    """

    def __init__(self, drawing, share):
        self._drawing = drawing
        drawn = sum(drawing.getchannel("A").histogram()[128:])
        factor = min(
            (share * SIZE**2 / drawn) ** 0.5,
            0.95 * SIZE / drawing.width,
            0.85 * SIZE / drawing.height,
        )
        self.width, self.height = (max(1, round(side * factor)) for side in drawing.size)

    @cached_property
    def sheet(self):
        return self._drawing.resize(
            (self.width, self.height), Image.Resampling.LANCZOS, reducing_gap=2
        )

    @cached_property
    def outline(self):
        return self.sheet.getchannel("A").point(SOLID)

    @cached_property
    def covered(self):
        return self.outline.histogram()[255]


@dataclass(frozen=True)
class Piece:
    """A cutout with a position: its left and top pixel, and its number in the mask."""

    cutout: Cutout
    left: int
    top: int
    number: int

    @property
    def right(self):
        return self.left + self.cutout.width

    @property
    def bottom(self):
        return self.top + self.cutout.height


def draw_scene(kind, setting, relation, rng):
    """Draw a scene with a given main kind, setting and relation, and everything else at random.

    Inputs:
    - kind, setting, relation: One of `world.combinations()`
    - rng: random.Random

    Returns a tuple of:
    - scene: The truth, a `Scene`
    - picture: PIL image of SIZE x SIZE pixels, in RGB
    - mask: PIL image of the same size, in L: 1 where the main thing is visible, 2 to 4 for the
      others, one by one, otherwise 0
    """
    weather = None if setting in ("room", "night") else rng.choice(WEATHERS)
    colour = rng.choice(list(COLOURS)) if KINDS[kind].coloured else None
    main = Thing(kind, colour, 1, rng.choice(("big", "small")), (), 0.0)
    place = spot(kind, setting, relation)
    drawing = _turned(draw_thing(main, place, rng), rng)
    others = companions(kind, setting, relation)
    # the first that fits, which is nearly always the first one tried
    for other_kind in rng.sample(others, len(others)):
        other = _other(other_kind, colour, rng)
        places = place, other and spot(kind, setting, relation, of_other=other_kind)
        drawings = drawing, other and _turned(draw_thing(other, places[1], rng), rng)
        arranged = _arrange(main, other, drawings, places, setting, relation, rng)
        if arranged:
            break
    pieces, mask, main, other = arranged

    pen = Pen(rng)
    PLACES[setting](pen, rng, weather)
    picture = pen.image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
    for piece in pieces:
        if places[min(piece.number, 2) - 1] == "ground":
            _shadow(picture, piece)
        sheet = piece.cutout.sheet
        picture.paste(sheet.convert("RGB"), (piece.left, piece.top), sheet.getchannel("A"))
    return (
        Scene(setting, weather, main, other, relation),
        light(picture, rng, setting, weather),
        mask,
    )


def _other(kind, colour_of_main, rng):
    if kind is None:
        return None
    colours = [name for name in COLOURS if name != colour_of_main]
    return Thing(
        kind,
        rng.choice(colours) if KINDS[kind].coloured else None,
        rng.choice((1, 1, 1, 2, 2, 3)),
        None,
        (),
        0.0,
    )


def draw_thing(thing, place, rng):
    """A thing on its sheet, several times its final size, facing right."""
    tilt = rng.uniform(-12, 12) if place == "air" else rng.uniform(-2.5, 2.5)
    pen = Pen(rng, 3 if thing.size else 2, tilt, margin=8)
    colour = thing.colour and tuple(
        value + rng.randrange(-10, 11) for value in COLOURS[thing.colour]
    )
    how = {"flying": place == "air"} if thing.kind == "bird" else {}
    draw = getattr(objects, thing.kind, None) or getattr(creatures, thing.kind)
    draw(pen, colour, rng, **how)
    return pen.sheet()


def _turned(sheet, rng):
    """The sheet or, half of the time, its mirror image."""
    return sheet.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else sheet


def _arrange(main, other, drawings, places, setting, relation, rng):
    """Try sizes and places until every thing is visible and the relation holds; things that don't
    fit get smaller.

    Returns pieces, mask, and main and other with their visible box and area; or None if nothing
    that was tried fits.
    """
    for attempt in range(300):
        if attempt % 15 == 0:
            if attempt >= 60:
                main = replace(main, size="small")
            if attempt >= 200 and other:
                other = replace(other, count=1)
            shrink = 1 - attempt / 600
            cutout = Cutout(
                drawings[0], max(1.06 * LEAST, shrink * rng.uniform(*SHARES[main.size]))
            )
            others = (
                [Cutout(drawings[1], shrink**2 * rng.uniform(*OTHER_SHARES[other.count]))]
                * other.count
                if other
                else []
            )
        pieces = _place(cutout, others, places, setting, relation, rng)
        if not (_inside(pieces) and _apart(pieces, relation)):
            continue
        mask = _mask(pieces)
        if _seen(pieces, mask, relation):
            return (
                pieces,
                mask,
                _measured(main, mask, (1, 1)),
                other and _measured(other, mask, (2, 4)),
            )
    return None


def _place(cutout, others, places, setting, relation, rng):
    """Pieces from back to front."""
    gap = rng.randrange(1, 4)
    width = sum(piece.width + gap for piece in others)
    room = SIZE - cutout.width - width - 2
    left = round(rng.uniform(1, SIZE - cutout.width - 1))
    others_left = left + (cutout.width - width) // 2 + rng.randrange(-20, 21)
    if relation == "left of":
        left = round(rng.uniform(1, max(1, room)))
        others_left = round(rng.uniform(left + cutout.width + 2, SIZE - width))
    elif relation == "right of":
        others_left = round(rng.uniform(1, max(1, room)))
        left = round(rng.uniform(others_left + width + 1, SIZE - cutout.width))
    main = Piece(cutout, left, _top(cutout, places[0], setting, relation, rng), 1)
    if not others:
        return [main]
    top = _top(others[0], places[1], setting, relation, rng)
    wobble = 3
    if relation in ("in front of", "behind"):
        depth = rng.randrange(8, 24) if relation == "in front of" else -rng.randrange(2, 14)
        top = main.bottom - depth - others[0].height
        wobble = 0
    group = []
    for number, piece in enumerate(others, 2):
        group.append(Piece(piece, others_left, top + rng.randint(-wobble, wobble), number))
        others_left += piece.width + gap
    return [main, *group] if relation == "behind" else [*group, main]


def _inside(pieces):
    return all(p.left >= 0 and p.top >= 0 and p.right <= SIZE and p.bottom <= SIZE for p in pieces)


def _top(cutout, place, setting, relation, rng):
    # stacked things need the upper edge of the sky and the front of the ground
    stacked = relation in ("above", "below")
    if place == "air":
        return round(rng.uniform(1, 6 if stacked else max(2, 0.5 * SIZE - cutout.height)))
    low, high = WATERLINE[setting] if place == "water" else (0.90 if stacked else 0.80, 0.97)
    return round(rng.uniform(low, high) * SIZE) - cutout.height


def _apart(pieces, relation):
    """Whether one thing is clearly beside or above the other, or they overlap enough to show which
    is in front.
    """
    main = next(piece for piece in pieces if piece.number == 1)
    group = [piece for piece in pieces if piece.number > 1]
    if not group:
        return True
    left = min(p.left for p in group)
    right = max(p.right for p in group)
    top = min(p.top for p in group)
    bottom = max(p.bottom for p in group)
    level = main.top < bottom and top < main.bottom
    shared = (
        max(0, min(right, main.right) - max(left, main.left)),
        max(0, min(bottom, main.bottom) - max(top, main.top)),
    )
    return {
        "left of": main.right < left and level,
        "right of": right < main.left and level,
        "above": main.bottom < top and shared[0] > 0,
        "below": bottom < main.top and shared[0] > 0,
    }.get(relation, shared[0] * shared[1] > 0.3 * (right - left) * (bottom - top))


def _mask(pieces):
    mask = Image.new("L", (SIZE, SIZE))
    for piece in pieces:
        mask.paste(piece.number, (piece.left, piece.top), piece.cutout.outline)
    return mask


def _seen(pieces, mask, relation):
    """Whether the main thing is large enough, and each thing fully visible, or partly hidden if the
    relation is one of depth.
    """
    counts = mask.histogram()
    whole = {piece.number: piece.cutout.covered for piece in pieces}
    seen = {number: counts[number] / whole[number] for number in whole}
    if counts[1] < LEAST * SIZE**2 or any(counts[1] < 1.3 * counts[n] for n in seen if n > 1):
        return False
    if relation == "in front of":
        return min(seen.values()) > 0.55 and min(seen.values()) < 0.9
    if relation == "behind":
        return 0.7 < seen[1] < 0.99
    return min(seen.values()) == 1


def _measured(thing, mask, numbers):
    """The thing with its box and the share of the picture in which it is visible."""
    low, high = numbers
    shown = mask.point([255 if low <= value <= high else 0 for value in range(256)])
    return replace(thing, box=shown.getbbox(), area=shown.histogram()[255] / SIZE**2)


def _shadow(picture, piece):
    """A soft shadow at a thing's feet."""
    shade = Image.new("L", (SIZE, SIZE))
    depth = max(2, round(0.05 * piece.cutout.width))
    box = piece.left + 1, piece.bottom - depth, piece.right - 1, piece.bottom + depth
    ImageDraw.Draw(shade).ellipse(box, fill=90)
    shade = shade.filter(ImageFilter.GaussianBlur(1.5))
    picture.paste(
        ImageChops.multiply(picture, Image.new("RGB", picture.size, (90, 80, 90))), mask=shade
    )
