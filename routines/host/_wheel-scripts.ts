/** What is done with archives by Python's own modules, run by the environment's interpreter: each a file that is written beside the environment. */

/** `archive folder`: nothing lands outside of the folder. Python's `data` filter where it has one, else files and folders alone. */
export const UNPACK = `import os, sys, tarfile, zipfile

archive, target = sys.argv[1:3]
os.makedirs(target)

def unpack_files_alone(tar):
    root = os.path.realpath(target)
    for member in tar:
        path = os.path.realpath(os.path.join(root, member.name))
        if path != root and not path.startswith(root + os.sep):
            raise SystemExit("refused: %r leads out of the archive" % member.name)
        if member.isdir():
            os.makedirs(path, exist_ok=True)
        elif member.isfile():
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with tar.extractfile(member) as source, open(path, "wb") as copy:
                while True:
                    block = source.read(1 << 20)
                    if not block:
                        break
                    copy.write(block)
            os.chmod(path, 0o755 if member.mode & 0o100 else 0o644)
        else:
            raise SystemExit("refused: %r is neither a file nor a folder" % member.name)

if archive.endswith((".zip", ".whl")):
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name.startswith("/") or ".." in name.split("/"):
                raise SystemExit("refused: %r leads out of the archive" % name)
        packed.extractall(target)
else:
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            try:
                tar.extractall(target, filter="data")
            except tarfile.FilterError as error:
                raise SystemExit("refused: %s" % error)
        else:
            unpack_files_alone(tar)
`;

/** Found in what it prints. */
export const METADATA_MARK = "harbor-wheel ";

/** `wheel`: its name, version and bound; `wheel bound`: sets the bound first. */
export const WHEEL_METADATA = `import base64, hashlib, json, os, sys, zipfile
from email.parser import HeaderParser

wheel = sys.argv[1]
with zipfile.ZipFile(wheel) as packed:
    path = next(name for name in packed.namelist() if name.count("/") == 1 and name.endswith(".dist-info/METADATA"))
    text = packed.read(path).decode("utf-8")

if len(sys.argv) > 2:
    head, separator, body = text.partition("\\n\\n")
    lines = [line for line in head.split("\\n") if not line.lower().startswith("requires-python:")]
    text = "\\n".join(lines + ["Requires-Python: " + sys.argv[2]]) + (separator + body if separator else "\\n")
    data = text.encode("utf-8")
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    record = os.path.dirname(path) + "/RECORD"
    with zipfile.ZipFile(wheel) as packed, zipfile.ZipFile(wheel + ".new", "w", zipfile.ZIP_DEFLATED) as copy:
        for info in packed.infolist():
            content = packed.read(info)
            if info.filename == path:
                content = data
            elif info.filename == record:
                rows = content.decode("utf-8").splitlines()
                rows = ["%s,sha256=%s,%d" % (path, digest, len(data)) if row.startswith(path + ",") else row for row in rows]
                content = ("\\n".join(rows) + "\\n").encode("utf-8")
            copy.writestr(info, content)
    os.replace(wheel + ".new", wheel)

headers = HeaderParser().parsestr(text)
print("${METADATA_MARK}" + json.dumps({"name": headers["Name"], "version": headers["Version"], "requires": headers["Requires-Python"]}))
`;

/** `name location`: which package is installed under that name, or from that place. */
export const INSTALLED = `import importlib.metadata, json, sys
from urllib.parse import unquote

name, location = sys.argv[1:3]

def is_wanted(found):
    if name:
        return True
    direct = found.read_text("direct_url.json")
    return direct is not None and unquote(json.loads(direct)["url"]).rstrip("/") == unquote(location).rstrip("/")

try:
    candidates = [importlib.metadata.distribution(name)] if name else list(importlib.metadata.distributions())
except importlib.metadata.PackageNotFoundError:
    candidates = []
for found in candidates:
    if is_wanted(found):
        print("${METADATA_MARK}" + json.dumps({"name": found.metadata["Name"], "version": found.version, "metadata": str(found._path)}))
        break
`;

/** `name…`: which of these are installed. */
export const LIST_INSTALLED = `import importlib.metadata, json, re, sys

wanted = set(sys.argv[1:])
found = {re.sub(r"[-_.]+", "-", it.metadata["Name"] or "").lower() for it in importlib.metadata.distributions()}
print("${METADATA_MARK}" + json.dumps(sorted(wanted & found)))
`;
