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

MANUAL_HEAD: Final = """Stillwalk holds a walking person still.

  stillwalk video=walk.mp4                                one video
  stillwalk video='clips/*.mp4'                           many videos in one run
  stillwalk video=walk.mp4 smoothing.window=9             only trajectory and render run again
  stillwalk -m video='clips/*.mp4' smoothing.window=5,9   a sweep: every combination of the values
  stillwalk video=walk.mp4 smoothing.window=9 plan=true   only print what would run, why, and for how long
  stillwalk video=demo                                    a synthetic walker whose true joints are known
  stillwalk cache                                         size of the cache; see stillwalk cache --help
  stillwalk index results/*                               one overview of the results of several runs

Results: outputs/<video name>/; of a sweep (-m) outputs/sweeps/<name>/<setting>/<video name>/.
Exit status: 0 all videos done, 1 at least one failed, 2 a setting is wrong, 130 interrupted.

"""
COMMON_HEAD: Final = "Common settings, each given as name=value; --help=all lists all, --help=crop a section's:\n\n"
ALL_HEAD: Final = "Settings, each given as name=value:\n"
MANUAL_TAIL: Final = """
--cfg job prints the composed configuration; -m sweeps over comma-separated values;
eval "$(stillwalk -sc install=bash)" switches on tab completion; --hydra-help lists Hydra's own options."""
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
NAME_COLUMNS: Final = 47
LINE_COLUMNS: Final = 120


@dataclass(frozen=True)
class SettingHelp:
    """One setting as help shows it."""

    name: str
    default: str
    choices: tuple[str, ...]  # empty where any value of its type is allowed
    sentence: str


def manual(topic: str = "") -> str:
    """The text of ``--help``, of ``--help=all``, or of ``--help=SECTION``; ``SettingError`` for another topic."""
    sections = setting_sections()
    if topic == "all":
        parts = [*map(_section_lines, sections), preset_lines()]
        return MANUAL_HEAD + ALL_HEAD + "\n\n".join(parts) + "\n" + MANUAL_TAIL
    if topic == GROUP:
        return preset_lines()
    if topic:
        own = [setting for section in sections for setting in section if setting.name.split(".")[0] == topic]
        if not own:
            names = dict.fromkeys(section[0].name.split(".")[0] for section in sections[1:])
            raise SettingError(f"--help={topic}: there is no such section; give all, or one of {', '.join(names)}")
        return _section_lines(own)
    known = {setting.name: setting for section in sections for setting in section}
    groups = [f"{head}:\n{_section_lines([known[name] for name in names])}" for head, names in COMMON_SETTINGS.items()]
    return MANUAL_HEAD + COMMON_HEAD + "\n\n".join([*groups, preset_lines()]) + "\n" + MANUAL_TAIL


def preset_lines() -> str:
    """The presets of ``preset=``, each with its sentence."""
    lines = [f"  preset={one.name}".ljust(NAME_COLUMNS) + one.sentence for one in presets()]
    return "\n".join([f"Presets, which set several of these; your own lie in {user_folder() / GROUP}:", *lines])


def help_topic(arguments: list[str]) -> str | None:
    """The topic that a command line asks help about, "" for the common settings; None where it asks for no help."""
    if arguments[:1] == ["help"]:
        return " ".join(arguments[1:])
    for argument in arguments:
        if argument in ("--help", "-h"):
            return ""
        if argument.startswith("--help="):
            return argument.removeprefix("--help=")
    return None


def _section_lines(section: list[SettingHelp]) -> str:
    return "\n".join(map(_setting_lines, section))


def setting_sections() -> list[list[SettingHelp]]:
    """All settings: first those without a section, then each section's."""
    classes: dict[str, ast.ClassDef] = {}
    for path in sorted(CONF_FOLDER.glob("*.py")):
        tree = ast.parse(path.read_text())
        classes |= {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    sections: list[list[SettingHelp]] = [[]]
    for item, sentence in _fields(classes["Config"]):
        name, kind = ast.unparse(item.target), ast.unparse(item.annotation)
        if kind.endswith("Conf"):
            sections.append([_setting_help(f"{name}.", *field, classes) for field in _fields(classes[kind])])
        else:
            sections[0].append(_setting_help("", item, sentence, classes))
    return sections


def _setting_lines(setting: SettingHelp) -> str:
    """Name and default, and beside them the sentence; below them where they are long."""
    head = f"  {setting.name}={setting.default}"
    indent = " " * NAME_COLUMNS
    first_indent = head.ljust(NAME_COLUMNS) if len(head) < NAME_COLUMNS else indent
    choices = f" ({'|'.join(setting.choices)})" if setting.choices else ""
    text = textwrap.fill(
        setting.sentence + choices,
        LINE_COLUMNS,
        initial_indent=first_indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return text if first_indent != indent else f"{head}\n{text}"


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
        body = factory.body if isinstance(factory, ast.Lambda) else factory
        return re.sub(r"\b[A-Z]\w+\.", "", ast.unparse(body).replace(" ", ""))  # an enum member's name alone
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Name):
        return "..."
    literal = ast.literal_eval(value) if value else ""
    return json.dumps(literal) if literal is None or isinstance(literal, bool) else str(literal)
