"""Words of English that have a part in grammar only, as they stand in a canonical statement."""

from core.statements.forms import formed

# Participles that look like the verb.
UNMARKED = formed("cut put set hit let shut read cost spread hurt split quit cast upset run overcome beset bid")
ARTICLES = frozenset(("a", "an", "the"))
BE = frozenset(("be", "be+d", "be+n", "be+g"))
MODALS = frozenset("will would can could may might must shall should".split())
# Behind a verb that says by itself that something went up or down.
AFTER_UP_OR_DOWN = formed(
    "by to from in on at during after before since until because due between within over and or but while when if , "
    "; . ? with among nationwide worldwide year as last next yesterday again every"
)
