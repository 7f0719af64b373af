"""Loads a published model in three ways: here, with transformers alone, and as a CrossEncoder.

python examples/from_pretrained.py MODEL "query" "document"

The second and the third work where xlretrieval is not installed: the model brings its code with it.
"""

import argparse

import torch
from sentence_transformers import CrossEncoder
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from xlretrieval import Reranker

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="folder or Hub id")
parser.add_argument("query")
parser.add_argument("document")
options = parser.parse_args()

print("xlretrieval", Reranker.from_pretrained(options.model).score([(options.query, options.document)])[0])

tokenizer = AutoTokenizer.from_pretrained(options.model, trust_remote_code=True)
model = AutoModelForSequenceClassification.from_pretrained(options.model, trust_remote_code=True).eval()
inputs = tokenizer(options.query, options.document, truncation="only_second", return_tensors="pt")
with torch.no_grad():
    print("transformers", model(**inputs).logits[0, 0].item())

cross_encoder = CrossEncoder(options.model, trust_remote_code=True, activation_fn=torch.nn.Identity())
print("sentence-transformers", cross_encoder.predict([(options.query, options.document)])[0])
