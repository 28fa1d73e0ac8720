"""Patterns of orders to a model that single words do not tell: forged turns and fences, roles, addresses, and what is
written without spaces between words."""

import re
from collections.abc import Iterator
from typing import Literal

Found = tuple[Literal["override", "address", "outcome", "role", "exfiltrate", "orders", "marker"], int, re.Match[str]]
# An "AI engineer" is a person.
TEAMS = frozenset(
    "engineer engineers researcher researchers developer developers expert experts company companies startup team "
    "teams scientist specialist professional student students vendor vendors provider providers act office strategy "
    "policy ethics lab labs enthusiast consultant literacy officer".split()
)
# Not spoken to: "a note on AI", "they".
THIRD_PERSON = frozenset("he she they whether staff employees users customers people asks asked".split())
YOU_ARE = frozenset(
    "you du sie bist sind tu vous êtes es eres usted sei siete tu você és je jij bent jesteś ты вы أنت كنت sen आप "
    "modelisin".split()
)
_MODEL = (
    r"(?:ais?\b|a\.i\.|llms?\b|(?:large )?language models?|artificial intelligence|ai (?:system|assistant|agent|model|"
    r"reviewer|reader|tool|summari[sz]er)s?|gpt\b|chatgpt|claude|gemini|copilot|chatbots?|assistant\b|"
    r"automated (?:reader|reviewer|system|assistant)s?|sprachmodelle?n?|ki\b|(?:ki|ai)-(?:system|assistent)e?)"
)
_READS = r"(?:read|process|pars|analy[sz]|summari[sz]|evaluat|review|screen|extract|grad|rat)"
_HERE = (
    r"(?:this|the|these|diese[nsm]?) (?:\w+ ){0,1}"
    r"(?:document|text|file|page|paper|email|message|resume|cv|report|table)"
)

