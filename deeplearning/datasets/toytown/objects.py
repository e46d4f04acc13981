"""How the vehicles, buildings and toys of Toytown are drawn: each on a sheet of 100 x 100 units,
facing right.

Every function takes a Pen, the thing's colour (RGB) and a random.Random that varies its shape.
"""

import math

from deeplearning.datasets.toytown.pen import INK, WHITE, mix, shade

GLASS = (190, 224, 238)
TYRE = (58, 54, 60)
STEEL = (176, 180, 188)


def wheel(pen, x, y, r):
    pen.oval(x, y, r, fill=TYRE)
    pen.oval(x, y, 0.5 * r, fill=STEEL, outline=False)
    pen.oval(x, y, 0.15 * r, fill=TYRE, outline=False)


def car(pen, colour, rng):
    top = rng.uniform(28, 36)
    front = rng.uniform(62, 70)
    if rng.random() < 0.4:  # a round one
        roof = [(28, top + 2), (50, top - 6), (70, top + 4)]
        pen.shape(
            [(4, 66), (14, 52), *roof, (86, 52), (96, 64), (90, 76), (10, 76)], colour, smooth=True
        )
        panes = [
            [(27, 50), (34, top + 6), (47, top + 1), (47, 50)],
            [(52, 50), (52, top + 1), (64, top + 5), (72, 50)],
        ]
    else:
        pen.shape([(22, 56), (33, top), (front, top), (80, 56)], colour)
        pen.box(4, 52, 96, 76, colour, 8)
        panes = [
            [(29, 53), (36, top + 4), (48, top + 4), (48, 53)],
            [(53, 53), (53, top + 4), (front - 2, top + 4), (73, 53)],
        ]
    for pane in panes:
        pen.shape(pane, GLASS, width=1)
    pen.line([(50, 53), (50, 73)], 1, shade(colour, -0.3))
    pen.line([(54, 59), (60, 59)], 1.8, shade(colour, -0.4))
    pen.oval(92, 61, 3, 4, (255, 240, 150))
    pen.oval(7, 62, 2, 4, (170, 30, 30), outline=False)
    pen.line([(6, 72), (94, 72)], 1.6, STEEL)
    wheel(pen, 26, 77, 10.5)
    wheel(pen, 75, 77, 10.5)


def bus(pen, colour, rng):
    top = rng.uniform(22, 28)
    panes = rng.choice((4, 5))
    pen.box(3, top, 97, 77, colour, 7)
    pen.box(4, 59, 96, 64, WHITE, outline=False)
    width = 70 / panes
    for k in range(panes):
        pen.box(7 + k * width, top + 7, 4 + (k + 1) * width, 52, GLASS, 2, width=1)
    pen.box(79, top + 7, 94, 75, GLASS, 2, width=1.2)
    pen.line([(86.5, top + 8), (86.5, 74)], 1.2, shade(colour, -0.35))
    pen.box(60, top + 1.2, 92, top + 5.5, (60, 54, 60), 1, outline=False)
    pen.oval(95, 69, 1.8, 3, (255, 240, 150), outline=False)
    wheel(pen, 23, 78, 9.5)
    wheel(pen, 68, 78, 9.5)


def train(pen, colour, rng):
    dark = shade(colour, -0.3)
    pen.line([(0, 84.5), (100, 84.5)], 2.2, (110, 96, 90))
    wagon = rng.uniform(34, 40)
    pen.box(1, wagon, 30, 72, mix(colour, WHITE, 0.25), 3)
    for x in (5, 18):
        pen.box(x, wagon + 8, x + 8, wagon + 19, GLASS, 1, width=1)
    pen.line([(28, 71), (40, 71)], 3, INK)
    pen.box(36, 30, 57, 73, colour, 2)
    pen.box(33, 25, 60, 31, dark, 2)
    pen.box(41, 37, 52, 50, GLASS, 1, width=1)
    pen.box(55, 45, 92, 70, colour, 5)
    for x in (64, 74, 84):
        pen.line([(x, 46), (x, 69)], 1.5, (240, 200, 80))
    pen.shape([(78, 46), (76, 26), (73, 22), (90, 22), (87, 26), (85, 46)], dark)
    pen.oval(66, 44, 5, 5, (240, 200, 80))
    pen.shape([(90, 70), (100, 83), (84, 83)], dark)
    pen.oval(92, 54, 3, fill=(255, 240, 150))
    for x, r in ((8, 6), (23, 6), (45, 9), (65, 9), (82, 6)):
        wheel(pen, x, 83 - r, r)
    pen.line([(45, 76), (65, 76)], 2.2, STEEL)


