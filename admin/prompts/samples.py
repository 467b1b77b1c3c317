"""Example values in prompts that are played on a page instead of in a call."""

from admin.layout.language import has_text, say_in


def samples(names: frozenset[str], language: str) -> dict[str, str]:
    """Return an example for each name."""
    return {name: say_in(language, f"sample.{name}") if has_text(f"sample.{name}") else name for name in names}
