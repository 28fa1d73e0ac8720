"""Units and currencies, by all their names, with what makes one of another.

Only what is always so is converted: 1,800 m are 1.8 km and six months are half a year, but two days of work are not
48 hours, and a month is no number of days.
"""

from decimal import Decimal
from typing import NamedTuple


class Unit(NamedTuple):
    """`factor` of these make one `base`; units of one `dimension` are masked alike."""

    dimension: str
    base: str
    factor: Decimal


# Dimension and base unit; then factor: names.
MEASURES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("length", "m", {
        "0.000001": "μm|micrometre|micrometer|micron",
        "0.001": "mm|millimetre|millimeter|milimetro|milímetro|millimetro|мм",
        "0.01": "cm|centimetre|centimeter|zentimeter|centimètre|centímetro|centimetro|см",
        "1": "m|metre|meter|mètre|metro|metri|metern|м",
        "1000": "km|kilometre|kilometer|kilomètre|kilómetro|chilometro|chilometri|kilometern|км"}),
    ("length", "foot", {"1": "ft|foot|feet", "3": "yd|yard", "5280": "mi|mile"}),
    ("mass", "g", {
        "0.001": "mg|milligram|milligramme|milligramm", "1": "g|gram|gramme|gramm|gramo|grammo|г",
        "1000": "kg|kilo|kilogram|kilogramme|kilogramm|kilogramo|chilo|chilogrammo|кг",
        "1000000": "t|tonne|metric ton|metric tonne|tonnen|tonelada|tonnellata|tonnellate"}),
    ("mass", "ton", {"1": "ton"}),
    ("mass", "oz", {"1": "oz|ounce", "16": "lb"}),
    ("volume", "l", {
        "0.001": "ml|millilitre|milliliter|millilitro|mililitro", "0.01": "cl|centilitre|centiliter",
        "1": "l|litre|liter|litro|litri|litern", "100": "hl|hectolitre|hektoliter",
        "1000": "m³|m3|cubic metre|cubic meter|kubikmeter"}),
    ("area", "m²", {
        "1": "m²|m2|sqm|sq m|square metre|square meter|quadratmeter|qm",
        "10000": "ha|hectare|hektar", "1000000": "km²|km2|sq km|square kilometre|square kilometer"}),
    ("area", "foot²", {"1": "sq ft|square foot|square feet|sqft"}),
    ("time", "s", {
        "0.001": "ms|millisecond|millisekunde|millisekunden",
        "1": "s|sec|second|sekunde|sekunden|seconde|segundo|secondo|secondi",
        "60": "min|minute|minuten|minuto|minuti|минут",
        "3600": "h|hr|hour|stunde|stunden|heure|hora|ora|ore|часов"}),
    ("day", "day", {
        "1": "day|tag|tage|tagen|jour|día|giorno|giorni|дней",
        "7": "week|woche|wochen|semaine|semana|settimana|settimane"}),
    ("month", "month", {
        "1": "month|monat|monate|monaten|mois|mes|meses|mese|mesi|месяцев",
        "12": "year|yr|jahr|jahre|jahren|an|année|año|anno|anni|лет", "120": "decade"}),
    ("share", "%", {"1": "%|percent|per cent|pct|prozent|vh|pour cent|por ciento|per cento|процентов"}),
    ("points", "pp", {
        "1": "pp|percentage point|% point|percent point|prozentpunkt|prozentpunkte|prozentpunkten|point de pourcentage",
        "0.01": "bps|basis point"}),
    ("share", "‰", {"1": "‰|per mille|promille"}),
    ("energy", "kwh", {"0.001": "wh", "1": "kwh|kilowatt hour|kilowattstunden",
                       "1000": "mwh|megawatt hour", "1000000": "gwh|gigawatt hour"}),
    ("power", "kw", {"0.001": "w|watt", "1": "kw|kilowatt", "1000": "mw|megawatt", "1000000": "gw|gigawatt"}),
    ("power", "hp", {"1": "hp|horsepower|ps"}),
    ("temperature", "°c", {"1": "° c|℃|degree celsius|degree centigrade|grad celsius|degree c"}),
    ("temperature", "°f", {"1": "° f|degree fahrenheit|degree f"}),
    ("temperature", "°", {"1": "°|degree|grad|grado"}),
    ("speed", "km/h", {"1": "km / h|kmh|kph|kilometre per hour|kilometer per hour|km per hour|km an hour"}),
    ("speed", "mph", {"1": "mph|mile per hour|mile an hour"}),
    ("speed", "m/s", {"1": "m / s|metre per second|meter per second"}),
    ("frequency", "hz", {"1": "hz|hertz", "1000": "khz|kilohertz",
                        "1000000": "mhz|megahertz", "1000000000": "ghz|gigahertz"}),
    ("data", "kb", {"1": "kb|kilobyte"}), ("data", "mb", {"1": "mb|megabyte"}), ("data", "gb", {"1": "gb|gigabyte"}),
    ("data", "tb", {"1": "tb|terabyte"}),
    ("voltage", "v", {"1": "v|volt", "1000": "kv|kilovolt"}), ("current", "a", {"1": "ampere|amp"}),
    ("pressure", "bar", {"1": "bar"}),
    ("money", "EUR", {"1": "€|eur|euro|евро|欧元|ユーロ"}),
    ("money", "USD", {"1": "$|usd|us $|dollar|us dollar|dólar|dollari|dollaro"}),
    ("money", "GBP", {"1": "£|gbp|pound|pound sterling|british pound|pfund"}),
    ("money", "JPY", {"1": "jpy|yen|円"}), ("money", "CNY", {"1": "cny|rmb|yuan|renminbi"}), ("money", "¥", {"1": "¥"}),
    ("money", "CHF", {"1": "chf|sfr|swiss franc|schweizer franken|franken"}), ("money", "franc", {"1": "franc"}),
    ("money", "INR", {"1": "₹|inr|rupee"}), ("money", "RUB", {"1": "₽|rub|ruble|rouble|рублей"}),
    ("money", "KRW", {"1": "₩|krw|won"}), ("money", "SEK", {"1": "sek|swedish krona|swedish kronor"}),
    ("money", "NOK", {"1": "nok|norwegian krone|norwegian kroner"}),
    ("money", "DKK", {"1": "dkk|danish krone|danish kroner"}),
    ("money", "PLN", {"1": "pln|złoty|zloty"}), ("money", "CAD", {"1": "cad|ca $|canadian dollar"}),
    ("money", "AUD", {"1": "aud|a $|australian dollar"}), ("money", "cent", {"1": "cent|pence|penny"}),
)  # fmt: skip

