"""The corner cases that every exercise is always tried on, given by their sizes; anything left out
is drawn.

Every size is 1 in some case; one case is large and in float32; several pictures come at once;
gradients are so large that clipping shows; words are repeated, or missing; captions have holes, and
<NULL> and <START> in the middle; a picture takes many steps until it fools the network.
"""

import numpy as np

HUGE = 100  # times larger than usual
LARGE = 50  # clipping changes the gradients, but no softmax is 0 in float64
F32 = {"dtype": np.float32}
STEP = [
    {"N": 4, "D": 3, "H": 5},
    {"N": 1, "D": 3, "H": 2},
    {"N": 3, "D": 1, "H": 2},
    {"N": 3, "D": 2, "H": 1},
    {"N": 1, "D": 1, "H": 1},
    {"N": 12, "D": 11, "H": 10} | F32,
]
SEQUENCE = [
    {"N": 4, "T": 6, "D": 3, "H": 5},
    {"N": 1, "T": 3, "D": 2, "H": 4},
    {"N": 3, "T": 1, "D": 2, "H": 4},
    {"N": 3, "T": 4, "D": 1, "H": 2},
    {"N": 3, "T": 4, "D": 2, "H": 1},
    {"N": 7, "T": 12, "D": 9, "H": 8} | F32,
]
STEEP = [{"N": 3, "T": 4, "D": 2, "H": 5, "V": 5, "upstream": HUGE}]
EMBEDDING = [
    {"N": 3, "T": 4, "V": 5, "D": 2, "unused": 1},
    {"N": 1, "T": 2, "V": 3, "D": 4},
    {"N": 3, "T": 1, "V": 4, "D": 2},
    {"N": 3, "T": 4, "V": 5, "D": 1},
    {"N": 2, "T": 3, "V": 1, "D": 3},  # one word, repeated
    {"N": 8, "T": 9, "V": 30, "D": 7} | F32,
]
LOSS = [
    {"N": 4, "T": 5, "V": 7, "D": 3, "W": 2, "H": 5},
    {"N": 1, "T": 4, "V": 6, "D": 2, "W": 3, "H": 4},
    {"N": 3, "T": 2, "V": 5, "D": 1, "W": 1, "H": 1},
    {"N": 3, "T": 1, "V": 5, "D": 2, "W": 3, "H": 4},
    {"N": 3, "T": 5, "V": 7, "D": 2, "W": 3, "H": 4, "holes": True},
    {"N": 3, "T": 6, "V": 6, "D": 2, "W": 3, "H": 4, "vocab": LARGE},
    {"N": 7, "T": 9, "V": 20, "D": 9, "W": 6, "H": 8} | F32,
]
SAMPLE = [
    {"N": 4, "T": 8, "V": 6, "D": 3, "W": 2, "H": 5, "odd words": True},
    {"N": 1, "T": 6, "V": 5, "D": 2, "W": 3, "H": 4},
    {"N": 3, "T": 1, "V": 5, "D": 2, "W": 3, "H": 4},
    {"N": 3, "T": 6, "V": 5, "D": 1, "W": 1, "H": 1},
    {"N": 7, "T": 12, "V": 11, "D": 4, "W": 6, "H": 8} | F32,
]
SALIENCY = [
    {"N": 3, "H": 4, "W": 5, "classes": 4, "width": 3},
    {"N": 1, "H": 3, "W": 2, "classes": 3, "width": 2},
    {"N": 4, "H": 1, "W": 3, "classes": 5, "width": 4},
    {"N": 2, "H": 3, "W": 1, "classes": 3, "width": 3},
    {"N": 5, "H": 9, "W": 8, "classes": 5, "width": 4} | F32,
]
FOOLING = [
    {"N": 1, "H": 4, "W": 3, "classes": 4, "width": 3, "steps": 13},
    {"N": 3, "H": 3, "W": 2, "classes": 3, "width": 2},
    {"N": 1, "H": 1, "W": 1, "classes": 5, "width": 4},
    {"N": 3, "H": 6, "W": 5, "classes": 3, "width": 3} | F32,
]
UPDATE_STEP = [
    {"N": 1, "H": 4, "W": 3, "classes": 4, "width": 3, "spread": 4},  # clipping would show
    {"N": 3, "H": 3, "W": 2, "classes": 3, "width": 2},
    {"N": 1, "H": 1, "W": 1, "classes": 5, "width": 4},
    {"N": 4, "H": 6, "W": 5, "classes": 3, "width": 3} | F32,
]
FEATURES = [
    {"N": 5, "C": 4, "H": 3, "W": 2},  # N can't be mistaken for a factor of 2
    {"N": 1, "C": 1, "H": 3, "W": 4},
    {"N": 3, "C": 2, "H": 1, "W": 1},
    {"N": 3, "C": 12, "H": 7, "W": 9} | F32,
]
STYLE = [
    {"layers": 4, "chosen": 3},
    {"layers": 2, "chosen": 1},
    {"layers": 2, "chosen": 2, "C": 1, "H": 2, "W": 3},
    {"layers": 3, "chosen": 3, "C": 10, "H": 6, "W": 7} | F32,
]
PICTURE = [{"H": 4, "W": 5}, {"H": 1, "W": 4}, {"H": 4, "W": 1}, {"H": 11, "W": 9} | F32]
