/**
 * How people write the Python that they ask for, in files of our own that have the shape of real ones. `edits` says what may
 * change: each text stands in the file once, and nothing else may differ.
 */

export interface Shape {
  name: string;
  toml: string;
  python: string;
  edits: readonly (readonly [from: string, to: string])[];
  /** What it asked for, where that is not what stands in the first edit. */
  asks?: string | null;
}

const classifier = (minor: number): string => `"Programming Language :: Python :: 3.${minor}"`;

export const shapes: readonly Shape[] = [
  {
    name: "hatch, as a speech server writes it: bounded on both sides, settings of tools that name a Python too",
    python: "3.11",
    toml: `[project]
name = "voices"
version = "0.1.0"
requires-python = ">=3.12,<3.13"
# https://packaging.python.org/en/latest/specifications/version-specifiers/
dependencies = [
    "onnx-voice[gpu]>=0.4.5,<0.5.0",
    "phonemes ; sys_platform == 'linux'",
    "tomli ; python_version < '3.12'",
]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.ruff]
target-version = "py312"

[tool.basedpyright]
pythonVersion = "3.12"

[[tool.uv.dependency-metadata]]
name = "phonemes"
version = "1.2.0"
requires-python = ">=3.12"

[tool.uv]
environments = ["python_version >= '3.12'"]
`,
    edits: [['requires-python = ">=3.12,<3.13"', 'requires-python = ">=3.11,<3.13"']],
    asks: ">=3.12,<3.13",
  },
  {
    name: "setuptools with rising classifiers of minors",
    python: "3.9",
    toml: `[build-system]
requires = ["setuptools>=61", "wheel"]
build-backend = "setuptools.build_meta"

[project]
name = "ants"
dynamic = ["version"]
requires-python = ">= 3.10"
classifiers = [
    "Development Status :: 4 - Beta",
    "Programming Language :: Python",
    "Programming Language :: Python :: 3",
    "Programming Language :: Python :: 3 :: Only",
    "Programming Language :: Python :: 3.10",
    "Programming Language :: Python :: 3.11",
    "Programming Language :: Python :: Implementation :: CPython",
]

[tool.setuptools.dynamic]
version = { attr = "ants.__version__" }
`,
    edits: [
      ['">= 3.10"', '">= 3.9"'],
      [`    ${classifier(10)},\n`, `    ${classifier(9)},\n    ${classifier(10)},\n`],
    ],
    asks: ">= 3.10",
  },
  {
    name: "maturin: single quotes, the newest minor missing",
    python: "3.14.2",
    toml: `[build-system]
requires = ['maturin>=1,<2']
build-backend = 'maturin'

[project]
name = 'ants_core'
requires-python = '>=3.9,<3.14'
classifiers = [
    'Programming Language :: Rust',
    'Programming Language :: Python :: 3.12',
    'Programming Language :: Python :: 3.13',
    'Typing :: Typed',
]

[tool.maturin]
bindings = 'pyo3'
`,
    edits: [
      ["'>=3.9,<3.14'", "'>=3.9,<3.15'"],
      [
        "    'Programming Language :: Python :: 3.13',\n",
        "    'Programming Language :: Python :: 3.13',\n    'Programming Language :: Python :: 3.14',\n",
      ],
    ],
    asks: ">=3.9,<3.14",
  },
  {
    name: "scikit-build-core: the bound behind the classifiers, no comma behind the last",
    python: "3.13",
    toml: `[build-system]
requires = ["scikit-build-core>=0.10", "pybind11"]
build-backend = "scikit_build_core.build"
[project]
name = "ants"
classifiers = [
  "Topic :: Scientific/Engineering",
  "Programming Language :: Python :: 3.11",
  "Programming Language :: Python :: 3.12"
]
requires-python = "<3.13,>=3.11"
[tool.scikit-build]
wheel.py-api = "cp312"
`,
    edits: [
      ['"<3.13,>=3.11"', '"<3.14,>=3.11"'],
      [`  ${classifier(12)}\n`, `  ${classifier(12)},\n  ${classifier(13)}\n`],
    ],
    asks: "<3.13,>=3.11",
  },
  {
    name: "meson-python: comments around everything",
    python: "3.9",
    toml: `[project]
name = "waves"   # the name
# Note: upper bounds are set in release branches
requires-python = ">=3.10"   # keep in step with meson.build
classifiers = [  # https://pypi.org/classifiers/
    # language
    "Programming Language :: C",  # some
    # oldest first
    "Programming Language :: Python :: 3.10",  # the oldest
    # newest
    "Programming Language :: Python :: 3.11"  # the newest
    # more to come
]  # end
`,
    edits: [
      ['">=3.10"', '">=3.9"'],
      [`    ${classifier(10)},  # the oldest\n`, `    ${classifier(9)},\n    ${classifier(10)},  # the oldest\n`],
    ],
    asks: ">=3.10",
  },
  {
    name: "the newest classifier with a comment behind it and no comma",
    python: "3.12",
    toml: `[project]
name = "waves"
requires-python = ">=3.10,<3.12"
classifiers = [
    "Programming Language :: Python :: 3.11"  # the newest
    # more to come
]
`,
    edits: [
      ["<3.12", "<3.13"],
      [`    ${classifier(11)}  # the newest\n`, `    ${classifier(11)},  # the newest\n    ${classifier(12)}\n`],
    ],
    asks: ">=3.10,<3.12",
  },
  {
    name: "poetry 1: a caret, and groups that do not bound",
    python: "3.11",
    toml: `[tool.poetry]
name = "ants"
version = "1.0.0"
classifiers = ["Topic :: Utilities", "Programming Language :: Python :: 3.12"]

[tool.poetry.dependencies]
python = "^3.12"
requests = "^2.31"
tomli = { version = "^2.0", python = "<3.11" }

[tool.poetry.group.dev.dependencies]
python = "^3.13"
pytest = "^8.0"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
`,
    edits: [
      ['python = "^3.12"', 'python = "^3.11"'],
      [classifier(12), `${classifier(11)}, ${classifier(12)}`],
    ],
    asks: "^3.12",
  },
  {
    name: "poetry 1: a tilde",
    python: "3.13",
    toml: `[tool.poetry.dependencies]\npython = "~3.12"\n`,
    edits: [['"~3.12"', '">=3.12,<3.14"']],
    asks: "~3.12",
  },
  {
    name: "poetry 1: a wildcard",
    python: "3.11",
    toml: `[tool.poetry.dependencies]\npython = "3.12.*"\n`,
    edits: [['"3.12.*"', '">=3.11,<3.13"']],
    asks: "3.12.*",
  },
  {
    name: "poetry 1: one release and no other",
    python: "3.12.7",
    toml: `[tool.poetry.dependencies]\npython = "3.12.4"\n`,
    edits: [['"3.12.4"', '">=3.12.4,<=3.12.7"']],
    asks: "3.12.4",
  },
  {
    name: "poetry 1: alternatives, which get one more",
    python: "3.9.18",
    toml: `[tool.poetry.dependencies]\npython = "^2.7 || ~3.8 || ^3.10"\n`,
    edits: [['"^2.7 || ~3.8 || ^3.10"', '"^2.7 || ~3.8 || ~3.9 || ^3.10"']],
    asks: "^2.7 || ~3.8 || ^3.10",
  },
  {
    name: "poetry 1: spaces instead of commas",
    python: "3.12",
    toml: `[tool.poetry.dependencies]\nPython = ">=3.8.1 <3.12"\n`,
    edits: [[">=3.8.1 <3.12", ">=3.8.1 <3.13"]],
    asks: ">=3.8.1 <3.12",
  },
  {
    name: "poetry 1: an inline table",
    python: "3.11",
    toml: `[tool.poetry.dependencies]\npython = { version = ">=3.12,<4.0", allow-prereleases = true }\n`,
    edits: [[">=3.12,<4.0", ">=3.11,<4.0"]],
    asks: ">=3.12,<4.0",
  },
  {
    name: "poetry 1: a list of inline tables",
    python: "3.10",
    toml: `[tool.poetry.dependencies]
python = [
    {version = ">=3.11,<3.12", platform = "linux"},
    {version = "^3.12", platform = "darwin"},
]
`,
    edits: [
      [">=3.11,<3.12", ">=3.10,<3.12"],
      ["^3.12", "^3.10"],
    ],
    asks: ">=3.11,<3.12",
  },
  {
    name: "poetry 1: a table of its own",
    python: "3.11",
    toml: `[tool.poetry.dependencies.python]\nversion = '~3.12'\n`,
    edits: [["'~3.12'", "'>=3.11,<3.13'"]],
    asks: "~3.12",
  },
  {
    name: "poetry 2: both places bound",
    python: "3.10",
    toml: `[project]
name = "ants"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["requests (>=2.31,<3.0)"]

[tool.poetry.dependencies]
python = ">=3.11,<3.14"

[build-system]
requires = ["poetry-core>=2.0.0,<3.0.0"]
`,
    edits: [
      ['requires-python = ">=3.11"', 'requires-python = ">=3.10"'],
      ['python = ">=3.11,<3.14"', 'python = ">=3.10,<3.14"'],
    ],
    asks: ">=3.11",
  },
  {
    name: "poetry 2: dynamic, so that the tool's own table has it",
    python: "3.10",
    toml: `[project]
name = "ants"
dynamic = ["requires-python", "classifiers"]

[tool.poetry]
classifiers = ["Programming Language :: Python :: 3.11"]
dependencies.python = "^3.11"
`,
    edits: [
      ["^3.11", "^3.10"],
      [classifier(11), `${classifier(10)}, ${classifier(11)}`],
    ],
    asks: "^3.11",
  },
  {
    name: "flit from before PEP 621",
    python: "3.5",
    toml: `[build-system]
requires = ["flit_core >=2,<4"]
build-backend = "flit_core.buildapi"

[tool.flit.metadata]
module = "ants"
author = "Someone"
requires-python = ">=3.6"
classifiers = ["License :: OSI Approved :: MIT License"]
requires = ["tomli; python_version < '3.11'"]
`,
    edits: [[">=3.6", ">=3.5"]],
    asks: ">=3.6",
  },
  {
    name: "pdm from before PEP 621",
    python: "3.6",
    toml: `[tool.pdm]\nname = "ants"\npython_requires = ">=3.7"\n\n[tool.pdm.dependencies]\nrequests = "*"\n`,
    edits: [[">=3.7", ">=3.6"]],
    asks: ">=3.7",
  },
  {
    name: "pdm today: its own older key bounds nothing",
    python: "3.10",
    toml: `[project]
name = "ants"
requires-python = "==3.11.*"

[tool.pdm]
distribution = true
python_requires = ">=3.11"
[tool.pdm.dev-dependencies]
test = ["pytest"]
`,
    edits: [['"==3.11.*"', '">=3.10,<3.12"']],
    asks: "==3.11.*",
  },
  {
    name: "one minor and no other, upwards",
    python: "3.13",
    toml: `[project]\nname = "ants"\nrequires-python = "==3.12.*"\n`,
    edits: [['"==3.12.*"', '">=3.12,<3.14"']],
    asks: "==3.12.*",
  },
  {
    name: "a compatible release",
    python: "3.11.7",
    toml: `[project]\nname = "ants"\nrequires-python = "~=3.12.1"\n`,
    edits: [['"~=3.12.1"', '">=3.11.7,<3.13"']],
    asks: "~=3.12.1",
  },
  {
    name: "a compatible minor, which says the same from below",
    python: "3.10.1",
    toml: `[project]\nname = "ants"\nrequires-python = "~= 3.12"\n`,
    edits: [['"~= 3.12"', '"~= 3.10"']],
    asks: "~= 3.12",
  },
  {
    name: "a minor left out, among other clauses",
    python: "3.11",
    toml: `[project]\nname = "ants"\nrequires-python = ">=3.9, !=3.9.7, !=3.11.*, <3.14"\n`,
    edits: [[">=3.9, !=3.9.7, !=3.11.*, <3.14", ">=3.9, !=3.9.7, <3.14"]],
    asks: ">=3.9, !=3.9.7, !=3.11.*, <3.14",
  },
  {
    name: "the release left out",
    python: "3.9.7",
    toml: `[project]\nname = "ants"\nrequires-python = "!=3.9.7,>=3.9"\n`,
    edits: [["!=3.9.7,>=3.9", ">=3.9"]],
    asks: "!=3.9.7,>=3.9",
  },
  {
    name: "an upper bound that keeps pre-releases out",
    python: "3.13",
    toml: `[project]\nname = "ants"\nrequires-python = ">=3.10,<3.13.0a0"\n`,
    edits: [["<3.13.0a0", "<3.14.0a0"]],
    asks: ">=3.10,<3.13.0a0",
  },
  {
    name: "the mistake of an upper bound that means a minor and lets in its first release alone",
    python: "3.11",
    toml: `[project]\nname = "ants"\nrequires-python = ">=3.8,<=3.11"\n`,
    edits: [["<=3.11", "<3.12"]],
    asks: ">=3.8,<=3.11",
  },
  {
    name: "arbitrary equality",
    python: "3.11.7",
    toml: `[project]\nname = "ants"\nrequires-python = "===3.11.4"\n`,
    edits: [["===3.11.4", ">=3.11.4,<=3.11.7"]],
    asks: "===3.11.4",
  },
  {
    name: "dotted keys at the top",
    python: "3.8",
    toml: `project.name = "ants"\nproject.requires-python = ">=3.9"\nproject . classifiers = [ ]\nbuild-system.requires = ["hatchling"]\n`,
    edits: [[">=3.9", ">=3.8"]],
    asks: ">=3.9",
  },
  {
    name: "an inline table, quoted keys",
    python: "3.8",
    toml: `"project" = { name = "ants", 'requires-python' = ">=3.9", classifiers = [${classifier(9)},${classifier(10)}] }\n`,
    edits: [
      [">=3.9", ">=3.8"],
      [`[${classifier(9)},`, `[${classifier(8)},${classifier(9)},`],
    ],
    asks: ">=3.9",
  },
  {
    name: "a multi-line string, and another that only looks like the real thing",
    python: "3.8",
    toml: `[tool.example]
text = """
[project]
requires-python = ">=3.9"
"""
[project]
name = 'ants'
requires-python = '''
>=3.9 ,
  <4'''
`,
    edits: [["'''\n>=3.9 ,", "'''\n>=3.8 ,"]],
    asks: ">=3.9 ,\n  <4",
  },
  {
    name: "escapes in the string, which is written anew",
    python: "3.8",
    toml: `[project]\nname = "ants"\nrequires-python = "\\u003e=3.9" # ü\n`,
    edits: [['"\\u003e=3.9"', '">=3.8"']],
    asks: ">=3.9",
  },
  {
    name: "CRLF",
    python: "3.10",
    toml: `[project]\r\nname = "ants"\r\nrequires-python = ">=3.11"\r\nclassifiers = [\r\n\t${classifier(11)},\r\n\t${classifier(12)},\r\n]\r\n`,
    edits: [
      [">=3.11", ">=3.10"],
      [`\t${classifier(11)},\r\n`, `\t${classifier(10)},\r\n\t${classifier(11)},\r\n`],
    ],
    asks: ">=3.11",
  },
  {
    name: "CRLF, at the end of the list",
    python: "3.13",
    toml: `[project]\r\nrequires-python = ">=3.11,<3.13"\r\nclassifiers = [\r\n\t${classifier(11)},\r\n\t${classifier(12)}\r\n]\r\n`,
    edits: [
      ["<3.13", "<3.14"],
      [`\t${classifier(12)}\r\n`, `\t${classifier(12)},\r\n\t${classifier(13)}\r\n`],
    ],
    asks: ">=3.11,<3.13",
  },
  {
    name: "a byte order mark",
    python: "3.10",
    toml: `\ufeff[project]\nname = "ants"\nrequires-python = ">=3.11"\nclassifiers = [${classifier(11)}]\n`,
    edits: [
      [">=3.11", ">=3.10"],
      [classifier(11), `${classifier(10)}, ${classifier(11)}`],
    ],
    asks: ">=3.11",
  },
  {
    name: "no newline at the end",
    python: "3.10",
    toml: `[project]\nname = "ants"\nrequires-python = ">=3.11"`,
    edits: [[">=3.11", ">=3.10"]],
    asks: ">=3.11",
  },
  {
    name: "tabs, odd spacing, letters beyond ASCII",
    python: "3.12",
    toml: `\t[ project ]\n\tname\t=\t"ameisen"\n\tdescription = "Ameisen 🐜 – für alle"\n\t"requires-python"=">=3.9  ,<3.12" \t# größer\n\n\n\t[ tool . ruff ]\n`,
    edits: [[">=3.9  ,<3.12", ">=3.9  ,<3.13"]],
    asks: ">=3.9  ,<3.12",
  },
  {
    name: "falling classifiers, several on one line, commas in front",
    python: "3.10",
    toml: `[project]
requires-python = ">=3.11"
classifiers = [
    ${classifier(13)}, ${classifier(12)}
  , ${classifier(11)}
  , "Topic :: Utilities"
]
`,
    edits: [
      [">=3.11", ">=3.10"],
      [classifier(11), `${classifier(11)}, ${classifier(10)}`],
    ],
    asks: ">=3.11",
  },
  {
    name: "classifiers of the language without minors, which contradict nothing",
    python: "3.10",
    toml: `[project]
requires-python = ">=3.11"
classifiers = ["Programming Language :: Python :: 3", "Programming Language :: Python :: 3 :: Only"]
`,
    edits: [[">=3.11", ">=3.10"]],
    asks: ">=3.11",
  },
  {
    name: "a trailing comma within the specifier",
    python: "3.10",
    toml: `[project]\nrequires-python = ">=3.11,"\n`,
    edits: [[">=3.11,", ">=3.10,"]],
    asks: ">=3.11,",
  },
  {
    name: "a wildcard behind an order, which uv reads",
    python: "3.6",
    toml: `[project]\nrequires-python = ">=3.7.*"\n`,
    edits: [[">=3.7.*", ">=3.6"]],
    asks: ">=3.7.*",
  },
  {
    name: "that Python is allowed already, whatever the classifiers say",
    python: "3.14",
    toml: `[project]\nrequires-python = ">=3.9"\nclassifiers = [${classifier(9)}]\n`,
    edits: [],
    asks: ">=3.9",
  },
  {
    name: "a release of the minor is allowed, the newest among them",
    python: "3.11",
    toml: `[project]\nrequires-python = ">=3.11.9,!=3.11.12"\n`,
    edits: [],
    asks: ">=3.11.9,!=3.11.12",
  },
  {
    name: "a release below the bound",
    python: "3.11.7",
    toml: `[project]\nrequires-python = ">=3.11.9"\n`,
    edits: [[">=3.11.9", ">=3.11.7"]],
    asks: ">=3.11.9",
  },
  {
    name: "a bound by release, and a minor to allow",
    python: "3.11",
    toml: `[project]\nrequires-python = ">=3.12.4"\n`,
    edits: [[">=3.12.4", ">=3.11.0"]],
    asks: ">=3.12.4",
  },
  {
    name: "an upper bound by release",
    python: "3.12.7",
    toml: `[project]\nrequires-python = ">=3.9,<3.12.5rc1"\n`,
    edits: [["<3.12.5rc1", "<3.12.8"]],
    asks: ">=3.9,<3.12.5rc1",
  },
  {
    name: "arbitrary equality compares as text",
    python: "3.11.0",
    toml: `[project]\nrequires-python = "===3.11"\n`,
    edits: [["===3.11", "==3.11"]],
    asks: "===3.11",
  },
  {
    name: "nothing but the minor left out",
    python: "3.11",
    toml: `[project]\nrequires-python = "!=3.11.*"\n`,
    edits: [["!=3.11.*", ">=3"]],
    asks: "!=3.11.*",
  },
  {
    name: "poetry 1: nothing but the minor left out",
    python: "3.11",
    toml: `[tool.poetry.dependencies]\npython = "!=3.11.*"\n`,
    edits: [["!=3.11.*", "*"]],
    asks: "!=3.11.*",
  },
  {
    name: "poetry 1: any Python",
    python: "3.11",
    toml: `[tool.poetry.dependencies]\npython = "*"\n`,
    edits: [],
    asks: "*",
  },
  {
    name: "classifiers in no order, commas on lines of their own",
    python: "3.10",
    toml: `[project]
requires-python = ">=3.11"
classifiers = [
    ${classifier(12)}
    ,
    ${classifier(9)}
    ,
    ${classifier(11)}
    ,
]
`,
    edits: [
      [">=3.11", ">=3.10"],
      [classifier(11), `${classifier(11)}, ${classifier(10)}`],
    ],
    asks: ">=3.11",
  },
  {
    name: "a build system alone, as beside an older setup.cfg",
    python: "3.11",
    toml: `[build-system]\nrequires = ["setuptools"]\n`,
    edits: [],
    asks: null,
  },
  { name: "an empty file", python: "3.11", toml: "", edits: [], asks: null },
];

