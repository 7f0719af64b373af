"""German questions about single facts, and search topics."""

# Kind of fact, of which subject if that matters -> (slot that answers, question).
QUESTIONS: dict[str, tuple[str, str]] = {
    "territory.codes": ("alpha3", "Mit welchen drei Buchstaben bezeichnet die ISO-Norm das Gebiet „{s}“?"),
    "territory.main": ("language", "Welche Sprache ist {s:in} am weitesten verbreitet?"),
    "territory.official_one": ("languages", "Welche Sprache ist {s:in} Amtssprache?"),
    "territory.share": ("percent", "Wie viel Prozent der Menschen können {s:in} {language}?"),
    "territory.currency": ("date", "Seit wann gibt es {s:in} die Währung {currency}?"),
    "territory.currency_code": ("code", "Wie kürzen Banken die Währung {currency} ab, mit der man {s:in} bezahlt?"),
    "territory.former": ("end", "Bis wann war {s:in} die Währung {currency} gültig?"),
    "territory.first_day": ("day", "An welchem Tag beginnt {s:in} die Woche?"),
    "territory.weekend": ("days", "Welche Tage bilden {s:in} das Wochenende?"),
    "territory.zone": ("zone", "Welche Zeit zeigen die Uhren {s:in}?"),
    "date.short@territory": ("local", "Wie schreibt man {s:in} den {date} in Kurzform?"),
    "date.short@language": ("local", "Wie lautet die Kurzform des Datums {date} auf {s}?"),
    "date.long@territory": ("local", "Wie schreibt man den {date} {s:in} mit dem Namen des Monats?"),
    "number.large@territory": ("local", "Wie wird {s:in} die Zahl {number} geschrieben?"),
    "number.large@language": ("local", "Wie wird die Zahl {number} auf {s} geschrieben?"),
    "number.decimal@territory": ("sign", "Welches Zeichen steht {s:in} vor den Nachkommastellen?"),
    "number.decimal@language": ("sign", "Welches Zeichen steht in einem Text auf {s} vor den Nachkommastellen?"),
    "calendar.weekday": ("local", "Wie heißt der {day} auf {language}?"),
    "calendar.month": ("local", "Welchen Namen hat der Monat {month} auf {language}?"),
    "name.other": ("local", "Wie nennt man {s} auf {language}?"),
    "name.territory": ("local", "Wie sagt man {thing} auf {s}?"),
    "name.language": ("local", "Wie lautet auf {s} das Wort für die Sprache {thing}?"),
    "name.currency": ("local", "Wie heißt die Währung {thing} auf {s}?"),
    "language.identity": ("code", "Welches Kürzel hat die Sprache {s}?"),
    "language.endonym": ("local", "Wie nennen die Sprecher die Sprache {s} selbst?"),
    "language.most": ("territory", "Wo ist der Anteil der Sprache {s} an der Bevölkerung am größten?"),
    "language.share": ("percent", "Wie viel Prozent der Menschen sprechen {territory:in} {s}?"),
    "language.script": ("script", "In welcher Schrift wird {s} gewöhnlich geschrieben?"),
    "language.plural": ("count", "Wie viele Formen der Zahl unterscheidet die Sprache {s}?"),
    "currency.identity": ("code", "Wie lautet das Kürzel der Währung {s}?"),
    "currency.digits": ("count", "Wie viele Nachkommastellen haben Beträge in der Währung {s}?"),
    "currency.used_one": ("territories", "Welches Gebiet hat {s} als Geld?"),
    "currency.since": ("date", "Seit wann bezahlt man {territory:in} mit der Währung {s}?"),
    "currency.former": ("end", "Wann verlor {territory:in} die Währung {s} ihre Gültigkeit?"),
    "currency.next": ("currency", "Welche Währung folgte {territory:in} auf {s}?"),
    "currency.amount": ("local", "Wie schreibt ein Text auf {language} den Betrag {number} in der Währung {s}?"),
    "script.identity": ("code", "Welches Kürzel hat die Schrift {s}?"),
    "zone.summer": ("summer", "Wie heißt die Sommerzeit der Zone {s}?"),
}

