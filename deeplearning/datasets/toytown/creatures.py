"""How the animals, people and plants of Toytown are drawn: each on a sheet of 100 x 100 units,
facing right.

Every function takes a Pen, the thing's colour (RGB) and a random.Random that varies its shape.
"""

import math

from deeplearning.datasets.toytown.pen import INK, WHITE, mix, shade

SKINS = ((250, 216, 186), (226, 178, 138), (168, 116, 80), (112, 76, 54))
HAIR = ((60, 44, 40), (120, 76, 44), (222, 178, 92), (178, 84, 44))
ROSE = (240, 150, 150)


def legs(pen, colour, places, top, bottom, width, foot=None):
    for k, x in enumerate(places):
        tone = shade(colour, -0.16) if k % 2 else colour
        pen.box(x - width / 2, top, x + width / 2, bottom, tone, 2)
        if foot:
            pen.box(x - width / 2, bottom - 5, x + width / 2, bottom, foot, 1, outline=False)


def cat(pen, colour, rng):
    light = mix(colour, WHITE, 0.55)
    tail = [(72, 90), (88, 86), (93, 70), (86, rng.uniform(52, 62)), (91, rng.uniform(44, 50))]
    pen.line(tail, 8.5, shade(colour, -0.35))
    pen.line(tail, 6.5, colour)
    pen.shape(
        [(30, 94), (24, 74), (36, 54), (64, 54), (76, 74), (72, 94), (50, 97)], colour, smooth=True
    )
    pen.shape([(40, 92), (38, 74), (50, 62), (62, 74), (60, 92)], light, smooth=True, outline=False)
    for x in (40, 60):
        pen.oval(x, 94, 8, 4.5, light)
    for side in (-1, 1):
        pen.shape([(50 + 27 * side, 34), (50 + 26 * side, 4), (50 + 5 * side, 18)], colour)
        pen.shape(
            [(50 + 23 * side, 26), (50 + 23 * side, 11), (50 + 11 * side, 19)], ROSE, outline=False
        )
    pen.oval(50, 36, 29, 24, colour)
    if rng.random() < 0.6:  # a tabby
        for x in (42, 50, 58):
            pen.line([(x, 14), (x, 21)], 2.6, shade(colour, -0.35))
        for y in (66, 74, 82):
            pen.line([(28, y), (35, y + 1)], 2.6, shade(colour, -0.35))
    pen.oval(50, 46, 14, 9, light, outline=False)
    for side in (-1, 1):
        pen.oval(50 + 13 * side, 34, 5.6, 6.4, (250, 244, 190))
        pen.eye(50 + 13 * side, 34.5, 3.2)
        for dy in (-2, 2):
            pen.line([(50 + 10 * side, 47), (50 + 33 * side, 46 + 2 * dy)], 0.9, INK)
    pen.shape([(46.5, 42), (53.5, 42), (50, 46)], (220, 110, 120))
    pen.line([(44, 50), (47, 51.5), (50, 48), (53, 51.5), (56, 50)], 1.2)


def dog(pen, colour, rng):
    dark = shade(colour, -0.3)
    light = mix(colour, WHITE, 0.55)
    up = rng.uniform(24, 36)
    pen.line([(14, 58), (6, 48), (4, up)], 7.5, dark)
    pen.line([(14, 58), (6, 48), (4, up)], 5.5, colour)
    legs(pen, colour, (22, 32, 58, 68), 62, 95, 9.5, light)
    pen.shape(
        [(10, 60), (18, 50), (48, 50), (70, 48), (76, 62), (68, 76), (40, 75), (16, 75)],
        colour,
        smooth=True,
    )
    if rng.random() < 0.5:
        pen.oval(34, 58, 11, 7, light, outline=False)
    pen.shape(
        [(56, 40), (62, 26), (76, 22), (86, 28), (96, 36), (98, 44), (90, 50), (76, 52), (62, 54)],
        colour,
        smooth=True,
    )
    pen.shape([(82, 36), (94, 37), (98, 43), (90, 49), (80, 47)], light, smooth=True, outline=False)
    pen.shape([(60, 27), (70, 26), (72, 40), (67, 54), (58, 52), (56, 38)], dark, smooth=True)
    pen.oval(96, 37, 4, 3.2, (40, 32, 36))
    pen.eye(81, 32, 2.6)
    pen.line([(95, 46), (88, 48.5), (82, 46)], 1.3)
    pen.shape([(85, 48), (91, 47.5), (90, 56), (86, 56)], (232, 108, 118), smooth=True, width=0.8)
    pen.line([(60, 57), (73, 54)], 4, (200, 60, 60) if colour[1] > 90 else (250, 220, 90))
    pen.oval(68, 59, 2.4, fill=(244, 204, 84), width=0.8)