export interface Refusal {
  name: string;
  toml: string;
  line: number;
  message: RegExp;
}

export const refusals: readonly Refusal[] = [
  { name: "a key twice", toml: `[project]\nname = "a"\nname = "b"\n`, line: 3, message: /as TOML: defining a key multiple times/ },
  { name: "a table twice", toml: `[project]\nname = "a"\n[project]\n`, line: 3, message: /as TOML/ },
  { name: "a string that does not end", toml: `[project]\nrequires-python = ">=3.12\n`, line: 2, message: /as TOML/ },
  { name: "a list that does not end", toml: `[project]\nclassifiers = [\n  "a",\n`, line: 4, message: /as TOML/ },
  { name: "marks of a merge", toml: `[project]\n<<<<<<< HEAD\nname = "a"\n`, line: 2, message: /as TOML/ },
  { name: "YAML", toml: `project:\n  requires-python: ">=3.12"\n`, line: 1, message: /as TOML/ },
  { name: "JSON", toml: `{"project": {"requires-python": ">=3.12"}}`, line: 1, message: /as TOML/ },
  { name: "a page of HTML", toml: `<!DOCTYPE html>\n<html></html>\n`, line: 1, message: /as TOML/ },
  { name: "a bare carriage return", toml: `[project]\rname = "a"\r`, line: 1, message: /as TOML/ },
  { name: "a number", toml: `[project]\nname = "a"\nrequires-python = 3.12\n`, line: 3, message: /project\.requires-python .* no string/ },
  { name: "a table in its place", toml: `[project.requires-python]\nmin = "3.12"\n`, line: 2, message: /no string/ },
  { name: "a number of Poetry's", toml: `[tool.poetry.dependencies]\npython = 3.12\n`, line: 2, message: /no string/ },
  {
    name: "a bare version",
    toml: `[project]\nrequires-python = "3.12"\n`,
    line: 2,
    message: /"3\.12" is no version specifier \(PEP 440\)/,
  },
  { name: "Poetry's caret under [project]", toml: `[project]\nrequires-python = "^3.12"\n`, line: 2, message: /PEP 440/ },
  { name: "a clause that is none", toml: `[project]\nrequires-python = ">=3.12,<4,python"\n`, line: 2, message: /"python" is no/ },
  { name: "a missing comma", toml: `[project]\nrequires-python = ">=3.8 <3.12"\n`, line: 2, message: /">=3\.8 <3\.12" is no/ },
  {
    name: "a wildcard that says nothing clear",
    toml: `[project]\nrequires-python = "<=3.12.*"\n`,
    line: 2,
    message: /no version specifier/,
  },
  { name: "an epoch", toml: `[project]\nrequires-python = ">=1!3.12"\n`, line: 2, message: /no version specifier/ },
  { name: "words of Poetry's that are none", toml: `[tool.poetry.dependencies]\npython = "latest"\n`, line: 2, message: /of Poetry/ },
  {
    name: "an alternative of Poetry's that is empty",
    toml: `[tool.poetry.dependencies]\npython = "^3.12 ||"\n`,
    line: 2,
    message: /of Poetry/,
  },
  {
    name: "a dynamic bound, which stands elsewhere",
    toml: `[project]\nname = "a"\ndynamic = ["version", "requires-python"]\n`,
    line: 3,
    message: /dynamic, so that the build backend finds it elsewhere/,
  },
];
