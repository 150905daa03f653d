"""``stillwalk --help``: the common settings; ``--help=all``: every one, with its default and its sentence.

They are read from the source of ``conf``.

The source is parsed, not imported, so that help also shows the sentences, which Python does not keep.
"""

import ast
import json
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flows.config.overrides import CONF_FOLDER
from flows.config.presets import GROUP, presets, user_folder
from tasks.errors import SettingError

EXAMPLES: Final = (
    ("stillwalk video=walk.mp4", "one video"),
    ("stillwalk video='clips/*.mp4'", "many videos in one run"),
    ("stillwalk video=walk.mp4 smoothing.window=9", "only the path and the videos are made again"),
    ("stillwalk -m video='clips/*.mp4' smoothing.window=5,9", "a sweep: every combination of the values"),
    ("stillwalk video=walk.mp4 smoothing.window=9 plan=true", "only print what would run, why, and for how long"),
    ("stillwalk video=demo", "a drawn walker whose true joints are known"),
    ("stillwalk cache", "size of the cache, and cleaning; see stillwalk cache --help"),
    ("stillwalk index results/*", "one overview of the results of several runs"),
    ("stillwalk models", "installs the models"),
    ("stillwalk ui", "Prefect's pages; stillwalk serve runs what their form asks for"),
)
RESULTS: Final = "Results: outputs/<video name>/; of a sweep (-m) outputs/sweeps/<name>/<setting>/<video name>/."
STATUSES: Final = (
    "Exit status: 0 all videos done, 1 at least one failed or standard output could not be written, "
    "2 a setting is wrong or no video can be read, 130 or 143 interrupted."
)
COMMON_HEAD: Final = "Common settings, each given as name=value; --help=all lists all, --help=crop a section's:"
ALL_HEAD: Final = "Settings, each given as name=value:"
TAIL: Final = (
    "--cfg job prints the composed configuration; -m sweeps over comma-separated values;",
    'eval "$(stillwalk -sc install=bash)" switches on tab completion; --hydra-help lists Hydra\'s own options.',
)
COMMON_SETTINGS: Final = {
    "What to read and to write": ("video", "output_dir", "outputs"),
    "Whom to hold still, and where": ("subject.rule", "subject.person", "subject.point", "anchor.point", "target"),
    "How closely": ("smoothing.kind", "smoothing.window", "lock.x", "lock.y", "lock.scale", "lock.roll"),
    "What the picture shows": (
        "crop.mode",
        "crop.size",
        "crop.aspect",
        "crop.output",
        "border.mode",
        "background.mode",
    ),
    "How it is encoded": ("encode.codec", "encode.crf", "comparison.layout"),
    "How the run goes": ("plan", "verify", "workers", "device"),
}
EXAMPLE_COLUMNS: Final = 58
NAME_COLUMNS: Final = 47
BELOW_COLUMNS: Final = 6  # before a sentence that stands below its name
LINE_COLUMNS: Final = 120  # at most
BESIDE_COLUMNS: Final = 100  # in narrower terminals all sentences stand below the names


@dataclass(frozen=True)
class SettingHelp:
    """One setting as help shows it."""

    name: str
    default: str
    choices: tuple[str, ...]  # empty where any value of its type is allowed
    sentence: str


def manual(topic: str = "", columns: int = LINE_COLUMNS) -> str:
    """The text of ``--help``, of ``--help=all``, or of ``--help=SECTION``, for a terminal of so many columns.

    ``SettingError`` for another topic.
    """
    sections = setting_sections()
    if topic == "all":
        parts = [*(_section_lines(section, columns) for section in sections), preset_lines(columns)]
        return "\n".join([_manual_head(ALL_HEAD, columns), "\n\n".join(parts), "", _manual_tail(columns)])
    if topic == GROUP:
        return preset_lines(columns)
    if topic:
        own = [setting for section in sections for setting in section if setting.name.split(".")[0] == topic]
        if not own:
            names = dict.fromkeys(section[0].name.split(".")[0] for section in sections[1:])
            raise SettingError(f"--help={topic}: there is no such section; give all, or one of {', '.join(names)}")
        return _section_lines(own, columns)
    known = {setting.name: setting for section in sections for setting in section}
    groups = [
        f"{head}:\n{_section_lines([known[name] for name in names], columns)}"
        for head, names in COMMON_SETTINGS.items()
    ]
    parts = [_manual_head(COMMON_HEAD, columns), *groups, preset_lines(columns), _manual_tail(columns)]
    return "\n\n".join(parts)


