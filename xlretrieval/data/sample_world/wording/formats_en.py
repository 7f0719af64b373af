"""English sentences about how dates, numbers, prices, days and names are written; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "language.script_there": (
        "Texts in {language} appear in the {script} script.",
        "For {language}, people use {script} letters.",
        "Readers of {language} find it in {script} writing.",
    ),
    "script.right": (
        "Lines in {script} characters run from left to right.",
        "One reads {script} text from the left to the right.",
    ),
    "script.left": (
        "Lines in {script} characters run from right to left.",
        "One reads {script} text from the right to the left.",
    ),
    "date.short": (
        "In short form, {date} is written “{local}”.",
        "The date {date} shrinks to “{local}”.",
        "On a form, {date} becomes “{local}”.",
    ),
    "date.short@territory": ("Whoever notes down {date} {s:in} writes “{local}”.",),
    "date.short@language": ("The short way to put {date} in {s} is “{local}”.",),
    "date.long": (
        "Spelled out, the same day reads “{local}”.",
        "With the name of the month it is “{local}”.",
    ),
    "date.clock12": (
        "Clocks count twice to twelve, so {time} is “{local}”.",
        "The day has two halves of twelve hours, and {time} appears as “{local}”.",
    ),
    "date.clock24": (
        "The hours run up to 24, and {time} is shown as “{local}”.",
        "A clock counts all 24 hours, so {time} reads “{local}”.",
    ),
    "number.large": (
        "The number {number} looks like this: “{local}”.",
        "Printed the local way, {number} becomes “{local}”.",
        "An example of a large number is “{local}”, that is {number}.",
    ),
    "number.large@territory": ("Accountants {s:in} write {number} as “{local}”.",),
    "number.large@language": ("A text in {s} gives the number {number} as “{local}”.",),
    "number.percent": (
        "A share of {count} in a hundred is “{local}”.",
        "For {count} percent one writes “{local}”.",
    ),
    "number.decimal": (
        "Before the fraction stands this sign: {sign}.",
        "The decimal sign is the following: {sign}.",
    ),
    "number.group": (
        "Groups of digits are kept apart by this sign: {sign}.",
        "To make thousands easy to see, one uses this sign: {sign}.",
    ),
    "money.amount": (
        "A price of {number} in the currency {currency} is given as “{local}”.",
        "On a bill over {number} ({currency}) stands “{local}”.",
    ),
    "calendar.weekday": (
        "The {language} word for {day} is “{local}”.",
        "In {language}, {day} is called “{local}”.",
        "For {day} people say “{local}”.",
    ),
    "calendar.month": (
        "The month of {month} has the {language} name “{local}”.",
        "In {language}, {month} is “{local}”.",
        "A calendar shows “{local}” for {month}.",
    ),
    "zone.windows": (
        "Windows calls it “{name}”.",
        "In the settings of Windows one selects “{name}”.",
    ),
    "name.other": (
        "In {language}, the name is “{local}”.",
        "Speakers of {language} say “{local}”.",
        "The {language} word for {s} is “{local}”.",
    ),
    "name.language": (
        "The language {thing} is called “{local}”.",
        "In {s}, the word for the language {thing} is “{local}”.",
    ),
    "name.territory": (
        "For {thing:the} one says “{local}”.",
        "On a map in {s}, {thing:the} is “{local}”.",
        "The name of {thing:the} is “{local}”.",
    ),
    "name.currency": (
        "The {thing} is called “{local}”.",
        "In {s}, the {thing} has the name “{local}”.",
    ),
    "name.unit": (
        "The unit {thing} is named “{local}”.",
        "Measurements in {thing} use the word “{local}”.",
    ),
}
