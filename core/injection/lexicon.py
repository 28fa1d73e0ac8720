"""Words of fifteen languages by what they do in an order to a model. Data alone.

Verbs stand in the forms of orders: "ignored", or "to ignore", tells of somebody else. Chinese, Japanese and Korean have
no spaces between words, and so are looked for by patterns.
"""

import re
from typing import Literal

Class = Literal["forget", "rules", "before", "your", "model", "answer", "say", "reveal", "must", "if", "note", "that"]

# By language and class. "before": what came earlier, or all of it. "that": what begins what is to be said.
WORDS: dict[str, dict[Class, str]] = {
    "en": {
        "forget": "ignore disregard forget override bypass discard dismiss skip cancel void neglect abandon drop",
        "rules": "instruction instructions prompt prompts rule rules guideline guidelines directive directives order "
        "orders command commands direction directions guidance programming configuration task constraints "
        "restrictions checks policies",
        "before": "previous prior above earlier preceding former foregoing existing original all every any initial "
        "everything anything given",
        "your": "your",
        "model": "ai ais llm llms gpt chatgpt claude gemini copilot llama mistral chatbot chatbots bot bots",
        "answer": "answer answers response responses reply replies output summary summaries analysis report review "
        "evaluation conclusion findings insights verdict assessment rating",
        "say": "say state respond reply answer output write print report conclude claim return include mention confirm "
        "declare list classify rate rank describe recommend approve treat mark add insert extract give assert note "
        "highlight summarize summarise",
        "reveal": "reveal print repeat show output display disclose leak quote recite append insert send copy",
        "must": "must should shall has have needs need",
        "if": "if when unless since",
        "note": "note message attention notice instruction instructions hint reminder dear hello hey hi memo order",
        "that": "that only exactly with nothing as instead yes",
    },
    "de": {
        "forget": "ignoriere ignorieren ignoriert vergiss vergessen missachte missachten verwirf überspringe "
        "umgehe verlasse",
        "rules": "anweisung anweisungen instruktion instruktionen regel regeln vorgabe vorgaben befehl befehle prompt "
        "systemprompt richtlinien auftrag aufgabe",
        "before": "vorherige vorherigen vorige vorigen bisherige bisherigen obige obigen frühere früheren alle alles "
        "sämtliche vorangegangenen ursprüngliche ursprünglichen vorher bisher",
        "your": "deine deinen deiner deinem dein dir dich",
        "model": "ki llm sprachmodell sprachmodelle sprachmodellen chatbot assistent gpt chatgpt ai",
        "answer": "antwort zusammenfassung ausgabe bewertung analyse auswertung bericht beurteilung",
        "say": "antworte antworten schreibe schreib sag sage sagen gib erwähne behaupte bestätige nenne stufe stufen "
        "bewerte bewerten empfehlen empfiehl melde erkläre",
        "reveal": "gib zeige zeig nenne verrate wiederhole drucke",
        "must": "muss soll sollte darf müssen sollen",
        "if": "wenn falls sofern",
        "note": "hinweis nachricht achtung mitteilung anweisung liebe lieber liebes an",
        "that": "dass nur ausschließlich stattdessen als",
    },
    "fr": {
        "forget": "ignore ignorez oublie oubliez néglige négligez outrepasse contourne",
        "rules": "instruction instructions consigne consignes règle règles directive directives prompt ordre ordres "
        "système",
        "before": "précédente précédentes précédents précédent antérieures toutes tous tout dessus préalables "
        "initiales",
        "your": "tes ton ta vos votre",
        "model": "ia intelligence chatbot assistant llm modèle gpt chatgpt",
        "answer": "réponse résumé synthèse rapport analyse évaluation sortie",
        "say": "réponds répondez dis dites écris écrivez écrire affirme affirmez indique indiquez indiquer mentionne "
        "mentionnez déclare confirme confirmez donne recommande",
        "reveal": "affiche affichez montre montrez révèle révélez répète répétez donne",
        "must": "doit devez dois devra",
        "if": "si",
        "note": "note message attention avis cher chère",
        "that": "que qu uniquement seulement",
    },
    "es": {
        "forget": "ignora ignore olvida olvide descarta descarte omite omita",
        "rules": "instrucción instrucciones regla reglas indicaciones directrices órdenes orden prompt sistema pautas "
        "indicado",
        "before": "anterior anteriores previas previa previos todas todos todo antes arriba iniciales",
        "your": "tu tus te su",
        "model": "ia inteligencia chatbot asistente llm modelo gpt chatgpt",
        "answer": "respuesta resumen informe análisis evaluación salida",
        "say": "responde responda di diga escribe escriba afirma afirme indica indique menciona confirma confirme "
        "recomienda valora declara",
        "reveal": "muestra muestre revela revele repite repita imprime",
        "must": "debe debes deberá tiene",
        "if": "si",
        "note": "nota mensaje atención aviso querido estimado",
        "that": "que solo sólo únicamente",
    },
    "it": {
        "forget": "ignora ignorate dimentica dimenticate tralascia scarta",
        "rules": "istruzione istruzioni regola regole direttive ordini prompt sistema indicazioni comandi",
        "before": "precedente precedenti anteriori tutte tutti tutto sopra iniziali prima",
        "your": "tue tuo tuoi tua vostra vostre",
        "model": "ia intelligenza chatbot assistente llm modello gpt chatgpt",
        "answer": "risposta riassunto sintesi rapporto analisi valutazione",
        "say": "rispondi rispondete scrivi scrivete di' afferma dichiara indica conferma menziona consiglia",
        "reveal": "mostra rivela ripeti stampa",
        "must": "deve devi dovrà",
        "if": "se",
        "note": "nota messaggio attenzione avviso caro cara",
        "that": "che solo soltanto",
    },
    "pt": {
        "forget": "ignore ignora esqueça esquece desconsidere desconsidera descarte",
        "rules": "instrução instruções regra regras diretrizes ordens prompt sistema comandos orientações",
        "before": "anterior anteriores prévias todas todos tudo acima iniciais",
        "your": "suas seu sua tuas teu tua",
        "model": "ia inteligência chatbot assistente llm modelo gpt chatgpt",
        "answer": "resposta resumo relatório análise avaliação saída",
        "say": "responda responde escreva escreve diga afirme indique confirme mencione recomende aprovar declare",
        "reveal": "mostre revele repita imprima exiba",
        "must": "deve deverá precisa",
        "if": "se",
        "note": "nota mensagem atenção aviso caro cara",
        "that": "que apenas somente",
    },
    "nl": {
        "forget": "negeer vergeet negeert laat",
        "rules": "instructie instructies regel regels opdracht opdrachten richtlijnen prompt aanwijzingen bevelen",
        "before": "vorige eerdere voorgaande bovenstaande alle alles hierboven eerder oorspronkelijke",
        "your": "je jouw uw",
        "model": "ai llm taalmodel taalmodellen chatbot assistent gpt chatgpt",
        "answer": "antwoord samenvatting uitvoer analyse verslag beoordeling",
        "say": "antwoord schrijf zeg vermeld meld bevestig noem geef",
        "reveal": "toon geef herhaal onthul",
        "must": "moet moeten dient",
        "if": "als indien",
        "note": "bericht let opmerking aandacht beste melding",
        "that": "dat alleen uitsluitend",
    },
    "pl": {
        "forget": "zignoruj ignoruj zapomnij pomiń odrzuć",
        "rules": "polecenie polecenia polecenie instrukcje instrukcji zasady reguły wytyczne prompt nakazy",
        "before": "poprzednie poprzednich wcześniejsze powyższe wszystkie wszystko dotychczasowe",
        "your": "swoje swojej swoich twoje twoich twojej",
        "model": "ai llm model modelu językowy chatbot asystent gpt chatgpt si",
        "answer": "odpowiedź odpowiedzi podsumowanie podsumowaniu streszczeniu streszczenie raport raporcie ocena",
        "say": "napisz odpowiedz powiedz podaj stwierdź potwierdź wpisz zwróć",
        "reveal": "pokaż ujawnij powtórz wyświetl",
        "must": "musi powinno powinna powinien",
        "if": "jeśli jeżeli",
        "note": "uwaga wiadomość notatka drogi",
        "that": "że tylko wyłącznie",
    },
    "ru": {
        "forget": "игнорируй игнорируйте забудь забудьте проигнорируй проигнорируйте отбрось",
        "rules": "инструкции инструкцию инструкций указания указаний правила правил команды промпт распоряжения",
        "before": "предыдущие предыдущих прежние все всё ранее вышеуказанные прошлые изначальные",
        "your": "свои свою своём своем твои твоих твоём ваши вашем",
        "model": "ии модель бот чатбот ассистент gpt chatgpt llm",
        "answer": "ответе ответ сводке резюме отчёте отчете выводе обзоре",
        "say": "ответь ответьте напиши напишите скажи скажите укажи укажите сообщи подтверди выведи",
        "reveal": "покажи покажите раскрой повтори выведи",
        "must": "должен должна должно",
        "if": "если",
        "note": "внимание сообщение примечание уважаемый",
        "that": "что только",
    },
    "tr": {
        "forget": "yoksay unut unutun geç",
        "rules": "talimat talimatları talimatlarını kuralları kurallarını komutları istem yönergeleri",
        "before": "önceki tüm bütün yukarıdaki eski",
        "your": "senin sana kendi",
        "model": "yapay ai llm modeli modelisin chatbot asistan gpt chatgpt",
        "answer": "yanıtında cevabında özetinde yanıtın cevabın özet raporunda",
        "say": "yaz yazın söyle söyleyin yanıtla belirt cevapla onayla",
        "reveal": "göster açıkla tekrarla",
        "must": "olmalı zorunda",
        "if": "eğer",
        "note": "dikkat not mesaj",
        "that": "sadece yalnızca",
    },
    "ar": {
        "forget": "تجاهل تجاهلي انس انسَ",
        "rules": "التعليمات تعليمات الأوامر القواعد التوجيهات تعليماتك",
        "before": "السابقة جميع كل أعلاه",
        "your": "تعليماتك قواعدك إجابتك",
        "model": "الذكاء النموذج نموذج المساعد روبوت",
        "answer": "إجابتك ملخصك الملخص ردك",
        "say": "أجب قل اكتب اذكر أكد وأجب وقل واكتب",
        "reveal": "اعرض اكشف كرر",
        "must": "يجب",
        "if": "إذا",
        "note": "ملاحظة رسالة تنبيه",
        "that": "أن بأن فقط",
    },
    "hi": {
        "forget": "अनदेखा भूल नजरअंदाज नज़रअंदाज़",
        "rules": "निर्देशों निर्देश नियमों आदेशों प्रॉम्प्ट",
        "before": "पिछले सभी पहले उपरोक्त",
        "your": "अपने आपके तुम्हारे",
        "model": "एआई मॉडल सहायक",
        "answer": "उत्तर सारांश जवाब",
        "say": "लिखें कहें लिखो कहो बताएं दें",
        "reveal": "दिखाएं दोहराएं",
        "must": "चाहिए",
        "if": "अगर यदि",
        "note": "ध्यान संदेश",
        "that": "कि केवल",
    },
}
# Verbs that come after what they are about.
VERB_LAST = ("tr", "hi")

