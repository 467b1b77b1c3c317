"""Prompts without sounds."""

from ivr.prompts.prompt_texts import PromptTexts, UnknownPrompt

TEXTS = PromptTexts.delivered()


class TextsAlone:
    """The prompts of a station whose every text can be synthesised and that has no recordings."""

    def can_say(self, key: str, language: str) -> bool:
        return TEXTS.has(key, language)

    def variables(self, key: str) -> frozenset[str]:
        try:
            return TEXTS.variables(key)
        except UnknownPrompt:
            return frozenset()
