"""Names of months and days, long and short, for the languages that a date format may name; others are in English."""

from dataclasses import dataclass
from functools import lru_cache

_MONTHS = {
    "en": "January,Jan February,Feb March,Mar April,Apr May,May June,Jun July,Jul August,Aug September,Sep "
    "October,Oct November,Nov December,Dec",
    "de": "Januar,Jan Februar,Feb März,Mrz April,Apr Mai,Mai Juni,Jun Juli,Jul August,Aug September,Sep "
    "Oktober,Okt November,Nov Dezember,Dez",
    "fr": "janvier,janv. février,févr. mars,mars avril,avr. mai,mai juin,juin juillet,juil. août,août "
    "septembre,sept. octobre,oct. novembre,nov. décembre,déc.",
    "es": "enero,ene febrero,feb marzo,mar abril,abr mayo,may junio,jun julio,jul agosto,ago septiembre,sep "
    "octubre,oct noviembre,nov diciembre,dic",
    "it": "gennaio,gen febbraio,feb marzo,mar aprile,apr maggio,mag giugno,giu luglio,lug agosto,ago settembre,set "
    "ottobre,ott novembre,nov dicembre,dic",
    "nl": "januari,jan februari,feb maart,mrt april,apr mei,mei juni,jun juli,jul augustus,aug september,sep "
    "oktober,okt november,nov december,dec",
    "pt": "janeiro,jan fevereiro,fev março,mar abril,abr maio,mai junho,jun julho,jul agosto,ago setembro,set "
    "outubro,out novembro,nov dezembro,dez",
}
_DAYS = {
    "en": "Monday,Mon Tuesday,Tue Wednesday,Wed Thursday,Thu Friday,Fri Saturday,Sat Sunday,Sun",
    "de": "Montag,Mo Dienstag,Di Mittwoch,Mi Donnerstag,Do Freitag,Fr Samstag,Sa Sonntag,So",
    "fr": "lundi,lun. mardi,mar. mercredi,mer. jeudi,jeu. vendredi,ven. samedi,sam. dimanche,dim.",
    "es": "lunes,lu martes,ma miércoles,mi jueves,ju viernes,vi sábado,sá domingo,do",
    "it": "lunedì,lun martedì,mar mercoledì,mer giovedì,gio venerdì,ven sabato,sab domenica,dom",
    "nl": "maandag,ma dinsdag,di woensdag,wo donderdag,do vrijdag,vr zaterdag,za zondag,zo",
    "pt": "segunda-feira,seg terça-feira,ter quarta-feira,qua quinta-feira,qui sexta-feira,sex sábado,sáb domingo,dom",
}
# The lower ten bits of a Windows language number.
_LANGUAGES = {0x07: "de", 0x0C: "fr", 0x0A: "es", 0x10: "it", 0x13: "nl", 0x16: "pt"}


@dataclass(frozen=True)
class Names:
    """Long and short, from January and from Monday."""

    months: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str], ...]


@lru_cache(maxsize=1_000)
def names(locale: str) -> Names:
    """`locale`: what a format names, such as 407, 40C, de-DE, or nothing."""
    code = locale.partition(",")[0]
    try:
        language = _LANGUAGES.get(int(code, 16) & 0x3FF, "en")
    except ValueError:
        language = code[:2].lower()
    known = language if language in _MONTHS else "en"
    return Names(_pairs(_MONTHS[known]), _pairs(_DAYS[known]))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    split = (one.partition(",") for one in text.split(" "))
    return tuple((long, short) for long, _, short in split)
