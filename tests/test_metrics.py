import json
import math

import numpy as np
import pytest

from deeplearning.metrics import bleu_1, cider_d, corpus_bleu, tokenize

# cider_d's expected values come from the COCO caption evaluation code (pycocoevalcap 1.2)
REFERENCES = [
    ["a dog runs on the grass", "a brown dog is running outside"],
    ["two children play with a red ball", "kids playing ball"],
    ["a man rides a wave on a surfboard", "the surfer is in the ocean on a wave"],
]
CAPTIONS = [
    "a dog runs outside",
    "two kids play with a ball on a ball",
    "a man on a surfboard rides a wave",
]


@pytest.fixture(scope="module")
def bleu_score():
    """nltk's scores, imported here because that takes seconds, which other test runs need
    not wait.
    """
    from nltk.translate import bleu_score

    return bleu_score


def random_corpus(seed, images=30, words=3):
    """Captions of at least four words, with one to four references each, from so small a vocabulary
    that many n-grams agree.
    """
    rng = np.random.default_rng(seed)

    def sentence(shortest):
        return " ".join(f"w{word}" for word in rng.integers(words, size=rng.integers(shortest, 14)))

    return [[sentence(1) for _ in range(rng.integers(1, 5))] for _ in range(images)], [
        sentence(4) for _ in range(images)
    ]


@pytest.mark.parametrize(
    "caption, words",
    [
        ("", []),
        ("<START> a dog <END>", ["a", "dog"]),
        ("<START> A Dog runs . <END> <NULL> <NULL>", ["a", "dog", "runs"]),
        ("a dog's ball", ["a", "dogs", "ball"]),
        ("a dog\u2019s ball", ["a", "dogs", "ball"]),
        (
            'a gray-green ball, (red) and 2 "blue" ones!',
            ["a", "gray", "green", "ball", "red", "and", "2", "blue", "ones"],
        ),
        ("a <UNK> runs.<UNK>", ["a", "<unk>", "runs", "<unk>"]),
        ("  two\twords\n", ["two", "words"]),
        ("ein GRÜNER Ball", ["ein", "grüner", "ball"]),
        ("start end null unk", ["start", "end", "null", "unk"]),
    ],
)
def test_tokenize(caption, words):
    """Words are lower case, without punctuation and the markers of the vocabulary, except <UNK>."""
    assert tokenize(caption) == words


@pytest.mark.parametrize(
    "caption, words",
    [
        ("Größe, ÉTÉ — œuvre!", ["größe", "été", "œuvre"]),
        ("e\u0301te\u0301", ["\u00e9t\u00e9"]),
        ("हिन्दी में कुत्ता।", ["हिन्दी", "में", "कुत्ता"]),
        ("كلبٌ صغيرٌ", ["كلبٌ", "صغيرٌ"]),
        ("собака бежит", ["собака", "бежит"]),
        ("a ❤️ dog", ["a", "dog"]),
    ],
)
def test_tokenize_other_languages(caption, words):
    """Letters of other languages keep their accents and vowel signs, in however many characters
    these are written.
    """
    assert tokenize(caption) == words


# BLEU


@pytest.mark.parametrize("seed", range(8))
def test_bleu_agrees_with_nltk(bleu_score, seed):
    """BLEU-1 to 4 over a corpus with several references is nltk's, closest lengths and their ties
    included.
    """
    references, captions = random_corpus(seed)
    split = (
        [[ref.split() for ref in refs] for refs in references],
        [caption.split() for caption in captions],
    )
    expected = [bleu_score.corpus_bleu(*split, weights=[1 / n] * n) for n in (1, 2, 3, 4)]
    assert min(expected) > 0
    np.testing.assert_allclose(corpus_bleu(references, captions), expected, rtol=1e-12)


@pytest.mark.parametrize("max_n", [1, 2, 5])
def test_bleu_up_to_max_n(max_n):
    """max_n says how many scores there are, and does not change them."""
    references, captions = random_corpus(0)
    scores = corpus_bleu(references, captions, max_n=max_n)
    assert scores.shape == (max_n,)
    np.testing.assert_array_equal(scores[:4], corpus_bleu(references, captions)[:max_n])


