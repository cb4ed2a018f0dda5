"""Unpacks a zip with the modes that stand in it, and prints as JSON what was in it: unpack.py ZIP FOLDER"""

import hashlib
import json
import os
import sys
import zipfile

package, folder = sys.argv[1:]
files = []
with zipfile.ZipFile(package) as opened:
    for member in opened.infolist():
        path = opened.extract(member, folder)
        mode = member.external_attr >> 16 & 0o7777
        os.chmod(path, mode)
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        # 3 is Unix: made anywhere else, a zip has no modes that count.
        files.append({"name": member.filename, "mode": f"{mode:o}", "system": member.create_system, "sha256": digest})
with open(package, "rb") as file:
    print(json.dumps({"sha256": hashlib.sha256(file.read()).hexdigest(), "files": files}))
