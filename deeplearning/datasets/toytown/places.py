"""The settings of Toytown: the ground, and small details of each place that captions don't mention.

Every setting is a function of a Pen, whose sheet is the whole picture (100 x 100 units), a
random.Random, and the weather. The horizon lies between 45 and 60 units from the top; things stand
below it.
"""

import math

from PIL import Image, ImageChops, ImageDraw

from deeplearning.datasets.toytown.pen import WHITE, grain, mix, shade
from deeplearning.datasets.toytown.skies import SKIES, fade, sky


def hills(pen, rng, horizon, colour, height=9):
    """A wavy ridge against the sky."""
    a = rng.uniform(0, 6.3)
    b = rng.uniform(0, 6.3)
    ridge = [
        (x, horizon - height * (0.5 + 0.3 * math.sin(0.06 * x + a) + 0.2 * math.sin(0.15 * x + b)))
        for x in range(-4, 105, 4)
    ]
    pen.shape([*ridge, (104, horizon + 2), (-4, horizon + 2)], colour, outline=False)


def scatter(rng, horizon, few, many):
    """Positions on the ground, distant ones first, each with the size that things have there."""
    places = sorted(
        (rng.uniform(horizon + 3, 99), rng.uniform(2, 98))
        for _ in range(rng.randrange(few, many + 1))
    )
    return [(x, y, 0.5 + (y - horizon) / (100 - horizon)) for y, x in places]


def street(pen, rng, weather):
    horizon = rng.uniform(50, 56)
    sky(pen, rng, weather, horizon)
    x = -rng.uniform(0, 10)
    while x < 100:  # a row of pale houses, too far away to count as things of the scene
        width = rng.uniform(9, 16)
        height = rng.uniform(12, 26)
        wall = mix(
            rng.choice(((206, 190, 176), (190, 196, 204), (214, 202, 184), (196, 184, 190))),
            SKIES[weather][1],
            0.35,
        )
        pen.box(x, horizon - height, x + width, horizon + 1, wall, outline=False)
        for wx in range(2, int(width) - 2, 4):
            for wy in range(3, int(height) - 3, 5):
                pen.box(
                    x + wx,
                    horizon - height + wy,
                    x + wx + 2,
                    horizon - height + wy + 2.6,
                    shade(wall, -0.16),
                    outline=False,
                )
        x += width
    pen.box(-4, horizon, 104, horizon + 7, (186, 180, 172), outline=False)
    for k in range(11):
        pen.line([(k * 10 - 3, horizon), (k * 10 - 6, horizon + 7)], 0.5, (160, 154, 148))
    fade(pen, (112, 112, 120), (92, 92, 100), horizon + 7, 100)
    offset = rng.uniform(0, 20)
    for k in range(-1, 6):
        x = k * 20 + offset
        y = horizon + 7 + 0.55 * (93 - horizon)
        pen.shape(
            [(x, y), (x + 10, y), (x + 9, y + 2.4), (x - 1.4, y + 2.4)],
            (232, 226, 206),
            outline=False,
        )
    if rng.random() < 0.5:
        x = rng.choice((rng.uniform(3, 12), rng.uniform(88, 97)))
        pen.line([(x, horizon + 6), (x, horizon - 22)], 1.4, (70, 74, 82))
        pen.oval(x, horizon - 23, 2.6, fill=(255, 242, 190), width=1)


def beach(pen, rng, weather):
    horizon = rng.uniform(46, 50)
    shore = rng.uniform(58, 63)
    sky(pen, rng, weather, horizon)
    fade(pen, (44, 132, 176), (120, 202, 212), horizon, shore + 2)
    for _ in range(7):
        x = rng.uniform(0, 96)
        y = rng.uniform(horizon + 2, shore - 2)
        pen.line([(x, y), (x + 2, y - 0.7), (x + 4, y)], 0.6, (200, 234, 240))
    wave = [(x, shore + 1.2 * math.sin(0.25 * x + shore)) for x in range(-4, 105, 4)]
    pen.shape([*wave, (104, 104), (-4, 104)], (240, 220, 164), outline=False)
    pen.line(wave, 1.6, WHITE)
    for x, y, size in scatter(rng, shore, 6, 14):
        if rng.random() < 0.5:
            pen.oval(x, y, 0.9 * size, 0.5 * size, (214, 190, 132), outline=False)
        elif rng.random() < 0.6:  # a shell
            pen.shape(
                [(x - 1.6 * size, y), (x, y - 2 * size), (x + 1.6 * size, y)],
                (250, 226, 214),
                smooth=True,
                width=0.6,
            )
        else:  # a starfish
            for k in range(5):
                turn = 1.26 * k + x
                pen.line(
                    [(x, y), (x + 2 * size * math.cos(turn), y + 1.3 * size * math.sin(turn))],
                    0.9 * size,
                    (222, 140, 112),
                )


