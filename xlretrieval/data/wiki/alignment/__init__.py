"""Which section of an article says the same as which of the article in another language."""
