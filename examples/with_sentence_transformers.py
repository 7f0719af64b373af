"""Scores pairs with sentence-transformers: a trained folder is a CrossEncoder.

python examples/with_sentence_transformers.py MODEL "query" "document"
"""

import argparse

import torch
from sentence_transformers import CrossEncoder

import xlretrieval  # noqa: F401  (registers the long encoder; not needed with trust_remote_code=True)

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="folder or Hub id")
parser.add_argument("query")
parser.add_argument("document")
options = parser.parse_args()

model = CrossEncoder(options.model, activation_fn=torch.nn.Identity())
print(float(model.predict([(options.query, options.document)])[0]))
