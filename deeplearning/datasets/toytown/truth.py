"""Whether captions of Toytown's pictures are true: English sentences checked against the scenes
they describe.

The vocabulary is independent of the data set's captions, so that captions from anywhere can be
judged. Reading takes three steps: known phrases become marks; colours, sizes and counts are
assigned to the noun they belong to; relations are assigned to their two nouns. Unknown words are
ignored. Statements are true, false or undecided by these rules:

- A thing that is not in the scene is false. Anything said about it is undecided, so that one
  mistake counts once.
- A colour is false for a thing without one (pizza), and white, black and grey are false for
  everything.
- "a" and "one" mean 1; "several", "some" and a plural without a count mean 2 or 3.
- Sizes are known only for the main thing, and undecided for a plural.
- A place can fit several settings: the sea fits beach and harbour, sand fits beach and desert.
  Places that fit too many (sky, outside) are undecided, and false in the rest (a room).
- A room has no weather, and every night is clear: other weather there is false. Cloudy is undecided
  in the rain, and so are clouds in the sun, since they may be there.
- The recorded relation is true, and its reverse false. Left, right, above and below are also true
  if the boxes are apart in that direction, undecided if they overlap by at most half of the smaller
  one, and false otherwise. In front and behind mean that one thing hides part of the other: false
  unless recorded. Beside and near are true for left and right; beside is false for above and below;
  otherwise they are undecided.
- A relation to a place (over the street) is ignored. "On the left" means left of the other thing
  named before; without one it is undecided. A car behind a car is false if there is only one.
"""

from dataclasses import dataclass

from deeplearning.datasets.toytown.phrases import END, LEXICON, LONGEST, Mark
from deeplearning.datasets.toytown.world import RELATIONS


@dataclass(frozen=True)
class Statement:
    """A statement of a caption, and whether it is true.

    - what: "thing", "colour", "size", "count", "setting", "weather" or "relation"
    - subject: The thing that it is about, "main" or "other"; None for the place and for things that
      are not in the scene
    - words: Its first word and the one after its last, as positions in caption.split(). Only a
      plural without a count makes two statements at once: a thing and a count.
    - true: True, False, or None if it is undecided
    """

    what: str
    subject: str | None
    words: tuple
    true: bool | None


def check_caption(caption, scene):
    """The statements that a caption makes about a scene, and whether they are true.

    Inputs:
    - caption: A string of English words in lower case, grammatical or not
    - scene: The truth, a `Scene`

    Returns: list of Statement, in the order of the words
    """
    marks = _read([word.lower().strip(".,;:!?\"'()") for word in caption.split()])
    owners = _owners(marks)
    counted = {noun for mark, noun in owners.items() if mark.what == "count"}
    weather = "clear" if scene.setting == "night" else scene.weather
    statements = []
    for i, mark in enumerate(marks):
        said = []  # (what, subject, true)
        if mark.what == "thing":
            role = _role(mark, scene)
            said.append(("thing", role, role is not None))
            if mark.value[1] and mark not in counted:
                said.append(
                    ("count", role, None if role is None else getattr(scene, role).count > 1)
                )
        elif mark in owners:
            said.append((mark.what, _role(owners[mark], scene), _suits(mark, owners[mark], scene)))
        elif mark.what in ("setting", "where", "weather"):
            what, seen = (
                ("weather", weather) if mark.what == "weather" else ("setting", scene.setting)
            )
            said.append((what, None, _fits(mark.value, seen)))
        elif mark.what == "relation" and (ends := _ends(marks, i)):
            one, two = (noun and _role(noun, scene) for noun in ends)
            said.append(("relation", one, _between(mark.value[0], one, two, scene)))
        statements += [
            Statement(what, subject, (mark.start, mark.stop), true) for what, subject, true in said
        ]
    return statements


def score_truth(captions, scenes):
    """How much of what captions say is true, and how much they leave out.

    Inputs:
    - captions: One string for each picture
    - scenes: The truth, one `Scene` for each picture

    Returns: dict of shares from 0 to 1, or None if there is nothing to take a share of
    - main: Share of pictures whose caption names the main thing
    - colour: Of pictures whose main thing has a colour, the share whose caption states it, and no
      other colour for it
    - setting: Share of pictures whose caption names the setting, and no other
    - weather, size, relation, count: Of captions with decided statements of this sort, the share in
      which all of these are right
    - weather stated, and so on: Share of captions that have such statements
    - nothing false: Share of captions without a false statement; empty captions count, too

    Raises ValueError if there is not one scene for each caption, or there are no pictures.
    """
    if len(captions) != len(scenes) or not len(captions):
        raise ValueError(
            f"there must be as many captions as scenes, at least 1: got {len(captions)} and "
            f"{len(scenes)}"
        )
    checked = [
        check_caption(caption, scene) for caption, scene in zip(captions, scenes, strict=True)
    ]
    coloured = [
        statements for statements, scene in zip(checked, scenes, strict=True) if scene.main.colour
    ]
    things = [_told(statements, "thing", "main") for statements in checked]
    colours = [_told(statements, "colour", "main") for statements in coloured]
    settings = [_told(statements, "setting") for statements in checked]
    shares = {
        "main": _share([True in told for told in things]),
        "colour": _share([told == {True} for told in colours]),
        "setting": _share([told == {True} for told in settings]),
    }
    for what in ("weather", "size", "relation", "count"):
        told_of = [_told(statements, what) for statements in checked]
        stated = [told for told in told_of if told]
        shares[what] = _share([told == {True} for told in stated])
        shares[f"{what} stated"] = len(stated) / len(checked)
    nothing_false = [False not in {s.true for s in statements} for statements in checked]
    return shares | {"nothing false": _share(nothing_false)}


