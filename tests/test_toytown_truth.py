"""Captions against scenes, both written by hand."""

import pytest

from deeplearning.datasets.toytown import phrases
from deeplearning.datasets.toytown.truth import Statement, check_caption, score_truth
from deeplearning.datasets.toytown.world import COLOURS, KINDS, SETTINGS, WEATHERS, Scene, Thing


def thing(kind, colour, box, count=1, size=None):
    return Thing(kind, colour, count, size, box, 0.1)


CAR = thing("car", "red", (10, 60, 70, 100), size="big")
SCENES = {
    "car": Scene("street", "sunny", CAR, None, None),
    "car, dogs": Scene(
        "street", "sunny", CAR, thing("dog", "brown", (80, 80, 120, 105), count=2), "left of"
    ),
    "cat, tree": Scene(
        "field",
        "rainy",
        thing("cat", "orange", (60, 60, 110, 120), size="small"),
        thing("tree", "green", (40, 20, 90, 110)),
        "in front of",
    ),
    "ball, umbrella": Scene(
        "beach",
        "cloudy",
        thing("ball", "purple", (70, 70, 120, 120), size="small"),
        thing("umbrella", "yellow", (20, 30, 60, 115)),
        "right of",
    ),
    "plane, house": Scene(
        "snow",
        "cloudy",
        thing("plane", "blue", (10, 5, 70, 40), size="big"),
        thing("house", "pink", (60, 70, 100, 120)),
        "above",
    ),
    "cow, bird": Scene(
        "night",
        None,
        thing("cow", "brown", (10, 60, 80, 120), size="big"),
        thing("bird", "red", (50, 5, 75, 25)),
        "below",
    ),
    "child, clocks": Scene(
        "room",
        None,
        thing("person", "red", (20, 20, 60, 120), size="big"),
        thing("clock", "green", (35, 80, 90, 118), count=3),
        "behind",
    ),
    "pizza": Scene(
        "desert", "sunny", thing("pizza", None, (40, 60, 100, 110), size="small"), None, None
    ),
    "boat": Scene(
        "harbour", "rainy", thing("boat", "orange", (70, 40, 120, 85), size="big"), None, None
    ),
}


def statements(caption, scene):
    """A caption's statements, such as "thing main car", "thing - bus no", "relation main next_to
    ?".
    """
    words, verdicts = caption.split(), {True: "", False: " no", None: " ?"}
    return [
        f"{s.what} {s.subject or '-'} {'_'.join(words[slice(*s.words)])}{verdicts[s.true]}"
        for s in check_caption(caption, SCENES[scene])
    ]


