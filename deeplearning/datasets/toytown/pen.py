"""Drawing with a slightly unsteady hand: filled shapes with soft outlines, on a transparent sheet.

A sheet measures 100 x 100 units, x to the right and y down, and is drawn several times larger than
it is shown; shrinking it makes the edges smooth.
"""

import math

from PIL import Image, ImageChops, ImageDraw

INK = (62, 50, 52)
WHITE = (252, 250, 244)


def shade(colour, amount):
    """A colour made darker (amount below 0) or lighter (above 0); -1 gives black, 1 gives white."""
    target = 255 if amount > 0 else 0
    return tuple(round(value + abs(amount) * (target - value)) for value in colour)


def mix(first, second, share):
    """The colour at `share` of the way from the first to the second."""
    return tuple(round(a + share * (b - a)) for a, b in zip(first, second, strict=True))


def curve(points, steps=6):
    """Closed Catmull-Rom curve through points."""
    smooth = []
    n = len(points)
    for k in range(n):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (points[(k + j) % n] for j in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            a = -t + 2 * t**2 - t**3
            b = 2 - 5 * t**2 + 3 * t**3
            c = t + 4 * t**2 - 3 * t**3
            d = t**3 - t**2
            smooth.append(
                ((a * x0 + b * x1 + c * x2 + d * x3) / 2, (a * y0 + b * y1 + c * y2 + d * y3) / 2)
            )
    return smooth


class Pen:
    """Draws on a sheet of its own.

    Inputs:
    - rng: random.Random, the source of the hand's unsteadiness
    - scale: Pixels per unit
    - tilt: Degrees by which everything is rotated around the middle
    - margin: Units around the 100 x 100, for parts that stick out
    """

    def __init__(self, rng, scale=3, tilt=0.0, margin=0):
        self.rng = rng
        self.scale = scale
        self.margin = margin
        self._cos = math.cos(math.radians(tilt))
        self._sin = math.sin(math.radians(tilt))
        side = (100 + 2 * margin) * scale
        self.image = Image.new("RGBA", (side, side))
        self.draw = ImageDraw.Draw(self.image)

    def shape(self, points, fill, smooth=False, outline=True, width=1.5):
        """Filled outline through points; `smooth` rounds it."""
        points = curve(points) if smooth else points
        points = self._pixels(self._unsteady(points))
        self.draw.polygon(points, fill=fill)
        if outline:
            ink = shade(fill[:3], -0.38)
            self.draw.line(
                [*points, *points[:2]], fill=ink, width=round(width * self.scale), joint="curve"
            )

    def oval(self, x, y, rx, ry=None, fill=INK, turn=0, outline=True, width=1.5):
        """Ellipse around (x, y), turned by `turn` degrees."""
        ry = rx if ry is None else ry
        c = math.cos(math.radians(turn))
        s = math.sin(math.radians(turn))
        ring = [
            (rx * math.cos(k * math.pi / 18), ry * math.sin(k * math.pi / 18)) for k in range(36)
        ]
        self.shape(
            [(x + c * u - s * v, y + s * u + c * v) for u, v in ring],
            fill,
            outline=outline,
            width=width,
        )

    def box(self, x0, y0, x1, y1, fill, round_by=0, outline=True, width=1.5):
        """Rectangle with corners rounded by a radius."""
        r = min(round_by, (x1 - x0) / 2, (y1 - y0) / 2)
        corners = [
            (x1 - r, y0 + r, -90),
            (x1 - r, y1 - r, 0),
            (x0 + r, y1 - r, 90),
            (x0 + r, y0 + r, 180),
        ]
        points = [
            (
                x + r * math.cos(math.radians(start + turn)),
                y + r * math.sin(math.radians(start + turn)),
            )
            for x, y, start in corners
            for turn in ((0, 30, 60, 90) if r else (0,))
        ]
        self.shape(points, fill, outline=outline, width=width)

    def line(self, points, width, fill=INK):
        """Line with round ends."""
        points = self._pixels(points)
        half = width * self.scale / 2
        self.draw.line(points, fill=fill, width=round(2 * half), joint="curve")
        for x, y in (points[0], points[-1]):
            self.draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def eye(self, x, y, r=1.6):
        self.oval(x, y, r, r * 1.15, (40, 32, 36), outline=False)
        self.oval(x + 0.35 * r, y - 0.4 * r, 0.38 * r, fill=WHITE, outline=False)

    def sheet(self):
        """The finished drawing, cropped to its content, with the grain of crayon on paper."""
        image = self.image.crop(self.image.getbbox())
        paper = grain(self.rng, image.size, 7, coarse=4)
        coloured = ImageChops.add(
            image.convert("RGB"), Image.merge("RGB", [paper] * 3), offset=-128
        )
        coloured.putalpha(image.getchannel("A"))
        return coloured

    def _pixels(self, points):
        c = self._cos * self.scale
        s = self._sin * self.scale
        middle = (50 + self.margin) * self.scale
        return [
            (middle + c * (x - 50) - s * (y - 50), middle + s * (x - 50) + c * (y - 50))
            for x, y in points
        ]

    def _unsteady(self, points, by=0.35):
        """Points moved by slow waves, so that no two drawings have the same outline."""
        a = self.rng.uniform(0, 6.3)
        b = self.rng.uniform(0, 6.3)
        return [
            (x + by * math.sin(0.13 * y + a), y + by * math.sin(0.13 * x + b)) for x, y in points
        ]


def grain(rng, size, strength, coarse=1):
    """Grey noise around 128, at most `strength` away from it, in grains of `coarse` pixels."""
    small = max(2, size[0] // coarse), max(2, size[1] // coarse)
    noise = Image.frombytes("L", small, rng.randbytes(small[0] * small[1]))
    return noise.resize(size, Image.Resampling.BILINEAR).point(
        [128 + (v - 128) * strength // 128 for v in range(256)]
    )
