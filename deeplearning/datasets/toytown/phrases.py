"""The words that the truth checker knows, and what each of them means.

The plural of a noun follows a slash if it is irregular. A ? marks a possible meaning of a phrase.
"""

from dataclasses import dataclass

from deeplearning.datasets.toytown.world import COLOURS, OUTDOORS

NOUNS = {  # irregular plurals follow a slash
    "ball": "ball, beach ball, beachball, football",
    "bicycle": "bicycle, bike, cycle",
    "bird": "bird, gull, seagull",
    "boat": "boat, sailboat, ship, yacht",
    "bus": "bus/buses, coach/coaches",
    "car": "car, automobile, motorcar",
    "cat": "cat, kitten, kitty/kitties",
    "clock": "clock, alarm clock",
    "cow": "cow, bull, calf/calves, cattle/cattle",
    "dog": "dog, puppy/puppies, pup",
    "elephant": "elephant",
    "flower": "flower, blossom",
    "giraffe": "giraffe",
    "horse": "horse, pony/ponies, foal",
    "house": "house, cottage, home, beach house",
    "kite": "kite",
    "person": (
        "person/people, child/children, man/men, woman/women, boy, girl, kid, lady/ladies, someone"
    ),
    "pizza": "pizza",
    "plane": "plane, airplane, aeroplane, aircraft, jet",
    "train": "train, locomotive, steam engine",
    "tree": "tree",
    "umbrella": "umbrella, parasol, sunshade, beach umbrella, sun umbrella",
}
SHADES = {name: name for name in (*COLOURS, "white", "black")} | {
    "purple": "purple, violet",
    "grey": "grey, gray",
}
SIZES = {"big": "big, large, huge, giant, enormous", "small": "small, little, tiny, miniature"}
COUNTS = {
    (1,): "a, an, one, single, 1",
    (2,): "two, 2, pair of, a pair of, couple of, a couple of",
    (3,): "three, 3, trio of, a trio of, many, lots of, a lot of",
    (2, 3): (
        "several, some, few, a few, group of, a group of, flock of, a flock of, herd of, a herd of"
    ),
    (): "four, five, six, 4, 5, 6",
}
ANY_OUTDOORS = " ".join(f"{setting}?" for setting in sorted(OUTDOORS))
PLACES = {  # settings that a phrase fits, or with a ? may fit
    "street": "street, streets, road, roadside, city, avenue, sidewalk, pavement",
    "beach": "beach, seaside, shore, seashore",
    "beach harbour": "sea, ocean, water, waves, coast, waterfront",
    "beach desert": "sand, sandy",
    "field night?": "field, fields, meadow, grass, grassy, lawn, pasture, countryside",
    "snow": (
        "snow, snowy, snowing, snowfall, snowflakes, ice, icy, winter, wintry, snowy field, "
        "snowy meadow"
    ),
    "harbour": "harbour, harbor, pier, quay, quayside, port, dock, docks, wharf, jetty, marina",
    "desert": "desert, dune, dunes, sand dunes, cactus, cactuses, cacti",
    "night": (
        "night, nighttime, midnight, evening, moon, moonlight, moonlit, star, stars, starry, "
        "starlit, starlight, in the dark, after dark, dark sky, darkness"
    ),
    "room": (
        "room, bedroom, kitchen, indoor, floor, carpet, rug, at home, in a house, in the "
        "house, inside a house, inside the house"
    ),
    f"room {ANY_OUTDOORS}": "by the window, by a window",  # houses and cars have windows, too
    ANY_OUTDOORS: "sky, outdoor",
}
# adverbs: a colour before one doesn't describe the place
WHERE = {
    "room": "indoors, inside",
    ANY_OUTDOORS: "outside, outdoors",
}
SKIES = {  # the same for weathers and clear nights
    "sunny": "sunny, sun, sunshine, sunlight, sunlit",
    "sunny clear": (
        "blue sky, blue skies, clear blue sky, clear sky, clear skies, clear day, clear night"
    ),
    "cloudy rainy?": (
        "cloudy, overcast, grey sky, gray sky, grey skies, gray skies, grey clouds, gray clouds"
    ),
    "cloudy rainy? sunny?": "cloud, clouds",
    "rainy": "rainy, rain, raining, rainfall, raindrops, drizzle",
}
# The subject's relation to the other thing, and how the other thing is named. The phrases for the
# right are derived from these.
SIDES = {
    ("left of", "noun"): (
        "left of, to the left of, on the left of, to the left side of, on the left side of"
    ),
    ("left of", "pronoun"): (
        "to its left, on its left, at its left, to their left, on their left, to his left"
    ),
    ("left of", "nothing"): "to the left, to the left side",
    ("left of", "before"): "on the left, on the left side, at the left, on left",
}
STANDS = {  # a pronoun may replace the noun, or nothing may follow
    ("above", "noun"): "above, high above, over, high over, on top of",
    ("below", "noun"): "below, under, underneath, beneath",
    ("in front of", "noun"): (
        "in front of, partly hiding, partly hides, partly covering, partly covers"
    ),
    ("behind", "noun"): (
        "behind, partly hidden behind, hidden by, partly hidden by, covered by, partly covered by"
    ),
    ("beside", "noun"): "beside, next to, alongside",
    ("near", "noun"): "near, by, close to",
    ("above", "nothing"): "overhead",
    ("in front of", "nothing"): "in front",
    ("near", "nothing"): "nearby, close by",
    ("beside", "pronoun"): "side by side",
}
GRAMMAR = {
    "clothes": (
        "coat, coats, jacket, jackets, shirt, shirts, sweater, sweaters, dress, dresses, "
        "clothes, clothing"
    ),
    "pronoun": "it, them, him, her, which, whom, each other, one another",
    "link": (
        "in, is, are, was, were, that, who, all, wearing, wears, dressed, painted, coloured, "
        "colored"
    ),
    "break": (
        "on, at, of, with, without, from, to, into, through, across, between, against, past, "
        "<end>, <null>"
    ),
}


@dataclass(frozen=True)
class Mark:
    """A word or phrase: what it is (as in a statement, a key of GRAMMAR, or "unknown"), its meaning
    and its position.
    """

    what: str
    value: object
    start: int
    stop: int


END = Mark("break", None, -1, -1)


def _lexicon():
    """Dictionary from phrases, as tuples of words, to what they are and what they mean."""
    tables = {
        "colour": SHADES,
        "size": SIZES,
        "count": COUNTS,
        "setting": PLACES,
        "where": WHERE,
        "weather": SKIES,
    }
    tables["relation"] = SIDES | STANDS
    rows = [
        (phrases, what, value) for what, table in tables.items() for value, phrases in table.items()
    ]
    rows += [
        (phrases.replace("left", "right"), "relation", ("right of", end))
        for (_, end), phrases in SIDES.items()
    ]
    rows += [(phrases, what, None) for what, phrases in GRAMMAR.items()]
    for kind, nouns in NOUNS.items():
        for noun in nouns.split(", "):
            singular, plural = noun.split("/") if "/" in noun else (noun, f"{noun}s")
            rows.append((singular, "thing", (kind, False)))
            rows.append((plural, "thing", (kind, True)))
    return {
        tuple(phrase.split()): (what, value)
        for phrases, what, value in rows
        for phrase in phrases.split(", ")
    }


LEXICON = _lexicon()
LONGEST = max(map(len, LEXICON))
