"""Reads a provider's schema from the package that CDK for Terraform generated of it.

Each resource and data source is one JavaScript module there. Its inline source map holds the TypeScript that it was made of, which says
almost everything that the provider's own schema said: names, types, what is required, optional and computed, lists and sets, blocks and
attributes.

A block is `{"attributes": {name: [type, flags]}, "blocks": {name: {"nesting", "min", "max", "block"}}}`; types are written as Terraform's
protocol writes them (`"string"`, `["list", "string"]`).

    schema.py WHEEL FILE
"""

import base64
import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path

SOURCE_MAP = "sourceMappingURL=data:application/json;base64,"
MODULE = re.compile(r"package/lib/[^/]+/index\.js")
CLASS = re.compile(r"^export class (\w+) extends cdktf\.(\w+) \{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
INTERFACE = re.compile(r"^export interface (\w+) .*?\{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
TYPE_NAME = re.compile(r'tfResourceType = "(\w+)"')
VERSION = re.compile(r"providerVersion: '([\d.]+)'")
# The comment that stands before each attribute and each block, and what follows it.
ENTRY = re.compile(
    r"^  // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n(.*?)(?=^  // \w+ - computed: |\Z)",
    re.MULTILINE | re.DOTALL,
)
BLOCK = re.compile(r"^  \* (\w+) block$", re.MULTILINE)
FIELD = re.compile(r'private _\w+ = new ([\w.]+)\(this, "\w+"(?:, (true|false))?\)')
# What the packages leave out: which values are hidden. The provider hides keys and what holds them.
HIDDEN = re.compile(r"(?:connection_string|_key|password|secret)(?:_alias)?$")
GETTERS = {
    "getStringAttribute": "string",
    "getNumberAttribute": "number",
    "getBooleanAttribute": "bool",
    "getListAttribute": ["list", "string"],
    "getNumberListAttribute": ["list", "number"],
    "getStringMapAttribute": ["map", "string"],
}
SETTING = re.compile(r"(?:\* (\w+) block\n  \*\n  )?\* Docs at .*?#(\w+) \w+#.*?readonly \w+(\?)?: ([\w\[\]]+)", re.DOTALL)
MAPS = {"cdktf.StringMap": "string", "cdktf.NumberMap": "number", "cdktf.BooleanMap": "bool"}
# Of a provider's own settings the fields say the type.
PLAIN_TYPES = {
    "string": "string",
    "number": "number",
    "boolean": "bool",
    "string[]": ["list", "string"],
    "number[][]": ["list", ["list", "number"]],
}


def from_wheel(wheel: Path) -> dict:
    """The schema of one provider: `{"version": …, "provider": block, "resources": {name: block}, "data": {name: block}}`."""
    schema = {"version": None, "provider": {"attributes": {}, "blocks": {}}, "resources": {}, "data": {}}
    for source in sources(wheel):
        module = Module(source)
        for name, (base, body) in module.classes.items():
            if base == "TerraformProvider":
                schema["version"] = VERSION.search(body)[1]
                schema["provider"] = module.block(name, name + "Config")
            elif base in ("TerraformResource", "TerraformDataSource"):
                kind = "resources" if base == "TerraformResource" else "data"
                schema[kind][TYPE_NAME.search(body)[1]] = module.block(name, name + "Config")
    return schema


def sources(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        package = next(name for name in archive.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(archive.read(package))) as files:
            for member in files:
                if MODULE.fullmatch(member.name):
                    script = files.extractfile(member).read().decode()
                    encoded = script[script.rindex(SOURCE_MAP) + len(SOURCE_MAP) :]
                    yield json.loads(base64.b64decode(encoded))["sourcesContent"][0]


class Module:
    """One TypeScript module: a resource, a data source or the provider, with the classes of its blocks."""

    def __init__(self, source: str):
        self.classes = {name: (base, body) for name, base, body in CLASS.findall(source)}
        self._interfaces = dict(INTERFACE.findall(source))

    def block(self, name: str, interface: str) -> dict:
        attributes, blocks = {}, {}
        are_blocks = set(BLOCK.findall(self._interfaces.get(interface, "")))
        for entry, computed, optional, required, text in ENTRY.findall(self.classes[name][1]):
            told = {"required": required, "optional": optional, "computed": computed}
            flags = [flag for flag, is_set in told.items() if is_set == "true"]
            if flags == ["computed"] and HIDDEN.search(entry):
                flags.append("sensitive")
            if entry in are_blocks:
                blocks[entry] = self._nested(text, required == "true")
            elif entry != "alias" or self.classes[name][0] != "TerraformProvider":
                attributes[entry] = [self._type(text), " ".join(flags)]
        return {"attributes": attributes, "blocks": blocks}

    def _nested(self, text: str, required: bool) -> dict:
        field = FIELD.search(text)
        if field is None:
            struct = re.search(r"private _\w+\??: (\w+)\[\]", text)[1]
            return {"nesting": "list", "min": int(required), "max": 1, "block": self._settings(struct)}
        nesting, maximum, struct = self._shape(field)
        return {"nesting": nesting, "min": int(required), "max": maximum, "block": self.block(struct + "OutputReference", struct)}

    def _settings(self, struct: str) -> dict:
        """A block of a provider's own settings. It has no class, only its interface; each block in it is there once at most."""
        attributes, blocks = {}, {}
        for is_block, name, optional, kind in SETTING.findall(self._interfaces[struct]):
            if is_block:
                blocks[name] = {"nesting": "list", "min": int(not optional), "max": 1, "block": self._settings(kind.removesuffix("[]"))}
            else:
                attributes[name] = [PLAIN_TYPES[kind], "optional" if optional else "required"]
        return {"attributes": attributes, "blocks": blocks}

    def _shape(self, field: re.Match) -> tuple[str, int, str]:
        """How a block or an object repeats: its nesting, its greatest number (0 for any), its structure's name."""
        name = field[1]
        if name.endswith("OutputReference"):
            struct = name.removesuffix("OutputReference")
            of_set = re.search(r"super\(terraformResource, terraformAttribute, (true|false)(, 0)?\)", self.classes[name][1])
            if of_set[2] is None:
                return "single", 1, struct
            return ("set" if of_set[1] == "true" else "list"), 1, struct
        return ("set" if field[2] == "true" else "list"), 0, name.removesuffix("List")

    def _type(self, text: str):
        field = FIELD.search(text)
        if field is not None and field[1] in MAPS:
            return ["map", MAPS[field[1]]]
        if field is not None:
            nesting, _, struct = self._shape(field)
            if self.classes[field[1]][0] == "MapList":
                return [nesting, ["map", "string"]]
            inner = self.block(struct + "OutputReference", struct)
            members = ["object", {name: kind for name, (kind, _) in inner["attributes"].items()}]
            return members if nesting == "single" else [nesting, members]
        getter = re.search(r"this\.(get\w+Attribute)\(", text)
        if getter is None:
            return PLAIN_TYPES[re.search(r"private _\w+\??: ([\w\[\]]+)", text)[1]]
        kind = GETTERS[getter[1]]
        return ["set", kind[1]] if "Fn.tolist(" in text else kind


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(from_wheel(Path(sys.argv[1]))))
