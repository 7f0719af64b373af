"""The evidence for every combination of a section of one article and a section of the other."""

from __future__ import annotations

import numpy as np

from .headings import heading_gains, heading_likeness, heading_word_gains
from .overlap import lexicon_overlap, token_overlap
from .pair_model import PairModel
from .rarity import Rarity
from .signals import KINDS, Signals

_HEADINGS = ("lead", "heading", "parent", "heading_words", "heading_letters")
FEATURES = (*_HEADINGS, *KINDS, "lexicon", "length", "position", "embedding")


def evidence_of(
    source: Signals, target: Signals, model: PairModel, source_rarity: Rarity, target_rarity: Rarity
) -> np.ndarray:
    """Evidence by feature, source section and target section: (features, sources, targets).

    That of embeddings is left at 0 for the caller, who has the texts.
    """
    source_lead, target_lead = (source.headings == 0)[:, None], (target.headings == 0)[None, :]
    neither = ~source_lead & ~target_lead
    nested = (source.parents > 0)[:, None] & (target.parents > 0)[None, :]
    words = heading_word_gains(source, target, model.heading_words, source_rarity, target_rarity)
    found = {
        "lead": np.where(neither, 0.0, np.where(source_lead & target_lead, 1.0, -1.0)),
        "heading": heading_gains(source.headings, target.headings, model.headings) * neither,
        "parent": heading_gains(source.parents, target.parents, model.headings) * nested,
        "heading_words": words,
        "heading_letters": heading_likeness(source, target),
        "lexicon": lexicon_overlap(source, target, model.lexicon),
        "length": model.length.evidence(target.lengths[None, :] - source.lengths[:, None]),
        "position": model.position.evidence(relative_positions(target)[None, :] - relative_positions(source)[:, None]),
        "embedding": np.zeros((len(source), len(target))),
    }
    for kind in KINDS:
        found[kind] = token_overlap(kind, source, target, source_rarity, target_rarity)
    return np.stack([found[name] for name in FEATURES])


def relative_positions(article: Signals) -> np.ndarray:
    """Middle of every section in an article of length one: (sections,)."""
    return (np.arange(len(article)) + 0.5) / max(len(article), 1)
