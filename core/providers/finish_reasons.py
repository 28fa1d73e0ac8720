"""Why a model stopped, in our words, from the words of many servers."""

CUT = (
    "length max_tokens max_output_tokens max_completion_tokens max_new_tokens max_length model_length length_limit "
    "token_limit token_limit_reached context_length context_length_exceeded context_window_exceeded incomplete "
    "model_context_window_exceeded truncated limit"
)
DONE = (
    "stop eos eos_token eos_found end_turn end_of_turn end stop_sequence stop_token stop_str stop_string complete "
    "completed finish finished finish_reason_stop done tool_calls tool_call tool_use function_call"
)
FILTERED = (
    "content_filter content_filtered safety recitation blocklist prohibited_content spii sensitive image_safety "
    "guardrail_intervened content_moderation"
)
KNOWN = {
    **dict.fromkeys(CUT.split(), "length"),
    **dict.fromkeys(DONE.split(), "stop"),
    **dict.fromkeys(FILTERED.split(), "content_filter"),
    "refusal": "refusal",
}


def read(reported: object) -> str:
    """stop, length, content_filter, refusal, or other for a word that nobody knows. Nothing reported is a stop."""
    if reported is None or reported == "":
        return "stop"
    if not isinstance(reported, str):
        return "other"
    word = reported.rpartition(".")[2].strip().lower().replace("-", "_").replace(" ", "_")
    return KNOWN.get(word, "other")
