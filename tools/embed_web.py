#!/usr/bin/env python3
"""embed_web.py DIST OUT.cc: writes the files of a built page as C++, also compressed. The same files give the same bytes.

The struct is that of src/api/web/web_files.h.
"""

import gzip
import hashlib
import pathlib
import sys

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
BYTES_PER_LINE = 24


def byte_array(name, data):
    rows = (data[i : i + BYTES_PER_LINE] for i in range(0, len(data), BYTES_PER_LINE))
    body = ",\n".join("    " + ", ".join(str(byte) for byte in row) for row in rows)
    return f"constexpr unsigned char {name}[] = {{\n{body}}};\n"


def view(name):
    return f"{{reinterpret_cast<const char*>({name}), sizeof({name})}}"


def describe(index, path, root):
    """One file as its arrays and its entry in the list."""
    data = path.read_bytes()
    if not data:
        sys.exit(f"embed_web: {path} is empty")
    if path.suffix not in CONTENT_TYPES:
        sys.exit(f"embed_web: {path}: no content type for {path.suffix!r}; known: {', '.join(sorted(CONTENT_TYPES))}")
    packed = gzip.compress(data, 9, mtime=0)
    arrays = byte_array(f"kBody{index}", data)
    zipped = "{}"
    if len(packed) < len(data):
        arrays += byte_array(f"kGzip{index}", packed)
        zipped = view(f"kGzip{index}")
    etag = hashlib.sha256(data).hexdigest()[:16]
    request_path = "/" + path.relative_to(root).as_posix()
    content_type = CONTENT_TYPES[path.suffix]
    entry = f'    {{"{request_path}", "{content_type}", "\\"{etag}\\"", {view(f"kBody{index}")}, {zipped}}},\n'
    return arrays, entry


def source(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    if root / "index.html" not in files:
        sys.exit(f"embed_web: {root} has no index.html: build the page first (npm run build in web/)")
    described = [describe(index, path, root) for index, path in enumerate(files)]
    arrays = "".join(part for part, _ in described)
    entries = "".join(part for _, part in described)
    return (
        "// Written by tools/embed_web.py.\n"
        '#include "api/web/web_files.h"\n\n'
        "namespace axle::api {\nnamespace {\n\n"
        f"{arrays}\n"
        "}  // namespace\n\n"
        f"std::span<const WebFile> web_files() {{\n  static const WebFile files[] = {{\n{entries}  }};\n  return files;\n}}\n\n"
        "}  // namespace axle::api\n"
    )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[2]).write_text(source(pathlib.Path(sys.argv[1])))


if __name__ == "__main__":
    main()
