"""Spanish questions about single facts, and search topics."""

# Kind of fact, of which subject if that matters -> (slot that answers, question).
QUESTIONS: dict[str, tuple[str, str]] = {
    "territory.codes": ("alpha3", "¿Con qué tres letras designa la norma ISO el territorio «{s}»?"),
    "territory.main": ("language", "¿Qué lengua está más extendida {s:in}?"),
    "territory.official_one": ("languages", "¿Qué idioma es oficial {s:in}?"),
    "territory.share": ("percent", "¿Qué proporción de la gente sabe {language} {s:in}?"),
    "territory.currency": ("date", "¿Desde cuándo se usa {s:in} la moneda «{currency}»?"),
    "territory.currency_code": ("code", "¿Cómo abrevian los bancos la moneda «{currency}», que se usa {s:in}?"),
    "territory.former": ("end", "¿Hasta cuándo fue válida {s:in} la moneda «{currency}»?"),
    "territory.first_day": ("day", "¿Qué día empieza la semana {s:in}?"),
    "territory.weekend": ("days", "¿Qué días forman el fin de semana {s:in}?"),
    "territory.zone": ("zone", "¿Qué hora marcan los relojes {s:in}?"),
    "date.short@territory": ("local", "¿Cómo se escribe {s:in} el {date} en forma breve?"),
    "date.short@language": ("local", "¿Cuál es la forma breve de la fecha {date} en {s}?"),
    "date.long@territory": ("local", "¿Cómo se escribe {s:in} el {date} con todas las letras?"),
    "number.large@territory": ("local", "¿Cómo se escribe {s:in} el número {number}?"),
    "number.large@language": ("local", "¿Cómo se escribe en {s} el número {number}?"),
    "number.decimal@territory": ("sign", "¿Qué signo va {s:in} delante de los decimales?"),
    "number.decimal@language": ("sign", "¿Qué signo va delante de los decimales en un texto en {s}?"),
    "calendar.weekday": ("local", "¿Cómo se llama el {day} en {language}?"),
    "calendar.month": ("local", "¿Qué nombre tiene en {language} el mes de {month}?"),
    "name.other": ("local", "¿Cómo se llama {s} en {language}?"),
    "name.territory": ("local", "¿Cómo se dice {thing} en {s}?"),
    "name.language": ("local", "¿Cuál es en {s} la palabra para la lengua «{thing}»?"),
    "name.currency": ("local", "¿Cómo se llama en {s} la moneda «{thing}»?"),
    "language.identity": ("code", "¿Qué código tiene la lengua «{s}»?"),
    "language.endonym": ("local", "¿Cómo llaman a su lengua los hablantes del idioma «{s}»?"),
    "language.most": ("territory", "¿Dónde tiene {s:the} su mayor peso en la población?"),
    "language.share": ("percent", "¿Qué proporción de la gente habla {s} {territory:in}?"),
    "language.script": ("script", "¿Con qué escritura se escribe normalmente {s:the}?"),
    "language.plural": ("count", "¿Cuántas formas de número distingue {s:the}?"),
    "currency.identity": ("code", "¿Cuál es el código de la moneda «{s}»?"),
    "currency.digits": ("count", "¿Cuántos decimales tienen las cantidades en la moneda «{s}»?"),
    "currency.used_one": ("territories", "¿Qué territorio tiene como dinero la moneda «{s}»?"),
    "currency.since": ("date", "¿Desde cuándo se paga {territory:in} con la moneda «{s}»?"),
    "currency.former": ("end", "¿Cuándo perdió su validez {territory:in} la moneda «{s}»?"),
    "currency.next": ("currency", "¿Qué moneda siguió {territory:in} a la llamada «{s}»?"),
    "currency.amount": ("local", "¿Cómo escribe un texto en {language} la suma de {number} en la moneda «{s}»?"),
    "script.identity": ("code", "¿Qué código tiene la escritura «{s}»?"),
    "zone.summer": ("summer", "¿Cómo se llama el horario de verano del huso «{s}»?"),
}

