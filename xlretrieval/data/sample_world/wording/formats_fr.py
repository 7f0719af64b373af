"""French sentences about how dates, numbers, prices, days and names are written; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "language.script_there": (
        "Les textes en {language} paraissent dans cette écriture : {script}.",
        "Pour {language:the}, on emploie l’écriture « {script} ».",
        "Qui lit {language:the} rencontre l’écriture suivante : {script}.",
    ),
    "script.right": (
        "Les lignes en écriture « {script} » vont de gauche à droite.",
        "On lit de gauche à droite (écriture : {script}).",
    ),
    "script.left": (
        "Les lignes en écriture « {script} » vont de droite à gauche.",
        "On lit de droite à gauche (écriture : {script}).",
    ),
    "date.short": (
        "Sous forme brève, le {date} s’écrit « {local} ».",
        "La date du {date} se réduit à « {local} ».",
        "Sur un formulaire, le {date} devient « {local} ».",
    ),
    "date.short@territory": ("Qui note le {date} {s:in} écrit « {local} ».",),
    "date.short@language": ("La façon courte de mettre le {date} en {s} est « {local} ».",),
    "date.long": (
        "En toutes lettres, le même jour donne « {local} ».",
        "Avec le nom du mois, on obtient « {local} ».",
    ),
    "date.clock12": (
        "Les horloges comptent deux fois jusqu’à douze, si bien que {time} donne « {local} ».",
        "Le jour a deux moitiés de douze heures, et {time} apparaît comme « {local} ».",
    ),
    "date.clock24": (
        "Les heures vont jusqu’à 24, et {time} s’affiche « {local} ».",
        "L’horloge compte les 24 heures, de sorte que {time} se lit « {local} ».",
    ),
    "number.large": (
        "Le nombre {number} se présente ainsi : « {local} ».",
        "Imprimé à la manière locale, {number} devient « {local} ».",
        "Un exemple de grand nombre est « {local} », c’est-à-dire {number}.",
    ),
    "number.large@territory": ("Les comptables écrivent {s:in} « {local} » pour {number}.",),
    "number.large@language": ("Un texte en {s} donne le nombre {number} sous la forme « {local} ».",),
    "number.percent": (
        "Une part de {count} sur cent est « {local} ».",
        "Pour {count} pour cent, on écrit « {local} ».",
    ),
    "number.decimal": (
        "Devant les décimales se place ce signe : {sign}.",
        "Le séparateur décimal est le suivant : {sign}.",
    ),
    "number.group": (
        "Les groupes de chiffres sont séparés par ce signe : {sign}.",
        "Pour bien voir les milliers, on met ce signe : {sign}.",
    ),
    "money.amount": (
        "Un prix de {number} dans la monnaie « {currency} » est indiqué « {local} ».",
        "Sur une facture de {number} ({currency}) figure « {local} ».",
    ),
    "calendar.weekday": (
        "Le mot pour {day} est en {language} « {local} ».",
        "En {language}, {day} s’appelle « {local} ».",
        "Pour {day}, on dit « {local} ».",
    ),
    "calendar.month": (
        "Le mois nommé {month} porte en {language} le nom « {local} ».",
        "En {language}, {month} se dit « {local} ».",
        "Le calendrier montre « {local} » pour {month}.",
    ),
    "zone.windows": (
        "Windows l’appelle « {name} ».",
        "Dans les réglages de Windows, on choisit « {name} ».",
    ),
    "name.other": (
        "En {language}, le nom est « {local} ».",
        "Ceux qui parlent {language:the} disent « {local} ».",
        "La désignation en {language} pour « {s} » est « {local} ».",
    ),
    "name.language": (
        "La langue « {thing} » s’appelle « {local} ».",
        "En {s}, le mot pour la langue « {thing} » est « {local} ».",
    ),
    "name.territory": (
        "Pour « {thing} », on dit « {local} ».",
        "Sur une carte en {s}, « {thing} » devient « {local} ».",
        "Le nom qui correspond à « {thing} » est « {local} ».",
    ),
    "name.currency": (
        "La monnaie « {thing} » s’appelle « {local} ».",
        "En {s}, la monnaie « {thing} » porte le nom « {local} ».",
    ),
    "name.unit": (
        "L’unité « {thing} » se nomme « {local} ».",
        "Pour les mesures en {thing}, on emploie le mot « {local} ».",
    ),
}
