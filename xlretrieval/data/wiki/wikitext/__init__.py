"""From the wikitext of a page to sections of plain text, links, and what of it is prose."""