def bird(pen, colour, rng, flying=False):
    light = mix(colour, WHITE, 0.5)
    dark = shade(colour, -0.22)
    if flying:
        pen.shape([(44, 48), (18, 22), (24, 8), (46, 20), (60, 46)], dark, smooth=True)
    else:
        for x in (44, 54):
            pen.line([(x, 76), (x, 92)], 2.2, (232, 140, 50))
            pen.line([(x - 5, 94), (x, 91), (x + 6, 94)], 2.2, (232, 140, 50))
    pen.shape([(20, 56), (2, 50), (0, 60), (4, 68), (24, 64)], dark)
    pen.shape(
        [(14, 60), (34, 44), (60, 34), (76, 46), (74, 64), (56, 78), (34, 76)], colour, smooth=True
    )
    pen.shape([(40, 74), (58, 60), (72, 58), (66, 72), (54, 78)], light, smooth=True, outline=False)
    pen.shape([(86, 33), (100, 38), (86, 44)], (244, 166, 50))
    pen.line([(87, 38.5), (97, 38.5)], 0.9, (170, 100, 30))
    pen.oval(72, 36, 17, 16, colour)
    if rng.random() < 0.5:
        pen.line([(70, 21), (64, 12)], 2.6, dark)
        pen.line([(73, 20), (72, 10)], 2.6, dark)
    pen.oval(78, 33, 4.6, fill=WHITE, outline=False)
    pen.eye(79, 33, 2.8)
    pen.oval(73, 43, 3.6, 2.4, (246, 160, 150), outline=False)
    if flying:
        pen.shape(
            [(34, 54), (14, 26), (8, 6), (36, 18), (62, 52), (50, 60)],
            mix(colour, WHITE, 0.18),
            smooth=True,
        )
    else:
        pen.shape([(16, 60), (30, 50), (52, 50), (56, 60), (40, 70), (22, 70)], dark, smooth=True)


def horse(pen, colour, rng):
    mane = rng.choice(((60, 44, 40), (244, 226, 180), shade(colour, -0.5)))
    pen.shape([(12, 42), (2, 48), (1, 66), (6, 74), (10, 60), (16, 50)], mane, smooth=True)
    legs(pen, colour, (18, 28, 58, 67), 54, 97, 7.5, (70, 56, 52))
    pen.shape(
        [(9, 52), (16, 39), (42, 41), (64, 38), (74, 48), (70, 62), (42, 64), (16, 63)],
        colour,
        smooth=True,
    )
    pen.shape(
        [
            (56, 46),
            (64, 24),
            (70, 12),
            (82, 8),
            (86, 18),
            (97, 32),
            (96, 40),
            (88, 42),
            (78, 32),
            (76, 52),
        ],
        colour,
    )
    pen.shape([(73, 11), (75, 1), (80, 9)], colour)
    pen.shape(
        [(76, 8), (70, 4), (62, 16), (54, 34), (52, 46), (60, 44), (66, 28), (74, 16)],
        mane,
        smooth=True,
    )
    pen.shape([(90, 31), (97, 32), (96, 40), (88, 42)], mix(colour, WHITE, 0.4), outline=False)
    pen.eye(82, 18, 2)
    pen.oval(94, 35, 1.1, fill=INK, outline=False)
    if rng.random() < 0.4:
        pen.shape(
            [(32, 40), (50, 40), (51, 54), (33, 54)],
            (200, 60, 60) if colour[1] > 90 else (250, 220, 90),
        )