# Kind, strength, some of which a text must hold (any, where none is named), pattern; of a text in lower case.
_PATTERNS: tuple[tuple[str, int, str, str], ...] = (
    # Turns and fences of chat templates.
    ("marker", 2, "<|", r"^[ \t\"']*(?:<\|(?:im_start|start_header_id|system|user|assistant|endoftext)\|?>)"),
    ("marker", 2, "[inst],<<sys", r"^[ \t\"']*\[inst\]|^[ \t\"']*<<sys>>"),
    ("marker", 2, "document-,answers-,pairs-", r"</?(?:document|answers|pairs)-[0-9a-f]{8,64}>"),
    ("marker", 1, "<", r"^[ \t]*</?(?:document|system|instructions?|user|assistant|context|prompt|data|input)>"),
    ("marker", 1, "##", r"^[ \t]*#{2,4} ?(?:system|instructions?|assistant|user|response|new task)\b ?:?"),
    ("marker", 1, "[", r"^[ \t]*\[/?(?:system|admin|developer|assistant|user)\b[^\]\n]{0,30}\]"),
    (
        "marker",
        1,
        "assistant:,assistant :,ai:,ai :",
        r"^[ \t]*(?:human|user|assistant|system)[ \t]?:(?=[^\n]{0,200}\n{1,2}[ \t]*(?:assistant|ai)[ \t]?:)",
    ),
    ("marker", 1, "role", r"\{\s{0,3}[\"']role[\"']\s{0,3}:\s{0,3}[\"'](?:system|developer)[\"']"),
    (
        "marker",
        1,
        "begin,start,end",
        r"^[ \t=*_#-]{0,12}(?:begin|start|end)(?: of)?(?: the)? (?:system |new |user )?"
        r"(?:document|prompt|instructions?|context|system message|input|data)\b[ \t=*_:#-]{0,12}$",
    ),
    (
        "marker",
        1,
        "system o,system m,system u,system n,system c",
        r"\bsystem (?:override|message|update|notice|command)\b",
    ),
    # What it was told before, in other words.
    (
        "override",
        1,
        "ignore,disregard,forget,discard,set aside,never mind,attention to",
        r"\b(?:ignore|disregard|forget|discard|set aside|never mind|pay no attention to)\b (?:\w+ ){0,2}?"
        r"(?:everything|anything|all|what(?:ever)?|the (?:text|content|words?|lines?)|the)"
        r"(?: that| you| was| were| has| been| stands)*(?: \w+)? (?:above|before|so far|until now|told|asked|said)\b",
    ),
    (
        "override",
        2,
        "aside,attention to,stop following,not follow,not obey,n't follow,n't obey,no longer",
        r"(?<!you )\b(?:set aside|leave aside|pay no attention to|stop following|do not (?:follow|obey)|"
        r"don't (?:follow|obey)|no longer (?:follow|obey))\b (?:\w+ ){0,4}(?:rules?|instructions?|prompts?|guidelines?)"
        r"(?= (?:above|before|you|that you|so far|given)|[.,;:]| and)",
    ),
    (
        "override",
        1,
        "apply,void,cancel,suspended,lifted",
        r"\b(?:your|all|any|the) (?:\w+ ){0,2}(?:rules|instructions|directives|guidelines|prompts?)"
        r" (?:\w+ ){0,2}(?:no longer apply|do not apply|are (?:now )?(?:void|cancell?ed|suspended|lifted))",
    ),
    (
        "override",
        1,
        "never mind,forget the,instead of",
        r"\b(?:never mind|forget) the (?:question|task|request)\b|\binstead of (?:a|the) (?:summary|answer)",
    ),
    (
        "override",
        2,
        "vergiss,tener en cuenta",
        r"\bvergiss,? (?:alles,? )?was (?:dir|du|man dir)\b|\bsin tener en cuenta (?:tus|las) instrucciones",
    ),
    (
        "override",
        2,
        "caso omiso",
        r"\b(?:haz|haga|hagan) caso omiso de (?:\w+ ){0,6}(?:antes|anteriores|instrucciones|indicado)",
    ),
    ("override", 2, "yok say,görmezden", r"\byok say(?:ın)?\b|\bgörmezden gel(?:in)?\b"),
    # Who is spoken to.
    (
        "address",
        1,
        "ai,a.i.,llm,language model,intelligence,gpt,claude,gemini,copilot,chatbot,assistant,automated,sprachmodell,ki",
        rf"\b(?:any|all|the|an|every|to|dear|attention|note|hello|hey)\b,? (?:other |the |all |any )?{_MODEL}"
        rf"[ ,]{{1,2}}(?:that |which |who )?(?:is |are )?{_READS}\w{{0,4}} {_HERE}",
    ),
    (
        "address",
        1,
        "ai,a.i.,llm,language model,intelligence,gpt,claude,gemini,copilot,chatbot,assistant,automated,sprachmodell,ki",
        rf"^[ \t\"'*>-]{{0,6}}(?:to |for |an |attention,? |note to |message (?:for|to) |dear |hinweis an )"
        rf"(?:any |all |the |other |every |alle |die )?{_MODEL}",
    ),
    (
        "address",
        1,
        "ai,llm,language model,gpt",
        r"^[ \t\"'*>-]{0,6}(?:ai|llm|language model|gpt|chatgpt)(?: \w+)? ?(?::|,|—)",
    ),
    (
        "address",
        1,
        "automated,automatic",
        r"\b(?:attention|note|message|dear|to all|to any|to the),? (?:\w+ ){0,2}(?:automated|automatic) "
        r"(?:reader|system|reviewer|tool|assistant)s?",
    ),
    (
        "address",
        1,
        "see this,read this,notice this",
        r"\b(?:humans?|people|the reader) (?:cannot|can't|do not|don't|will not) (?:see|read|notice) this\b",
    ),
    (
        "address",
        1,
        "if you",
        r"\bif you(?:'re| are) (?:an? |the )?(?:\w+ )?"
        r"(?:ai|llm|language model|artificial intelligence|chatbot|bot|assistant|automated \w+)\b"
        r"(?! (?:engineer|researcher|developer|expert|student|to))",
    ),
    (
        "address",
        1,
        "reading,reads,process,pars,analy,summari,evaluat,review,screen,extract,grad,rat",
        rf"\b{_MODEL} (?:that |which )?{_READS}(?:s|es|ing) {_HERE} (?:must|should|shall|has|have)\b",
    ),
    (
        "address",
        1,
        "language models,llms,ai models,ai systems,ai assistants",
        r"\b(?:large )?(?:language models|llms|ai models|ai systems|ai assistants) (?:must|should|shall|have to)"
        r" (?:\w+ ){0,2}(?:say|state|include|mention|answer|report|respond|summari[sz]e|recommend|treat)\b",
    ),
    (
        "address",
        1,
        "model analy,model reading,model process,model summari",
        r"\b(?:the )?model (?:analy[sz]ing|reading|processing|summari[sz]ing) (?:this|the)\b",
    ),
    (
        "address",
        1,
        "when",
        r"\bwhen(?:ever)? (?:you )?(?:are )?(?:asked to )?(?:summari[sz]|analy[sz]|process|extract|evaluat)\w* "
        r"(?:this|the) (?:document|text|file|page|paper)",
    ),
    (
        "address",
        1,
        "when",
        r"\bwhen summari[sz]ing\b|\bwhen (?:you )?(?:generat|writ)\w* (?:the|your|a) (?:summary|answer|response)",
    ),
    # What the answer has to say.
    (
        "outcome",
        1,
        "",
        r"\b(?:respond|reply|answer|output|return|write|print) (?:only|exactly|with|instead|one line|the "
        r"(?:single )?(?:word|sentence|phrase|line|text))\b",
    ),
    (
        "outcome",
        1,
        "",
        r"(?:^|[.:!?,;]\s|\band |\bthen |\binstead,? )(?:say|state|report|conclude|claim|answer|confirm|reply|"
        r"respond|assert|mention|note)(?: instead| only| always)? that\b",
    ),
    ("outcome", 1, "", r"\b(?:do not|don't|never) (?:mention|reveal|disclose|include|highlight|report|summari[sz]e)\b"),
    (
        "outcome",
        1,
        "",
        r"\b(?:the|every|any|each) (?:model|summary|answer|response|output|reply)s? (?:must|should|shall|has to|"
        r"have to)\b",
    ),
    (
        "outcome",
        1,
        "",
        r"\b(?:must|should|shall|has to|have to) (?:\w+ly )?(?:answer|say|state|report|respond|reply|include|"
        r"mention|output|recommend|conclude)\b",
    ),
    (
        "outcome",
        1,
        "",
        r"\b(?:list|report|extract|give|mention|allow(?:ed)?) (?:only|a) (?:the )?positive\b|\bonly positive\b",
    ),
    (
        "outcome",
        1,
        "",
        r"\b(?:rate|rank|classify|treat|describe|mark|evaluate) (?:this|the) (?:\w+ ){1,3}(?:as|first|highest)\b",
    ),
    ("outcome", 1, "", r"\bhighest (?:possible )?(?:rating|score|grade)\b|\bnothing else\b"),
    (
        "outcome",
        1,
        "",
        r"\b(?:add|include|insert|report|extract|list) the (?:following )?(?:insight|key point|finding|phrase|"
        r"statement)s?\b|\bkey points? (?:has|have) to be\b",
    ),
    # What it is to be.
    (
        "role",
        2,
        "you are now",
        r"\byou are now (?:in )?(?:\w+ ){0,2}(?:maintenance|developer|debug|god|admin|dan|unrestricted)\b",
    ),
    (
        "role",
        1,
        "you are now,from now on,pretend,act as",
        r"\b(?:you are now|from now on,? you|pretend (?:to be|that you are)|act as (?:if|an? (?:ai|assistant|"
        r"unrestricted)))\b",
    ),
    (
        "role",
        1,
        "you approve,you accept,you confirm,you always,you never,you only",
        r"\byou (?:approve|accept|confirm|always|never|only) (?:every|all|each|answer|say|reply)\b",
    ),
    (
        "role",
        2,
        "bist du,regeln und",
        r"\bab (?:jetzt|sofort) bist du (?:\w+ ){0,3}(?:assistent|ki|modell)|\b(?:ohne|keine) regeln und\b",
    ),
    (
        "role",
        2,
        "partir de,desde ahora,maintenant,da ora,vanaf nu",
        r"\b(?:a partir de agora|a partir de ahora|desde ahora|d[èe]s maintenant|da ora in poi|vanaf nu),? "
        r"(?:você é|eres|tu es|vous êtes|sei|ben je)\b",
    ),
    (
        "role",
        2,
        "operator,administrator,developer",
        r"\b(?:operator|administrator|developer) (?:has|have) (?:updated|changed|replaced) your\b",
    ),
    # What only it knows, or may send.
    (
        "exfiltrate",
        2,
        "prompt,hidden,text above,text that",
        r"\b(?:repeat|print|show|reveal|output|display|recite) (?:me |us )?(?:\w+ ){0,3}"
        r"(?:system prompt|hidden (?:rules|prompt|instructions)|initial prompt|text (?:above|that stands before))\b",
    ),
    (
        "exfiltrate",
        2,
        "http",
        r"\b(?:append|insert|include|add|send|embed|forward)\b[^.\n]{0,80}\bhttps?://[^\s?=]{4,200}+[?=]"
        r"[^\n]{0,80}\b(?:answer|response|summary|conversation|image|output)\b",
    ),
    (
        "exfiltrate",
        2,
        "](http",
        r"\b(?:insert|append|add|include|show|render)\b[^.\n]{0,40}!\[[^\]\n]{0,40}\]\(https?://",
    ),
    (
        "orders",
        1,
        "",
        r"\b(?:new|updated|real|actual|true|following|these) (?:new )?(?:instructions?|tasks?|orders?|directives?)"
        r"(?: are)? ?:|\bfollow (?:this one|these|the following)(?: new)?(?: instructions?)? ?:|\bnew task\b",
    ),
    ("orders", 1, "", r"\bthe document (?:has ended|ends here)\b"),
    # Without spaces between words.
    (
        "override",
        2,
        "指,提示,规则,規則,命令,设定,要求",
        r"(?:忽略|无视|無視|忽視|忘记|忘記|不要理会|不要遵循|放弃)[^。\n]{0,15}(?:指令|指示|提示|规则|規則|命令|设定|要求)",
    ),
    (
        "override",
        2,
        "無視,忘れ,従わな,破棄",
        r"(?:指示|命令|ルール|プロンプト|指令)[^。\n]{0,12}(?:無視|忘れ|従わな|破棄)",
    ),
    ("override", 2, "무시,잊어,따르지", r"(?:지시|명령|규칙|프롬프트|지침)[^.\n]{0,12}(?:무시|잊어|따르지)"),
    ("address", 1, "你是", r"(?:如果|若|假如)你是[^。\n]{0,8}(?:人工智能|ai|语言模型|助手|大模型|模型|机器人)"),
    (
        "address",
        1,
        "あなたが,もし,당신",
        r"(?:あなたが|もし)[^。\n]{0,10}(?:ai|人工知能|言語モデル)|당신이? ?(?:ai|인공지능|언어 모델)",
    ),
    (
        "outcome",
        1,
        "",
        r"(?:在|你的)[^。\n]{0,6}(?:摘要|总结|回答|回复|答复|报告)[^。\n]{0,8}(?:写|说|声明|必须|注明|提到)",
    ),
    ("outcome", 1, "", r"(?:と|を)(?:答え|回答し?|書い|書き|出力し?|述べ|報告し?)(?:て|る|なさい|ろ|せよ)"),
    ("outcome", 1, "", r"(?:다고|라고) ?(?:답|말|쓰|적|보고|출력)(?:하|으|세)"),
    (
        "role",
        2,
        "你现在是,你是",
        r"(?:你现在是|从现在开始你是|从现在起你是)[^。\n]{0,20}(?:没有|不受|无)(?:任何)?(?:限制|规则)",
    ),
    (
        "exfiltrate",
        2,
        "系统,提示词,システムプロンプト",
        r"(?:输出|显示|告诉我|打印|重复)[^。\n]{0,10}(?:系统提示|提示词|系统指令)|システムプロンプト[^。\n]{0,8}(?:表示|出力|教え)",
    ),
)
_COMPILED = tuple(
    (kind, strength, tuple(needles.split(",")), re.compile(pattern, re.MULTILINE))
    for kind, strength, needles, pattern in _PATTERNS
)
# What makes no order without another kind: it is looked for only where there is one.
SOFT = frozenset(("outcome", "orders"))


def find(text: str, *, soft: bool) -> Iterator[Found]:
    for kind, strength, needles, pattern in _COMPILED:
        if (kind in SOFT) is soft and any(needle in text for needle in needles):
            for match in pattern.finditer(text):
                yield kind, strength, match  # type: ignore[misc]
