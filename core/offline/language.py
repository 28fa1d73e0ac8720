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
a able about above according across actually after again against all allow allowed allows almost along already also
although always am among an and another any anyone anything are aren around as at available away back based be became
because become becomes been before began behind being below between both but by called came can cannot certain come
comes could couldn d did didn different do does doesn doing don done down due during each either else enough etc even
ever every everyone everything example examples few first following follows for former found from further gave get
gets getting give given gives go goes going gone got had hadn has hasn have haven having he hence her here hers
herself him himself his how however i if in include included includes including indeed instead into is isn it its
itself just keep kept known last later least less let like likely ll made mainly make makes making many may maybe me
might mine more moreover most mostly much must my myself nearly need needs neither never nevertheless new next no
nobody none nor not note nothing now o of off often on once one ones only onto or other others otherwise ought our
ours ourselves out over own part particular per perhaps please possible provide provided provides providing put quite
rather re really related respective respectively s said same saw say says second see seem seemed seems seen several
shall she should shouldn show shown shows simply since so some someone something sometimes somewhat soon specific
still such t take taken takes than that the their theirs them themselves then there thereby therefore these they thing
things third this those though three through throughout thus time to together too took toward towards two under until
up upon us use used useful uses using usually various ve very via want wants was wasn way we well went were weren what
whatever when whenever where whereas whether which while who whoever whole whom whose why will with within without won
would wouldn yet you your yours yourself yourselves
"""

_GERMAN = """
ab aber alle allem allen aller allerdings alles als also am an ander andere anderem anderen anderer anderes anders
auch auf aus außer außerdem bei beide beiden beim beispiel beispielhaft beispielsweise bereits besonders besser bevor
bin bis bisher bist bleibt bzw da dabei dadurch dafür dagegen daher dahin damit danach daneben dann dar daran darauf
daraus darf darin darum darunter darüber das dass dasselbe davon davor dazu daß dein deine dem den denen denn dennoch
der deren derer derselben des deshalb dessen dich die dies diese dieselbe diesem diesen dieser dieses dir doch dort du
durch dürfen ebenfalls ebenso ein eine einem einen einer eines einfach einige einigem einigen einiger einiges einmal
entsprechend entsprechende entsprechenden er erst erste ersten es etwa etwas euch euer eure folgende folgenden
folgender folgendes für ganz ganze ganzen gegen gehen geht gemacht genau gibt gleich gut haben hat hatte hatten hier
hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im immer in indem ins insbesondere ist ja je jede jedem
jeden jeder jedes jedoch jener jetzt jeweilige jeweiligen jeweils kann kannst kaum kein keine keinem keinen keiner
können könnte könnten lassen lediglich lässt machen macht man manche manchen mehr mein meine meinem meist meisten
meistens mich mir mit muss musste möchte möchten möglich müssen nach nachdem natürlich neben neu neue neuen nicht
nichts nie noch nun nur ob obwohl oder oft ohne recht schon sehr sei sein seine seinem seinen seiner seines seit
selbst sich sie siehe sind so sobald sodass sofern sogar solche solchen solcher solches soll sollen sollte sollten
somit sondern sonst soweit sowie sowohl statt trotz um und uns unser unsere unseren unserer unter usw verfügbar
verschiedene verschiedenen verwenden verwendet viel viele vielen vom von vor wann war waren warum was weder weil weise
weit weitere weiteren weiterer welche welchem welchen welcher welches wem wen wenig weniger wenn wer werde werden
weshalb wie wieder will wir wird wo wobei wodurch wohl wollen worden wurde wurden während würde würden zu zum zur zwar
zwei zwischen über
"""

_FRENCH = """
a afin ainsi alors après as au aucun aucune auquel aussi autre autres aux avait avant avec avez avoir ayant beaucoup
bien c car ce ceci cela celle celles celui cependant certain certaine certaines certains ces cet cette ceux chaque
chez ci comme comment consultez contre d dans de depuis des deux devant devez devra devrait différentes différents
disponible disponibles doit doivent donc dont du durant dès déjà elle elles en encore enfin entre es est et eu eux
exemple faire fait faut fois font haut hors ici il ils j jamais je jusqu jusque l la laquelle le lequel les lesquelles
lesquels leur leurs lieu lors lorsqu lorsque lui m ma mais malgré me mes mieux mis moi moins mon même mêmes n ne ni
non nos notre nous nouveau nouvelle on ont or ou outre où par parce parmi pas pendant permet permettent peu peut
peuvent plus plusieurs plutôt possible pour pourquoi pourra pourrait pouvez pouvoir premier première presque puis
puisque qu quand que quel quelle quelles quelqu quelque quelques quels qui quoi s sa sans sauf se selon sera serait
seront ses seul seule seulement si sien soi soient soit son sont sous souvent suivant suivante suivantes suivants sur
t ta tandis tant te tel telle telles tels tes toi ton toujours tous tout toute toutefois toutes trop très tu un une
utilise utiliser utilisé va vers veuillez via voici voir vos votre vous y à ça étaient était étant été être
"""

_SPANISH = """
a al algo alguna algunas alguno algunos ante antes así aunque aún bajo bien cada casi como con contra cual cuales
cuando cuyo cuál cuándo cómo de debe deben del desde después donde dos durante dónde e ejemplo el ella ellas ellos en
entonces entre era eran es esa esas ese eso esos esta estaba estas este esto estos está están fue fueron ha haber
había hace hacer han hasta hay incluso la las le les lo los me mediante menos mi mientras misma mismas mismo mismos
mucho muchos muy más nada ni no nos nosotros nuestra nuestro o otra otras otro otros para pero poco por porque pueda
puede pueden pues que quien quién qué se sea sean según ser será si sido siempre siguiente siguientes sin sino sobre
solo son su sus sí sólo tal también tan tanto te tiene tienen toda todas todavía todo todos tras tu tus un una unas
uno unos usted ustedes y ya yo él
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
        "What does the text say about “{}”?",
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
        no_nouns=("ant", "ée", "ées", "és", "er", "ez", "ir"),
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
    arrive art bedeutet big combien cuánta cuántas cuánto cuántos far genau gilt gross groß happen happened happens
    hoch kind lange long longtemps many mean means much oft often old passiert reason reasons significa signifie sort
    souvent tiempo viel viele wieviel
    """.split()
)

# Words of an instruction that say what to do, not what to look for.
INSTRUCTION_WORDS = frozenset(
    """
    answer answers antwort antworte ask aussage aussagen beschreibe best boolean choice citation cite collect
    contained describe document documents dokument donne décris erkläre explain extract extrais field fields find
    finde finding findings frage identify insight insights integer list liste mention mentioned mentions name names
    nenne nomme number output passage passages phrase point points question quote quotes report return self statement
    statements string summarise summarize supports tell text texte texts trouve write zitat
    """.split()
)

# A sentence that begins with one of these leans on the one before it.
DANGLING = frozenset(
    """
    aber además ainsi allerdings alors also and andererseits as así auch aussi außerdem but cela celle celui cependant
    ces cet cette consequently dabei dadurch daher damit danach daneben dann daraus das dazu denn dennoch deren
    deshalb dessen dies diese dieser dieses doch donc ebenso ella ellas elle elles ellos en enfin ensuite entonces er
    es esa ese esta estas este esto estos et furthermore he hence her hierbei his however ihre il ils instead it its
    jedoch leur likewise mais moreover nevertheless note oder or otherwise pero por pourtant puis see she sie siehe
    similarly sin so somit sonst such también that their then there therefore these they this those thus toutefois
    trotzdem und voir y él
    """.split()
)


def guess_language(words: Iterable[str]) -> Language:
    """By the share of function words. Plain ASCII with few of any is taken for English, the rest for no language."""
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
