"""The build of a corpus: dumps in, aligned sections out, in stages of shards that any number of workers share.

    scan    dump parts         -> pages (number, title, redirect, language links)
    links   pages, SQL tables  -> which titles and articles of the wikis are the same
    parse   dump parts         -> sections of the articles that another wanted wiki has too
    fit     articles, per pair -> what headings, words, lengths and links tell of their alignment
    align   buckets of articles, per pair -> pairs of sections
    write   sections, pairs    -> aligned sections

A shard is written whole or not at all, and its name follows from everything that it was made from. So a build that
was killed goes on where it was, one with another option repeats only what the option changes, and workers, processes
and machines change nothing.
"""

from .corpus import build_corpus
from .options import BuildOptions, Workers

__all__ = ["BuildOptions", "Workers", "build_corpus"]