CAPTIONS = [
    # things, by all their names
    ("car", "a car", "count main a, thing main car"),
    ("car", "an automobile", "count main an, thing main automobile"),
    ("car", "the bus", "thing - bus no"),
    ("car, dogs", "the puppies", "thing other puppies, count other puppies"),
    ("plane, house", "the aeroplane the cottage", "thing main aeroplane, thing other cottage"),
    (
        "child, clocks",
        "the man alarm clocks",
        "thing main man, thing other alarm_clocks, count other alarm_clocks",
    ),
    ("ball, umbrella", "the beach ball", "thing main beach_ball"),
    ("car", "the beach ball", "thing - beach_ball no"),
    ("ball, umbrella", "the ball beach", "thing main ball, setting - beach"),
    # colours
    ("car", "the red car", "colour main red, thing main car"),
    ("car", "the blue car", "colour main blue no, thing main car"),
    ("cat, tree", "an orange cat", "count main an, colour main orange, thing main cat"),
    ("cat, tree", "the green cat", "colour main green no, thing main cat"),
    ("cat, tree", "the green tree", "colour other green, thing other tree"),
    ("cat, tree", "the black cat", "colour main black no, thing main cat"),
    ("ball, umbrella", "the violet ball", "colour main violet, thing main ball"),
    ("car", "the red and blue car", "colour main red, colour main blue no, thing main car"),
    ("car", "the red <UNK> car", "colour main red, thing main car"),
    ("car", "the red dog", "colour - red ?, thing - dog no"),
    ("car", "the car is red", "thing main car, colour main red"),
    ("car", "the car is parked", "thing main car"),
    ("car", "a red on the car", "thing main car"),
    ("pizza", "the yellow pizza", "colour main yellow no, thing main pizza"),
    ("pizza", "a pizza on yellow sand", "count main a, thing main pizza, setting - sand"),
    (
        "plane, house",
        "the plane in the clear blue sky",
        "thing main plane, weather - clear_blue_sky no",
    ),
    ("cat, tree", "the cat in the blue grass", "thing main cat, setting - grass"),
    # what persons wear
    ("child, clocks", "the person in red", "thing main person, colour main red"),
    (
        "child, clocks",
        "the person in blue stands in a room",
        "thing main person, colour main blue no, setting - room",
    ),
    (
        "child, clocks",
        "a person in blue indoors",
        "count main a, thing main person, colour main blue no, setting - indoors",
    ),
    ("child, clocks", "the child in a red coat", "thing main child, colour main red"),
    ("child, clocks", "the boy wearing a big blue shirt", "thing main boy, colour main blue no"),
    ("child, clocks", "a red person", "count main a, colour main red, thing main person"),
    (
        "child, clocks",
        "two people in red coats",
        "count main two no, thing main people, colour main red",
    ),
    ("child, clocks", "a clock and a red coat", "count other a no, thing other clock"),
    (
        "child, clocks",
        "the woman in red with green clocks",
        "thing main woman, colour main red, colour other green, thing other clocks, count other "
        "clocks",
    ),
    # sizes
    ("car", "the large car", "size main large, thing main car"),
    ("car", "the tiny car", "size main tiny no, thing main car"),
    ("cat, tree", "the cat is very small", "thing main cat"),
    ("cat, tree", "the cat is small", "thing main cat, size main small"),
    ("cat, tree", "the huge tree", "size other huge ?, thing other tree"),
    ("car", "two small cars", "count main two no, size main small ?, thing main cars"),
    ("car", "the car in a big room", "thing main car, setting - room no"),
    # counts
    ("car, dogs", "two dogs", "count other two, thing other dogs"),
    (
        "car, dogs",
        "a pair of brown dogs",
        "count other a_pair_of, colour other brown, thing other dogs",
    ),
    ("car, dogs", "one dog", "count other one no, thing other dog"),
    ("car, dogs", "three dogs", "count other three no, thing other dogs"),
    ("car, dogs", "several dogs", "count other several, thing other dogs"),
    ("child, clocks", "a group of clocks", "count other a_group_of, thing other clocks"),
    ("child, clocks", "five clocks", "count other five no, thing other clocks"),
    ("car", "cars", "thing main cars, count main cars no"),
    ("car", "two dogs", "count - two ?, thing - dogs no"),
    ("car", "dogs", "thing - dogs no, count - dogs ?"),
    # settings
    ("car", "on a road", "setting - road"),
    ("car", "on the beach", "setting - beach no"),
    ("boat", "by the sea", "setting - sea"),
    ("ball, umbrella", "on the sand near the water", "setting - sand, setting - water"),
    ("pizza", "on the sand near the water", "setting - sand, setting - water no"),
    ("boat", "the quay", "setting - quay"),
    ("plane, house", "a snowy field", "setting - snowy_field"),
    ("plane, house", "a snowy street", "setting - snowy, setting - street no"),
    (
        "cow, bird",
        "under the stars in a moonlit meadow",
        "setting - stars, setting - moonlit, setting - meadow ?",
    ),
    ("cow, bird", "in the night sky", "setting - night, setting - sky ?"),
    ("child, clocks", "indoors", "setting - indoors"),
    ("child, clocks", "in the sky", "setting - sky no"),
    ("child, clocks", "inside a house", "setting - inside_a_house"),
    # weathers
    ("car", "in the sunshine", "weather - sunshine"),
    ("car", "in the rain", "weather - rain no"),
    ("plane, house", "under a cloudy sky", "weather - cloudy, setting - sky ?"),
    ("cat, tree", "an overcast day", "weather - overcast ?"),
    ("car", "under white clouds", "weather - clouds ?"),
    ("car", "under grey clouds", "weather - grey_clouds no"),
    ("cat, tree", "under grey clouds", "weather - grey_clouds ?"),
    ("child, clocks", "a rainy day", "weather - rainy no"),
    ("cow, bird", "a rainy night", "weather - rainy no, setting - night"),
    ("cow, bird", "a clear night", "weather - clear_night"),
    # relations between two nouns, either way round
    (
        "car, dogs",
        "car left of dogs",
        "thing main car, relation main left_of, thing other dogs, count other dogs",
    ),
    (
        "car, dogs",
        "the dog to the right of the car",
        "thing other dog, relation other to_the_right_of, thing main car",
    ),
    (
        "car, dogs",
        "the dog on the left of the car",
        "thing other dog, relation other on_the_left_of no, thing main car",
    ),
    (
        "car, dogs",
        "the dog beside the car",
        "thing other dog, relation other beside, thing main car",
    ),
    (
        "car, dogs",
        "the car behind the dog",
        "thing main car, relation main behind no, thing other dog",
    ),
    (
        "car, dogs",
        "next to the dog is the red car",
        "relation main next_to, thing other dog, colour main red, thing main car",
    ),
    (
        "car, dogs",
        "the car in front of the cat",
        "thing main car, relation main in_front_of ?, thing - cat no",
    ),
    ("car, dogs", "the car behind a <UNK>", "thing main car, relation - behind ?"),
    (
        "car",
        "a car behind a car",
        "count main a, thing main car, relation main behind no, count main a, thing main car",
    ),
    (
        "cat, tree",
        "the tree partly hidden by the cat",
        "thing other tree, relation other partly_hidden_by, thing main cat",
    ),
    (
        "cat, tree",
        "the cat behind the tree",
        "thing main cat, relation main behind no, thing other tree",
    ),
    (
        "cat, tree",
        "the cat next to the tree",
        "thing main cat, relation main next_to ?, thing other tree",
    ),
    (
        "plane, house",
        "the house under the plane",
        "thing other house, relation other under, thing main plane",
    ),
    (
        "plane, house",
        "the plane beside the house",
        "thing main plane, relation main beside no, thing other house",
    ),
    (
        "plane, house",
        "the plane near the house",
        "thing main plane, relation main near ?, thing other house",
    ),
    # with pronouns, or with nothing
    (
        "car, dogs",
        "the car with two dogs to its right",
        "thing main car, count other two, thing other dogs, relation other to_its_right",
    ),
    (
        "car, dogs",
        "the car and to its left the dog",
        "thing main car, relation other to_its_left no, thing other dog",
    ),
    (
        "car, dogs",
        "the car and the dog side by side",
        "thing main car, thing other dog, relation other side_by_side",
    ),
    ("car, dogs", "the car with a <UNK> next to it", "thing main car, relation - next_to ?"),
    (
        "cow, bird",
        "the cow with a bird above it",
        "thing main cow, count other a, thing other bird, relation other above",
    ),
    (
        "cow, bird",
        "a bird above and the cow",
        "count other a, thing other bird, relation other above, thing main cow",
    ),
    (
        "child, clocks",
        "the clock with a man behind",
        "thing other clock, count main a, thing main man, relation main behind",
    ),
    (
        "cat, tree",
        "the tree behind it is the cat",
        "thing other tree, relation main behind no, thing main cat",
    ),
    # of which some speak of a place, and some of the picture
    ("car", "the car by the street", "thing main car, setting - street"),
    ("plane, house", "the plane over a snowy field", "thing main plane, setting - snowy_field"),
    ("car", "the car on the left", "thing main car, relation - on_the_left ?"),
    (
        "car, dogs",
        "the car with the dog on the right",
        "thing main car, thing other dog, relation other on_the_right",
    ),
    # that were not recorded: boxes of the cat (60 to 110) and tree (40 to 90) overlap by more than
    # half
    (
        "cat, tree",
        "the cat right of the tree",
        "thing main cat, relation main right_of no, thing other tree",
    ),
    (
        "plane, house",
        "the plane left of the house",
        "thing main plane, relation main left_of ?, thing other house",
    ),
    (
        "plane, house",
        "the house left of the plane",
        "thing other house, relation other left_of no, thing main plane",
    ),
    # whatever a network writes
    ("car", "", ""),
    ("car", "<UNK> <UNK> the of", ""),
    (
        "ball, umbrella",
        "a purple purple ball on the the beach",
        "count main a, colour main purple, colour main purple, thing main ball, setting - beach",
    ),
    (
        "car",
        "behind above to the left of",
        "relation - behind ?, relation - above ?, relation - to_the_left_of ?",
    ),
    ("car", "two red big", ""),
    ("car", "A red Car.", "count main A, colour main red, thing main Car."),
]


