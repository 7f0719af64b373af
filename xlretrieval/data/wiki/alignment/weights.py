"""How much each kind of evidence counts: weights of the log-odds that two sections match.

They are the same for all corpora, because the evidence is relative to the corpus already. They were fitted by maximum
likelihood (softmax over the possible partners and none, in both directions) on shuffled English-Chinese encyclopedia
sections and English-German, English-French and English-Spanish manuals and laws, of which 0% to 50% were removed, and
rounded. What those data lack (links, positions, embeddings) is set like its nearest relative. Fitted on half of the
encyclopedia's articles and the rest, weights align the other half as well (accuracy .988, these .989); fitted without
any encyclopedia they reach .972, since manuals and laws are translations of each other and their words agree more.

Two things that did not help: estimating from the corpus how many sections have a partner (recall .87 -> .91 at a
precision of .96 on the encyclopedia, but precision .95 -> .92 on the manuals), and evidence of equal word beginnings.
"""

from __future__ import annotations

import numpy as np

from .features import FEATURES

_WEIGHTS = {
    "lead": 2.5,
    "heading": 0.25,
    "parent": 0.15,
    "heading_words": 0.45,
    "heading_letters": 1.5,
    "items": 1.3,
    "numbers": 1.3,
    "words": 0.45,
    "lexicon": 0.6,
    "length": 0.65,
    "position": 0.4,
    "embedding": 8.0,
}
WEIGHTS = np.array([_WEIGHTS[name] for name in FEATURES])
# Above the -3.6 of the fit: more matches to learn from make up for what a lower bar lets through. With 30% of the
# encyclopedia's sections removed, precision at a recall of .90 is .962; with -2.9 it is .952.
BIAS = -2.0
