"""Writes the card of a model and publishes it; the same as `xlretrieval card` and `xlretrieval push`.

python examples/push_to_hub.py MODEL me/qlm-rr --evaluation results/ranking --dry-run
python examples/push_to_hub.py MODEL me/qlm-rr --evaluation results/ranking --private

`hf auth login` first. A trainer does it with `push_to_hub=True`, or `trainer.push_to_hub()`.
"""

import argparse

from xlretrieval.hub.card import CardOptions, write_card
from xlretrieval.hub.publish import push_model

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model", help="folder")
parser.add_argument("repo", help="name on the Hub")
parser.add_argument("--evaluation", action="append", default=[], help="folder of `xlretrieval evaluate --output`")
parser.add_argument("--private", action="store_true")
parser.add_argument("--dry-run", action="store_true")
options = parser.parse_args()

card = write_card(options.model, options.evaluation, options=CardOptions(name=options.repo, licence="apache-2.0"))
print(f"card: {card}")
address = push_model(options.model, options.repo, private=options.private, dry_run=options.dry_run)
print(f"{'would be' if options.dry_run else 'published'} at {address}")
