"""English questions about single facts, and search topics."""

# Kind of fact, of which subject if that matters -> (slot that answers, question).
QUESTIONS: dict[str, tuple[str, str]] = {
    "territory.codes": ("alpha3", "Which three letters does the ISO standard use for {s}?"),
    "territory.main": ("language", "Which language is most widely used {s:in}?"),
    "territory.official_one": ("languages", "Which language is official {s:in}?"),
    "territory.share": ("percent", "What share of the people {s:in} knows {language}?"),
    "territory.currency": ("date", "Since when has the {currency} been in use {s:in}?"),
    "territory.currency_code": ("code", "How do banks abbreviate the {currency}, which is used {s:in}?"),
    "territory.former": ("end", "Until when was the {currency} valid {s:in}?"),
    "territory.first_day": ("day", "On which day does the week begin {s:in}?"),
    "territory.weekend": ("days", "Which days are the weekend {s:in}?"),
    "territory.zone": ("zone", "Which time do clocks show {s:in}?"),
    "date.short@territory": ("local", "How does one write {date} in short form {s:in}?"),
    "date.short@language": ("local", "What is the short form of {date} in {s}?"),
    "date.long@territory": ("local", "How is {date} spelled out {s:in}?"),
    "number.large@territory": ("local", "How is the number {number} written {s:in}?"),
    "number.large@language": ("local", "How is the number {number} written in {s}?"),
    "number.decimal@territory": ("sign", "Which sign stands before decimals {s:in}?"),
    "number.decimal@language": ("sign", "Which sign stands before decimals in a text in {s}?"),
    "calendar.weekday": ("local", "What is the {language} word for {day}?"),
    "calendar.month": ("local", "What is the {language} name of the month of {month}?"),
    "name.other": ("local", "What is {s} called in {language}?"),
    "name.territory": ("local", "How does one say {thing} in {s}?"),
    "name.language": ("local", "What is the {s} word for the language {thing}?"),
    "name.currency": ("local", "What is the {thing} called in {s}?"),
    "language.identity": ("code", "Which code does the language {s} have?"),
    "language.endonym": ("local", "What do speakers of {s} call their language?"),
    "language.most": ("territory", "Where does {s} have its largest share of the population?"),
    "language.share": ("percent", "What share of the people {territory:in} speaks {s}?"),
    "language.script": ("script", "Which script is {s} usually written in?"),
    "language.plural": ("count", "How many forms of number does {s} tell apart?"),
    "currency.identity": ("code", "What is the code of the currency {s}?"),
    "currency.digits": ("count", "How many decimal places do amounts in {s} have?"),
    "currency.used_one": ("territories", "Which territory has {s} as its money?"),
    "currency.since": ("date", "Since when do people {territory:in} pay with {s}?"),
    "currency.former": ("end", "When did {s} lose its validity {territory:in}?"),
    "currency.next": ("currency", "Which currency followed {s} {territory:in}?"),
    "currency.amount": ("local", "How does a text in {language} write {number} in the currency {s}?"),
    "script.identity": ("code", "Which code does the script {s} have?"),
    "zone.summer": ("summer", "What is the summer time of the zone {s} called?"),
}

# Relation and kind of thing -> (title, description, narrative).
TOPICS: dict[str, tuple[str, str, str]] = {
    "languages:territory": (
        "Languages: {s}",
        "Which languages are spoken {s:in}, and which ones are official?",
        "Relevant documents name languages of the territory, their status or their share of the population. How "
        "these languages are written, or what they call things, is not of interest.",
    ),
    "languages:language": (
        "Spread of a language: {s}",
        "Where do people speak {s}, and where is it official?",
        "Relevant documents tell in which territories the language is used, by how many or with which status. "
        "Words of the language are not of interest.",
    ),
    "currency:territory": (
        "Money: {s}",
        "With which currencies do or did people pay {s:in}?",
        "Relevant documents tell of present or earlier currencies of the territory, of their introduction, end or "
        "code. How prices are written is not of interest.",
    ),
    "currency:currency": (
        "Use of a currency: {s}",
        "Where and when was {s} in use?",
        "Relevant documents name territories in which one pays or paid with this money, or days on which that "
        "changed. Its name in other languages and the way amounts are written are not of interest.",
    ),
    "time:territory": (
        "Local time: {s}",
        "Which time do clocks show {s:in}?",
        "Relevant documents name time zones of the territory, their identifiers, or others that share its time. "
        "Calendars and dates are not of interest.",
    ),
    "time:zone": (
        "Time zone: {s}",
        "Where does the time zone {s} apply?",
        "Relevant documents name places or territories whose clocks show this time. "
        "What other languages call it is not of interest.",
    ),
    "writing:language": (
        "Script of a language: {s}",
        "Which script is used to write {s}?",
        "Relevant documents say in which script texts of this language appear. Numbers and dates are not of interest.",
    ),
    "writing:script": (
        "Use of a script: {s}",
        "Which languages are written in the script {s}?",
        "Relevant documents name languages that use the script, or say in which direction it runs. "
        "The name of the script in other languages is not of interest.",
    ),
    "names:territory": (
        "Names of a territory: {s}",
        "What do other languages call {s}?",
        "Relevant documents give the name of this territory in at least one language.",
    ),
    "names:language": (
        "Names of a language: {s}",
        "What do other languages call {s}?",
        "Relevant documents give the name of this language in at least one other language.",
    ),
    "names:currency": (
        "Names of a currency: {s}",
        "What do other languages call {s}?",
        "Relevant documents give the name of this currency in at least one language.",
    ),
    "formats:territory": (
        "Dates and numbers: {s}",
        "How are dates, days and numbers written {s:in}?",
        "Relevant documents show how a date, a time, a number or a price is written there, or how days and months are "
        "called. Languages and currencies alone are not of interest.",
    ),
    "formats:language": (
        "Dates and numbers in a language: {s}",
        "How are dates, days and numbers written in {s}?",
        "Relevant documents show how a text in this language writes a date, a number or a price, or what it calls "
        "days and months. Where the language is spoken is not of interest.",
    ),
}
