"""The built-in sample: articles about the facts of Unicode CLDR, worded by us in four languages."""