def field(pen, rng, weather):
    horizon = rng.uniform(48, 56)
    sky(pen, rng, weather, horizon)
    hills(pen, rng, horizon, mix((128, 176, 118), SKIES[weather][1], 0.45), 14)
    hills(pen, rng, horizon, mix((118, 172, 96), SKIES[weather][1], 0.2), 7)
    fade(pen, (150, 200, 98), (104, 164, 70), horizon, 100)
    if rng.random() < 0.4:  # a fence
        for k in range(11):
            pen.box(
                k * 10 - 1, horizon - 2, k * 10 + 1, horizon + 7, (196, 166, 128), outline=False
            )
        for y in (horizon, horizon + 3.5):
            pen.box(-4, y, 104, y + 1.2, (180, 148, 110), outline=False)
    for x, y, size in scatter(rng, horizon, 14, 26):
        if rng.random() < 0.75:
            for dx in (-0.9, 0, 0.9):
                pen.line([(x, y), (x + dx * size, y - 2.2 * size)], 0.5 * size, (84, 142, 60))
        else:
            pen.oval(
                x,
                y,
                0.8 * size,
                fill=rng.choice((WHITE, (250, 226, 120), (244, 190, 210))),
                outline=False,
            )


def snow(pen, rng, weather):
    horizon = rng.uniform(50, 57)
    sky(pen, rng, weather, horizon)
    for _ in range(2):
        x = rng.uniform(5, 95)
        height = rng.uniform(14, 24)
        half = rng.uniform(18, 28)
        rock = mix((150, 160, 186), SKIES[weather][1], 0.35)
        pen.shape(
            [(x - half, horizon + 1), (x, horizon - height), (x + half, horizon + 1)],
            rock,
            outline=False,
        )
        top = horizon - height
        cap = height * 0.4
        left = (x - half * 0.4, top + cap)
        right = (x + half * 0.4, top + cap)
        notch = [(x + half * 0.15, top + 0.75 * cap), (x - half * 0.1, top + 1.15 * cap)]
        pen.shape([left, (x, top), right, *notch], WHITE, outline=False)
    fade(pen, (228, 238, 248), (250, 252, 254), horizon, 100)
    for x, y, size in scatter(rng, horizon, 5, 9):
        pen.oval(x, y, 9 * size, 1.6 * size, (214, 226, 242), outline=False)
    for _ in range(rng.randrange(20, 60)):  # flakes
        pen.oval(
            rng.uniform(0, 100),
            rng.uniform(0, 100),
            rng.uniform(0.4, 0.9),
            fill=WHITE,
            outline=False,
        )


