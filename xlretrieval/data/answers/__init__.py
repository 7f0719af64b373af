"""Questions whose answers stand in a text: SQuAD, MLQA, XQuAD."""