def boat(pen, colour, rng):
    lean = rng.uniform(-3, 3)
    pen.line([(46 + lean, 6), (46, 70)], 2.4, (120, 86, 58))
    pen.shape([(50 + lean, 10), (52, 58), (92, 58), (76, 34)], WHITE)
    pen.shape([(51 + 0.6 * lean, 28), (51.5, 40), (84, 43), (78, 34)], colour, outline=False)
    pen.shape([(42 + lean, 16), (42, 58), (12, 58)], mix(colour, WHITE, 0.3))
    pen.shape([(46 + lean, 4), (46 + lean, 11), (30 + lean, 7)], shade(colour, -0.1))
    pen.shape([(2, 62), (98, 62), (92, 76), (82, 88), (20, 88), (8, 76)], colour)
    pen.shape([(3, 64), (97, 64), (95, 70), (5, 70)], WHITE, outline=False)
    for x in (30, 46, 62):
        pen.oval(x, 78, 3, fill=GLASS, width=1)


def plane(pen, colour, rng):
    tail = rng.uniform(20, 26)
    pen.shape([(60, 48), (36, tail + 4), (46, tail + 3), (72, 48)], shade(colour, -0.2))
    pen.shape([(8, 48), (2, tail - 2), (13, tail - 2), (28, 46)], colour)
    pen.shape(
        [(2, 46), (20, 43), (60, 41), (86, 43), (98, 52), (88, 61), (60, 64), (26, 61)],
        colour,
        smooth=True,
    )
    pen.shape(
        [(14, 58), (40, 63.5), (70, 63), (90, 59), (80, 64), (55, 66.5), (28, 63)],
        WHITE,
        smooth=True,
        outline=False,
    )
    pen.shape([(82, 44), (92, 47), (94, 51), (84, 51)], GLASS, width=1)
    for x in range(26, 78, 9):
        pen.oval(x, 50, 2.4, 2.8, GLASS, width=0.8)
    pen.shape([(62, 56), (22, 84), (36, 84), (74, 57)], shade(colour, -0.12))
    pen.oval(46, 78, 7, 3.4, STEEL)
    pen.shape([(12, 50), (0, 58), (9, 59), (24, 53)], shade(colour, -0.12))


def bicycle(pen, colour, rng):
    r = rng.uniform(20, 23)
    for x in (24, 76):
        pen.oval(x, 68, r, fill=(228, 228, 224), outline=False)
        for k in range(4):
            u = r * math.cos(k * math.pi / 4)
            v = r * math.sin(k * math.pi / 4)
            pen.line([(x - u, 68 - v), (x + u, 68 + v)], 0.7, (150, 150, 156))
        ring = [(x + r * math.cos(k / 6), 68 + r * math.sin(k / 6)) for k in range(39)]
        pen.line(ring, 4.6, TYRE)
        pen.oval(x, 68, 3, fill=STEEL)
    frame = (
        ((24, 68), (48, 68)),
        ((24, 68), (38, 40)),
        ((38, 40), (48, 68)),
        ((38, 42), (66, 42)),
        ((48, 68), (67, 44)),
        ((64, 32), (76, 68)),
        ((38, 40), (36, 33)),
    )
    for a, b in frame:
        pen.line([a, b], 5, shade(colour, -0.25))
        pen.line([a, b], 3.6, colour)
    pen.shape([(27, 30), (44, 29), (45, 33), (32, 35)], INK, smooth=True)
    pen.line([(64, 32), (62, 26), (72, 24), (75, 28)], 3.2, INK)
    pen.oval(48, 68, 4.5, fill=STEEL)
    pen.line([(44, 75), (52, 61)], 2.2, INK)


def house(pen, colour, rng):
    roof = rng.choice(((150, 62, 52), (96, 84, 104), (92, 70, 56)))
    eaves = rng.uniform(42, 50)
    x = rng.choice((24, 66))
    pen.box(x, 14, x + 10, 36, (170, 110, 92), width=1.2)
    pen.box(10, eaves - 2, 90, 96, colour)
    pen.shape([(2, eaves), (50, rng.uniform(6, 14)), (98, eaves)], roof)
    pen.oval(50, eaves - 14, 6, fill=GLASS)
    door = rng.choice((42, 42, 18))
    pen.box(door, 70, door + 16, 96, mix(roof, WHITE, 0.15), 2)
    pen.oval(door + 13, 84, 1.2, fill=(240, 200, 80), outline=False)
    for x in {42: (17, 66), 18: (42, 66)}[door]:
        pen.box(x, 60, x + 17, 77, (252, 236, 170), width=1.6)
        pen.line([(x + 8.5, 60), (x + 8.5, 77)], 1.4, WHITE)
        pen.line([(x, 68.5), (x + 17, 68.5)], 1.4, WHITE)
        pen.box(x - 2, 77, x + 19, 80, shade(colour, -0.3), outline=False)


def kite(pen, colour, rng):
    waist = rng.uniform(24, 32)
    tail = [(50, 66)]
    for k in range(1, 7):
        tail.append((50 + 7 * math.sin(1.6 * k), 64 + 5 * k))
    pen.line(tail, 1.6, INK)
    for k in (2, 4, 6):
        x, y = tail[k]
        for side in (-1, 1):
            pen.shape(
                [(x, y), (x + 7 * side, y - 4), (x + 7 * side, y + 4)], mix(colour, WHITE, 0.35)
            )
    corners = [(50, 2), (80, waist), (50, 66), (20, waist)]
    pen.shape(corners, colour)
    light = mix(colour, WHITE, 0.4)
    pen.shape([(50, 2), (80, waist), (50, waist)], light, outline=False)
    pen.shape([(50, 66), (20, waist), (50, waist)], light, outline=False)
    pen.line([(50, 3), (50, 65)], 1.6, shade(colour, -0.4))
    pen.line([(21, waist), (79, waist)], 1.6, shade(colour, -0.4))


