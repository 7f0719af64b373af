"""Ranks documents of several languages for a query.

python examples/rerank.py MODEL "query" "first document" "second document" ...
"""

import argparse

from xlretrieval import Reranker

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="folder or Hub id")
parser.add_argument("query")
parser.add_argument("documents", nargs="+")
options = parser.parse_args()

reranker = Reranker.from_pretrained(options.model)
for index, score in reranker.rank(options.query, options.documents):
    print(f"{score:8.3f}  {options.documents[index]}")
