"""A small tokenizer in the published layout, of the words that a test needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def write_tokenizer(
    folder: Path, texts: Iterable[str], *, specials: Sequence[str] = ("<a>", "<b>"), without: Sequence[str] = ()
) -> dict[str, int]:
    """Write ``tokenizer.json`` with a word an id; what it does not know is read letter by letter.

    Args:
        folder: Of the checkpoint.
        texts: Whose words it knows, beside ``Yes`` and ``No``.
        specials: Marks that are never cut.
        without: Words that it shall not know.

    Returns:
        Id by word.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    cut = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    words = {word for text in texts for word, _ in cut.pre_tokenize_str(text)} | {"Yes", "No"}
    known = sorted(words - set(without))
    pieces = set(known) | {letter for word in words for letter in word}
    vocabulary = {piece: number for number, piece in enumerate([*specials, "?", *sorted(pieces)])}
    letters = [word for word in without if word in words]
    if letters:
        cut = pre_tokenizers.Sequence([cut, pre_tokenizers.Split(Regex("|".join(letters[0])), "isolated")])
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = cut
    tokenizer.add_special_tokens(list(specials))
    tokenizer.save(str(folder / "tokenizer.json"))
    return vocabulary