def test_bleu_takes_the_shorter_of_two_equally_close_references(bleu_score):
    """Of references one word shorter and one longer than the caption the shorter one counts: no
    penalty.
    """
    references, captions = [["w1 w2 w3", "w1 w2 w3 w4 w5"]], ["w1 w2 w3 w4"]
    expected = bleu_score.corpus_bleu(
        [[ref.split() for ref in references[0]]], [captions[0].split()], weights=[1]
    )
    assert corpus_bleu(references, captions)[0] == expected == 1
    assert corpus_bleu([references[0][1:]], captions)[0] == pytest.approx(
        math.exp(1 - 5 / 4), rel=1e-15
    )


def test_bleu_example_of_the_paper():
    """Papineni's example: `the` seven times has the clipped precision 2/7, and no bigram that
    counts.
    """
    references = [["The cat is on the mat.", "There is a cat on the mat."]]
    scores = corpus_bleu(references, ["the the the the the the the"])
    np.testing.assert_allclose(scores, [2 / 7, 0, 0, 0], rtol=1e-15)


def test_bleu_penalty_is_of_the_corpus():
    """The penalty compares total lengths: captions too short in one image and too long in another
    even out.
    """
    references = [["a dog runs on grass"], ["a cat"]]
    assert corpus_bleu(references, ["a dog runs on", "a cat a"])[0] == pytest.approx(
        6 / 7, rel=1e-15
    )


def test_unknown_words_never_match():
    """<UNK> counts as a word of the caption, and matches nothing, not even <UNK> in a reference."""
    np.testing.assert_allclose(
        corpus_bleu([["a <UNK> runs"]], ["a <UNK> runs"]), [2 / 3, 0, 0, 0], rtol=1e-15
    )
    assert corpus_bleu([["<UNK>"]], ["<UNK>"])[0] == 0
    known, unknown = cider_d([["a big dog"], ["a cat"]], ["a big dog", "a cat"])[1]
    assert cider_d([["a <UNK> dog"], ["a cat"]], ["a <UNK> dog", "a cat"])[1][0] < known
    assert cider_d([["<UNK>"], ["a cat"]], ["<UNK>", "a cat"])[1][0] == 0


@pytest.mark.parametrize("seed", range(5))
def test_bleu_1_agrees_with_nltk(bleu_score, seed):
    """The course's score of one caption is nltk's sentence BLEU of single words."""
    rng = np.random.default_rng(seed)
    for _ in range(20):
        reference, caption = (
            [f"w{word}" for word in rng.integers(6, size=rng.integers(3, 10))] for _ in range(2)
        )
        if set(reference) & set(caption):  # nltk warns where nothing agrees
            expected = bleu_score.sentence_bleu([reference], caption, weights=[1])
            got = bleu_1(" ".join(reference), "<START> " + " ".join(caption) + " <END>")
            assert type(got) is float and got == pytest.approx(expected, rel=1e-12)


def test_perfect_captions_score_best():
    """A caption equal to any of its references has BLEU 1, however it is written; one of other
    words has 0.
    """
    references, _ = random_corpus(3)
    references = [[f"{ref} w0 w1 w2 w3" for ref in refs] for refs in references]
    captions = [f"<START> {refs[-1].upper()} . <END>" for refs in references]
    np.testing.assert_allclose(corpus_bleu(references, captions), 1, rtol=1e-15)
    assert bleu_1("a dog", "A dog!") == 1
    assert not corpus_bleu(references, ["other words than those"] * len(references)).any()


@pytest.mark.parametrize("caption", ["", "<START> <END>", "."])
def test_empty_caption(caption):
    """A caption without words scores 0, without warning."""
    assert not corpus_bleu([["a dog"]], [caption]).any()
    assert bleu_1("a dog", caption) == 0
    assert cider_d([["a dog"], ["a cat"]], [caption, caption])[0] == 0


def test_captions_shorter_than_n():
    """Captions of one or two words have no trigrams: they take nothing from the precision of the
    others.
    """
    references = [["a b c d e"], ["a"], ["a b"]]
    np.testing.assert_allclose(corpus_bleu(references, ["a b c d e", "a", "a b"]), 1, rtol=1e-15)


# CIDEr-D


