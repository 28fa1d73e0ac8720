"""Words of English that may mean nearly the same: enough to look at two statements, never to merge them.

What may stand for the other in every statement is in lexicon.py. A line is one idea: synonyms, what is derived without
likeness (sell, sale), and the narrower for the wider. A word belongs to the first line that has it. What base_of tells
by itself (invest, investor) needs no line.
"""

import re

from core.statements.forms import root_of

KINDRED = """
buy purchase acquire acquisition procure procurement obtain
sell sale sold vendor seller
pay paid payment remunerate remuneration compensate compensation reimburse
cost price fee charge tariff bill expense expenditure spend spending
money fund funding finance capital budget means
earn earnings income revenue turnover proceeds receipts
profit margin surplus gain
lose loss deficit shortfall
debt loan credit lend lender borrow borrower mortgage
wage salary
tax levy duty
bankrupt bankruptcy insolvent insolvency solvent
supplier vendor provider contractor
customer client buyer consumer shopper
employee worker staff personnel workforce labour employ
boss manager head chief director executive lead
firm company business enterprise corporation
agreement contract treaty deal accord
law legal statute statutory legislation act
rule regulation guideline policy norm standard
permit permission allow authorize authorization licence consent
forbid ban prohibit prohibition outlaw bar
right entitle entitlement claim
duty obligation oblige obligatory must mandatory
breach violate violation infringe infringement
court judge tribunal
judgment verdict ruling
sue lawsuit litigation
fine penalty sanction punish
crime offence criminal
police officer
accident crash collision collide mishap
injure injury hurt wound harm
kill death die fatal dead fatality
ill illness sick disease ailment disorder
doctor physician clinician medic
patient inpatient outpatient
hospital clinic ward infirmary
drug medicine medication pharmaceutical
therapy treat treatment cure heal
vaccine vaccinate vaccination jab immunize
test trial examine examination check inspect inspection
study research survey investigate investigation
respondent participant interviewee
scan mri imaging
pain ache
begin start commence launch onset open opening inauguration
end finish terminate termination conclude expire expiry cease cancel cancellation lapse
stop halt suspend suspension discontinue
close closed shut closure closing
delay late lateness postpone defer postponement tardy overdue
early ahead premature advance
fast quick rapid speed velocity
slow sluggish
rise increase grow growth climb raise gain up
fall decrease drop decline reduce reduction lower cut shrink down
change alter alteration modify modification amend amendment
improve improvement better enhance upgrade
worsen worse deteriorate deterioration
big large huge great
small little tiny
long length lengthy longer lengthen last duration
high height tall top maximum peak
wide width broad
deep depth
heavy weight weigh
hot heat warm warmth temperature
cold cool chill
old age aged elderly
young youth junior adolescent
child kid minor
parent mother father
man male
woman female
person people individual human
everyone all
resident inhabitant citizen dweller
town city municipality municipal urban
village rural country
house home dwelling residence housing
flat apartment
tenant renter lessee lease rent
landlord lessor
build built building construction construct erect
repair fix mend restore restoration maintenance
destroy destruction ruin demolish demolition devastate wipe
damage harm impair
break broke broken breakage fracture intact
defect defective fault faulty flaw bug
fail failure malfunction outage breakdown
error mistake wrong incorrect mislabel
cause reason lead because trigger
result effect consequence outcome impact
prevent avoid avert
protect protection safeguard guard
safe safety secure security danger dangerous unsafe hazard risk
need require requirement necessary necessity demand
want wish desire like
ask request apply application applicant bid bidder
answer reply respond response
say said state statement tell told report claim
announce announcement declare declaration publish publication
know knowledge knew known aware
think thought believe belief opinion view
remember memory forget mind recall
decide decision resolve resolution
choose choice chosen select selection pick
plan intend intention schedule
agree approve approval accept acceptance
refuse refusal reject rejection decline deny
support favor back endorse
oppose opposition against object objection
vote election elect ballot poll abstain
complain complaint grievance
praise praised laud
give gave gift donate donation grant award
receive receipt received get
send sent sender dispatch ship shipment
deliver delivery supply
bring brought carry transport
keep kept retain retention store storage
remove removal delete deletion erase
add addition additional supplement
switch replace replacement substitute
lack shortage scarce scarcity missing absence
enough sufficient adequate
exceed exceeding above over beyond more
below under less fewer
least minimum min
limit cap ceiling threshold
most majority
part share portion fraction component
whole entire total
half halve fifty
double twice twofold
often frequent frequency
rare rarely seldom hardly
yearly annual year
day daily
wait queue
travel trip journey tour
tourist visitor guest traveller
leave left depart departure quit resign resignation
return back
enter entry entrance access admission admit
live life living
car automobile vehicle motor
truck lorry
bike bicycle cycle cyclist cycling
train rail railway
plane aircraft flight airline
ship boat vessel ferry
road street highway motorway
drive driver driving
fly flight flown
walk pedestrian foot
bridge overpass
cellar basement
pool bath
door gate entrance
factory plant mill works
machine equipment device apparatus
tool instrument
computer laptop pc
phone telephone call
mail email
password credential
software program application app
update upgrade patch
data information record file
backup tape archive
picture photo photograph image photography
film movie cinema
book volume
newspaper press journal magazine
note memo slip
write wrote written writing author
read reader reading readable legible
school education teach teacher pupil classroom
student undergraduate learner
university college academic
train training course seminar workshop instruct
intern internship trainee apprentice
job work employment occupation position post
hire recruit recruitment
dismiss dismissal fire sack layoff redundant
retire retirement pension
meeting conference assembly session
win won winner victory
match game
eat food meal dine
drink beverage
water flood flooding
rain rainfall downpour precipitation
storm gale hurricane
hail hailstorm
snow frost ice freeze
drought dry arid
fire blaze burn
gas fuel petrol gasoline
electricity power electric current
energy energetic
use usage consume consumption utilize
waste rubbish garbage trash
pollute pollution contaminate contamination emission
forest wood tree orchard
farm farmer agriculture agricultural
crop harvest yield
animal livestock cattle
sea ocean marine
river stream
land soil ground
produce product production manufacture manufacturer output goods
quality grade
quantity amount number volume
compare comparison
different difference differ
equal equality same
war conflict military
peace peaceful
govern government authority administration ministry
party side
president chairman chair
hotel inn lodging
museum gallery exhibition
shop store retail retailer
market marketplace
trade trading commerce commercial
insure insurance insurer premium
nursery kindergarten crèche
register registration sign enrol
deposit advance prepayment
refund repay repayment reimbursement
lie untrue false
true truth
new novel recent
"""


ENDING = re.compile(
    r"(?:ments?|[ai]tions?|ions?|[ae]nces?|[ae]nc|ures?|ur|ers?|ors?|als?|ages?|ives?|iv|[ai]bl|ous|ness|ity|ship|ly|"
    r"th|y|e|ings?|ist)$"
)
STEM = 4


def base_of(root: str) -> str:
    """What a word is derived from, roughly: pay of payment, deliver of delivery. `root`: as forms.py writes it."""
    for _ in range(2):
        if (ending := ENDING.search(root)) and ending.start() >= STEM:
            root = root[: ending.start()]
    return root


def _ideas() -> dict[str, str]:
    """By root, and by what is derived from it as long as that is no other word: survey is not survive."""
    lines = [[root_of(word) for word in line.split()] for line in KINDRED.strip().splitlines()]
    ideas: dict[str, str] = {}
    for name in (str, base_of):
        for roots in lines:
            for root in roots:
                ideas.setdefault(name(root), roots[0])
    return ideas


IDEAS = _ideas()


def idea_of(root: str) -> str | None:
    return IDEAS.get(root) or IDEAS.get(base_of(root))
