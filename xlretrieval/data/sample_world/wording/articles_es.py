"""Spanish sentences about territories, languages, currencies, scripts and time zones; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "territory.identity": (
        "{s:bold} es el nombre español del territorio con el código {code}.",
        "{s:bold} es un territorio cuyo código de dos letras es {code}.",
        "{s:bold}, abreviado {code}, figura entre los territorios que describe Unicode CLDR.",
    ),
    "territory.codes": (
        "La norma ISO le asigna las letras {alpha3} y el número {numeric}.",
        "En listas más largas aparece con la abreviatura {alpha3} o con la cifra {numeric}.",
        "Las estadísticas identifican el país con {alpha3} y {numeric}.",
    ),
    "territory.main": (
        "El idioma más extendido es {language:the}, que conoce el {percent} de la población.",
        "Ninguna otra lengua tiene tantos hablantes como {language:the}, con un {percent}.",
        "La lengua mayoritaria es {language:the}: la usa el {percent} de los habitantes.",
    ),
    "territory.count": (
        "En total constan allí {count} lenguas.",
        "Los datos recogen {count} idiomas en uso.",
        "Se hablan {count} lenguas según los registros.",
    ),
    "territory.official": (
        "Los idiomas oficiales son {languages}.",
        "Tienen carácter oficial las siguientes lenguas: {languages}.",
        "La administración trabaja {s:in} en varios idiomas: {languages}.",
    ),
    "territory.official_one": (
        "El único idioma oficial es {languages:the}.",
        "Las oficinas y los tribunales usan {s:in} solo un idioma: {languages}.",
        "Solo {languages:the} es oficial en todo el país.",
    ),
    "territory.regional": (
        "En algunas regiones también tiene validez oficial lo siguiente: {languages}.",
        "El reconocimiento regional alcanza a lo siguiente: {languages}.",
    ),
    "territory.share": (
        "Cerca del {percent} de los habitantes usa {language:the}.",
        "La proporción de personas que saben {language} es del {percent}.",
        "En el caso del idioma «{language}», la cifra es del {percent}.",
    ),
    "territory.other": (
        "Sin función oficial se hablan además {languages}.",
        "Otras lenguas que se oyen en el país son {languages}.",
        "Entre los idiomas sin estatus legal están {languages}.",
    ),
    "territory.currency": (
        "Desde el {date} se paga con esta moneda: {currency}.",
        "La moneda de curso legal {s:in} es, desde el {date}, la siguiente: {currency}.",
        "El dinero se llama {currency} y se introdujo el {date}.",
    ),
    "territory.currency_code": (
        "Los bancos escriben {code} para la moneda «{currency}».",
        "En las tablas de cambio la moneda «{currency}» lleva el código {code}.",
        "La abreviatura internacional de este dinero es {code}.",
    ),
    "territory.shared": (
        "La moneda «{currency}» también vale en otros territorios: {territories}.",
        "El mismo dinero ({currency}) circula en otros lugares, por ejemplo aquí: {territories}.",
    ),
    "territory.former": (
        "Del {start} al {end} el dinero se llamaba {currency}.",
        "Una moneda anterior ({currency}) fue válida entre el {start} y el {end}.",
        "El {start} llegó y el {end} se fue esta moneda: {currency}.",
    ),
    "territory.first_day": (
        "Los calendarios empiezan {s:in} la semana el {day}.",
        "El primer día de la semana es {s:in} el {day}.",
        "Una nueva semana comienza el {day}.",
    ),
    "territory.weekend": (
        "El fin de semana comprende {days}.",
        "La mayoría de la gente libra estos días: {days}.",
        "Los días de descanso {s:in} son {days}.",
    ),
    "territory.week_one": (
        "La semana en que cae el primero de enero es la número uno.",
        "Un solo día de enero basta para la primera semana del año.",
    ),
    "territory.week_four": (
        "La primera semana del año debe contener al menos cuatro de sus días.",
        "Las semanas se cuentan de modo que la primera quede casi toda en enero.",
    ),
    "territory.zone_id": (
        "En la base de datos de husos horarios todo el territorio figura como {zones}.",
        "Los ordenadores se ajustan {s:in} a {zones}.",
    ),
    "territory.zone_ids": (
        "La base de datos de husos horarios recoge, entre otras, {zones}.",
        "Las entradas de este territorio son {zones}.",
    ),
    "territory.zone_count": (
        "En total, la base tiene {count} entradas para él.",
        "Son {count} entradas de este tipo en conjunto.",
    ),
    "territory.zone": (
        "Los relojes marcan {s:in} esta hora: {zone}.",
        "La hora que rige se llama {zone}.",
        "Una de las horas en uso es esta: {zone}.",
    ),
    "territory.kin": (
        "Comparte {language:the} como lengua oficial con {territories}.",
        "El uso oficial de la lengua «{language}» se da también aquí: {territories}.",
    ),
    "territory.zone_kin": (
        "La misma hora ({zone}) rige también aquí: {territories}.",
        "Los relojes van como en otros territorios con la misma hora, {zone}: {territories}.",
    ),
    "language.identity": (
        "{s:bold} es una lengua con el código {code}.",
        "{s:bold} es el nombre español del idioma que se abrevia {code}.",
        "{s:bold} es un idioma; los catálogos lo recogen como {code}.",
    ),
    "language.endonym": (
        "Sus hablantes lo llaman «{local}».",
        "Su nombre propio es «{local}».",
    ),
    "language.count": (
        "Se usa en {count} territorios.",
        "Constan hablantes en {count} territorios.",
    ),
    "language.most": (
        "En ninguna parte es mayor su peso en la población que {territory:in}, con un {percent}.",
        "Donde más fuerza tiene es {territory:in}: lo usa el {percent} de la gente.",
    ),
    "language.official": (
        "Es lengua oficial en varios territorios: {territories}.",
        "La ley hace oficial {s:the} en estos territorios: {territories}.",
        "Entre los gobiernos que trabajan en {s} están los siguientes: {territories}.",
    ),
    "language.official_one": (
        "Solo es oficial {territories:in}.",
        "Un único territorio tiene {s:the} por lengua oficial: {territories}.",
    ),
    "language.regional": (
        "Tiene estatus regional en {territories}.",
        "Es oficial para una parte del país aquí: {territories}.",
    ),
    "language.share": (
        "Cerca del {percent} de la gente {territory:in} lo usa.",
        "La proporción de hablantes {territory:in} es del {percent}.",
        "En el caso de {territory}, el {percent} de los habitantes sabe {s}.",
    ),
    "language.other": (
        "Hay hablantes sin apoyo oficial en {territories}.",
        "También se oye en estos territorios: {territories}.",
    ),
    "language.script": (
        "Se escribe con la siguiente escritura: {script}.",
        "La escritura habitual es la llamada «{script}».",
        "Los libros en {s} se imprimen con esta escritura: {script}.",
    ),
    "language.scripts": (
        "También hay textos en otra escritura: {scripts}.",
        "Además se encuentra lo siguiente: {scripts}.",
    ),
    "language.plural": (
        "Su gramática distingue {count} formas de número: {forms}.",
        "Al contar, {s:the} necesita {count} formas, llamadas {forms}.",
    ),
    "language.plural_example": (
        "Al número {count} le corresponde la forma «{form}».",
        "Tras {count}, el sustantivo va en la forma «{form}».",
    ),
    "currency.identity": (
        "{s:bold} es una moneda con el código {code}.",
        "{s:bold} es el dinero que los bancos abrevian {code}.",
        "{s:bold}, en breve {code}, es una unidad monetaria.",
    ),
    "currency.symbol": (
        "Su símbolo es «{symbol}».",
        "Los precios pueden llevar el signo «{symbol}».",
    ),
    "currency.digits": (
        "Las cantidades se dan con {count} cifras decimales.",
        "El número de decimales es {count}.",
    ),
    "currency.no_digits": (
        "Las cantidades se dan sin decimales.",
        "Solo hay cantidades enteras.",
    ),
    "currency.rounding": (
        "En efectivo, las sumas se redondean a {count} centésimas.",
        "A causa de las monedas, las sumas acaban en pasos de {count}.",
    ),
    "currency.today": (
        "Sigue en uso.",
        "Todavía hoy se paga con esta moneda.",
    ),
    "currency.past": (
        "Ya no está en uso.",
        "Ya nadie puede pagar con esta moneda.",
    ),
    "currency.count": (
        "Tiene curso legal en {count} territorios.",
        "Hoy la usan {count} territorios.",
    ),
    "currency.used": (
        "Se puede pagar con esta moneda en {territories}.",
        "Entre los territorios con este dinero están {territories}.",
    ),
    "currency.used_one": (
        "Es el dinero de un solo territorio: {territories}.",
        "Solo {territories:in} tiene curso legal.",
    ),
    "currency.since": (
        "La gente {territory:in} paga con ella desde el {date}.",
        "En el caso de {territory}, la fecha de partida fue el {date}.",
    ),
    "currency.former": (
        "La moneda fue válida {territory:in} del {start} al {end}.",
        "En el caso de {territory}, el período duró del {start} al {end}.",
    ),
    "currency.next": (
        "Su sucesora {territory:in} fue, el {date}, la moneda «{currency}».",
        "El {date} ocupó su lugar {territory:in} otra moneda: {currency}.",
    ),
    "currency.previous": (
        "Antes del {date} se usaba {territory:in} la moneda «{currency}».",
        "Sustituyó {territory:in} el {date} a la moneda «{currency}».",
    ),
    "currency.amount": (
        "Una suma de {number} se escribe en {language} «{local}».",
        "Un texto en {language} muestra {number} como «{local}».",
    ),
    "script.identity": (
        "{s:bold} es una escritura con el código {code}.",
        "{s:bold} es el nombre español de la escritura registrada como {code}.",
    ),
    "script.count": (
        "Sirve a {count} lenguas de esta colección.",
        "En total la usan aquí {count} lenguas.",
    ),
    "script.languages": (
        "Se emplea, entre otras lenguas, para estas: {languages}.",
        "Entre los idiomas con esta escritura están {languages}.",
    ),
    "script.language": (
        "Se emplea para una sola lengua: {language}.",
        "Aquí solo se escribe con ella una lengua, {language:the}.",
    ),
    "zone.identity": (
        "{s:bold} es el nombre de un huso horario.",
        "{s:bold} es una hora que comparten los relojes de una región.",
    ),
    "zone.count": (
        "Rige en {count} lugares de la base de datos.",
        "La base de datos cuenta en este huso {count} lugares.",
    ),
    "zone.summer": (
        "En verano los relojes muestran esta otra: {summer}.",
        "Cuando se adelantan los relojes, el nombre es {summer}.",
    ),
    "zone.territories": (
        "Se usa en {territories}.",
        "Territorios de este huso son, por ejemplo, {territories}.",
    ),
    "zone.territory": (
        "Se usa en un solo territorio: {territories}.",
        "Los lugares de este huso están {territories:in}.",
    ),
    "zone.cities": (
        "Los relojes dan esta hora en {cities}.",
        "Lugares conocidos de este huso son {cities}.",
    ),
    "zone.ids": (
        "Los programas emplean los nombres {zones}.",
        "Los identificadores de sus lugares son {zones}.",
    ),
    "zone.id": (
        "Los programas emplean el nombre {zones}.",
        "El identificador de su lugar es {zones}.",
    ),
}