def cow(pen, colour, rng):
    pen.line([(6, 44), (2, 58), (4, 72)], 2.4, shade(colour, -0.3))
    pen.oval(4, 75, 3, 5, shade(colour, -0.4), outline=False)
    pen.oval(38, 75, 8, 6, ROSE)
    legs(pen, colour, (16, 26, 56, 66), 62, 97, 9, (70, 56, 52))
    pen.box(5, 37, 76, 74, colour, 13)
    for x, y, rx in ((20, 47, 9), (42, 60, 11), (60, 45, 8)):
        x = x + rng.uniform(-4, 4)
        y = y + rng.uniform(-3, 3)
        pen.shape(
            [(x - rx, y), (x - 3, y - 7), (x + rx, y - 3), (x + 4, y + 7), (x - 5, y + 6)],
            WHITE,
            smooth=True,
            outline=False,
        )
    for x, tip in ((70, 64), (88, 95)):
        pen.line([(x, 26), (tip, 20), (tip, 13)], 4, (240, 226, 190))
    for x, turn in ((63, 20), (93, -20)):
        pen.oval(x, 32, 6, 4, shade(colour, -0.15), turn)
    pen.shape([(68, 26), (90, 26), (92, 42), (89, 58), (70, 58), (66, 42)], colour, smooth=True)
    pen.shape([(76, 24), (84, 24), (82, 44), (78, 44)], WHITE, smooth=True, outline=False)
    pen.oval(80, 54, 13, 9, (246, 184, 178))
    for x in (75, 85):
        pen.oval(x, 53, 1.8, 2.4, (150, 90, 90), outline=False)
        pen.eye(x + (x - 80) * 0.4, 38, 2.4)
    pen.line([(75, 58.5), (80, 60), (85, 58.5)], 1.2, (150, 90, 90))


def elephant(pen, colour, rng):
    light = mix(colour, WHITE, 0.25)
    pen.line([(8, 40), (2, 52), (4, 62)], 2.6, shade(colour, -0.35))
    for k, x in enumerate((18, 30, 50, 61)):
        pen.box(x - 7, 60, x + 7, 95, shade(colour, -0.16) if k % 2 else colour, 3)
        for dx in (-4, 0, 4):
            pen.oval(x + dx, 94, 1.8, 1.6, light, outline=False)
    pen.shape(
        [(6, 56), (8, 34), (28, 22), (52, 24), (68, 38), (68, 64), (44, 74), (16, 72)],
        colour,
        smooth=True,
    )
    if rng.random() < 0.5:  # trunk raised, or hanging
        trunk = [(84, 48), (94, 54), (98, 42), (95, 28)]
    else:
        trunk = [(84, 48), (92, 58), (92, 74), (96, 84)]
    pen.line(trunk, 10.5, shade(colour, -0.38))
    pen.oval(76, 38, 17, 18, colour)
    pen.line(trunk, 8.5, colour)
    pen.shape([(80, 52), (92, 62), (82, 59)], WHITE, width=1)
    ear = rng.uniform(42, 48)
    pen.shape(
        [(66, 22), (54, 20), (ear, 36), (50, 56), (62, 60), (70, 44)],
        shade(colour, -0.12),
        smooth=True,
    )
    pen.shape(
        [(64, 27), (56, 26), (ear + 6, 38), (54, 52), (61, 53), (66, 42)],
        ROSE,
        smooth=True,
        outline=False,
    )
    pen.eye(82, 34, 2.4)


def giraffe(pen, colour, rng):
    light = mix(colour, WHITE, 0.3)
    dark = shade(colour, -0.42)
    pen.line([(18, 60), (13, 72), (14, 78)], 2, dark)
    legs(pen, light, (24, 32, 52, 60), 62, 98, 6, dark)
    pen.shape(
        [(17, 64), (24, 55), (46, 52), (64, 50), (67, 62), (58, 70), (26, 71)], light, smooth=True
    )
    pen.shape([(50, 56), (64, 16), (74, 16), (67, 62)], light)
    pen.line([(49, 54), (62, 17)], 3, dark)
    for x in (66, 72):
        pen.line([(x, 12), (x - 1, 3)], 2, dark)
        pen.oval(x - 1, 3, 2.2, fill=dark, outline=False)
    pen.shape([(61, 16), (54, 12), (58, 20)], light)
    pen.shape(
        [(60, 16), (66, 9), (76, 10), (90, 18), (91, 25), (80, 27), (66, 25)], light, smooth=True
    )
    pen.oval(88, 21, 4, 3.6, mix(light, WHITE, 0.5), outline=False)
    pen.eye(74, 15.5, 2)
    spots = [
        (27, 62),
        (36, 58),
        (37, 66),
        (46, 60),
        (47, 68),
        (55, 57),
        (57, 65),
        (58, 46),
        (63, 52),
        (62, 38),
        (68, 42),
    ]
    for x, y in [*spots, (66, 31), (70, 26), (26, 69)]:
        r = rng.uniform(2.6, 3.8)
        pen.oval(x, y, r, r * 0.85, dark, rng.uniform(0, 90), outline=False)