def _manual_head(settings_head: str, columns: int) -> str:
    examples = [_beside(f"  {command}", meaning, EXAMPLE_COLUMNS, columns) for command, meaning in EXAMPLES]
    facts = [textwrap.fill(fact, columns) for fact in (RESULTS, STATUSES)]
    lines = ["Stillwalk holds a walking person still.", "", *examples, "", *facts, ""]
    return "\n".join([*lines, textwrap.fill(settings_head, columns)])


def _manual_tail(columns: int) -> str:
    return "\n".join(textwrap.fill(sentence, columns) for sentence in TAIL)


def preset_lines(columns: int = LINE_COLUMNS) -> str:
    """The presets of ``preset=``, each with its sentence."""
    lines = [_beside(f"  preset={one.name}", one.sentence, NAME_COLUMNS, columns) for one in presets()]
    return "\n".join([f"Presets, which set several of these; your own lie in {user_folder() / GROUP}:", *lines])


def help_topic(arguments: list[str]) -> str | None:
    """The topic that a command line asks help about, "" for the common settings; None where it asks for no help."""
    if arguments[:1] == ["help"]:
        return " ".join(arguments[1:])
    for number, argument in enumerate(arguments):
        if argument in ("--help", "-h"):
            following = arguments[number + 1 :]
            return following[0] if len(following) == 1 and following[0].isidentifier() else ""
        if argument.startswith("--help="):
            return argument.removeprefix("--help=")
    return None


def _section_lines(section: list[SettingHelp], columns: int) -> str:
    return "\n".join(_setting_lines(setting, columns) for setting in section)


def setting_sections() -> list[list[SettingHelp]]:
    """All settings: first those without a section, then each section's."""
    classes: dict[str, ast.ClassDef] = {}
    for path in sorted(CONF_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_bytes())
        classes |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    sections: list[list[SettingHelp]] = [[]]
    for item, sentence in _fields(classes["Config"]):
        name, kind = ast.unparse(item.target), ast.unparse(item.annotation)
        if kind.endswith("Conf"):
            sections.append([_setting_help(f"{name}.", *field, classes) for field in _fields(classes[kind])])
        else:
            sections[0].append(_setting_help("", item, sentence, classes))
    return sections


def _setting_lines(setting: SettingHelp, columns: int) -> str:
    choices = f" ({'|'.join(setting.choices)})" if setting.choices else ""
    return _beside(f"  {setting.name}={setting.default}", setting.sentence + choices, NAME_COLUMNS, columns)


def _beside(head: str, text: str, text_column: int, columns: int) -> str:
    """``head``, and ``text`` beside it from ``text_column`` on; below it where the head or the terminal has no room."""
    indent = " " * (text_column if columns >= BESIDE_COLUMNS else BELOW_COLUMNS)
    first_indent = head.ljust(text_column) if len(head) < len(indent) else indent
    lines = textwrap.fill(
        text,
        columns,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines if first_indent != indent else f"{head}\n{lines}"


def _fields(section: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    """The fields of a dataclass, each with the docstring below it."""
    for item, following in zip(section.body, [*section.body[1:], None], strict=True):
        if isinstance(item, ast.AnnAssign):
            has_docstring = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            yield item, " ".join(str(following.value.value).split()) if has_docstring else ""  # type: ignore[union-attr]


def _setting_help(prefix: str, item: ast.AnnAssign, sentence: str, classes: dict[str, ast.ClassDef]) -> SettingHelp:
    kind = ast.unparse(item.annotation).removeprefix("list[").removesuffix("]")
    choices = tuple(_members(classes[kind])) if kind in classes else ()
    return SettingHelp(prefix + ast.unparse(item.target), _default(item), choices, sentence)


def _members(enum: ast.ClassDef) -> list[str]:
    targets = (node.targets[0] for node in enum.body if isinstance(node, ast.Assign))
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _default(item: ast.AnnAssign) -> str:
    value = item.value
    if isinstance(value, ast.Call):  # field(default_factory=lambda: ...)
        factory = value.keywords[0].value
        if not isinstance(factory, ast.Lambda):
            return "[]"  # default_factory=list
        body = factory.body
        return re.sub(r"\b[A-Z]\w+\.", "", ast.unparse(body).replace(" ", ""))  # an enum member's name alone
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Name):
        return "..."
    literal = ast.literal_eval(value) if value else ""
    return json.dumps(literal) if literal is None or isinstance(literal, bool) else str(literal)
