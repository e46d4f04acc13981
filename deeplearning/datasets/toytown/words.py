"""The kind of each word in Toytown's captions, by its role in a sentence.

A word with two possible roles has the one that it mostly plays in these captions: *clouds* and
*stars* are nouns, *parked* and *hidden* verbs.
"""

from deeplearning.datasets.toytown.world import COLOURS

_THINGS = """
    airplane airplanes automobile automobiles ball balls bicycle bicycles bike bikes bird birds
    blossom blossoms boat boats bus buses car cars cat cats child children clock clocks cottage
    cottages cow cows dog dogs elephant elephants flower flowers giraffe giraffes horse horses house
    houses kite kites kitten kittens locomotive locomotives parasol parasols people person pizza
    pizzas plane planes ponies pony puppies puppy sailboat ship train trains tree trees
    umbrella umbrellas
"""
_PLACES = """
    air alarm beach clouds day desert field grass harbour meadow moonlight morning night pier place
    rain road room seaside sky snow stars street sunshine
"""
_VERBS = """
    drifts flies floats flying glides growing grows hidden lies looks lying parked rests sailing
    sails seen standing stands stays stops ticking waiting waits
"""
WORDS = {
    "article": "a an the",
    "size": "big huge large little small",
    "number": "pair three two",
    "colour": " ".join([*COLOURS, "grey"]),
    "noun": _THINGS + _PLACES,
    "verb": _VERBS,
    "auxiliary": "be can is",
    "preposition": "above at behind below beside in near of off on over to under with",
    "other": (
        "around cloudy front high hot indoors it its left next open partly rainy right snowy sunny "
        "there"
    ),
}
KIND_OF = {word: kind for kind, words in WORDS.items() for word in words.split()}
