"""How many floating-point operations does a token take, and how many tokens a GPU? Counted from shapes, not measured.

Counted are the matrices of the layers (query, key, value, output, key and value of global attention, feed-forward) and
both products of attention over a full window and the global keys, which is the most a token has: in inputs shorter
than that it is less. Not counted are the queries of global tokens, the vocabulary (`docs/scaling.md` has it),
embeddings, norms and softmax. The gradient takes twice the forward pass.

  python -m benchmarks.work
"""

from __future__ import annotations

import argparse

LAYERS, HIDDEN, WINDOW, GLOBAL_TOKENS = 12, 768, 64, 32
H200_PEAK = 989e12
"""Operations a second in dense bf16, of the data sheet."""
UTILISATION = 0.4
"""What a pretraining step reached on an H200 (`benchmarks.gpu`)."""


def training_operations(
    layers: int = LAYERS, hidden: int = HIDDEN, window: int = WINDOW, global_tokens: int = GLOBAL_TOKENS
) -> int:
    """Operations of a token in training, forward and gradient, by default in the shape of mBERT made long."""
    matrices = 2 * (6 + 8) * hidden**2
    attention = 4 * hidden * (window + global_tokens)
    return 3 * layers * (matrices + attention)


def tokens_per_second(peak: float = H200_PEAK, utilisation: float = UTILISATION) -> float:
    """Tokens that a GPU trains on in a second, by default an H200.

    Args:
        peak: Operations a second of the data sheet.
        utilisation: The share of it that training reaches.
    """
    return utilisation * peak / training_operations()


def main() -> None:
    """Prints both figures."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    share = f"{UTILISATION:.0%} of {H200_PEAK / 1e12:.0f} TFLOP/s"
    print(f"{training_operations() / 1e9:.3f} GFLOP a token; an H200 at {share}: {tokens_per_second():,.0f} a second")


if __name__ == "__main__":
    main()
