"""French sentences about territories, languages, currencies, scripts and time zones; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "territory.identity": (
        "{s:bold} est le nom français du territoire dont le code est {code}.",
        "{s:bold} est un territoire qui porte le code à deux lettres {code}.",
        "{s:bold}, en abrégé {code}, figure parmi les territoires que décrit Unicode CLDR.",
    ),
    "territory.codes": (
        "La norme ISO lui attribue les lettres {alpha3} et le numéro {numeric}.",
        "Dans les listes plus longues figurent l’abréviation {alpha3} ou le nombre {numeric}.",
        "Les statistiques désignent le pays par {alpha3} et {numeric}.",
    ),
    "territory.main": (
        "La langue la plus répandue est {language:the}, que connaissent {percent} des habitants.",
        "Aucune autre langue n’a autant de locuteurs que {language:the}, avec {percent}.",
        "La langue majoritaire est {language:the} : {percent} de la population s’en servent.",
    ),
    "territory.count": (
        "Au total, {count} langues y sont recensées.",
        "Les données comptent {count} langues en usage.",
        "On y parle {count} langues d’après les relevés.",
    ),
    "territory.official": (
        "Les langues officielles sont les suivantes : {languages}.",
        "Ont un statut officiel ces langues : {languages}.",
        "L’administration travaille {s:in} en plusieurs langues : {languages}.",
    ),
    "territory.official_one": (
        "La seule langue officielle est {languages:the}.",
        "Bureaux et tribunaux n’emploient {s:in} qu’une langue : {languages}.",
        "Seule une langue est officielle dans tout le pays : {languages}.",
    ),
    "territory.regional": (
        "Dans certaines régions est aussi officiel ce qui suit : {languages}.",
        "Une reconnaissance régionale existe pour ce qui suit : {languages}.",
    ),
    "territory.share": (
        "Environ {percent} des habitants utilisent {language:the}.",
        "La part des personnes qui connaissent {language:the} est de {percent}.",
        "Pour {language:the}, le chiffre est de {percent}.",
    ),
    "territory.other": (
        "Sans rôle officiel, on parle aussi ces langues : {languages}.",
        "D’autres langues s’entendent dans le pays : {languages}.",
        "Parmi les langues sans statut juridique se trouvent {languages}.",
    ),
    "territory.currency": (
        "Depuis le {date}, on paie avec cette monnaie : {currency}.",
        "La monnaie légale {s:in} est, depuis le {date}, la suivante : {currency}.",
        "L’argent s’appelle {currency} et fut introduit le {date}.",
    ),
    "territory.currency_code": (
        "Les banques écrivent {code} pour la monnaie « {currency} ».",
        "Dans les tables de change, la monnaie « {currency} » porte le code {code}.",
        "L’abréviation internationale de cet argent est {code}.",
    ),
    "territory.shared": (
        "La monnaie « {currency} » a aussi cours ailleurs : {territories}.",
        "Le même argent ({currency}) circule dans d’autres territoires, par exemple ici : {territories}.",
    ),
    "territory.former": (
        "Du {start} au {end}, l’argent s’appelait {currency}.",
        "Une monnaie antérieure ({currency}) fut valable entre le {start} et le {end}.",
        "Le {start} arriva et le {end} disparut cette monnaie : {currency}.",
    ),
    "territory.first_day": (
        "Les calendriers font commencer la semaine {s:in} le {day}.",
        "Le premier jour de la semaine est {s:in} le {day}.",
        "Une nouvelle semaine débute le {day}.",
    ),
    "territory.weekend": (
        "Le week-end comprend ces jours : {days}.",
        "La plupart des gens sont en congé ces jours-là : {days}.",
        "Les jours de repos {s:in} sont {days}.",
    ),
    "territory.week_one": (
        "La semaine où tombe le premier janvier porte le numéro un.",
        "Un seul jour de janvier suffit pour la première semaine de l’année.",
    ),
    "territory.week_four": (
        "La première semaine de l’année doit contenir au moins quatre de ses jours.",
        "On compte les semaines de sorte que la première soit surtout en janvier.",
    ),
    "territory.zone_id": (
        "Dans la base de données des fuseaux, tout le territoire figure sous {zones}.",
        "Les ordinateurs sont réglés {s:in} sur {zones}.",
    ),
    "territory.zone_ids": (
        "La base de données des fuseaux recense, entre autres, {zones}.",
        "Les entrées de ce territoire sont {zones}.",
    ),
    "territory.zone_count": (
        "En tout, la base contient {count} entrées pour lui.",
        "Il y a au total {count} entrées de ce genre.",
    ),
    "territory.zone": (
        "Les horloges donnent {s:in} cette heure : {zone}.",
        "L’heure en vigueur s’appelle ainsi : {zone}.",
        "Une des heures en usage est celle-ci : {zone}.",
    ),
    "territory.kin": (
        "Le territoire partage {language:the} comme langue officielle avec d’autres : {territories}.",
        "L’usage officiel de la langue « {language} » se rencontre aussi ici : {territories}.",
    ),
    "territory.zone_kin": (
        "La même heure ({zone}) vaut aussi ici : {territories}.",
        "Les horloges vont comme dans d’autres territoires à la même heure, {zone} : {territories}.",
    ),
    "language.identity": (
        "{s:bold} est une langue dont le code est {code}.",
        "{s:bold} est le nom français de la langue abrégée {code}.",
        "{s:bold} est une langue ; les catalogues la rangent sous {code}.",
    ),
    "language.endonym": (
        "Ses locuteurs l’appellent « {local} ».",
        "Son propre nom est « {local} ».",
    ),
    "language.count": (
        "Elle est en usage dans {count} territoires.",
        "Des locuteurs sont recensés dans {count} territoires.",
    ),
    "language.most": (
        "Sa plus grande place dans la population se trouve {territory:in}, avec {percent}.",
        "C’est {territory:in} qu’elle est la plus forte : {percent} des gens s’en servent.",
    ),
    "language.official": (
        "Elle est langue officielle dans plusieurs territoires : {territories}.",
        "La loi rend officielle la langue « {s} » dans ces territoires : {territories}.",
        "Parmi les gouvernements qui travaillent en {s} figurent les suivants : {territories}.",
    ),
    "language.official_one": (
        "Elle est officielle seulement {territories:in}.",
        "Un seul territoire a {s:the} pour langue officielle : {territories}.",
    ),
    "language.regional": (
        "Elle a un statut régional ici : {territories}.",
        "Elle est officielle pour une partie du pays ici : {territories}.",
    ),
    "language.share": (
        "Environ {percent} des gens {territory:in} l’utilisent.",
        "La part des locuteurs {territory:in} est de {percent}.",
        "Dans le cas suivant, {territory}, {percent} des habitants connaissent {s:the}.",
    ),
    "language.other": (
        "Des locuteurs sans appui officiel vivent dans ces territoires : {territories}.",
        "On l’entend aussi dans les territoires suivants : {territories}.",
    ),
    "language.script": (
        "Elle s’écrit dans l’écriture suivante : {script}.",
        "L’écriture habituelle est dite « {script} ».",
        "Les livres en {s} s’impriment dans cette écriture : {script}.",
    ),
    "language.scripts": (
        "On trouve aussi des textes dans une autre écriture : {scripts}.",
        "En outre, on rencontre ce qui suit : {scripts}.",
    ),
    "language.plural": (
        "Sa grammaire distingue {count} formes de nombre : {forms}.",
        "Pour compter, {s:the} a besoin de {count} formes, nommées {forms}.",
    ),
    "language.plural_example": (
        "Au nombre {count} correspond la forme « {form} ».",
        "Après {count}, le nom prend la forme « {form} ».",
    ),
    "currency.identity": (
        "{s:bold} est une monnaie dont le code est {code}.",
        "{s:bold} est l’argent que les banques abrègent {code}.",
        "{s:bold}, en bref {code}, est une unité monétaire.",
    ),
    "currency.symbol": (
        "Son symbole est « {symbol} ».",
        "Les prix peuvent porter le signe « {symbol} ».",
    ),
    "currency.digits": (
        "Les montants se donnent avec {count} chiffres après la virgule.",
        "Le nombre de décimales est {count}.",
    ),
    "currency.no_digits": (
        "Les montants se donnent sans décimales.",
        "Il n’y a que des montants entiers.",
    ),
    "currency.rounding": (
        "En espèces, les sommes sont arrondies à {count} centièmes.",
        "À cause des pièces, les sommes finissent par pas de {count}.",
    ),
    "currency.today": (
        "Cette monnaie est toujours en usage.",
        "On paie encore avec cette monnaie aujourd’hui.",
    ),
    "currency.past": (
        "Cette monnaie n’est plus en usage.",
        "Plus personne ne peut payer avec cette monnaie.",
    ),
    "currency.count": (
        "Cette monnaie a cours légal dans {count} territoires.",
        "Aujourd’hui, {count} territoires s’en servent.",
    ),
    "currency.used": (
        "On peut payer avec cette monnaie dans ces territoires : {territories}.",
        "Parmi les territoires où circule cet argent figurent {territories}.",
    ),
    "currency.used_one": (
        "C’est l’argent d’un seul territoire : {territories}.",
        "Cette monnaie a cours légal seulement {territories:in}.",
    ),
    "currency.since": (
        "Les gens {territory:in} paient avec elle depuis le {date}.",
        "Pour le territoire « {territory} », la date de départ fut le {date}.",
    ),
    "currency.former": (
        "Cette monnaie fut valable {territory:in} du {start} au {end}.",
        "Pour le territoire « {territory} », la période dura du {start} au {end}.",
    ),
    "currency.next": (
        "Lui succéda {territory:in}, le {date}, la monnaie « {currency} ».",
        "Le {date}, une autre monnaie prit sa place {territory:in} : {currency}.",
    ),
    "currency.previous": (
        "Avant le {date}, on utilisait {territory:in} la monnaie « {currency} ».",
        "Elle remplaça {territory:in}, le {date}, la monnaie « {currency} ».",
    ),
    "currency.amount": (
        "Une somme de {number} s’écrit en {language} « {local} ».",
        "Un texte en {language} montre {number} sous la forme « {local} ».",
    ),
    "script.identity": (
        "{s:bold} est une écriture dont le code est {code}.",
        "{s:bold} est le nom français de l’écriture enregistrée comme {code}.",
    ),
    "script.count": (
        "Elle sert à {count} langues de ce recueil.",
        "En tout, {count} langues l’emploient ici.",
    ),
    "script.languages": (
        "On l’emploie, entre autres, pour ces langues : {languages}.",
        "Parmi les langues dans cette écriture se trouvent {languages}.",
    ),
    "script.language": (
        "On l’emploie pour une seule langue : {language}.",
        "Ici, elle ne sert qu’à une langue, {language:the}.",
    ),
    "zone.identity": (
        "{s:bold} est le nom d’un fuseau horaire.",
        "{s:bold} est une heure que partagent les horloges d’une région.",
    ),
    "zone.count": (
        "Elle vaut en {count} lieux de la base de données.",
        "La base de données y compte {count} lieux.",
    ),
    "zone.summer": (
        "En été, les horloges donnent celle-ci : {summer}.",
        "Quand on avance les horloges, le nom est {summer}.",
    ),
    "zone.territories": (
        "On l’utilise dans ces territoires : {territories}.",
        "Ce fuseau réunit par exemple les territoires suivants : {territories}.",
    ),
    "zone.territory": (
        "On l’utilise dans un seul territoire : {territories}.",
        "Les lieux de ce fuseau se trouvent {territories:in}.",
    ),
    "zone.cities": (
        "Les horloges donnent cette heure dans ces lieux : {cities}.",
        "Des lieux connus de ce fuseau sont {cities}.",
    ),
    "zone.ids": (
        "Les programmes la connaissent sous les noms {zones}.",
        "Les identifiants de ses lieux sont {zones}.",
    ),
    "zone.id": (
        "Les programmes la connaissent sous le nom {zones}.",
        "L’identifiant de son lieu est {zones}.",
    ),
}