# Where capitals make another unit of it. Written otherwise (MHZ, gb) they are what everybody means by them.
CASED = {
    "mW": Unit("power", "kw", Decimal("0.000001")), "mHz": Unit("frequency", "hz", Decimal("0.001")),
    "mV": Unit("voltage", "v", Decimal("0.001")), "MV": Unit("voltage", "v", Decimal(10**6)),
    "Mg": Unit("mass", "g", Decimal(10**6)), "Kb": Unit("data", "kbit", Decimal(1)),
    "Mb": Unit("data", "mbit", Decimal(1)), "Gb": Unit("data", "gbit", Decimal(1)),
    "Tb": Unit("data", "tbit", Decimal(1)),
}  # fmt: skip
# Behind a figure. `m` is a million beside a currency only.
MAGNITUDES: dict[str, int] = {
    name: 10**power
    for power, names in (
        (2, "hundred"),
        (3, "thousand k tausend tsd mille mil mila тыс"),
        (4, "万"),
        (5, "lakh"),
        (
            6,
            "million millions mn mln mio millionen millón millones milione milioni milhões miljoen млн 百万",
        ),
        (7, "crore"),
        (8, "亿 億"),
        (9, "bn milliard milliards milliarde milliarden mrd mld mds miliardo miliardi млрд"),
        (12, "trillion"),
    )
    for name in names.split()
}
MAGNITUDES_IN_ENGLISH = {"billion": 10**9, "trillion": 10**12}
MAGNITUDES_ELSEWHERE = {
    "billion": 10**12,
    "billionen": 10**12,
    "billions": 10**12,
    "billón": 10**12,
    "trillion": 10**18,
}


def _named() -> dict[str, Unit]:
    named: dict[str, Unit] = {}
    for dimension, base, factors in MEASURES:
        for factor, names in factors.items():
            for name in names.split("|"):
                unit = Unit(dimension, base, Decimal(factor))
                named[name] = unit
                last = name.rpartition(" ")[2]
                if (len(last) > 3 and last.isascii() and not last.endswith(("s", "o", "i", "ri"))) or name in (
                    "euro",
                    "amp",
                    "kilo",
                ):
                    named[name + "s"] = unit
    return named


NAMED = _named() | {
    f"{first} {rest}": unit for name, unit in _named().items() for first, _, rest in (name.partition(" "),)
    if first in ("square", "cubic")
}  # fmt: skip
LONGEST_NAME = 3
# Money, a weight, or one of the two: told by the words beside it.
POUNDS = frozenset(("pound", "pounds"))
POUND_OF_EITHER = Unit("pound", "pound", Decimal(1))
WEIGHED = frozenset("weigh weighs weighed weighing weight heavy heavier lighter".split())
PAID = frozenset(
    "cost costs costing price prices priced pay pays paid paying payment payments payout worth value valued fee fees "
    "fine fined fines grant grants budget budgets sale sales sold sell sells revenue revenues turnover profit profits "
    "loss losses salary salaries wage wages spend spends spent spending charge charges charged rent rents tax "
    "taxes debt debts loan loans lent owe owes owed invest invested investment fund funds funding bill bills billed "
    "income bonus premium premiums earn earns earned donate donated donation deposit expense expenses money cash bid "
    "bids deal subsidy award awarded compensation damages savings bought buy sterling".split()
)


REGULAR = (
    "año día hora semana minuto segundo an année jour heure litro metro kilómetro gramo kilogramo tonelada metre meter "
    "litre liter"
)


def extra_plurals() -> dict[str, Unit]:
    """Plurals whose s stands inside: kilometres per hour, degrees Celsius; and those of other languages."""
    found = {}
    for name, unit in NAMED.items():
        first, _, rest = name.partition(" ")
        if rest and len(first) > 3 and first not in ("square", "cubic", "metric", "swiss", "british", "canadian"):
            found[f"{first}s {rest}"] = unit
    found |= {f"{name}s": NAMED[name] for name in REGULAR.split()} | {"dólares": NAMED["dólar"]}
    found |= {f"{name}s": NAMED[name] for name in ("hr", "yr", "min", "sec", "lb", "kg", "km", "cm", "mm")}
    return found


NAMED.update(extra_plurals())
