"""Lets CycloneDX's own library judge a bill of materials: judge_materials.py FILE. Exit code 1 where it is not as the format says."""

import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text(encoding="utf-8"))
if found is not None:
    sys.exit(f"{sys.argv[1]}: {found}")
