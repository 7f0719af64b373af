"""From Wikipedia dumps to aligned sections: pages, sections, articles across languages, alignment, and the build."""
