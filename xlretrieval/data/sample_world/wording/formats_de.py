"""German sentences about how dates, numbers, prices, days and names are written; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "language.script_there": (
        "Texte in der Sprache {language} erscheinen in folgender Schrift: {script}.",
        "Für {language} benutzt man die Schrift „{script}“.",
        "Wer {language} liest, findet diese Schrift vor: {script}.",
    ),
    "script.right": (
        "Zeilen in der Schrift „{script}“ laufen von links nach rechts.",
        "Gelesen wird von links nach rechts (Schrift: {script}).",
    ),
    "script.left": (
        "Zeilen in der Schrift „{script}“ laufen von rechts nach links.",
        "Gelesen wird von rechts nach links (Schrift: {script}).",
    ),
    "date.short": (
        "In Kurzform schreibt man den {date} so: „{local}“.",
        "Der {date} wird zu „{local}“ verkürzt.",
        "Auf einem Formular wird der {date} zu „{local}“.",
    ),
    "date.short@territory": ("Wer {s:in} den {date} notiert, schreibt „{local}“.",),
    "date.short@language": ("Die kurze Schreibweise für den {date} lautet auf {s} „{local}“.",),
    "date.long": (
        "Ausgeschrieben lautet derselbe Tag „{local}“.",
        "Mit dem Namen des Monats heißt es „{local}“.",
    ),
    "date.clock12": (
        "Uhren zählen zweimal bis zwölf, daher ist {time} Uhr „{local}“.",
        "Der Tag hat zwei Hälften von zwölf Stunden, und {time} Uhr erscheint als „{local}“.",
    ),
    "date.clock24": (
        "Die Stunden laufen bis 24, und {time} Uhr erscheint als „{local}“.",
        "Eine Uhr zählt alle 24 Stunden, also liest man für {time} Uhr „{local}“.",
    ),
    "number.large": (
        "Die Zahl {number} sieht so aus: „{local}“.",
        "Nach örtlicher Art gedruckt wird {number} zu „{local}“.",
        "Ein Beispiel einer großen Zahl ist „{local}“, das heißt {number}.",
    ),
    "number.large@territory": ("In der Buchhaltung schreibt man {number} {s:in} als „{local}“.",),
    "number.large@language": ("In einem Text auf {s} steht die Zahl {number} als „{local}“.",),
    "number.percent": (
        "Ein Anteil von {count} Hundertsteln ist „{local}“.",
        "Für {count} Prozent schreibt man „{local}“.",
    ),
    "number.decimal": (
        "Vor den Nachkommastellen steht dieses Zeichen: {sign}.",
        "Das Dezimaltrennzeichen ist folgendes: {sign}.",
    ),
    "number.group": (
        "Zifferngruppen trennt dieses Zeichen: {sign}.",
        "Damit man Tausender gut erkennt, setzt man dieses Zeichen: {sign}.",
    ),
    "money.amount": (
        "Ein Preis von {number} in der Währung {currency} wird als „{local}“ angegeben.",
        "Auf einer Rechnung über {number} ({currency}) steht „{local}“.",
    ),
    "calendar.weekday": (
        "Das Wort für {day} lautet auf {language} „{local}“.",
        "Auf {language} heißt der {day} „{local}“.",
        "Zum {day} sagt man „{local}“.",
    ),
    "calendar.month": (
        "Der Monat {month} trägt auf {language} den Namen „{local}“.",
        "Auf {language} heißt der {month} „{local}“.",
        "Im Kalender steht „{local}“ für den {month}.",
    ),
    "zone.windows": (
        "Windows nennt sie „{name}“.",
        "In den Einstellungen von Windows wählt man „{name}“.",
    ),
    "name.other": (
        "Auf {language} lautet der Name „{local}“.",
        "Wer {language} spricht, sagt „{local}“.",
        "Die Bezeichnung für {s} ist auf {language} „{local}“.",
    ),
    "name.language": (
        "Die Sprache {thing} heißt „{local}“.",
        "Auf {s} lautet das Wort für die Sprache {thing} „{local}“.",
    ),
    "name.territory": (
        "Zu „{thing}“ sagt man „{local}“.",
        "Auf einer Karte in der Sprache {s} steht „{local}“ statt „{thing}“.",
        "Der Name zu „{thing}“ lautet „{local}“.",
    ),
    "name.currency": (
        "Die Währung {thing} heißt „{local}“.",
        "Auf {s} trägt die Währung {thing} den Namen „{local}“.",
    ),
    "name.unit": (
        "Die Einheit {thing} nennt man „{local}“.",
        "Für Angaben in der Einheit {thing} gebraucht man das Wort „{local}“.",
    ),
}