def umbrella(pen, colour, rng):
    pen.line([(50, 8), (50, 88)], 3, (120, 86, 58))
    pen.line([(50, 88), (52, 94), (58, 95), (61, 90)], 3, (120, 86, 58))
    pen.line([(50, 4), (50, 14)], 2.4, INK)
    parts = rng.choice((4, 6))
    drop = rng.uniform(50, 56)
    dome = [
        (50 - 46 * math.cos(k * math.pi / 24), drop - 42 * math.sin(k * math.pi / 24))
        for k in range(25)
    ]
    scallops = []
    for k in range(parts * 6):
        share = k / (parts * 6)
        scallops.append((96 - 92 * share, drop - 5 * abs(math.sin(share * parts * math.pi))))
    pen.shape(dome + scallops, colour)
    light = mix(colour, WHITE, 0.32)
    for k in range(1, parts, 2):  # every second segment, from the top to the edge
        left = 4 + 92 * k / parts
        right = 4 + 92 * (k + 1) / parts
        side = [_meridian((x - 50) / 46, drop) for x in (left, right)]
        pen.shape([*side[0], *reversed(side[1])], light, outline=False)


def _meridian(bow, drop):
    """A line from the tip of an umbrella to its edge; bow -1 is the left edge, 1 the right one."""
    return [
        (50 + 46 * bow * math.sin(k * math.pi / 16), drop - 2 - 40 * math.cos(k * math.pi / 16))
        for k in range(9)
    ]


def clock(pen, colour, rng):
    for x, turn in ((34, -30), (66, 30)):
        pen.oval(x, 20, 13, 10, mix(colour, WHITE, 0.25), turn)
        pen.line([(x, 84), (x + turn / 3.4, 96)], 4.4, shade(colour, -0.35))
    pen.box(46, 8, 54, 18, STEEL, 2)
    pen.oval(50, 56, 37, fill=colour)
    pen.oval(50, 56, 28, fill=WHITE)
    for k in range(12):
        u = math.sin(k * math.pi / 6)
        v = math.cos(k * math.pi / 6)
        long = 5 if k % 3 == 0 else 2.5
        pen.line([(50 + 25 * u, 56 - 25 * v), (50 + (25 - long) * u, 56 - (25 - long) * v)], 1.8)
    hour = rng.uniform(0, 2 * math.pi)
    minute = rng.randrange(12) * math.pi / 6
    pen.line([(50, 56), (50 + 13 * math.sin(hour), 56 - 13 * math.cos(hour))], 3.4)
    pen.line([(50, 56), (50 + 20 * math.sin(minute), 56 - 20 * math.cos(minute))], 2.4)
    pen.oval(50, 56, 2.6, fill=colour)


def ball(pen, colour, rng):
    spin = rng.uniform(0, math.pi)
    pen.oval(50, 50, 44, fill=WHITE)
    for k in range(3):
        start = spin + 2 * k * math.pi / 3
        angles = [start + j * math.pi / 21 for j in range(8)]
        rim = [(50 + 43 * math.cos(a), 50 + 43 * math.sin(a)) for a in angles]
        pen.shape([(50 + 6 * math.cos(spin), 46), *rim], colour, outline=False)
    pen.oval(50 + 5 * math.cos(spin), 47, 8, fill=mix(colour, WHITE, 0.55))
    pen.oval(33, 28, 9, 5, (255, 255, 255, 200), -40, outline=False)


def pizza(pen, colour, rng):
    spin = rng.uniform(0, 2 * math.pi)

    def wedge(r, cut):  # a disc of radius r without the missing slice
        tip = 50 + 6 * cut * math.cos(spin + 0.4), 50 + 6 * cut * math.sin(spin + 0.4)
        turns = (spin + 0.8 + k / 6 for k in range(34))
        return [tip, *((50 + r * math.cos(turn), 50 + r * math.sin(turn)) for turn in turns)]

    pen.shape(wedge(46, 0), (206, 150, 84))
    pen.shape(wedge(40, 0.4), (200, 66, 44), outline=False)
    pen.shape(wedge(38, 0.7), (250, 214, 112), outline=False)
    for k in range(7):
        turn = spin + 1.1 + k * 0.75
        r = (15, 27)[k % 2]
        pen.oval(50 + r * math.cos(turn), 50 + r * math.sin(turn), 6, fill=(190, 52, 42), width=1)
    for k in range(5):
        turn = spin + 1.4 + k
        pen.oval(
            50 + 21 * math.cos(turn),
            50 + 21 * math.sin(turn),
            4,
            2,
            (76, 140, 66),
            50 * k,
            outline=False,
        )