Token = tuple[tuple[str, Class], ...]


def _by_word() -> dict[str, Token]:
    found: dict[str, list[tuple[str, Class]]] = {}
    for language, classes in WORDS.items():
        for kind, words in classes.items():
            for word in words.split():
                found.setdefault(word.casefold(), []).append((language, kind))
    return {word: tuple(kinds) for word, kinds in found.items()}


BY_WORD = _by_word()
# What an order to people goes on with: "the previous instructions on parking".
_COMPLEMENTS = {
    "en": "regarding about on in for concerning from dated relating of at under sent issued printed to by",
    "de": "zu zur zum im in über bezüglich betreffend aus vom von für",
    "fr": "concernant relatives sur du de dans pour au aux d",
    "es": "sobre de del en relativas para",
    "it": "relative su sul di del della per nel sulla",
    "pt": "sobre de do da para em relativas",
    "nl": "over van voor betreffende in",
    "pl": "dotyczące w o z dla",
    "ru": "о об в по для относительно из",
    "ar": "بخصوص حول بشأن",
}
COMPLEMENTS = {language: frozenset(words.split()) for language, words in _COMPLEMENTS.items()}
# Before a verb: it tells of an order, and is none. "must" is one.
TOLD = frozenset("to could can would may might not never who they it will shall cannot don't".split())
# Who speaks of attacks quotes them.
REPORTING = re.compile(
    r"inject|attack|jailbreak|research|hacker|hack\b|vulnerab|adversar|exploit|phish|security|owasp|bypass|fooled|"
    r"example|phrase|typed|malicious|success rate|attempts|forscher|angriff|angreifer|beispiel|sicherheit|attaque|"
    r"chercheur|pirate|exemple|ataque|atacante|investigador|engañar|ejemplo|attacco|ricercator|ingannare|aanval|"
    r"onderzoeker|atak|badacz|атак|исследовател|обманыва|saldırı|araştırmacı|"
    r"هجوم|باحث|攻击|研究|攻擊|攻撃|공격|연구|인젝션|インジェクション|注入"
)
SPEAKING = re.compile(
    r"\b(?:said|says|whispered|replied|asked|shouted|cried|sagte|fragte|rief|flüsterte|dit|dijo|disse|zei|"
    r"сказал|сказала|говорит)\b"
)