@pytest.mark.parametrize("scene, caption, expected", CAPTIONS)
def test_statements(scene, caption, expected):
    """Each caption makes exactly these statements about the scene, by these words, and with these
    verdicts.
    """
    assert statements(caption, scene) == [line for line in expected.split(", ") if line]


def test_a_whole_caption():
    """Statements are plain records whose positions count the words of the caption, spaces and <UNK>
    aside.
    """
    caption = "a  small red <UNK> car in the street to the left of two dogs on a sunny day"
    assert check_caption(caption, SCENES["car, dogs"]) == [
        Statement("count", "main", (0, 1), True),
        Statement("size", "main", (1, 2), False),
        Statement("colour", "main", (2, 3), True),
        Statement("thing", "main", (4, 5), True),
        Statement("setting", None, (7, 8), True),
        Statement("relation", "main", (8, 12), True),
        Statement("count", "other", (12, 13), True),
        Statement("thing", "other", (13, 14), True),
        Statement("weather", None, (16, 17), True),
    ]


def test_the_lexicon_knows_the_world():
    """Every kind, colour, setting and weather of Toytown is recognised at least by its own name."""
    assert phrases.NOUNS.keys() == KINDS.keys()
    for what, names in (("colour", COLOURS), ("setting", SETTINGS), ("weather", WEATHERS)):
        assert {phrases.LEXICON[name,][0] for name in names} == {what}
    settings = {place.rstrip("?") for places in phrases.PLACES for place in places.split()}
    weathers = {weather.rstrip("?") for skies in phrases.SKIES for weather in skies.split()}
    assert settings == set(SETTINGS) and weathers == {*WEATHERS, "clear"}


