"""French questions about single facts, and search topics."""

# Kind of fact, of which subject if that matters -> (slot that answers, question).
QUESTIONS: dict[str, tuple[str, str]] = {
    "territory.codes": ("alpha3", "Par quelles trois lettres la norme ISO désigne-t-elle le territoire « {s} » ?"),
    "territory.main": ("language", "Quelle langue est la plus répandue {s:in} ?"),
    "territory.official_one": ("languages", "Quelle langue est officielle {s:in} ?"),
    "territory.share": ("percent", "Quelle part des gens connaît {language:the} {s:in} ?"),
    "territory.currency": ("date", "Depuis quand utilise-t-on {s:in} la monnaie « {currency} » ?"),
    "territory.currency_code": (
        "code",
        "Comment les banques abrègent-elles la monnaie « {currency} », utilisée {s:in} ?",
    ),
    "territory.former": ("end", "Jusqu’à quand la monnaie « {currency} » fut-elle valable {s:in} ?"),
    "territory.first_day": ("day", "Quel jour commence la semaine {s:in} ?"),
    "territory.weekend": ("days", "Quels jours forment le week-end {s:in} ?"),
    "territory.zone": ("zone", "Quelle heure donnent les horloges {s:in} ?"),
    "date.short@territory": ("local", "Comment écrit-on {s:in} le {date} sous forme brève ?"),
    "date.short@language": ("local", "Quelle est la forme brève de la date du {date} en {s} ?"),
    "date.long@territory": ("local", "Comment écrit-on {s:in} le {date} en toutes lettres ?"),
    "number.large@territory": ("local", "Comment écrit-on {s:in} le nombre {number} ?"),
    "number.large@language": ("local", "Comment écrit-on en {s} le nombre {number} ?"),
    "number.decimal@territory": ("sign", "Quel signe met-on {s:in} devant les décimales ?"),
    "number.decimal@language": ("sign", "Quel signe met-on devant les décimales dans un texte en {s} ?"),
    "calendar.weekday": ("local", "Comment {day} s’appelle-t-il en {language} ?"),
    "calendar.month": ("local", "Quel nom porte en {language} le mois nommé {month} ?"),
    "name.other": ("local", "Comment dit-on « {s} » en {language} ?"),
    "name.territory": ("local", "Comment nomme-t-on « {thing} » en {s} ?"),
    "name.language": ("local", "Quel est en {s} le mot pour la langue « {thing} » ?"),
    "name.currency": ("local", "Comment s’appelle en {s} la monnaie « {thing} » ?"),
    "language.identity": ("code", "Quel code porte la langue « {s} » ?"),
    "language.endonym": ("local", "Comment les locuteurs de la langue « {s} » l’appellent-ils ?"),
    "language.most": ("territory", "Où {s:the} a-t-il sa plus grande place dans la population ?"),
    "language.share": ("percent", "Quelle part des gens parle {s:the} {territory:in} ?"),
    "language.script": ("script", "Dans quelle écriture note-t-on d’ordinaire {s:the} ?"),
    "language.plural": ("count", "Combien de formes de nombre la langue « {s} » distingue-t-elle ?"),
    "currency.identity": ("code", "Quel est le code de la monnaie « {s} » ?"),
    "currency.digits": ("count", "Combien de décimales ont les montants dans la monnaie « {s} » ?"),
    "currency.used_one": ("territories", "Quel territoire a pour argent la monnaie « {s} » ?"),
    "currency.since": ("date", "Depuis quand paie-t-on {territory:in} avec la monnaie « {s} » ?"),
    "currency.former": ("end", "Quand la monnaie « {s} » perdit-elle sa validité {territory:in} ?"),
    "currency.next": ("currency", "Quelle monnaie succéda {territory:in} à celle nommée « {s} » ?"),
    "currency.amount": (
        "local",
        "Comment un texte en {language} écrit-il la somme de {number} dans la monnaie « {s} » ?",
    ),
    "script.identity": ("code", "Quel code porte l’écriture « {s} » ?"),
    "zone.summer": ("summer", "Comment s’appelle l’heure d’été du fuseau « {s} » ?"),
}