def harbour(pen, rng, weather):
    horizon = rng.uniform(45, 48)
    quay = rng.uniform(64, 67)
    sky(pen, rng, weather, horizon)
    hills(pen, rng, horizon, mix((112, 136, 150), SKIES[weather][1], 0.4), 6)
    if rng.random() < 0.6:  # a lighthouse
        x = rng.uniform(6, 94)
        pen.shape(
            [
                (x - 2.6, horizon),
                (x - 1.6, horizon - 20),
                (x + 1.6, horizon - 20),
                (x + 2.6, horizon),
            ],
            WHITE,
            width=0.6,
        )
        for y in (5, 12):
            pen.box(x - 2.2, horizon - y - 3, x + 2.2, horizon - y, (206, 92, 84), outline=False)
        pen.box(x - 1.6, horizon - 24, x + 1.6, horizon - 20, (250, 226, 130), width=0.6)
    fade(pen, (62, 120, 160), (46, 96, 136), horizon, quay)
    for _ in range(12):
        x = rng.uniform(0, 96)
        y = rng.uniform(horizon + 2, quay - 2)
        pen.line([(x, y), (x + 2, y - 0.7), (x + 4, y)], 0.6, (150, 192, 214))
    pen.box(-4, quay, 104, 104, (168, 138, 108), outline=False)
    for y in range(round(quay) + 6, 100, 7):
        pen.line([(-4, y), (104, y)], 0.6, (136, 108, 84))
        for k in range(4):
            x = k * 28 + (y * 7) % 28
            pen.line([(x, y), (x, y + 7)], 0.5, (136, 108, 84))
    pen.box(-4, quay - 1, 104, quay + 1.6, (128, 100, 78), outline=False)
    for k in range(3):  # bollards
        x = 18 + 32 * k + rng.uniform(-3, 3)
        pen.box(x - 1.6, quay - 4, x + 1.6, quay + 1, (78, 72, 74), 1, outline=False)
        pen.box(x - 2.4, quay - 5, x + 2.4, quay - 3.4, (78, 72, 74), 0.7, outline=False)


def desert(pen, rng, weather):
    horizon = rng.uniform(48, 55)
    sky(pen, rng, weather, horizon)
    if rng.random() < 0.6:  # table mountains
        x = rng.uniform(12, 88)
        half = rng.uniform(9, 15)
        rock = mix((196, 120, 84), SKIES[weather][1], 0.3)
        left = x - 0.7 * half
        right = x + 0.7 * half
        top = horizon - 13
        foot = horizon + 1
        mountain = [(x - half, foot), (left, top), (right, top), (x + half, foot)]
        pen.shape(mountain, rock, outline=False)
        pen.line(
            [(x - 0.8 * half, horizon - 8), (x + 0.8 * half, horizon - 8)], 1.2, shade(rock, -0.12)
        )
    hills(pen, rng, horizon, (222, 172, 112), 7)
    fade(pen, (228, 178, 112), (208, 148, 84), horizon, 100)
    for k in range(5):  # ripples of sand
        y = horizon + 6 + k * 9 + rng.uniform(-2, 2)
        pen.line(
            [(x, y + 1.3 * math.sin(0.12 * x + k)) for x in range(-4, 105, 4)], 0.7, (196, 138, 78)
        )
    for _ in range(rng.randrange(1, 4)):  # cactuses far away
        x = rng.uniform(3, 97)
        y = horizon + rng.uniform(0, 3)
        h = rng.uniform(6, 10)
        pen.line([(x, y), (x, y - h)], 2.2, (94, 134, 84))
        pen.line(
            [(x, y - 0.35 * h), (x - 3, y - 0.4 * h), (x - 3, y - 0.75 * h)], 1.5, (94, 134, 84)
        )
        pen.line(
            [(x, y - 0.5 * h), (x + 3, y - 0.55 * h), (x + 3, y - 0.85 * h)], 1.5, (94, 134, 84)
        )
    for x, y, size in scatter(rng, horizon, 3, 8):
        pen.oval(x, y, 1.8 * size, 1.1 * size, (176, 124, 84), width=0.6)


def night(pen, rng, weather):
    horizon = rng.uniform(50, 56)
    sky(pen, rng, weather, horizon)
    for _ in range(rng.randrange(25, 50)):
        pen.oval(
            rng.uniform(0, 100),
            rng.uniform(0, horizon - 6),
            rng.uniform(0.25, 0.7),
            fill=(250, 244, 200),
            outline=False,
        )
    x = rng.choice((rng.uniform(8, 24), rng.uniform(76, 92)))
    y = rng.uniform(9, 18)
    r = rng.uniform(5, 7.5)
    pen.oval(x, y, r, fill=(250, 240, 200), outline=False)
    if rng.random() < 0.6:
        pen.oval(x + 0.5 * r, y - 0.25 * r, 0.85 * r, fill=SKIES[None][0], outline=False)
    hills(pen, rng, horizon, (40, 46, 88), 10)
    for _ in range(rng.randrange(5, 14)):  # windows of a town on the hills
        x = rng.uniform(2, 98)
        y = horizon - rng.uniform(0.5, 3.5)
        pen.box(x, y, x + 1.3, y + 1.5, (250, 220, 120), outline=False)
    fade(pen, (62, 80, 110), (46, 62, 92), horizon, 100)
    for x, y, size in scatter(rng, horizon, 8, 16):
        pen.line([(x, y), (x + 0.6 * size, y - 2 * size)], 0.5 * size, (84, 104, 134))


