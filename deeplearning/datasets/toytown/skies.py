"""The skies of Toytown by weather; None stands for the night.

Each is drawn with a Pen, whose sheet is the whole picture (100 x 100 units), and a random.Random.
"""

import math

from PIL import Image

from deeplearning.datasets.toytown.pen import WHITE

SKIES = {  # top, horizon
    "sunny": ((112, 186, 236), (214, 238, 246)),
    "cloudy": ((150, 170, 190), (212, 220, 224)),
    "rainy": ((112, 126, 146), (170, 182, 192)),
    None: ((28, 34, 78), (76, 76, 128)),
}


def fade(pen, top, bottom, y0, y1):
    """Fill from y0 to y1 units with a vertical colour gradient."""
    size = pen.image.width, round((y1 - y0) * pen.scale)
    ramp = Image.linear_gradient("L").resize(size)
    pen.image.paste(
        Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp),
        (0, round(y0 * pen.scale)),
    )


def sky(pen, rng, weather, horizon):
    top, bottom = SKIES[weather]
    fade(pen, top, bottom, 0, horizon)
    if weather == "sunny":
        x = rng.choice((rng.uniform(8, 26), rng.uniform(74, 92)))
        y = rng.uniform(8, 18)
        r = rng.uniform(5, 8)
        for k in range(12):
            u = math.cos(k * math.pi / 6)
            v = math.sin(k * math.pi / 6)
            pen.line(
                [(x + 1.25 * r * u, y + 1.25 * r * v), (x + 1.7 * r * u, y + 1.7 * r * v)],
                1.1,
                (252, 214, 90),
            )
        pen.oval(x, y, r, fill=(253, 220, 96), outline=False)
    tone = {"sunny": WHITE, "cloudy": (232, 234, 236), "rainy": (140, 150, 164)}.get(weather)
    for _ in range({"sunny": rng.randrange(0, 3), None: 0}.get(weather, rng.randrange(4, 7))):
        cloud(pen, rng, tone)


def cloud(pen, rng, tone):
    x = rng.uniform(5, 95)
    y = rng.uniform(6, 30)
    r = rng.uniform(3.5, 6.5)
    for dx, dy, size in (
        (-1.3, 0.2, 0.75),
        (0, -0.3, 1),
        (1.2, 0.1, 0.85),
        (2.2, 0.4, 0.55),
        (-2.1, 0.5, 0.5),
    ):
        pen.oval(x + dx * r, y + dy * r, size * r, 0.8 * size * r, tone, outline=False)
