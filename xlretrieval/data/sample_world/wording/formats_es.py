"""Spanish sentences about how dates, numbers, prices, days and names are written; one of each kind is drawn."""

SENTENCES: dict[str, tuple[str, ...]] = {
    "language.script_there": (
        "Los textos en {language} aparecen en esta escritura: {script}.",
        "Para {language:the} se emplea la escritura «{script}».",
        "Quien lee {language} encuentra la siguiente escritura: {script}.",
    ),
    "script.right": (
        "Las líneas en escritura «{script}» van de izquierda a derecha.",
        "Se lee de izquierda a derecha (escritura: {script}).",
    ),
    "script.left": (
        "Las líneas en escritura «{script}» van de derecha a izquierda.",
        "Se lee de derecha a izquierda (escritura: {script}).",
    ),
    "date.short": (
        "En forma breve, el {date} se escribe «{local}».",
        "La fecha {date} se reduce a «{local}».",
        "En un formulario, el {date} se convierte en «{local}».",
    ),
    "date.short@territory": ("Quien anota {s:in} el {date} escribe «{local}».",),
    "date.short@language": ("La manera corta de poner el {date} en {s} es «{local}».",),
    "date.long": (
        "Con todas las letras, el mismo día es «{local}».",
        "Con el nombre del mes queda así: «{local}».",
    ),
    "date.clock12": (
        "Los relojes cuentan dos veces hasta doce, así que las {time} son «{local}».",
        "El día tiene dos mitades de doce horas, y las {time} aparecen como «{local}».",
    ),
    "date.clock24": (
        "Las horas llegan hasta 24, y las {time} se muestran como «{local}».",
        "El reloj cuenta las 24 horas, de modo que las {time} se leen «{local}».",
    ),
    "number.large": (
        "El número {number} tiene este aspecto: «{local}».",
        "Impreso a la manera local, {number} queda en «{local}».",
        "Un ejemplo de número grande es «{local}», es decir, {number}.",
    ),
    "number.large@territory": ("En contabilidad se escribe {s:in} «{local}» por {number}.",),
    "number.large@language": ("Un texto en {s} da el número {number} como «{local}».",),
    "number.percent": (
        "Una parte de {count} sobre cien es «{local}».",
        "Para el {count} por ciento se escribe «{local}».",
    ),
    "number.decimal": (
        "Delante de los decimales va este signo: {sign}.",
        "El separador decimal es el siguiente: {sign}.",
    ),
    "number.group": (
        "Los grupos de cifras se separan con este signo: {sign}.",
        "Para distinguir bien los millares se usa este signo: {sign}.",
    ),
    "money.amount": (
        "Un precio de {number} en la moneda «{currency}» se indica como «{local}».",
        "En una factura de {number} ({currency}) figura «{local}».",
    ),
    "calendar.weekday": (
        "La palabra para el {day} es en {language} «{local}».",
        "En {language}, el {day} se llama «{local}».",
        "Al {day} le dicen «{local}».",
    ),
    "calendar.month": (
        "El mes de {month} lleva en {language} el nombre «{local}».",
        "En {language}, {month} se dice «{local}».",
        "El calendario muestra «{local}» para {month}.",
    ),
    "zone.windows": (
        "Windows usa el nombre «{name}».",
        "En los ajustes de Windows se elige «{name}».",
    ),
    "name.other": (
        "En {language}, el nombre es «{local}».",
        "Quienes hablan {language} dicen «{local}».",
        "La denominación en {language} para {s} es «{local}».",
    ),
    "name.language": (
        "El idioma «{thing}» se llama «{local}».",
        "En {s}, la palabra para la lengua «{thing}» es «{local}».",
    ),
    "name.territory": (
        "Para {thing} se dice «{local}».",
        "En un mapa en {s}, {thing} figura como «{local}».",
        "El nombre que recibe {thing} es «{local}».",
    ),
    "name.currency": (
        "La moneda «{thing}» se llama «{local}».",
        "En {s}, la moneda «{thing}» recibe el nombre «{local}».",
    ),
    "name.unit": (
        "La unidad «{thing}» se denomina «{local}».",
        "Para medidas en {thing} se usa la palabra «{local}».",
    ),
}
