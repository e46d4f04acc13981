"""What exists in Toytown: the kinds of things, their colours, the places, and the record of a
scene.
"""

from dataclasses import asdict, dataclass

COLOURS = {
    "red": (214, 48, 49),
    "orange": (240, 138, 36),
    "yellow": (247, 208, 58),
    "green": (72, 158, 78),
    "blue": (52, 108, 208),
    "purple": (132, 72, 176),
    "pink": (242, 140, 180),
    "brown": (134, 88, 52),
}
SETTINGS = ("street", "beach", "field", "snow", "harbour", "desert", "night", "room")
OUTDOORS = frozenset(SETTINGS) - {"room"}
WEATHERS = ("sunny", "cloudy", "rainy")  # of settings with a daylight sky
RELATIONS = {  # from the main thing's relation to the other one's
    "left of": "right of",
    "right of": "left of",
    "above": "below",
    "below": "above",
    "in front of": "behind",
    "behind": "in front of",
}


@dataclass(frozen=True)
class Kind:
    """A kind of thing: where it can be (ground, air, water), and in which settings."""

    spots: frozenset = frozenset({"ground"})
    settings: frozenset = OUTDOORS
    coloured: bool = True


_ANYWHERE = frozenset(SETTINGS)
_AIR = frozenset({"air"})
_BOTH = frozenset({"air", "ground"})
_WATER = frozenset({"water"})

KINDS = {
    "ball": Kind(settings=_ANYWHERE),
    "bicycle": Kind(settings=_ANYWHERE - {"harbour"}),
    "bird": Kind(_BOTH, _ANYWHERE),
    "boat": Kind(_WATER, frozenset({"beach", "harbour"})),
    "bus": Kind(settings=OUTDOORS - {"field"}),
    "car": Kind(),
    "cat": Kind(settings=_ANYWHERE),
    "clock": Kind(settings=_ANYWHERE),
    "cow": Kind(settings=OUTDOORS - {"harbour"}),
    "dog": Kind(settings=_ANYWHERE),
    "elephant": Kind(),
    "flower": Kind(settings=_ANYWHERE - {"snow"}),
    "giraffe": Kind(settings=OUTDOORS - {"harbour"}),
    "horse": Kind(),
    "house": Kind(),
    "kite": Kind(_AIR),
    "person": Kind(settings=_ANYWHERE),
    "pizza": Kind(settings=_ANYWHERE - {"snow", "night"}, coloured=False),
    "plane": Kind(_AIR),
    "train": Kind(settings=OUTDOORS - {"beach"}),
    "tree": Kind(settings=OUTDOORS - {"harbour"}),
    "umbrella": Kind(settings=_ANYWHERE),
}


@dataclass(frozen=True)
class Thing:
    """A thing in the scene, or several of the same kind.

    - kind: One of KINDS; colour: one of COLOURS, or None for a kind without
    - count: How many there are, 1 to 3
    - size: "big" or "small" for the main thing, None for others
    - box: left, top, right, bottom in pixels, around all of them together
    - area: Share of the picture's pixels that show it, from 0 to 1
    """

    kind: str
    colour: str | None
    count: int
    size: str | None
    box: tuple
    area: float


@dataclass(frozen=True)
class Scene:
    """The truth about a picture.

    - setting: One of SETTINGS; weather: one of WEATHERS, or None in a room and at night
    - main: The main thing, a single one and the largest
    - other: The other thing, or None
    - relation: Relation of the main thing to the other (main is `left of` other), one of RELATIONS,
      or None
    """

    setting: str
    weather: str | None
    main: Thing
    other: Thing | None
    relation: str | None

    @property
    def combination(self):
        """(main kind, setting, relation); a fifth of the validation pictures show a combination
        that is not in training.
        """
        return self.main.kind, self.setting, self.relation

    def to_json(self):
        return asdict(self)

    @classmethod
    def from_json(cls, fields):
        main, other = (
            None if thing is None else Thing(**thing | {"box": tuple(thing["box"])})
            for thing in (fields["main"], fields["other"])
        )
        return cls(**fields | {"main": main, "other": other})


def combinations():
    """All combinations of main kind, setting and relation that can be drawn, in a fixed order."""
    return [
        (kind, setting, relation)
        for kind, traits in KINDS.items()
        for setting in SETTINGS
        if setting in traits.settings
        for relation in (None, *RELATIONS)
        if companions(kind, setting, relation)
    ]


def companions(kind, setting, relation):
    """Kinds that the other thing can be, sorted; [None] if the scene has no other thing.

    Above and below relate a thing in the air and one on the ground or water; left and right, two in
    the air or two that are not; in front and behind, two on the ground.
    """
    if relation is None:
        return [None]
    if spot(kind, setting, relation) is None:
        return []
    return [
        name
        for name, traits in KINDS.items()
        if name != kind
        and setting in traits.settings
        and spot(kind, setting, relation, of_other=name)
    ]


def spot(kind, setting, relation, of_other=None):
    """Where the main thing is in such a scene ("ground", "water" or "air"), or the other one if its
    kind is given.

    Returns None if the relation leaves no place for it. Nothing flies in a room.
    """
    mine = KINDS[kind].spots - ({"air"} if setting == "room" else set())
    where = {
        "above": ("air",),
        "below": ("ground",),
        "in front of": ("ground",),
        "behind": ("ground",),
    }
    here = next(
        (place for place in where.get(relation, ("ground", "water", "air")) if place in mine), None
    )
    if of_other is None or here is None:
        return here
    theirs = {
        "above": ("ground", "water"),
        "below": ("air",),
        "in front of": ("ground",),
        "behind": ("ground",),
    }
    beside = ("air",) if here == "air" else ("ground", "water")
    spots = KINDS[of_other].spots - ({"air"} if setting == "room" else set())
    return next((place for place in theirs.get(relation, beside) if place in spots), None)
