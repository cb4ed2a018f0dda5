"""A copy of the template with the package where its CodeUri says, so that nothing is left in the checkout."""

import re
import shutil
import zipfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
CODE_URI = re.compile(r"CodeUri: \S+")


class Project:
    def __init__(self, place: Path, bootstrap: Path):
        self.template = place / "infra" / "aws" / "template.yaml"
        self.template.parent.mkdir(parents=True)
        shutil.copy(PROJECT / "infra" / "aws" / "template.yaml", self.template)
        self.package = (self.template.parent / CODE_URI.search(self.text)[0].split(" ")[1]).resolve()
        self.package.parent.mkdir(parents=True)
        if zipfile.is_zipfile(bootstrap):
            shutil.copy(bootstrap, self.package)
        else:
            zipped(bootstrap, self.package)
        with zipfile.ZipFile(self.package) as package:
            self.bootstrap = Path(package.extract("bootstrap", place))
        self.bootstrap.chmod(0o755)

    @property
    def text(self) -> str:
        return self.template.read_text()

    def text_for(self, uri: str) -> str:
        """The template with the package at an address in S3, as `sam package` writes it."""
        return CODE_URI.sub(f"CodeUri: {uri}", self.text)


def zipped(program: Path, package: Path) -> None:
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as file:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o100755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        file.writestr(entry, program.read_bytes())
