"""The grammar of Toytown's captions: five true sentences about a scene, each with its own words and
its own choice of what to mention.

A caption is a noun phrase for the main thing, what it does, where, and its relation to the other
thing. More than half of the captions mention a colour or a place, as in captions that people write:
a captioning model would learn to leave out what most captions leave out.
"""

from deeplearning.datasets.toytown.world import RELATIONS, spot

# words
SHORTEST = 5
LONGEST = 15
UNUSUAL = 0.0012  # share of captions with a word that is too rare for a vocabulary

NOUNS = {  # pairs of singular and plural; the first pair is the usual one
    "ball": [("ball", "balls"), ("beach ball", "beach balls")],
    "bicycle": [("bicycle", "bicycles"), ("bike", "bikes")],
    "bird": [("bird", "birds")],
    "boat": [("boat", "boats"), ("sailboat", "sailboats"), ("ship", "ships")],
    "bus": [("bus", "buses")],
    "car": [("car", "cars"), ("automobile", "automobiles")],
    "cat": [("cat", "cats"), ("kitten", "kittens")],
    "clock": [("clock", "clocks"), ("alarm clock", "alarm clocks")],
    "cow": [("cow", "cows")],
    "dog": [("dog", "dogs"), ("puppy", "puppies")],
    "elephant": [("elephant", "elephants")],
    "flower": [("flower", "flowers"), ("blossom", "blossoms")],
    "giraffe": [("giraffe", "giraffes")],
    "horse": [("horse", "horses"), ("pony", "ponies")],
    "house": [("house", "houses"), ("cottage", "cottages")],
    "kite": [("kite", "kites")],
    "person": [("person", "people"), ("child", "children")],
    "pizza": [("pizza", "pizzas")],
    "plane": [("plane", "planes"), ("airplane", "airplanes")],
    "train": [("train", "trains"), ("locomotive", "locomotives")],
    "tree": [("tree", "trees")],
    "umbrella": [("umbrella", "umbrellas"), ("parasol", "parasols")],
}
SIZES = {"big": ("big", "big", "large", "huge"), "small": ("small", "small", "little")}
COUNTS = {2: ("two", "two", "two", "a pair of"), 3: ("three",)}
RARE = (
    "adorable bold bright charming cheerful curious dainty dapper dazzling elegant fancy friendly "
    "funny gleaming glossy graceful handsome jolly lovely magnificent marvellous neat peculiar "
    "playful pretty proud quaint quiet shiny splendid sturdy tidy wonderful"
).split()

_LIVING = ("stands", "waits", "is standing", "looks around", "stays")
_VEHICLE = ("is parked", "stands", "waits", "stops", "is waiting")
_TOY = ("lies", "is lying", "rests")
_STILL = ("stands", "is standing", "can be seen")
_PLANT = ("grows", "stands", "is growing")
DOES = {
    "air": ("flies", "is flying", "floats", "glides"),
    "water": ("sails", "is sailing", "floats", "drifts"),
    "ball": _TOY,
    "bicycle": _VEHICLE,
    "bus": _VEHICLE,
    "car": _VEHICLE,
    "clock": ("stands", "is ticking", "is standing"),
    "flower": _PLANT,
    "house": _STILL,
    "pizza": _TOY,
    "train": _VEHICLE,
    "tree": _PLANT,
    "umbrella": ("is open", "stands", "is standing"),
}
ON_GROUND = {
    "street": ("on the street", "on the street", "on the road", "in the street"),
    "beach": ("on the beach", "on the beach", "at the beach", "at the seaside"),
    "field": ("in the field", "in the field", "on the grass", "in a green meadow"),
    "snow": ("in the snow", "in the snow", "on the snow", "in a snowy place"),
    "harbour": ("at the harbour", "at the harbour", "in the harbour", "on the pier"),
    "desert": ("in the desert", "in the desert", "in the hot desert"),
    "night": ("at night", "at night", "under the stars", "in the moonlight"),
    "room": ("in a room", "in a room", "in the room", "indoors"),
}
ON_WATER = {
    "beach": ("near the beach", "near the beach", "off the beach"),
    "harbour": ON_GROUND["harbour"],
}
IN_AIR = {
    "snow": ("over the snow", "in the air over the snow"),
    "night": ("at night", "in the night sky", "under the stars"),
    "street": ("over the street", "over the street", "in the sky over the street"),
    "beach": ("over the beach", "over the beach", "in the sky over the beach"),
    "field": ("over the field", "over the field", "in the air over the meadow"),
    "harbour": ("over the harbour", "over the harbour", "in the sky over the harbour"),
    "desert": ("over the desert", "over the desert", "in the sky over the desert"),
}
WEATHER = {
    "sunny": ("on a sunny day", "in the sunshine", "on a sunny morning"),
    "cloudy": ("on a cloudy day", "under grey clouds", "on a cloudy morning"),
    "rainy": ("in the rain", "on a rainy day", "on a rainy morning"),
}
HOW = {  # the main thing's relation to the other one
    "left of": ("to the left of", "to the left of", "beside", "next to"),
    "right of": ("to the right of", "to the right of", "beside", "next to"),
    "above": ("above", "above", "high above"),
    "below": ("below", "below", "under"),
    "in front of": ("in front of", "in front of", "right in front of"),
    "behind": ("behind", "behind", "partly hidden behind"),
}
TO_IT = {  # the other thing's relation to the main one
    "left of": ("to its left", "on its left", "beside it"),
    "right of": ("to its right", "on its right", "beside it"),
    "above": ("above it", "in the air above it"),
    "below": ("below it", "under it"),
    "in front of": ("in front of it",),
    "behind": ("behind it",),
}