def _told(statements, what, subject=None):
    """The decided truth values, True and False, of statements of this sort (about this subject)."""
    return {s.true for s in statements if s.what == what and subject in (None, s.subject)} - {None}


def _share(flags):
    return sum(flags) / len(flags) if flags else None


def _read(words):
    """Marks for all words: the longest known phrase at each position, from left to right."""
    marks = []
    start = 0
    while start < len(words):
        stops = range(min(start + LONGEST, len(words)), start, -1)
        stop = next((stop for stop in stops if tuple(words[start:stop]) in LEXICON), start + 1)
        marks.append(Mark(*LEXICON.get(tuple(words[start:stop]), ("unknown", None)), start, stop))
        start = stop
    return marks


def _owners(marks):
    """The noun that each mark of colour, size or count belongs to, if there is one.

    Marks wait for the next noun. If none comes, colours and sizes go back to a noun separated from
    them only by linking words ("a person in red", "the car is big"); before a place they are
    dropped ("the green field").
    """
    owners = {}
    waiting = []
    noun = None
    linked = False
    for mark in [*marks, END]:
        if mark.what in ("colour", "size"):
            waiting.append(mark)
        elif mark.what == "thing":
            owners |= dict.fromkeys(waiting, mark)
            waiting = []
            noun = mark
            linked = True
        elif mark.what == "clothes":
            person = noun and noun.value[0] == "person"
            owners |= {worn: noun for worn in waiting if person and worn.what == "colour"}
            waiting = []
            linked = False
        else:
            if linked and mark.what not in ("setting", "weather"):
                owners |= dict.fromkeys(waiting, noun)
            if linked or mark.what != "unknown":  # may be an adjective: a red <UNK> car
                waiting = [mark] if mark.what == "count" else []
            linked = linked and mark.what == "link"
    return owners


def _role(noun, scene):
    """The thing of the scene that a noun refers to: "main", "other" or None."""
    roles = {scene.other.kind: "other"} if scene.other else {}
    return (roles | {scene.main.kind: "main"}).get(noun.value[0])


def _suits(mark, noun, scene):
    """Whether a colour, size or count is right for the thing."""
    role = _role(noun, scene)
    plural = noun.value[1]
    if role is None:
        return None
    thing = getattr(scene, role)
    if mark.what == "colour":
        return thing.colour == mark.value
    if mark.what == "count":
        return thing.count in mark.value
    return None if thing.size is None or plural else thing.size == mark.value


def _fits(places, seen):
    """Whether the scene's setting or weather is among these: True, False, or None for maybe."""
    return seen in places.split() or (None if f"{seen}?" in places.split() else False)


def _ends(marks, i):
    """The two nouns of a relation, each None if it cannot be found; None instead of the pair if one
    is a place.

    "A behind B", or "behind B is A". If a pronoun or nothing follows, it is the noun before and the
    last different noun: "A with B behind it", "A with B behind". If there is none, it comes next:
    "A and behind it B", "A above and B below".
    """
    named = marks[i].value[1]
    following = _next(marks, i)
    before = [mark for mark in marks[:i] if mark.what == "thing"]
    if named == "noun":
        if following.what in ("setting", "weather"):
            return None
        if following.what == "thing":
            after = [
                mark for mark in marks if mark.what == "thing" and mark.start > following.start
            ]
            return [*before[-1:], *after, None][0], following
        if following.what == "pronoun":
            i = marks.index(following)
            named = "pronoun"
        elif [following] != [*marks, END][i + 1 : i + 2]:  # unknown words: behind a <UNK>
            return None, None
    others = [noun for noun in before if noun.value[0] != before[-1].value[0]]
    if others or not before or named == "before":
        return (before[-1], others[-1]) if others else (None, None)
    after = _next(marks, i, "link")
    ends = before[-1], after if after.what == "thing" else None
    return ends[::-1] if named == "pronoun" else ends


def _next(marks, i, *passed):
    """The next mark, skipping those that can precede a noun."""
    passed = "colour", "size", "count", "unknown", *passed
    return next((mark for mark in marks[i + 1 :] if mark.what not in passed), END)


def _between(stated, one, two, scene):
    """Whether the thing with role `one` has the stated relation to that with role `two`."""
    if one is None or two is None:
        return None
    if one == two:
        return False if getattr(scene, one).count == 1 else None
    return _holds(stated if one == "main" else RELATIONS.get(stated, stated), scene)


def _holds(stated, scene):
    """Whether the main thing has the stated relation to the other one."""
    if stated == scene.relation or (
        stated in ("beside", "near") and scene.relation in ("left of", "right of")
    ):
        return True
    if stated in ("beside", "near"):
        return False if stated == "beside" and scene.relation in ("above", "below") else None
    if stated in ("in front of", "behind"):
        return False
    axis = 0 if stated in ("left of", "right of") else 1
    spans = [thing.box[axis::2] for thing in (scene.main, scene.other)]
    first, second = spans if stated in ("left of", "above") else spans[::-1]
    overlap = min(first[1], second[1]) - max(first[0], second[0])
    if overlap <= 0:
        return first[0] < second[0]
    smaller = min(stop - start for start, stop in spans)
    return None if sum(first) < sum(second) and 2 * overlap <= smaller else False
