"""The README says the truth: its list of settings is the program's own."""

from pathlib import Path

from flows.manual import manual

README = Path(__file__).parents[1] / "README.md"


def test_the_settings_of_the_readme_are_those_of_the_program() -> None:
    """Renew the block with `make readme`."""
    settings = manual().partition("each given as name=value:\n")[2].partition("\n--cfg job")[0].strip("\n")
    assert f"```\n{settings}\n```" in README.read_text()