@pytest.mark.parametrize(
    "box, left, above",
    [
        ((80, 60, 100, 100), True, False),  # apart, level
        ((60, 60, 100, 100), None, False),  # by a quarter
        ((39, 60, 100, 100), False, False),  # by more than half of the narrower
        ((0, 101, 9, 110), False, True),
        ((71, 110, 100, 120), True, True),
    ],
)
def test_relations_that_boxes_show(box, left, above):
    """Left and above are judged by the boxes if neither is recorded, unless they overlap a
    little.
    """
    scene = Scene("street", "sunny", CAR, thing("tree", "green", box), "behind")
    for phrase, expected in (("left of", left), ("above", above)):
        verdicts = [
            s.true
            for s in check_caption(f"the car {phrase} the tree", scene)
            if s.what == "relation"
        ]
        assert verdicts == [expected]


def test_scores_by_hand():
    """Shares are as documented: anything not stated counts as not right, or isn't counted where
    there is a `stated` share.
    """
    told = {
        "car, dogs": "a red car to the left of three dogs in a sunny street",  # one false: three
        "cat, tree": "a blue cat behind a tree in a rainy field",  # false: blue, behind
        "ball, umbrella": "a small purple thing on the sand by the harbour",  # no kind, and a false setting
        "pizza": "the pizza in the desert under a few clouds",  # clouds cannot be told
        "boat": "",
    }
    assert score_truth(list(told.values()), [SCENES[name] for name in told]) == {
        "main": 3 / 5,
        "colour": 1 / 4,
        "setting": 3 / 5,
        "weather": 2 / 2,
        "weather stated": 2 / 5,
        "size": None,
        "size stated": 0,
        "relation": 1 / 2,
        "relation stated": 2 / 5,
        "count": 1 / 2,
        "count stated": 2 / 5,
        "nothing false": 2 / 5,
    }


def test_colour_needs_a_coloured_main_thing():
    """For pictures of pizzas alone there is no share of right colours, and an invented colour is
    still false.
    """
    scores = score_truth(["a red pizza"], [SCENES["pizza"]])
    assert scores["colour"] is None and scores["main"] == 1 and scores["nothing false"] == 0


@pytest.mark.parametrize(
    "captions, scenes", [([], []), (["a car"], []), (["a car"], [SCENES["car"]] * 2)]
)
def test_scores_want_one_scene_each(captions, scenes):
    """Different numbers of captions and scenes are refused, and so are none at all."""
    with pytest.raises(ValueError, match="as many captions as scenes"):
        score_truth(captions, scenes)
