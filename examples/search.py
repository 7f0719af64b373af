"""Makes an index of documents in several languages, adds one, and searches it.

python examples/search.py ENCODER INDEX [--reranker MODEL]
"""

import argparse

from xlretrieval import Index

DOCUMENTS = [
    {"id": "danube", "language": "de", "text": "Die Donau entspringt im Schwarzwald. Sie mündet ins Schwarze Meer."},
    {"id": "seine", "language": "fr", "title": "Seine", "text": "La Seine est un fleuve qui traverse Paris."},
    {"id": "fuji", "language": "ja", "text": "富士山は日本で一番高い山である。"},
]

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("encoder", help="folder or Hub id")
parser.add_argument("index", help="folder to write")
parser.add_argument("--reranker", help="folder or Hub id")
options = parser.parse_args()

index = Index.build(DOCUMENTS, options.index, options.encoder, reranker=options.reranker)
index.add([{"id": "rhine", "language": "en", "text": "The Rhine rises in the Alps."}])
index.delete(["fuji"])
for hit in index.search("Where does the river rise?", language="en"):
    start, end = hit.passage
    print(f"{hit.score:8.4f}  {hit.id:8}  {hit.language}  {hit.text[start:end]}")
