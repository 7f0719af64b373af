"""German sentences about territories, languages, currencies, scripts and time zones; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "territory.identity": (
        "{s:bold} ist der deutsche Name des Gebiets mit dem Kürzel {code}.",
        "{s:bold} ist ein Gebiet, dessen Code aus zwei Buchstaben {code} lautet.",
        "{s:bold} (Abkürzung {code}) gehört zu den Gebieten, die in Unicode CLDR beschrieben sind.",
    ),
    "territory.codes": (
        "Die ISO-Norm führt das Land mit den Buchstaben {alpha3} und mit der Nummer {numeric}.",
        "In längeren Listen stehen die Abkürzung {alpha3} oder die Zahl {numeric}.",
        "Statistiken verwenden {alpha3} und {numeric}.",
    ),
    "territory.main": (
        "Am weitesten verbreitet ist {language} mit einem Anteil von {percent} der Bevölkerung.",
        "Mehr Menschen als jede andere Sprache sprechen {language}, nämlich {percent}.",
        "Die größte Sprache ist {language}: {percent} der Einwohner beherrschen sie.",
    ),
    "territory.count": (
        "Insgesamt sind dort {count} Sprachen verzeichnet.",
        "Die Daten nennen {count} Sprachen.",
        "Gesprochen werden {count} Sprachen.",
    ),
    "territory.official": (
        "Amtssprachen sind {languages}.",
        "Als Sprachen des Staates gelten {languages}.",
        "Behörden arbeiten {s:in} mit mehreren Sprachen: {languages}.",
    ),
    "territory.official_one": (
        "Einzige Amtssprache ist {languages}.",
        "Ämter und Gerichte verwenden {s:in} nur {languages}.",
        "Im ganzen Land ist allein {languages} amtlich.",
    ),
    "territory.regional": (
        "In einzelnen Landesteilen gilt als amtlich auch {languages}.",
        "Einen regionalen Status genießt {languages}.",
    ),
    "territory.share": (
        "Rund {percent} der Einwohner verwenden {language}.",
        "Der Anteil der Menschen, die {language} können, beträgt {percent}.",
        "Bei {language} liegt der Wert bei {percent}.",
    ),
    "territory.other": (
        "Ohne amtliche Rolle spricht man außerdem {languages}.",
        "Weitere Sprachen des Landes sind {languages}.",
        "Keinen rechtlichen Status haben unter anderem {languages}.",
    ),
    "territory.currency": (
        "Bezahlt wird seit dem {date} mit dieser Währung: {currency}.",
        "Gesetzliches Zahlungsmittel ist {s:in} seit dem {date} die Währung {currency}.",
        "Das Geld heißt {currency} und wurde am {date} eingeführt.",
    ),
    "territory.currency_code": (
        "Banken schreiben {code} für {currency}.",
        "In Kurstabellen steht {code} für die Währung {currency}.",
        "Die internationale Abkürzung dieses Geldes ist {code}.",
    ),
    "territory.shared": (
        "Die Währung {currency} gilt auch in folgenden Gebieten: {territories}.",
        "Dasselbe Geld ({currency}) ist anderswo ebenfalls im Umlauf, etwa hier: {territories}.",
    ),
    "territory.former": (
        "Vom {start} bis zum {end} hieß das Geld {currency}.",
        "Eine frühere Währung ({currency}) war zwischen dem {start} und dem {end} gültig.",
        "Am {start} kam und am {end} ging diese Währung: {currency}.",
    ),
    "territory.first_day": (
        "Kalender lassen {s:in} die Woche am {day} beginnen.",
        "Erster Tag der Woche ist {s:in} der {day}.",
        "Eine neue Woche fängt am {day} an.",
    ),
    "territory.weekend": (
        "Das Wochenende besteht aus {days}.",
        "Die meisten Menschen haben an diesen Tagen frei: {days}.",
        "Ruhetage sind {s:in} {days}.",
    ),
    "territory.week_one": (
        "Die Woche, in die der erste Januar fällt, ist die Woche Nummer eins.",
        "Für die erste Woche des Jahres genügt ein einziger Tag im Januar.",
    ),
    "territory.week_four": (
        "Die erste Woche eines Jahres muss mindestens vier seiner Tage enthalten.",
        "Wochen werden so gezählt, dass die erste größtenteils im Januar liegt.",
    ),
    "territory.zone_id": (
        "In der Zeitzonen-Datenbank findet man das ganze Gebiet unter {zones}.",
        "Computer sind {s:in} auf {zones} eingestellt.",
    ),
    "territory.zone_ids": (
        "Die Zeitzonen-Datenbank führt unter anderem {zones}.",
        "Einträge für dieses Gebiet sind {zones}.",
    ),
    "territory.zone_count": (
        "Insgesamt enthält die Datenbank {count} Einträge dafür.",
        "Im Ganzen gibt es {count} solche Einträge.",
    ),
    "territory.zone": (
        "Uhren zeigen {s:in} diese Zeit: {zone}.",
        "Die geltende Zeit nennt man {zone}.",
        "Eine der verwendeten Zeiten heißt {zone}.",
    ),
    "territory.kin": (
        "Die Amtssprache {language} teilt das Gebiet mit anderen: {territories}.",
        "Amtlich verwendet wird {language} auch hier: {territories}.",
    ),
    "territory.zone_kin": (
        "Dieselbe Zeit ({zone}) gilt auch hier: {territories}.",
        "Die Uhren gehen so wie in anderen Gebieten mit der Zeit {zone}: {territories}.",
    ),
    "language.identity": (
        "{s:bold} ist eine Sprache mit dem Kürzel {code}.",
        "{s:bold} ist der deutsche Name der Sprache, die mit {code} abgekürzt wird.",
        "{s:bold} ist eine Sprache; Kataloge führen sie unter {code}.",
    ),
    "language.endonym": (
        "Wer sie spricht, nennt sie „{local}“.",
        "Ihr eigener Name ist „{local}“.",
    ),
    "language.count": (
        "Sie wird in {count} Gebieten verwendet.",
        "Sprecher sind in {count} Gebieten verzeichnet.",
    ),
    "language.most": (
        "Nirgends ist ihr Anteil an der Bevölkerung größer als {territory:in}, nämlich {percent}.",
        "Am stärksten ist sie {territory:in}, wo {percent} der Menschen sie verwenden.",
    ),
    "language.official": (
        "Sie ist Amtssprache in mehreren Gebieten: {territories}.",
        "Das Recht macht {s} in diesen Gebieten zur Amtssprache: {territories}.",
        "Regierungen, die mit der Sprache {s} arbeiten, gibt es unter anderem hier: {territories}.",
    ),
    "language.official_one": (
        "Amtlich ist sie nur {territories:in}.",
        "Ein einziges Gebiet hat {s} zur Amtssprache gemacht: {territories}.",
    ),
    "language.regional": (
        "Einen regionalen Status hat sie hier: {territories}.",
        "Für Teile des Landes ist sie hier amtlich: {territories}.",
    ),
    "language.share": (
        "Rund {percent} der Menschen {territory:in} verwenden sie.",
        "Der Anteil der Sprecher beträgt {territory:in} {percent}.",
        "Von den Einwohnern des Gebiets „{territory}“ können {percent} {s}.",
    ),
    "language.other": (
        "Sprecher ohne amtlichen Rückhalt leben in folgenden Gebieten: {territories}.",
        "Man hört sie auch in diesen Gebieten: {territories}.",
    ),
    "language.script": (
        "Geschrieben wird {s} in folgender Schrift: {script}.",
        "Die übliche Schrift ist „{script}“.",
        "Bücher auf {s} druckt man in dieser Schrift: {script}.",
    ),
    "language.scripts": (
        "Es gibt auch Texte in anderer Schrift: {scripts}.",
        "Daneben kommt Folgendes vor: {scripts}.",
    ),
    "language.plural": (
        "Die Grammatik unterscheidet {count} Formen der Zahl: {forms}.",
        "Beim Zählen braucht {s} {count} Formen mit den Namen {forms}.",
    ),
    "language.plural_example": (
        "Zur Zahl {count} gehört die Form „{form}“.",
        "Nach {count} steht ein Hauptwort in der Form „{form}“.",
    ),
    "currency.identity": (
        "{s:bold} ist eine Währung mit dem Kürzel {code}.",
        "{s:bold} ist das Geld, das Banken mit {code} abkürzen.",
        "{s:bold}, kurz {code}, ist eine Währungseinheit.",
    ),
    "currency.symbol": (
        "Das Zeichen dafür ist „{symbol}“.",
        "Preise können das Zeichen „{symbol}“ tragen.",
    ),
    "currency.digits": (
        "Beträge gibt man mit {count} Nachkommastellen an.",
        "Die Anzahl der Dezimalstellen ist {count}.",
    ),
    "currency.no_digits": (
        "Beträge gibt man ohne Nachkommastellen an.",
        "Es gibt nur ganze Beträge.",
    ),
    "currency.rounding": (
        "Bar rundet man Summen auf {count} Hundertstel.",
        "Wegen der Münzen enden Summen in Schritten von {count}.",
    ),
    "currency.today": (
        "Die Währung ist noch immer in Gebrauch.",
        "Bis heute bezahlt man damit.",
    ),
    "currency.past": (
        "Die Währung ist nicht mehr in Gebrauch.",
        "Niemand kann mehr damit bezahlen.",
    ),
    "currency.count": (
        "Die Währung ist in {count} Gebieten gesetzliches Zahlungsmittel.",
        "Heute verwenden {count} Gebiete diese Währung.",
    ),
    "currency.used": (
        "Bezahlen kann man damit in folgenden Gebieten: {territories}.",
        "Zu den Gebieten mit diesem Geld gehören {territories}.",
    ),
    "currency.used_one": (
        "Diese Währung ist das Geld eines einzigen Gebiets: {territories}.",
        "Nur {territories:in} ist die Währung gesetzliches Zahlungsmittel.",
    ),
    "currency.since": (
        "Die Menschen {territory:in} bezahlen seit dem {date} damit.",
        "Stichtag war im Gebiet „{territory}“ der {date}.",
    ),
    "currency.former": (
        "Gültig war die Währung {territory:in} vom {start} bis zum {end}.",
        "Im Gebiet „{territory}“ dauerte die Zeit vom {start} bis zum {end}.",
    ),
    "currency.next": (
        "Nachfolgerin wurde {territory:in} am {date} die Währung {currency}.",
        "Am {date} trat {territory:in} die Währung {currency} an die Stelle der alten.",
    ),
    "currency.previous": (
        "Vor dem {date} benutzte man {territory:in} die Währung {currency}.",
        "Vorgängerin war {territory:in} bis zum {date} die Währung {currency}.",
    ),
    "currency.amount": (
        "Eine Summe von {number} schreibt man auf {language} „{local}“.",
        "Ein Text auf {language} zeigt {number} als „{local}“.",
    ),
    "script.identity": (
        "{s:bold} ist eine Schrift mit dem Kürzel {code}.",
        "{s:bold} ist der deutsche Name der Schrift, die als {code} verzeichnet ist.",
    ),
    "script.count": (
        "Sie dient {count} Sprachen dieser Sammlung.",
        "Insgesamt verwenden sie hier {count} Sprachen.",
    ),
    "script.languages": (
        "Man benutzt sie unter anderem für {languages}.",
        "Zu den Sprachen in dieser Schrift gehören {languages}.",
    ),
    "script.language": (
        "Man benutzt sie für eine einzige Sprache: {language}.",
        "Hier wird nur {language} in ihr geschrieben.",
    ),
    "zone.identity": (
        "{s:bold} ist der Name einer Zeitzone.",
        "{s:bold} heißt eine Zeit, nach der die Uhren einer Gegend gemeinsam gehen.",
    ),
    "zone.count": (
        "Sie gilt an {count} Orten der Datenbank.",
        "Die Datenbank zählt {count} Orte in ihr.",
    ),
    "zone.summer": (
        "Im Sommer zeigen die Uhren {summer}.",
        "Werden die Uhren vorgestellt, lautet der Name {summer}.",
    ),
    "zone.territories": (
        "Sie wird in folgenden Gebieten verwendet: {territories}.",
        "Gebiete in dieser Zone sind zum Beispiel {territories}.",
    ),
    "zone.territory": (
        "Sie wird in einem einzigen Gebiet verwendet: {territories}.",
        "Die Orte dieser Zone liegen {territories:in}.",
    ),
    "zone.cities": (
        "Diese Zeit zeigen die Uhren in {cities}.",
        "Bekannte Orte in ihr sind {cities}.",
    ),
    "zone.ids": (
        "Programme kennen sie unter den Namen {zones}.",
        "Kennungen ihrer Orte sind {zones}.",
    ),
    "zone.id": (
        "Programme kennen sie unter dem Namen {zones}.",
        "Die Kennung ihres Ortes ist {zones}.",
    ),
}