def write_captions(scene, rng, count=5):
    """Different true captions of a scene.

    Inputs:
    - scene: A `world.Scene`
    - rng: random.Random
    - count: Number of captions

    Returns: list of strings of SHORTEST to LONGEST words, in lower case and without punctuation
    """
    captions = []
    while len(captions) < count:
        caption = rng.choice(_PATTERNS)(scene, rng)
        if SHORTEST <= len(caption.split()) <= LONGEST and caption not in captions:
            captions.append(caption)
    return captions


def _plain(scene, rng):
    """a red car waits on the street to the left of two dogs"""
    return _join(
        _main(scene, rng),
        _does(scene, rng),
        _place(scene, rng),
        _to_other(scene, rng),
        _weather(scene, rng),
    )


def _relation_first(scene, rng):
    """a red car to the left of two dogs on the street"""
    return _join(
        _main(scene, rng), _to_other(scene, rng, 0.9), _place(scene, rng), _weather(scene, rng)
    )


def _with(scene, rng):
    """a red car on the street with two dogs to its right"""
    return _join(
        _main(scene, rng), _place(scene, rng), _weather(scene, rng, 0.2), _with_other(scene, rng)
    )


def _there_is(scene, rng):
    """there is a red car on the street in the rain"""
    return _join(
        "there is",
        _main(scene, rng),
        _place(scene, rng),
        _to_other(scene, rng, 0.4),
        _weather(scene, rng),
    )


def _place_first(scene, rng):
    """on the street a red car waits to the left of two dogs"""
    return _join(
        _place(scene, rng, 1),
        _main(scene, rng),
        _does(scene, rng),
        _to_other(scene, rng),
        _weather(scene, rng, 0.15),
    )


def _weather_first(scene, rng):
    """on a rainy day a red car waits on the street"""
    return _join(
        _weather(scene, rng, 1),
        _main(scene, rng),
        _does(scene, rng),
        _place(scene, rng),
        _to_other(scene, rng, 0.3),
    )


_PATTERNS = (
    [_plain] * 4 + [_relation_first] * 2 + [_with] * 2 + [_there_is, _place_first, _weather_first]
)


def _join(*parts):
    return " ".join(part for part in parts if part)


def _main(scene, rng):
    unusual = rng.choice(RARE) if rng.random() < UNUSUAL else ""
    size = rng.choice(SIZES[scene.main.size]) if rng.random() < 0.3 else ""
    return _noun_phrase(scene.main, _join(unusual, size), rng, mention_colour=0.9)


def _noun_phrase(thing, adjectives, rng, mention_colour):
    """a big red car; two people in blue"""
    forms = NOUNS[thing.kind]
    noun = (forms[0] if rng.random() < 0.8 else rng.choice(forms))[thing.count > 1]
    colour = thing.colour if thing.colour and rng.random() < mention_colour else ""
    if thing.kind == "person" and colour:
        phrase = _join(adjectives, noun, f"in {colour}")
    else:
        phrase = _join(adjectives, colour, noun)
    if thing.count > 1:
        return _join(rng.choice(COUNTS[thing.count]), phrase)
    return _join("an" if phrase[0] in "aeiou" else "a", phrase)


def _does(scene, rng):
    where = spot(*scene.combination)
    return rng.choice(DOES.get(where) or DOES.get(scene.main.kind, _LIVING))


def _place(scene, rng, share=0.85):
    if rng.random() >= share:
        return ""
    words = {"air": IN_AIR, "water": ON_WATER, "ground": ON_GROUND}[spot(*scene.combination)]
    return rng.choice(words[scene.setting])


def _weather(scene, rng, share=0.12):
    return rng.choice(WEATHER[scene.weather]) if scene.weather and rng.random() < share else ""


def _to_other(scene, rng, share=0.6):
    if scene.other is None or rng.random() >= share:
        return ""
    return _join(
        rng.choice(HOW[scene.relation]), _noun_phrase(scene.other, "", rng, mention_colour=0.75)
    )


def _with_other(scene, rng):
    if scene.other is None:
        return ""
    inverse = TO_IT[RELATIONS[scene.relation]] if rng.random() < 0.8 else ("",)
    return _join(
        "with", _noun_phrase(scene.other, "", rng, mention_colour=0.75), rng.choice(inverse)
    )
