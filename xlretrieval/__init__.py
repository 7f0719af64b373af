"""Cross-lingual retrieval in the Hugging Face ecosystem."""