def room(pen, rng, weather):
    floor = rng.uniform(56, 61)
    wall = rng.choice(
        ((246, 226, 196), (212, 226, 226), (238, 214, 214), (222, 226, 204), (226, 218, 236))
    )
    fade(pen, shade(wall, 0.15), wall, 0, floor)
    stripes = rng.random() < 0.5
    paper = shade(wall, -0.05)
    for k in range(13):
        if stripes:
            pen.box(8 * k, 0, 8 * k + 3.4, floor, paper, outline=False)
        else:
            for j in range(7):
                pen.oval(8 * k + 4 * (j % 2), 9 * j + 3, 1.1, fill=paper, outline=False)
    x = rng.choice((rng.uniform(4, 14), rng.uniform(64, 74)))  # a window
    pen.box(x, 9, x + 22, 34, WHITE, width=1)
    pen.box(x + 2, 11, x + 20, 32, (176, 216, 240), outline=False)
    pen.line([(x + 11, 11), (x + 11, 32)], 1.4, WHITE)
    pen.line([(x + 2, 21), (x + 20, 21)], 1.4, WHITE)
    if rng.random() < 0.6:  # a picture on the wall
        y = (x + 44) % 84
        pen.box(y, 12, y + 13, 26, (170, 128, 84), width=1)
        pen.box(y + 2, 14, y + 11, 24, (226, 234, 220), outline=False)
        pen.shape([(y + 2, 24), (y + 6, 17), (y + 11, 24)], (150, 180, 140), outline=False)
    boards = rng.choice(((190, 146, 104), (170, 128, 92), (206, 170, 130)))
    fade(pen, boards, shade(boards, -0.12), floor, 100)
    for k, y in enumerate((0, 6, 14, 24, 36)):
        pen.line([(-4, floor + y), (104, floor + y)], 0.6, shade(boards, -0.22))
        for j in range(4):
            pen.line(
                [(30 * j + 13 * k % 30, floor + y), (30 * j + 13 * k % 30, floor + y + 6 + 2 * k)],
                0.5,
                shade(boards, -0.22),
            )
    pen.box(-4, floor - 3, 104, floor, WHITE, outline=False)
    if rng.random() < 0.6:  # a rug
        tone = rng.choice(((200, 150, 150), (150, 170, 196), (176, 190, 150)))
        pen.oval(50, 84, 44, 12, tone, width=1)
        pen.oval(50, 84, 36, 8.5, shade(tone, 0.25), outline=False)


PLACES = {
    draw.__name__: draw for draw in (street, beach, field, snow, harbour, desert, night, room)
}


def light(picture, rng, setting, weather):
    """Apply weather, darkness and the grain of the paper to a finished picture."""
    if setting == "night":
        picture = ImageChops.multiply(picture, Image.new("RGB", picture.size, (206, 210, 236)))
    if weather == "rainy":
        picture = ImageChops.multiply(picture, Image.new("RGB", picture.size, (226, 230, 238)))
        drops = Image.new("L", (picture.width * 3, picture.height * 3))
        draw = ImageDraw.Draw(drops)
        for _ in range(90):
            x = rng.uniform(0, drops.width)
            y = rng.uniform(-20, drops.height)
            long = rng.uniform(10, 22)
            draw.line([(x, y), (x - 0.25 * long, y + long)], fill=150, width=2)
        picture.paste((222, 232, 242), mask=drops.reduce(3))
    paper = grain(rng, picture.size, 5)
    return ImageChops.add(picture, Image.merge("RGB", [paper] * 3), offset=-128)
