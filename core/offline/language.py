"""What the engine knows of languages: function words, stems, and the words its answers are put in.

Nothing is downloaded. A text in a language without a list here is read without stop words and stems; rare words
still count more than common ones there.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

GUESS_FROM_WORDS = 3000
ENOUGH_STOP_WORDS = 0.2
ENOUGH_ASCII = 0.97

_ENGLISH = """
a about above across after again against all almost along already also although always am among an and another any anyone
anything are aren around as at away back be became because become becomes been before began behind being below between both
but by came can cannot come comes could couldn d did didn do does doesn doing don done down due during each either else
enough etc even ever every everyone everything few first for former from further gave get gets getting give given gives go
goes going gone got had hadn has hasn have haven having he hence her here hers herself him himself his how however i if in
indeed instead into is isn it its itself just keep kept last later least less let like likely ll made mainly make makes making
many may maybe me might mine more moreover most mostly much must my myself nearly need needs neither never nevertheless new
next no nobody none nor not nothing now o of off often on once one ones only onto or other others otherwise ought our ours
ourselves out over own part per perhaps please put quite rather re really said same saw say says second see seem seemed
seems seen several shall she should shouldn show shown shows simply since so some someone something sometimes somewhat soon
still such t take taken takes than that the their theirs them themselves then there thereby therefore these they thing things
third this those though three through throughout thus time to together too took toward towards two under until up upon us use
used useful uses using usually various ve very via want was wasn way we well went were weren what whatever when whenever where
whereas whether which while who whoever whole whom whose why will with within without won would wouldn yet you your yours
yourself yourselves able actually allow allowed allows according available based called certain different following follows
found example examples include included includes including known note particular possible provide provided provides
providing related respective respectively s specific want wants
"""

_GERMAN = """
ab aber alle allem allen aller allerdings alles als also am an ander andere anderem anderen anderer anderes anders auch auf
aus außer außerdem bei beide beiden beim bereits besonders besser bevor bin bis bisher bist bleibt bzw da dabei dadurch dafür
dagegen daher dahin damit danach daneben dann daran darauf daraus darf darin darüber darum darunter das dass dasselbe davon
davor dazu dein deine dem den denen denn dennoch der deren derer derselben des deshalb dessen dich die dies diese dieselbe
diesem diesen dieser dieses dir doch dort du durch dürfen ebenfalls ebenso ein eine einem einen einer eines einfach einige
einigem einigen einiger einiges einmal er erst erste ersten es etwa etwas euch euer eure für ganz ganze ganzen gegen gehen
geht gemacht genau gibt gleich gut haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres
im immer in indem ins insbesondere ist ja je jede jedem jeden jeder jedes jedoch jener jetzt kann kannst kaum kein keine
keinem keinen keiner können könnte könnten lassen lässt machen macht man manche manchen mehr mein meine meinem meist meisten
mich mir mit möchte möchten möglich müssen muss musste nach nachdem neben neu neue neuen nicht nichts nie noch nun nur ob obwohl
oder oft ohne recht schon sehr sei sein seine seinem seinen seiner seines seit selbst sich sie siehe sind so sobald sofern
sogar solche solchen solcher solches soll sollen sollte sollten somit sondern sonst soweit sowie sowohl statt trotz über
um und uns unser unsere unseren unserer unter usw viel viele vielen vom von vor wann war waren warum was weder weil weise
weit weitere weiteren weiterer welche welchem welchen welcher welches wem wen wenig weniger wenn wer werde werden weshalb
wie wieder will wir wird wo wobei wodurch wohl wollen worden wurde wurden während würde würden zu zum zur zwar zwei zwischen
beispiel beispielsweise beispielhaft folgende folgenden folgender folgendes verwenden verwendet daß dar verfügbar dessen entsprechend
entsprechende entsprechenden jeweils jeweilige jeweiligen lediglich meistens natürlich sodass verschiedene verschiedenen
"""

_FRENCH = """
a à ainsi alors après as au aucun aucune auquel aussi autre autres aux avait avant avec avez avoir ayant beaucoup bien c ça
car ce ceci cela celle celles celui cependant certain certaine certaines certains ces cet cette ceux chaque chez ci comme
comment contre d dans de déjà depuis des dès deux devant devez devra devrait doit doivent donc dont du durant elle elles
en encore enfin entre es est et étaient était étant été être eu eux fait faire fois font haut hors ici il ils j je jamais jusqu
jusque l la laquelle le lequel les lesquelles lesquels leur leurs lieu lors lorsqu lorsque lui m ma mais malgré me même mêmes
mes mieux mis moi moins mon n ne ni non nos notre nous nouveau nouvelle on ont or ou où outre par parce parmi pas pendant
permet permettent peu peut peuvent plus plusieurs plutôt possible pour pourquoi pourra pourrait pouvez pouvoir premier
première presque puis puisque qu quand que quel quelle quelles quelqu quelque quelques quels qui quoi s sa sans sauf se selon
sera serait seront ses seul seule seulement si sien soi soient soit son sont sous souvent suivant suivante suivantes suivants
sur t ta tandis tant te tel telle telles tels tes toi ton toujours tous tout toute toutefois toutes très trop tu un une utilise
utilisé utiliser va vers via voici voir vos votre vous y exemple faut afin disponible disponibles différents différentes
"""

_SPANISH = """
a al algo alguna algunas alguno algunos ante antes así aún aunque bajo bien cada casi como cómo con contra cual cuales cuando
cuál cuándo cuyo de debe deben del desde después donde dónde dos durante e el él ella ellas ellos en entonces entre era eran
es esa esas ese eso esos esta está estaba están estas este esto estos fue fueron ha haber había han hasta hay hace hacer
incluso la las le les lo los más me mediante menos mi mientras misma mismas mismo mismos mucho muchos muy nada ni no nos
nosotros nuestra nuestro o otra otras otro otros para pero poco por porque pueda puede pueden pues que qué quien quién se sea
sean según ser será si sí sido siempre sin sino sobre solo sólo son su sus tal también tan tanto te tiene tienen toda todas
todavía todo todos tras tu tus un una unas uno unos usted ustedes y ya yo ejemplo siguiente siguientes
"""


@dataclass(frozen=True)
class Language:
    code: str
    stemmer: str
    stop_words: frozenset[str]
    question: str
    # Small words that may stand inside a key phrase: "mise à jour de sécurité".
    linkers: frozenset[str] = frozenset()
    nouns_are_capitalised: bool = False
    # Words with these endings are seldom nouns, so no key phrase ends in one.
    no_nouns: tuple[str, ...] = ()
    decimal_mark: str = "."


LANGUAGES = (
    Language(
        "en",
        "english",
        frozenset(_ENGLISH.split()),
        "What does the text say about {}?",
        no_nouns=("able", "ed", "ful", "ial", "ible", "ical", "less", "ly", "ous"),
    ),
    Language(
        "de",
        "german",
        frozenset(_GERMAN.split()),
        "Was sagt der Text über „{}“?",
        nouns_are_capitalised=True,
        decimal_mark=",",
    ),
    Language(
        "fr",
        "french",
        frozenset(_FRENCH.split()),
        "Que dit le texte à propos de « {} » ?",
        linkers=frozenset(("de", "d", "à")),
        no_nouns=("ant", "é", "ée", "ées", "és", "er", "ez", "ir"),
        decimal_mark=",",
    ),
    Language(
        "es",
        "spanish",
        frozenset(_SPANISH.split()),
        "¿Qué dice el texto sobre «{}»?",
        linkers=frozenset(("de", "del")),
        no_nouns=("ado", "ada", "ados", "adas", "ar", "ido", "ir", "mente"),
        decimal_mark=",",
    ),
)
ENGLISH = LANGUAGES[0]
OTHER = Language("", "", frozenset(), "What does the text say about “{}”?")

# Words of a question that its answer need not have.
QUESTION_WORDS = frozenset(
    """
    big far happen happened happens kind long many mean means much often old reason reasons sort
    art bedeutet genau gilt gross groß hoch lange oft passiert viel viele wieviel
    arrive combien longtemps signifie souvent
    cuánto cuántos cuánta cuántas significa tiempo
    """.split()
)

# Words of an instruction that say what to do, not what to look for.
INSTRUCTION_WORDS = frozenset(
    """
    answer answers ask collect describe document documents explain extract field find finding findings identify insight
    insights list mention mentioned mentions name names output passage passages point points question quote quotes report
    return statement statements summarise summarize tell text texts write
    antwort antworte aussage aussagen beschreibe dokument erkläre finde frage liste nenne text zitat
    cite citation décris document donne extrais liste nomme phrase question texte trouve
    """.split()
)

# A sentence that begins with one of these leans on the one before it.
DANGLING = frozenset(
    """
    also and as but consequently furthermore he hence her his however instead it its likewise moreover nevertheless or
    otherwise she similarly so such that their then there therefore these they this those thus see note
    aber allerdings also andererseits auch außerdem dabei dadurch daher damit danach daneben dann daraus das dazu denn dennoch
    deren deshalb dessen dies diese dieser dieses doch ebenso er es hierbei ihre jedoch oder sie siehe so somit sonst
    trotzdem und
    ainsi alors aussi cela celle celui cependant ces cet cette donc elle elles en enfin ensuite et il ils leur mais or
    puis pourtant toutefois voir
    además así él ella ellas ellos entonces esa ese esta este esto estos estas pero por sin también y
    """.split()
)


def guess_language(words: Iterable[str]) -> Language:
    """By the share of function words. Plain ASCII without many of any is taken for English, the rest for no language."""
    counts = Counter(islice((word for word in words if word.isalpha()), GUESS_FROM_WORDS))
    total = counts.total()
    hits = [sum(counts[word] for word in language.stop_words & counts.keys()) for language in LANGUAGES]
    best = max(range(len(LANGUAGES)), key=hits.__getitem__)
    if total and hits[best] >= ENOUGH_STOP_WORDS * total:
        return LANGUAGES[best]
    ascii_words = sum(count for word, count in counts.items() if word.isascii())
    return ENGLISH if ascii_words >= ENOUGH_ASCII * total else OTHER


def stemmer(language: Language) -> Callable[[str], str]:
    """A new one per text: a stemmer keeps the word it works on, so threads must not share one."""
    if not language.stemmer:
        return str
    import snowballstemmer

    stem: Callable[[str], str] = snowballstemmer.stemmer(language.stemmer).stemWord
    return stem
