"""Each name of ``exports=`` has its module, with the function of the protocol."""

from importlib import import_module
from pathlib import Path

import pytest

from conf.enums import Export
from tasks import exports
from tasks.exports.requests import EXPORT_FOLDERS


@pytest.mark.parametrize("name", [export.value for export in Export])
def test_an_export_has_its_module_and_function(name: str) -> None:
    module = import_module(f"tasks.exports.{EXPORT_FOLDERS[name]}.{name}")
    assert callable(getattr(module, f"write_{name}"))


def test_no_module_lacks_an_export() -> None:
    modules = Path(exports.__file__).parent.glob("*/*.py")
    written = {path.stem for path in modules if f"def write_{path.stem}(" in path.read_text()}
    assert written == set(EXPORT_FOLDERS) == {export.value for export in Export}