# Relation and kind of thing -> (title, description, narrative).
TOPICS: dict[str, tuple[str, str, str]] = {
    "languages:territory": (
        "Sprachen: {s}",
        "Welche Sprachen werden {s:in} gesprochen, und welche davon sind amtlich?",
        "Relevante Dokumente nennen Sprachen des Gebiets, ihren Status oder ihren Anteil an der Bevölkerung. Wie "
        "diese Sprachen geschrieben werden oder wie sie etwas nennen, ist nicht von Interesse.",
    ),
    "languages:language": (
        "Verbreitung einer Sprache: {s}",
        "Wo spricht man {s}, und wo ist es Amtssprache?",
        "Relevante Dokumente sagen, in welchen Gebieten die Sprache verwendet wird, von wie vielen oder mit welchem "
        "Status. Wörter der Sprache sind nicht von Interesse.",
    ),
    "currency:territory": (
        "Geld: {s}",
        "Mit welchen Währungen bezahlt oder bezahlte man {s:in}?",
        "Relevante Dokumente handeln von heutigen oder früheren Währungen des Gebiets, von ihrer Einführung, ihrem "
        "Ende oder ihrem Kürzel. Die Schreibweise von Preisen ist nicht von Interesse.",
    ),
    "currency:currency": (
        "Verwendung einer Währung: {s}",
        "Wo und wann war die Währung {s} in Gebrauch?",
        "Relevante Dokumente nennen Gebiete, in denen man mit diesem Geld bezahlt oder bezahlte, oder Tage, an "
        "denen sich das änderte. Der Name in anderen Sprachen und die Schreibweise von Beträgen sind nicht von "
        "Interesse.",
    ),
    "time:territory": (
        "Ortszeit: {s}",
        "Welche Zeit zeigen die Uhren {s:in}?",
        "Relevante Dokumente nennen Zeitzonen des Gebiets, ihre Kennungen oder andere Gebiete mit derselben Zeit. "
        "Kalender und Datumsangaben sind nicht von Interesse.",
    ),
    "time:zone": (
        "Zeitzone: {s}",
        "Wo gilt die Zeitzone {s}?",
        "Relevante Dokumente nennen Orte oder Gebiete, deren Uhren diese Zeit zeigen. "
        "Wie andere Sprachen sie nennen, ist nicht von Interesse.",
    ),
    "writing:language": (
        "Schrift einer Sprache: {s}",
        "In welcher Schrift schreibt man {s}?",
        "Relevante Dokumente sagen, in welcher Schrift Texte dieser Sprache erscheinen. "
        "Zahlen und Datumsangaben sind nicht von Interesse.",
    ),
    "writing:script": (
        "Verwendung einer Schrift: {s}",
        "Welche Sprachen werden in der Schrift „{s}“ geschrieben?",
        "Relevante Dokumente nennen Sprachen, die diese Schrift verwenden, oder sagen, in welche Richtung sie läuft. "
        "Der Name der Schrift in anderen Sprachen ist nicht von Interesse.",
    ),
    "names:territory": (
        "Namen eines Gebiets: {s}",
        "Wie nennen andere Sprachen das Gebiet „{s}“?",
        "Relevante Dokumente geben den Namen dieses Gebiets in mindestens einer Sprache an.",
    ),
    "names:language": (
        "Namen einer Sprache: {s}",
        "Wie nennen andere Sprachen die Sprache {s}?",
        "Relevante Dokumente geben den Namen dieser Sprache in mindestens einer anderen Sprache an.",
    ),
    "names:currency": (
        "Namen einer Währung: {s}",
        "Wie nennen andere Sprachen die Währung {s}?",
        "Relevante Dokumente geben den Namen dieser Währung in mindestens einer Sprache an.",
    ),
    "formats:territory": (
        "Datum und Zahlen: {s}",
        "Wie schreibt man {s:in} Datum, Tage und Zahlen?",
        "Relevante Dokumente zeigen, wie dort ein Datum, eine Uhrzeit, eine Zahl oder ein Preis geschrieben wird oder "
        "wie Tage und Monate heißen. Sprachen und Währungen allein sind nicht von Interesse.",
    ),
    "formats:language": (
        "Datum und Zahlen in einer Sprache: {s}",
        "Wie schreibt man Datum, Tage und Zahlen auf {s}?",
        "Relevante Dokumente zeigen, wie ein Text in dieser Sprache ein Datum, eine Zahl oder einen Preis schreibt "
        "oder wie Tage und Monate darin heißen. Wo man die Sprache spricht, ist nicht von Interesse.",
    ),
}