def test_cider_d_of_known_captions():
    """The score is the one of the COCO caption evaluation code."""
    score, scores = cider_d(REFERENCES, CAPTIONS)
    assert type(score) is float
    assert score == pytest.approx(2.382207602698634, rel=1e-12)
    np.testing.assert_allclose(
        scores, [2.454799609165064, 1.4890432531099396, 3.2027799458208976], rtol=1e-12
    )


def test_cider_d_is_ten_for_the_reference_itself():
    """A caption equal to its image's only reference, with words of its own, scores 10; the order of
    images doesn't matter.
    """
    references = [[refs[0]] for refs in REFERENCES]
    score, scores = cider_d(references, [refs[0] for refs in references])
    np.testing.assert_allclose([score, *scores], 10, rtol=1e-12)
    _, backwards = cider_d(REFERENCES[::-1], CAPTIONS[::-1])
    np.testing.assert_allclose(backwards[::-1], cider_d(REFERENCES, CAPTIONS)[1], rtol=1e-12)


def test_cider_d_penalises_length():
    """A narrower sigma lowers the score of a caption whose length differs, but not of one whose
    length agrees.
    """
    references, captions = (
        [["a dog runs"], ["two cats sleep"]],
        ["a dog runs", "two cats sleep here"],
    )
    wide, narrow = (
        cider_d(references, captions, sigma=6)[1],
        cider_d(references, captions, sigma=1)[1],
    )
    assert narrow[0] == wide[0] and narrow[1] / wide[1] == pytest.approx(
        math.exp(-1 / 2 + 1 / 72), rel=1e-12
    )


# Bad input and real data


@pytest.mark.parametrize("score", [corpus_bleu, cider_d])
@pytest.mark.parametrize(
    "references, captions, fact",
    [
        ([], [], "0 captions"),
        ([["a"]], [], "0 captions"),
        ([["a"]], ["a", "b"], "2 captions and 1 lists"),
        ([["a"], []], ["a", "b"], "1 of them empty"),
    ],
)
def test_bad_input(score, references, captions, fact):
    """Nothing to score, different counts, or an image without reference give one sentence with the
    counts.
    """
    with pytest.raises(ValueError, match=fact):
        score(references, captions)


@pytest.mark.parametrize("score", [corpus_bleu, cider_d])
def test_references_that_are_no_lists(score):
    """A string in place of an image's list of references is refused: it would be scored letter by
    letter.
    """
    with pytest.raises(ValueError, match="reference"):
        score(["a dog", "a cat"], ["a dog", "a cat"])


def test_scores_of_real_captions(shared_data):
    """Flickr8k's first references against its other four score what the COCO caption evaluation
    code gives them.
    """
    content = (shared_data / "flickr8k_captioning" / "val_references.json").read_text(
        encoding="utf-8"
    )
    references = [image["captions"] for image in json.loads(content)]
    captions, references = [refs[0] for refs in references], [refs[1:] for refs in references]
    bleu = [0.628371278458789, 0.4442703257058964, 0.3077444857672498, 0.21203375516003653]
    np.testing.assert_allclose(corpus_bleu(references, captions), bleu, rtol=1e-10)
    assert cider_d(references, captions)[0] == pytest.approx(0.808474375732944, rel=1e-10)


def test_cider_d_of_a_single_image():
    """Such a score is meaningless: a warning says so, and the result is NaN."""
    with pytest.warns(UserWarning, match="CIDEr-D of a single image means nothing"):
        score, scores = cider_d([["a dog runs"]], ["a dog runs"])
    assert np.isnan(score) and np.isnan(scores).tolist() == [True]


@pytest.mark.parametrize(
    "caption, words",
    [
        ("一只狗。", ["一", "只", "狗"]),
        ("黒いネコ、2匹", ["黒", "い", "ネ", "コ", "2", "匹"]),
        ("a 猫 cat猫x", ["a", "猫", "cat", "猫", "x"]),
        ("หมาดำ", ["ห", "ม", "า", "ด", "ำ"]),
        ("ผู้ชาย", ["ผู้", "ช", "า", "ย"]),
        ("개가 뛴다", ["개가", "뛴다"]),
        ("\U00020000\u4e8c", ["\U00020000", "\u4e8c"]),
        ("<UNK> 狗 <END>", ["<unk>", "狗"]),
    ],
)
def test_scripts_without_spaces(caption, words):
    """Without spaces between words, each character with its marks counts as a word."""
    assert tokenize(caption) == words
