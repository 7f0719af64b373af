"""Topics: what is asked, in title, description and narrative."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .problems import Problems

FIELDS = ("title", "description", "narrative")

# "41-AH", "10.2452/41-AH", "C041", "041": the number of an ad-hoc topic, in the spelling of any year.
_NUMBER = re.compile(r"(?:10\.2452/)?C?0*([0-9]+)(?:-[A-Za-z]{2})?")


@dataclass(frozen=True)
class Topic:
    """One topic in one language.

    Attributes:
        id: As in its file, "41-AH" or "C041".
        title: A few words.
        description: One sentence.
        narrative: What counts as relevant.
        where: File and line.
    """

    id: str
    title: str = ""
    description: str = ""
    narrative: str = ""
    where: str = ""


def topic_key(topic_id: str) -> str:
    """What topics and judgements are joined by: the number, or the id when it is not spelled as a campaign's.

    Example:
        ```python
        topic_key("C041") == topic_key("41-AH") == topic_key("10.2452/41-AH") == "41"
        topic_key("q7") == "q7"
        ```
    """
    match = _NUMBER.fullmatch(topic_id)
    return match[1] if match else topic_id


def parse_fields(fields: str | Sequence[str]) -> tuple[str, ...]:
    """Splits "title+description" into its fields.

    Raises:
        ValueError: One of them is not a topic's field, occurs twice, or there is none.
    """
    names = tuple(fields.split("+")) if isinstance(fields, str) else tuple(fields)
    names = tuple({"desc": "description", "narr": "narrative"}.get(name.strip(), name.strip()) for name in names)
    if not names or not set(names) <= set(FIELDS) or len(set(names)) < len(names):
        raise ValueError(f"fields must be some of {'+'.join(FIELDS)}, got {fields!r}. Join them by a plus sign.")
    return names


def topic_queries(
    topics: Mapping[str, Topic], fields: str | Sequence[str] = "title", problems: Problems | None = None
) -> dict[str, str]:
    """The queries of topics: their fields joined by spaces.

    Args:
        topics: From `read_topics`.
        fields: "title", "title+description" or another combination, in this order.
        problems: Takes topics that have none of the fields. One that lacks some of them is kept and counted.

    Returns:
        Key of the topic -> query, one line of text.

    Raises:
        ValueError: The fields are unknown; or there is a problem, and problems are errors.
    """
    problems = problems or Problems()
    names = parse_fields(fields)
    queries = {}
    for key, topic in topics.items():
        values = {name: " ".join(getattr(topic, name).split()) for name in names}
        missing = [name for name in names if not values[name]]
        if len(missing) == len(names):
            message = f"a topic must have text in {'+'.join(names)}, got none in {topic.id}. Add it or choose others."
            problems.report("empty topic", topic.where, message)
            continue
        if missing:
            problems.note("topic without a field", f"{topic.where}: {topic.id} has no {', '.join(missing)}")
        queries[key] = " ".join(value for value in values.values() if value)
    return queries