# Relation and kind of thing -> (title, description, narrative).
TOPICS: dict[str, tuple[str, str, str]] = {
    "languages:territory": (
        "Lenguas: {s}",
        "¿Qué lenguas se hablan {s:in} y cuáles son oficiales?",
        "Los documentos relevantes nombran lenguas del territorio, su estatus o su peso en la población. No "
        "interesa cómo se escriben esas lenguas ni cómo llaman a las cosas.",
    ),
    "languages:language": (
        "Difusión de una lengua: {s}",
        "¿Dónde se habla {s} y dónde es lengua oficial?",
        "Los documentos relevantes dicen en qué territorios se usa la lengua, por cuántos o con qué estatus. "
        "No interesan las palabras de la lengua.",
    ),
    "currency:territory": (
        "Dinero: {s}",
        "¿Con qué monedas se paga o se pagaba {s:in}?",
        "Los documentos relevantes tratan de monedas actuales o anteriores del territorio, de su introducción, su "
        "final o su código. No interesa cómo se escriben los precios.",
    ),
    "currency:currency": (
        "Uso de una moneda: {s}",
        "¿Dónde y cuándo se usó la moneda «{s}»?",
        "Los documentos relevantes nombran territorios donde se paga o se pagaba con este dinero, o días en que "
        "eso cambió. No interesan su nombre en otros idiomas ni la manera de escribir cantidades.",
    ),
    "time:territory": (
        "Hora local: {s}",
        "¿Qué hora marcan los relojes {s:in}?",
        "Los documentos relevantes nombran husos horarios del territorio, sus identificadores u otros territorios con "
        "la misma hora. No interesan los calendarios ni las fechas.",
    ),
    "time:zone": (
        "Huso horario: {s}",
        "¿Dónde rige el huso horario «{s}»?",
        "Los documentos relevantes nombran lugares o territorios cuyos relojes marcan esta hora. "
        "No interesa cómo la llaman otros idiomas.",
    ),
    "writing:language": (
        "Escritura de una lengua: {s}",
        "¿Con qué escritura se escribe {s:the}?",
        "Los documentos relevantes dicen en qué escritura aparecen los textos de esta lengua. "
        "No interesan los números ni las fechas.",
    ),
    "writing:script": (
        "Uso de una escritura: {s}",
        "¿Qué lenguas se escriben con la escritura «{s}»?",
        "Los documentos relevantes nombran lenguas que usan esta escritura o dicen en qué dirección corre. "
        "No interesa el nombre de la escritura en otros idiomas.",
    ),
    "names:territory": (
        "Nombres de un territorio: {s}",
        "¿Cómo llaman otros idiomas al territorio «{s}»?",
        "Los documentos relevantes dan el nombre de este territorio en al menos un idioma.",
    ),
    "names:language": (
        "Nombres de una lengua: {s}",
        "¿Cómo llaman otros idiomas a la lengua «{s}»?",
        "Los documentos relevantes dan el nombre de esta lengua en al menos otro idioma.",
    ),
    "names:currency": (
        "Nombres de una moneda: {s}",
        "¿Cómo llaman otros idiomas a la moneda «{s}»?",
        "Los documentos relevantes dan el nombre de esta moneda en al menos un idioma.",
    ),
    "formats:territory": (
        "Fechas y números: {s}",
        "¿Cómo se escriben {s:in} las fechas, los días y los números?",
        "Los documentos relevantes muestran cómo se escribe allí una fecha, una hora, un número o un precio, o cómo "
        "se llaman los días y los meses. No interesan las lenguas y monedas por sí solas.",
    ),
    "formats:language": (
        "Fechas y números en una lengua: {s}",
        "¿Cómo se escriben en {s} las fechas, los días y los números?",
        "Los documentos relevantes muestran cómo un texto en esta lengua escribe una fecha, un número o un precio, o "
        "cómo llama a los días y los meses. No interesa dónde se habla la lengua.",
    ),
}
