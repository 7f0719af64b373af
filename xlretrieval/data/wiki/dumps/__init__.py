"""Dumps: downloading them, and reading pages out of them."""
