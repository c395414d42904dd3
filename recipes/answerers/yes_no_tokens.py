"""The tokens that mean Yes and No, and by how much a model leans to one of them.

p(Yes) = sigmoid(logit_yes - logit_no) of the first token of the answer ("Why Far Looks Up", 4.2). Which tokens the
authors took is not published. Here it is, by default, the token with which the model's own chat template would go on
from the prompt to an answer "Yes": after ``Assistant:`` that is " Yes" with its space, after a line feed "Yes".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from builders.errors import InputError

WORDS = ("Yes", "No")
VARIANTS: dict[str, tuple[str, ...]] = {word: tuple(
    lead + spelling for lead in ("", " ") for spelling in (word, word.lower(), word.upper())) for word in WORDS}


@dataclass(frozen=True)
class YesNoTokens:
    """Token id -> its text, for each word."""

    yes: dict[int, str]
    no: dict[int, str]

    def margins(self, logits: Any) -> Any:
        """(N,) logit_yes - logit_no from (N, vocabulary) logits; the probabilities of a word's tokens are summed."""
        return logits[:, list(self.yes)].logsumexp(1) - logits[:, list(self.no)].logsumexp(1)

    def described(self) -> dict[str, dict[str, int]]:
        """Word -> text of token -> id, for ``results.json``."""
        return {word: {text: number for number, text in tokens.items()}
                for word, tokens in zip(WORDS, (self.yes, self.no))}


def yes_no_tokens(processor: Any, template: Mapping[str, Any], variants: bool = False) -> YesNoTokens:
    """Find the tokens.

    Args:
        template: what the chat template is given besides the conversation.
        variants: also those tokens that are yes, YES and so on, with or without a space before.

    Raises:
        InputError: Yes and No begin with the same token.
    """
    tokenizer = processor.tokenizer
    found = []
    for word in WORDS:
        ids = [_first_token(processor, word, template)]
        if variants:
            encoded = [tokenizer.encode(spelling, add_special_tokens=False) for spelling in VARIANTS[word]]
            ids += [tokens[0] for tokens in encoded if len(tokens) == 1]
        found.append({number: tokenizer.decode([number]) for number in dict.fromkeys(ids)})
    if common := found[0].keys() & found[1].keys():
        raise InputError(f"Yes and No begin with the same token {found[0][min(common)]!r} for this tokenizer; score "
                         "what the model writes: --predictions FILE")
    return YesNoTokens(*found)


def _first_token(processor: Any, word: str, template: Mapping[str, Any]) -> int:
    question = {"role": "user", "content": [{"type": "text", "text": "?"}]}
    answer = {"role": "assistant", "content": [{"type": "text", "text": word}]}
    prompt = processor.apply_chat_template([question], add_generation_prompt=True, **template)
    try:
        whole = processor.apply_chat_template([question, answer], **template)
    except TemplateError:  # some templates take an assistant's turn in another form only
        whole = ""
    lead = whole.removeprefix(prompt).partition(word)[0] if whole.startswith(prompt) else ""
    if lead.strip():  # such as an empty passage of reasoning
        lead = ""
    texts = (prompt, prompt + lead + word)
    before, after = (processor.tokenizer.encode(text, add_special_tokens=False) for text in texts)
    if after[: len(before)] == before:
        return after[len(before)]
    return processor.tokenizer.encode(lead + word, add_special_tokens=False)[0]  # the end of the prompt melts into it
