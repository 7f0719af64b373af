"""The options of a training command, a line each."""

from __future__ import annotations

from dataclasses import fields


def option_lines(*classes: type) -> list[str]:
    """One line for every option of this project, and for those whose default is not that of `TrainingArguments`.

    Args:
        *classes: Dataclasses whose fields are the options, in their order.
    """
    from transformers import TrainingArguments

    inherited = {option.name: option.default for option in fields(TrainingArguments)}
    lines = []
    for option in [option for options in classes for option in fields(options)]:
        if option.name in inherited and inherited[option.name] == option.default:
            continue
        default = option.default if isinstance(option.default, (str, int, float)) else None
        shown = f" (default: {default})" if default is not None else ""
        lines.append(f"  --{option.name:<28} {option.metadata.get('help', '')}{shown}")
    return lines