# Relation and kind of thing -> (title, description, narrative).
TOPICS: dict[str, tuple[str, str, str]] = {
    "languages:territory": (
        "Langues : {s}",
        "Quelles langues parle-t-on {s:in}, et lesquelles sont officielles ?",
        "Les documents pertinents nomment des langues du territoire, leur statut ou leur part dans la population. "
        "La manière d’écrire ces langues ou d’y nommer les choses n’est pas recherchée.",
    ),
    "languages:language": (
        "Diffusion d’une langue : {s}",
        "Où parle-t-on {s:the}, et où est-ce une langue officielle ?",
        "Les documents pertinents disent dans quels territoires la langue est en usage, par combien de gens ou avec "
        "quel statut. Les mots de la langue ne sont pas recherchés.",
    ),
    "currency:territory": (
        "Argent : {s}",
        "Avec quelles monnaies paie-t-on ou payait-on {s:in} ?",
        "Les documents pertinents traitent de monnaies actuelles ou anciennes du territoire, de leur introduction, de "
        "leur fin ou de leur code. La manière d’écrire les prix n’est pas recherchée.",
    ),
    "currency:currency": (
        "Emploi d’une monnaie : {s}",
        "Où et quand la monnaie « {s} » fut-elle en usage ?",
        "Les documents pertinents nomment des territoires où l’on paie ou payait avec cet argent, ou des jours où "
        "cela changea. Son nom dans d’autres langues et la manière d’écrire les montants ne sont pas recherchés.",
    ),
    "time:territory": (
        "Heure locale : {s}",
        "Quelle heure donnent les horloges {s:in} ?",
        "Les documents pertinents nomment des fuseaux horaires du territoire, leurs identifiants ou d’autres "
        "territoires à la même heure. Les calendriers et les dates ne sont pas recherchés.",
    ),
    "time:zone": (
        "Fuseau horaire : {s}",
        "Où vaut le fuseau horaire « {s} » ?",
        "Les documents pertinents nomment des lieux ou des territoires dont les horloges donnent cette heure. "
        "Son nom dans d’autres langues n’est pas recherché.",
    ),
    "writing:language": (
        "Écriture d’une langue : {s}",
        "Dans quelle écriture note-t-on {s:the} ?",
        "Les documents pertinents disent dans quelle écriture paraissent les textes de cette langue. "
        "Les nombres et les dates ne sont pas recherchés.",
    ),
    "writing:script": (
        "Emploi d’une écriture : {s}",
        "Quelles langues s’écrivent dans l’écriture « {s} » ?",
        "Les documents pertinents nomment des langues qui emploient cette écriture ou disent dans quel sens elle va. "
        "Le nom de l’écriture dans d’autres langues n’est pas recherché.",
    ),
    "names:territory": (
        "Noms d’un territoire : {s}",
        "Comment d’autres langues appellent-elles le territoire « {s} » ?",
        "Les documents pertinents donnent le nom de ce territoire dans au moins une langue.",
    ),
    "names:language": (
        "Noms d’une langue : {s}",
        "Comment d’autres langues appellent-elles la langue « {s} » ?",
        "Les documents pertinents donnent le nom de cette langue dans au moins une autre langue.",
    ),
    "names:currency": (
        "Noms d’une monnaie : {s}",
        "Comment d’autres langues appellent-elles la monnaie « {s} » ?",
        "Les documents pertinents donnent le nom de cette monnaie dans au moins une langue.",
    ),
    "formats:territory": (
        "Dates et nombres : {s}",
        "Comment écrit-on {s:in} les dates, les jours et les nombres ?",
        "Les documents pertinents montrent comment on y écrit une date, une heure, un nombre ou un prix, ou comment "
        "s’appellent les jours et les mois. Les langues et les monnaies seules ne sont pas recherchées.",
    ),
    "formats:language": (
        "Dates et nombres dans une langue : {s}",
        "Comment écrit-on en {s} les dates, les jours et les nombres ?",
        "Les documents pertinents montrent comment un texte dans cette langue écrit une date, un nombre ou un prix, "
        "ou comment il nomme les jours et les mois. Les lieux où l’on parle la langue ne sont pas recherchés.",
    ),
}
