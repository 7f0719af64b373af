"""Token ids of words that came up before: in natural text nearly all words did.

BERT's tokenizers cut a text at its spaces before anything else, so the ids of a text are those of its words, one after
the other, and a dictionary gives them 5 to 7 times as fast as the compiled tokenizer works them out again.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from weakref import WeakKeyDictionary

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

# Words and their ids that are kept, some 100 bytes for each id: of a few hundred thousand words.
MAX_KEPT = 1 << 19
# Longer ones are one unknown token to WordPiece, and hardly come up again.
MAX_KEPT_CHARACTERS = 100
# Texts whose words are longer than this on average are written without spaces: their words never come up again.
MAX_WORD_CHARACTERS = 16


class WordCache:
    """Encodes texts by their words.

    Threads may share one: a dictionary that is full is replaced, never emptied.

    Args:
        backend: The tokenizer, of a kind that `serves` approves of; its settings are the caller's.
    """

    def __init__(self, backend: Tokenizer):
        self._backend = backend
        self._words: dict[str, list[int]] = {}
        self._kept = 0

    def encode(self, texts: list[str]) -> list[list[int]]:
        """Ids of every text, without special tokens, as the tokenizer itself gives them."""
        if self._kept > MAX_KEPT:
            self._words, self._kept = {}, 0
        known = self._words
        rows: list[list[int]] = [[] for _ in texts]
        split, whole = {}, []
        for index, text in enumerate(texts):
            words = text.replace("\n", " ").split(" ")
            try:
                rows[index] = _join(known, words)
            except KeyError:
                if len(text) > MAX_WORD_CHARACTERS * len(words) or max(map(len, words)) > MAX_KEPT_CHARACTERS:
                    whole.append(index)
                else:
                    split[index] = words
        new = list(set().union(*split.values()).difference(known))
        for word, ids in zip(new, self._encode(new), strict=True):
            known[word] = ids
            self._kept += 1 + len(ids)
        for index, words in split.items():
            rows[index] = _join(known, words)
        for index, ids in zip(whole, self._encode(texts[index] for index in whole), strict=True):
            rows[index] = ids
        return rows

    def _encode(self, texts: Iterable[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._backend.encode_batch_fast(list(texts), add_special_tokens=False)]


def _join(known: dict[str, list[int]], words: list[str]) -> list[int]:
    """Ids of words one after the other; KeyError where one is not known."""
    return list(chain.from_iterable(map(known.__getitem__, words)))


def serves(backend: Tokenizer) -> bool:
    """Whether the ids of a text are those of its words: BERT's way to normalize and to cut, and WordPiece.

    Tokens that users added may hold spaces, or depend on what is beside them.
    """
    return (
        isinstance(backend.model, models.WordPiece)
        and isinstance(backend.pre_tokenizer, pre_tokenizers.BertPreTokenizer)
        and (backend.normalizer is None or isinstance(backend.normalizer, normalizers.BertNormalizer))
        and not _added(backend)
    )


def _added(backend: Tokenizer) -> list[str]:
    return [token.content for token in backend.get_added_tokens_decoder().values() if not token.special]


# With what the ids depend on and may be changed in place, as by `add_tokens`.
_CACHES: WeakKeyDictionary[PreTrainedTokenizerFast, tuple[object, WordCache | None]] = WeakKeyDictionary()


def word_cache(tokenizer: PreTrainedTokenizerFast) -> WordCache | None:
    """The cache of a tokenizer, None where it has to see whole texts."""
    backend = tokenizer.backend_tokenizer
    parts, model = (backend.normalizer, backend.pre_tokenizer), backend.model
    settings = ("unk_token", "continuing_subword_prefix", "max_input_chars_per_word")
    state = (
        id(backend),
        backend.get_vocab_size(),
        _added(backend),
        *(getattr(model, name, None) for name in settings),
        *(None if part is None else (type(part), part.__getstate__()) for part in parts),
    )
    found = _CACHES.get(tokenizer)
    if found is None or found[0] != state:
        found = _CACHES[tokenizer] = state, WordCache(backend) if serves(backend) else None
    return found[1]
