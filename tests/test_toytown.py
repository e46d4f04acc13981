"""Toytown: what is drawn is what the truth says, captions are true, and false ones are caught."""

import hashlib
import json
import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from deeplearning.datasets.toytown.grammar import write_captions
from deeplearning.datasets.toytown.plan import SEED, picture, split_combinations
from deeplearning.datasets.toytown.truth import check_caption, score_truth
from deeplearning.datasets.toytown.world import COLOURS, KINDS, RELATIONS, SETTINGS, WEATHERS, Scene, combinations


@pytest.fixture(scope="module")
def drawn():
    """A hundred pictures of the data set: scene, picture, mask."""
    return [picture(SEED, split, number) for split in ("train", "val") for number in range(50)]


def test_size_of_the_world():
    """There are at least 20 kinds, 8 colours, 6 settings, and 500 combinations of kind, setting and relation."""
    assert len(KINDS) >= 20 and len(COLOURS) == 8 and len(SETTINGS) >= 6
    assert len(set(combinations())) == len(combinations()) >= 500


def test_truth_is_what_the_mask_shows(drawn):
    """Boxes, shares and counts are those of the mask; the main thing is the largest and covers a tenth or more."""
    for scene, image, mask in drawn:
        numbers, counts = np.unique(np.asarray(mask), return_counts=True)
        shown = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
        others = scene.other.count if scene.other else 0
        assert image.size == mask.size == (128, 128) and set(shown) == {0, *range(1, 2 + others)}
        assert shown[1] >= 0.1 * 128**2 and shown[1] == max(shown[n] for n in shown if n > 0)
        for thing, seen in ((scene.main, np.asarray(mask) == 1), (scene.other, np.asarray(mask) > 1)):
            if thing is not None:
                rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
                assert thing.box == (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
                assert thing.area == pytest.approx(seen.mean())


def test_relations_can_be_seen(drawn):
    """Left, right, above and below hold for every pixel; in front and behind, the boxes overlap."""
    relations = Counter()
    for scene, _, _ in drawn:
        if scene.relation is None:
            assert scene.other is None
            continue
        relations[scene.relation] += 1
        main, other = scene.main.box, scene.other.box
        apart = {
            "left of": main[2] <= other[0],
            "right of": other[2] <= main[0],
            "above": main[3] <= other[1],
            "below": other[3] <= main[1],
        }
        overlap = main[0] < other[2] and other[0] < main[2] and main[1] < other[3] and other[1] < main[3]
        assert apart.get(scene.relation, overlap)
    assert set(relations) == set(RELATIONS)


def test_same_seed_same_pictures(run_python):
    """A picture depends on seed, split and number only, not on what was drawn before nor on the process."""
    program = (
        "import hashlib; from deeplearning.datasets.toytown.plan import picture;"
        "print(hashlib.sha256(picture(7, 'val', 3)[1].tobytes()).hexdigest())"
    )
    status, output, errors = run_python("-c", program)
    assert status == 0, errors
    assert hashlib.sha256(picture(7, "val", 3)[1].tobytes()).hexdigest() == output.strip()
    assert picture(8, "val", 3)[1].tobytes() != picture(7, "val", 3)[1].tobytes()


def test_unseen_combinations(drawn):
    """Every fifth validation picture, and no other, shows a combination unknown to training; its pairs are known."""
    seen, unseen = split_combinations(SEED)
    assert not set(seen) & set(unseen) and set(seen) | set(unseen) == set(combinations())
    for number, (scene, _, _) in enumerate(drawn):
        assert (scene.combination in unseen) == (number >= 50 and number % 5 == 4)
    for kind, setting, relation in unseen:
        assert any((kind, setting) == (k, s) for k, s, _ in seen)
        assert any((kind, relation) == (k, r) for k, _, r in seen)
        assert any((setting, relation) == (s, r) for _, s, r in seen)


def test_captions_have_their_form(drawn):
    """Five different captions of 5 to 15 words, with the right article, from 150 to 400 words, some of them rare."""
    words = Counter()
    for repeat in range(50):
        for number, (scene, _, _) in enumerate(drawn):
            captions = write_captions(scene, random.Random(f"{repeat} {number}"))
            assert len(set(captions)) == 5
            for caption in captions:
                tokens = caption.split()
                words.update(tokens)
                assert 5 <= len(tokens) <= 15
                for article, word in zip(tokens, tokens[1:], strict=False):
                    assert article not in ("a", "an") or (article == "an") == (word[0] in "aeiou")
    assert 150 <= len(words) <= 400 and sum(count < 5 for count in words.values()) >= 5


def test_true_captions_pass(drawn):
    """None of 500 captions that the grammar writes is called false, and nearly all that they state is called true."""
    verdicts = Counter()
    for number, (scene, _, _) in enumerate(drawn):
        for caption in write_captions(scene, random.Random(number)):
            statements = check_caption(caption, scene)
            assert all(s.true is not False for s in statements), (caption, scene, statements)
            verdicts.update(s.true for s in statements)
    assert verdicts[True] > 0.9 * verdicts.total()


def falsified(scene, rng):
    """The scene with one thing about it changed."""
    other_than = {
        "setting": [s for s in SETTINGS if s != scene.setting and s in KINDS[scene.main.kind].settings],
        "kind": [k for k in KINDS if k != scene.main.kind and (scene.other is None or k != scene.other.kind)],
        "colour": [c for c in COLOURS if c != scene.main.colour],
    }
    changes = [
        lambda: replace(scene, main=replace(scene.main, kind=rng.choice(other_than["kind"]))),
        lambda: replace(scene, main=replace(scene.main, size="big" if scene.main.size == "small" else "small")),
    ]
    if scene.main.colour:
        changes.append(lambda: replace(scene, main=replace(scene.main, colour=rng.choice(other_than["colour"]))))
    if scene.weather:
        wrong = "sunny" if scene.weather != "sunny" else "rainy"
        changes.append(lambda: replace(scene, weather=wrong))
    if scene.other:
        changes.append(lambda: replace(scene, relation=RELATIONS[scene.relation]))
        changes.append(lambda: replace(scene, other=replace(scene.other, count=scene.other.count % 3 + 1)))
    return rng.choice(changes)()


def test_false_captions_are_caught(drawn):
    """All of 200 captions that say one thing wrongly are found to say something false."""
    rng, caught = random.Random(0), 0
    while caught < 200:
        scene = rng.choice(drawn)[0]
        wrong, seed = falsified(scene, rng), rng.random()
        try:
            (true,), (false,) = (write_captions(s, random.Random(seed), 1) for s in (scene, wrong))
        except (KeyError, TypeError):  # the falsified scene can't be: a house in a room
            continue
        stated = {word for word in false.split()} - {word for word in true.split()}
        if not stated or {"beside", "next", "near"} & set(false.split()):
            continue  # what was changed is not mentioned, or is true of both
        if len(true.split()) == len(false.split()) or wrong.main.kind != scene.main.kind:
            statements = check_caption(false, scene)
            assert any(s.true is False for s in statements), (true, false, scene, statements)
            caught += 1


def test_scores_of_the_grammar_itself(drawn):
    """Captions of the grammar say nothing false, and name the main thing whenever they are about it."""
    scenes = [scene for scene, _, _ in drawn]
    captions = [write_captions(scene, random.Random(k), 1)[0] for k, scene in enumerate(scenes)]
    scores = score_truth(captions, scenes)
    assert scores["nothing false"] == scores["main"] == 1.0


def test_scenes_survive_json(drawn):
    """A scene that was written as JSON and read again is equal."""
    for scene, _, _ in drawn:
        assert Scene.from_json(json.loads(json.dumps(scene.to_json()))) == scene
        assert scene.weather is None or scene.weather in WEATHERS
