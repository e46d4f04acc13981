"""Whether captions of Toytown's pictures are true: English sentences held against the scenes they
describe.

The words are this module's own, so that it can judge captions from anywhere. It reads in three
steps: known phrases become marks, colours, sizes and counts find the noun they belong to, and
relations the two nouns that they stand between. Words that it doesn't know say nothing. What is
true, what false, and what cannot be told:

- A thing that is not in the scene is false. What is said of it cannot be told, so that one mistake
  counts once.
- A colour is false of a thing without one (pizza), and so are white, black and grey of everything.
- "a" and "one" count 1, "several", "some" and a plural without a count 2 or 3.
- Sizes are only known of the main thing, and cannot be told of a plural.
- A place can fit several settings: the sea beach and harbour, sand beach and desert. What fits too
  many (sky, outside) cannot be told, and is false in the others (a room).
- A room shows no weather, and every night is clear: other weather there is false. Cloudy cannot be
  told in the rain, nor clouds in the sun, since they may be there.
- The recorded relation is true, and its reverse false. Left, right, above and below are also true
  where the boxes are apart that way, cannot be told where they overlap by at most half of the
  smaller one, and false otherwise. In front and behind mean that one hides part of the other: false
  unless recorded. Beside and near are true for left and right; beside is false for above and below;
  else they cannot be told.
- A relation to a place (over the street) says nothing. "On the left" is left of the other thing
  named before; it cannot be told if there is none. A car behind a car is false if there is only
  one.
"""

from dataclasses import dataclass

from deeplearning.datasets.toytown.phrases import END, LEXICON, LONGEST, Mark
from deeplearning.datasets.toytown.world import RELATIONS


@dataclass(frozen=True)
class Statement:
    """What a caption says, and whether that is true.

    - what: "thing", "colour", "size", "count", "setting", "weather" or "relation"
    - subject: Of which thing it speaks, "main" or "other"; None for the place and for what is not
      in the scene
    - words: First word that says so and the one after the last, as positions in caption.split().
      Only a plural without a count says two things at once: a thing and a count.
    - true: True, False, or None where it cannot be told
    """

    what: str
    subject: str | None
    words: tuple
    true: bool | None


def check_caption(caption, scene):
    """What a caption says of a scene, and whether that is true.

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
    - captions: One for each picture, as strings
    - scenes: The truth, one `Scene` for each picture

    Returns: dict of shares from 0 to 1, or None where there is nothing to take a share of
    - main: Of all pictures, those whose caption names the main thing
    - colour: Of pictures whose main thing has a colour, those whose caption states it, and no other
      colour of it
    - setting: Of all pictures, those whose caption names the setting, and no other
    - weather, size, relation, count: Of captions that state one that can be told, those in which
      all of these are right
    - weather stated, and so on: How many these captions are, of all
    - nothing false: Of all captions, those without a false statement; an empty one is among them

    Raises ValueError if there is not one scene for each caption, or no picture at all.
    """
    if len(captions) != len(scenes) or not len(captions):
        raise ValueError(
            f"captions and scenes must be as many, at least 1: got {len(captions)} and "
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
    """True and False, as far as statements of this sort (about this subject) are."""
    return {s.true for s in statements if s.what == what and subject in (None, s.subject)} - {None}


def _share(flags):
    return sum(flags) / len(flags) if flags else None


def _read(words):
    """Marks for all words: from left to right the longest phrase that is known."""
    marks = []
    start = 0
    while start < len(words):
        stops = range(min(start + LONGEST, len(words)), start, -1)
        stop = next((stop for stop in stops if tuple(words[start:stop]) in LEXICON), start + 1)
        marks.append(Mark(*LEXICON.get(tuple(words[start:stop]), ("unknown", None)), start, stop))
        start = stop
    return marks


def _owners(marks):
    """For marks of colour, size and count the noun that they belong to, if there is one.

    They wait for the noun that comes. Where none does, colours and sizes go back to the noun that
    only linking words part them from ("a person in red", "the car is big"); in front of a place
    they are dropped ("the green field").
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
            if linked or mark.what != "unknown":  # which may be an adjective: a red <UNK> car
                waiting = [mark] if mark.what == "count" else []
            linked = linked and mark.what == "link"
    return owners


def _role(noun, scene):
    """Which thing of the scene a noun speaks of: "main", "other" or None."""
    roles = {scene.other.kind: "other"} if scene.other else {}
    return (roles | {scene.main.kind: "main"}).get(noun.value[0])


def _suits(mark, noun, scene):
    """Whether a colour, size or count is that of the thing."""
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
    """Whether what is seen is among the settings or weathers, or may be."""
    return seen in places.split() or (None if f"{seen}?" in places.split() else False)


def _ends(marks, i):
    """The two nouns that a relation stands between, each None if it cannot be found; None where one
    is a place.

    "A behind B", or "behind B is A". Where a pronoun or nothing follows, the noun before and the
    last other one: "A with B behind it", "A with B behind". If there is none, it comes next: "A and
    behind it B", "A above and B below".
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
    """The next mark other than those that stand before a noun."""
    passed = "colour", "size", "count", "unknown", *passed
    return next((mark for mark in marks[i + 1 :] if mark.what not in passed), END)


def _between(stated, one, two, scene):
    """Whether the thing of role one is `stated` that of role two."""
    if one is None or two is None:
        return None
    if one == two:
        return False if getattr(scene, one).count == 1 else None
    return _holds(stated if one == "main" else RELATIONS.get(stated, stated), scene)


def _holds(stated, scene):
    """Whether the main thing is `stated` the other."""
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
