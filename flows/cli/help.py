"""``stillwalk --help``: every setting with its default and its sentence, read from the source of the settings."""

import ast
import io
import json
import re
import tokenize
from pathlib import Path

CONF = Path(__file__).parents[2] / "conf"
HEAD = """Stillwalk holds a walking person still.

  stillwalk video=walk.mp4                            one video
  stillwalk video='clips/*.mp4'                       many, in one run
  stillwalk video=walk.mp4 smoothing.window=9         only trajectory and render run again
  stillwalk -m video='clips/*.mp4' smoothing.window=5,9,15 smoothing=moving,gaussian
  stillwalk video=walk.mp4 smoothing.window=9 plan=true   only say what would run, why, and for how long
  stillwalk video=demo                                a drawn walker whose true joints are known
  stillwalk cache                                     what the finished stages take; stillwalk cache --help

Results: outputs/<video name>/; of a sweep (-m) outputs/sweeps/<name>/<setting>/<video name>/.
Exit status: 0 all videos done, 1 at least one failed, 2 a setting is wrong, 130 interrupted.

Settings, each given as name=value:
"""
TAIL = """
--cfg job prints the composed configuration; -m sweeps over comma-separated values;
eval "$(stillwalk -sc install=bash)" switches on tab completion; --hydra-help tells the rest."""


def manual() -> str:
    """The whole text."""
    classes: dict[str, ast.ClassDef] = {}
    comments: dict[str, dict[int, str]] = {}  # by class and line
    for path in sorted(CONF.glob("*.py")):
        source = path.read_text()
        own = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
        classes |= own
        comments |= dict.fromkeys(own, _comments(source))
    return HEAD + "\n".join(_settings("Config", classes, comments, "")) + TAIL


def _settings(
    name_of_class: str, classes: dict[str, ast.ClassDef], comments: dict[str, dict[int, str]], prefix: str
) -> list[str]:
    lines = []
    schema = classes[name_of_class]
    for item in schema.body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            continue
        name, kind = prefix + item.target.id, ast.unparse(item.annotation)
        if kind in classes and kind.endswith("Conf"):
            lines += ["", *_settings(kind, classes, comments, f"{name}.")]
            continue
        line = f"  {f'{name}={_default(item, classes)}':<44} {comments[name_of_class].get(item.end_lineno or 0, '')}"
        choices = _choices(kind, classes)
        lines.append(f"{line} ({choices})".rstrip() if choices else line.rstrip())
    return lines


def _choices(kind: str, classes: dict[str, ast.ClassDef]) -> str:
    wanted = kind.removeprefix("list[").removesuffix("]")
    if wanted not in classes:
        return ""
    return "|".join(_members(classes[wanted]))


def _members(enum: ast.ClassDef) -> list[str]:
    targets = (node.targets[0] for node in enum.body if isinstance(node, ast.Assign))
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _default(item: ast.AnnAssign, classes: dict[str, ast.ClassDef]) -> str:
    value = item.value
    if isinstance(value, ast.Call):  # field(default_factory=lambda: ...)
        factory = value.keywords[0].value
        body = factory.body if isinstance(factory, ast.Lambda) else factory
        if isinstance(body, ast.Call) and isinstance(body.args[0], ast.Name):
            return f"[{','.join(_members(classes[body.args[0].id]))}]"
        return re.sub(r"\b[A-Z]\w+\.", "", ast.unparse(body).replace(" ", ""))  # of an enum, the member
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Name):
        return "..."
    literal = ast.literal_eval(value) if value else ""
    return json.dumps(literal) if literal is None or isinstance(literal, bool) else str(literal)


def _comments(source: str) -> dict[int, str]:
    """Trailing comments by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
