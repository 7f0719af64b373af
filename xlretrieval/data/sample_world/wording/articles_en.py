"""English sentences about territories, languages, currencies, scripts and time zones; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "territory.identity": (
        "{s:bold} is the English name of the territory with the code {code}.",
        "{s:bold} is a territory whose two-letter code is {code}.",
        "{s:bold}, abbreviated {code}, is one of the territories that Unicode CLDR describes.",
    ),
    "territory.codes": (
        "Its codes in the ISO standard are {alpha3} with letters and {numeric} with digits.",
        "Longer lists use the abbreviation {alpha3} or the number {numeric}.",
        "Statistics identify the country by {alpha3} and {numeric}.",
    ),
    "territory.main": (
        "The most widely used language is {language}, known to {percent} of the people.",
        "More people speak {language} than any other language, namely {percent}.",
        "With a share of {percent}, {language} has the largest number of users.",
    ),
    "territory.count": (
        "Altogether, {count} languages are on record there.",
        "The data count {count} languages in use.",
        "People speak {count} languages that are listed for the area.",
    ),
    "territory.official": (
        "The official languages are {languages}.",
        "Official status belongs to {languages}.",
        "Authorities {s:in} work in {languages}.",
    ),
    "territory.official_one": (
        "The only official language is {languages}.",
        "Offices and courts {s:in} use {languages}.",
        "Only {languages} has official status in the whole country.",
    ),
    "territory.regional": (
        "In some regions {languages} also counts as official.",
        "Regional official status is given to {languages}.",
    ),
    "territory.share": (
        "About {percent} of the inhabitants use {language}.",
        "The share of people who know {language} is {percent}.",
        "As for {language}, the figure is {percent}.",
    ),
    "territory.other": (
        "Without any official role, people also speak {languages}.",
        "Other languages heard in the country are {languages}.",
        "Among the languages without a legal status are {languages}.",
    ),
    "territory.currency": (
        "Since {date} people pay with the {currency}.",
        "The {currency} has been legal tender {s:in} since {date}.",
        "The money in use is the {currency}, introduced on {date}.",
    ),
    "territory.currency_code": (
        "Banks write {code} for the {currency}.",
        "In exchange tables the {currency} carries the code {code}.",
        "The international abbreviation of this money is {code}.",
    ),
    "territory.shared": (
        "One also pays with the {currency} in the following territories: {territories}.",
        "The same money, the {currency}, circulates elsewhere, for instance here: {territories}.",
    ),
    "territory.former": (
        "From {start} to {end} the money was the {currency}.",
        "An earlier currency, the {currency}, was valid between {start} and {end}.",
        "The {currency} came on {start} and went on {end}.",
    ),
    "territory.first_day": (
        "Calendars {s:in} begin the week on {day}.",
        "The first day of the week {s:in} is {day}.",
        "A new week starts on {day}.",
    ),
    "territory.weekend": (
        "The weekend covers {days}.",
        "Most people are off work on {days}.",
        "Days of rest {s:in} are {days}.",
    ),
    "territory.week_one": (
        "The week that holds the first of January is week number one.",
        "A single day in January is enough for the first week of the year.",
    ),
    "territory.week_four": (
        "The first week of a year must have at least four days in it.",
        "Weeks are numbered so that the first one lies mostly in January.",
    ),
    "territory.zone_id": (
        "In the time zone database the whole area is found under {zones}.",
        "Computers {s:in} are set to {zones}.",
    ),
    "territory.zone_ids": (
        "The time zone database lists, among others, {zones}.",
        "Entries for this territory are {zones}.",
    ),
    "territory.zone_count": (
        "The database has {count} entries for it in all.",
        "In total there are {count} such entries.",
    ),
    "territory.zone": (
        "Clocks {s:in} show {zone}.",
        "The time that applies is called {zone}.",
        "One of the times in use is {zone}.",
    ),
    "territory.kin": (
        "It shares {language} as an official language with {territories}.",
        "Official use of {language} is also found here: {territories}.",
    ),
    "territory.zone_kin": (
        "The same time, {zone}, is kept in {territories}.",
        "Clocks agree with those of {territories}, which also follow {zone}.",
    ),
    "language.identity": (
        "{s:bold} is a language with the code {code}.",
        "{s:bold} is the English name of the language that is abbreviated {code}.",
        "{s:bold} is a language; catalogues list it under {code}.",
    ),
    "language.endonym": (
        "Its speakers call it “{local}”.",
        "Its own name is “{local}”.",
    ),
    "language.count": (
        "It is in use in {count} territories.",
        "Speakers are recorded in {count} territories.",
    ),
    "language.most": (
        "Nowhere is its share of the population larger than {territory:in}, with {percent}.",
        "It is strongest {territory:in}, where {percent} of the people use it.",
    ),
    "language.official": (
        "It is an official language in {territories}.",
        "The law makes {s} official in these territories: {territories}.",
        "Governments that work in {s} include those of {territories}.",
    ),
    "language.official_one": (
        "It is official only {territories:in}.",
        "One territory has made {s} an official language: {territories}.",
    ),
    "language.regional": (
        "As a regional language it is recognised here: {territories}.",
        "For parts of the country it is official here: {territories}.",
    ),
    "language.share": (
        "About {percent} of the people {territory:in} use it.",
        "The share of speakers {territory:in} is {percent}.",
        "As for {territory}, {percent} of the inhabitants know {s}.",
    ),
    "language.other": (
        "Speakers without official support live in {territories}.",
        "One also hears it in these territories: {territories}.",
    ),
    "language.script": (
        "People write {s} in the {script} script.",
        "The usual script is {script}.",
        "Books in {s} are printed in {script} letters.",
    ),
    "language.scripts": (
        "One also finds texts in other writing: {scripts}.",
        "Besides, some texts use the following: {scripts}.",
    ),
    "language.plural": (
        "Its grammar tells {count} forms of number apart: {forms}.",
        "Counting in {s} takes {count} forms, named {forms}.",
    ),
    "language.plural_example": (
        "The number {count} goes with the form “{form}”.",
        "After {count}, a noun takes the form “{form}”.",
    ),
    "currency.identity": (
        "{s:bold} is a currency with the code {code}.",
        "{s:bold} is the money that banks abbreviate {code}.",
        "{s:bold}, in short {code}, is a monetary unit.",
    ),
    "currency.symbol": (
        "Its symbol is “{symbol}”.",
        "Prices may carry the sign “{symbol}”.",
    ),
    "currency.digits": (
        "Amounts are given with {count} digits after the decimal sign.",
        "The number of decimal places is {count}.",
    ),
    "currency.no_digits": (
        "Amounts are given without decimals.",
        "There are only whole amounts.",
    ),
    "currency.rounding": (
        "In cash, sums are rounded to {count} hundredths.",
        "Coins make sums end in steps of {count}.",
    ),
    "currency.today": (
        "It is still in use.",
        "People pay with it to this day.",
    ),
    "currency.past": (
        "It is no longer in use.",
        "Nobody can pay with it any more.",
    ),
    "currency.count": (
        "It is legal tender in {count} territories.",
        "Today {count} territories use it.",
    ),
    "currency.used": (
        "One can pay with it in {territories}.",
        "Territories with this money include {territories}.",
    ),
    "currency.used_one": (
        "It is the money of one territory: {territories}.",
        "Only {territories:in} is it legal tender.",
    ),
    "currency.since": (
        "People {territory:in} have paid with it since {date}.",
        "The starting date for {territory} was {date}.",
    ),
    "currency.former": (
        "It was valid {territory:in} from {start} to {end}.",
        "As for {territory}, the period lasted from {start} until {end}.",
    ),
    "currency.next": (
        "Its successor {territory:in} was the {currency}, on {date}.",
        "On {date} the {currency} took its place {territory:in}.",
    ),
    "currency.previous": (
        "Before {date}, people {territory:in} used the {currency}.",
        "It replaced the {currency} {territory:in} on {date}.",
    ),
    "currency.amount": (
        "A sum of {number} is written “{local}” in {language}.",
        "A text in {language} shows {number} as “{local}”.",
    ),
    "script.identity": (
        "{s:bold} is a script with the code {code}.",
        "{s:bold} is the English name of the script listed as {code}.",
    ),
    "script.count": (
        "It serves {count} languages of this collection.",
        "In all, {count} languages here use it.",
    ),
    "script.languages": (
        "It is used for {languages}, among others.",
        "Languages in this script include {languages}.",
    ),
    "script.language": (
        "It is used for one language: {language}.",
        "Here, only {language} is written in it.",
    ),
    "zone.identity": (
        "{s:bold} is the name of a time zone.",
        "{s:bold} is a time that clocks of a region keep together.",
    ),
    "zone.count": (
        "It holds in {count} places of the database.",
        "The database counts {count} places in it.",
    ),
    "zone.summer": (
        "In summer the clocks show {summer}.",
        "When clocks go forward, the name is {summer}.",
    ),
    "zone.territories": (
        "It is used in {territories}.",
        "Territories in this zone are, for example, {territories}.",
    ),
    "zone.territory": (
        "It is used in one territory: {territories}.",
        "Places in this zone lie {territories:in}.",
    ),
    "zone.cities": (
        "Clocks show this time in {cities}.",
        "Known places in it are {cities}.",
    ),
    "zone.ids": (
        "Software knows it by the names {zones}.",
        "Identifiers of its places are {zones}.",
    ),
    "zone.id": (
        "Software knows it by the name {zones}.",
        "The identifier of its place is {zones}.",
    ),
}