def person(pen, colour, rng):
    skin = rng.choice(SKINS)
    hair = rng.choice(HAIR)
    trousers = rng.choice(((66, 78, 110), (96, 84, 76), (70, 66, 74)))
    for x in (43, 57):
        pen.box(x - 5.5, 68, x + 5.5, 94, trousers, 2)
        pen.oval(x + 1.5, 95, 7.5, 4, (74, 54, 48))
    wave = rng.random() < 0.5
    for side in (-1, 1):
        hand = (50 + 27 * side, 26) if wave and side == 1 else (50 + 22 * side, 66)
        pen.line([(50 + 12 * side, 44), hand], 9.5, shade(colour, -0.38))
        pen.line([(50 + 12 * side, 44), hand], 7.5, shade(colour, -0.08))
        pen.oval(*hand, 4.6, fill=skin)
    long = rng.random() < 0.5
    pen.shape([(38, 40), (62, 40), (66, 76 if long else 70), (34, 76 if long else 70)], colour)
    pen.line([(50, 44), (50, 68)], 1.2, shade(colour, -0.35))
    for y in (50, 58, 66):
        pen.oval(52.5, y, 1.2, fill=WHITE, outline=False)
    style = rng.randrange(3)
    if style == 0:  # long hair
        pen.shape([(34, 22), (50, 4), (66, 22), (67, 46), (33, 46)], hair, smooth=True)
    pen.oval(50, 25, 15.5, 16, skin)
    if style == 1:  # a woollen hat
        pen.shape([(34, 20), (38, 8), (50, 3), (62, 8), (66, 20)], mix(colour, WHITE, 0.3))
        pen.box(33, 17, 67, 22, colour, 2)
        pen.oval(50, 3.5, 4, fill=WHITE)
    else:
        pen.shape(
            [(34, 26), (36, 12), (50, 6), (64, 12), (66, 26), (58, 16), (44, 15)], hair, smooth=True
        )
    for side in (-1, 1):
        pen.eye(50 + 6 * side, 27, 1.9)
        pen.oval(50 + 9.5 * side, 32.5, 2.8, 1.8, (240, 140, 130, 255), outline=False)
    pen.line([(45, 34), (50, 36.5), (55, 34)], 1.4, (150, 70, 70))


def tree(pen, colour, rng):
    bark = (120, 84, 58)
    pen.shape([(44, 98), (46, 58), (54, 58), (57, 98)], bark)
    if rng.random() < 0.35:  # a fir
        for y, half in ((80, 36), (58, 29), (37, 21)):
            pen.shape([(50 - half, y), (50, y - 35), (50 + half, y)], colour)
        return
    pen.line([(50, 66), (36, 52)], 3.4, bark)
    for x, y, r in ((28, 48, 20), (72, 48, 20), (36, 28, 19), (64, 27, 19), (50, 20, 17)):
        pen.oval(x + rng.uniform(-2, 2), y + rng.uniform(-2, 2), r, fill=colour)
    pen.oval(50, 40, 26, fill=colour, outline=False)
    fruit = rng.random() < 0.4
    for _ in range(9):
        x = 50 + rng.uniform(-32, 32)
        y = 38 + rng.uniform(-22, 20)
        if fruit:
            pen.oval(x, y, 3, fill=(226, 64, 56) if colour[1] > 70 else (250, 220, 90), width=0.8)
        else:
            pen.line([(x - 4, y), (x, y + 2.5), (x + 4, y)], 1.6, shade(colour, -0.2))


def flower(pen, colour, rng):
    stem = (70, 140, 66)
    petals = rng.choice((5, 6, 8))
    pen.line([(50, 36), (rng.uniform(46, 54), 70), (50, 98)], 4.6, stem)
    pen.shape([(50, 86), (30, 66), (16, 68), (24, 82)], stem, smooth=True)
    pen.shape([(50, 90), (70, 72), (84, 74), (76, 88)], stem, smooth=True)
    start = rng.uniform(0, 1)
    r = {5: 16, 6: 14, 8: 11.5}[petals]
    for k in range(petals):
        turn = start + 2 * math.pi * k / petals
        x = 50 + 20 * math.cos(turn)
        y = 34 + 20 * math.sin(turn)
        pen.oval(x, y, 15, r, colour if k % 2 else shade(colour, 0.12), math.degrees(turn))
    centre = (
        (250, 214, 70)
        if colour != (247, 208, 58) and colour[0] - colour[2] < 150
        else (120, 76, 46)
    )
    pen.oval(50, 34, 10.5, fill=centre)
    for k in range(6):
        pen.oval(
            50 + 5 * math.cos(k), 34 + 5 * math.sin(k), 1.2, fill=shade(centre, -0.3), outline=False
        )
