"""Which articles and link targets of different wikis are the same."""
