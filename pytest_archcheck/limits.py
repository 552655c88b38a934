"""Every limit on counts, sizes, depth and time, with the reason: files may lie, hang or be huge.

Modules read them as ``limits.NAME`` when they need them, so changing one here changes it everywhere; only defaults of
parameters are fixed on import. A file beyond a limit is reported, or what is beyond it is left out; the run goes on.

Elsewhere are: layouts and constants of file formats, how much is read at a time, how many names a message shows, and how a
benchmark measures. Also those of ``accelerators/child``: the child takes its code by path and imports nothing of this package.
"""

from __future__ import annotations

# Folders and text files of an environment.

#: Folders nested in each other that are followed; a real environment stays under 40.
FOLDER_DEPTH = 200
#: Files and folders below the folders of one environment; of real ones the largest hold half a million.
FOLDER_ENTRIES = 2_000_000
#: Bytes of a RECORD, of which one block is held at a time; that of 100,000 files has 10 MB.
TEXT_FILE_SIZE = 1 << 26
#: Bytes of one line of it; real ones have some hundred.
RECORD_LINE_SIZE = 1 << 16
#: Files outside the site directory that one RECORD names: programs and their manuals, some dozen.
OUTSIDE_FILES = 10_000
#: Bytes of a record of conda; real ones stay below 8 MB.
CONDA_RECORD_SIZE = 1 << 24
#: Files that all records of a conda prefix name together; those of the full Anaconda distribution name 400,000.
CONDA_FILES = 1_000_000
#: Records of conda that may claim one file: more than one is rare.
CONDA_CLAIMS = 16
#: Values in one JSON file, some hundred bytes each; conda records of 20,000 files have 250,000.
JSON_VALUES = 400_000
#: Bytes of a file of settings; ``.pth``, ``pyvenv.cfg`` and ``.condarc`` have some hundred, ``/proc/cpuinfo`` 1,200 a core.
SETTINGS_FILE_SIZE = 1 << 20
#: Folders that the .pth files of one site directory name; real ones name a handful, workspaces some hundred.
PTH_LINES = 10_000
#: Bytes of the Python file by which an editable install finds its modules: a line or two for each of its packages.
FINDER_FILE_SIZE = 1 << 22
#: Paths in it; scikit-build-core lists every source file, some thousand.
FINDER_PATHS = 20_000
#: Bytes of METADATA that are read for name and version, which stand at its beginning, and for the names of what is required,
#: which come before the description; matplotlib's stand behind 76 KB of its licence.
METADATA_HEADER_SIZE = 1 << 17
#: The same for its requirements, which come before the description.
METADATA_REQUIREMENTS_SIZE = 1 << 19
#: Bytes of WHEEL, INSTALLER, direct_url.json and top_level.txt; real ones stay below 4 KB.
SMALL_FILE_SIZE = 1 << 16
#: Bytes of setuptools' installed-files.txt, and files in it.
INSTALLED_FILES_SIZE, INSTALLED_FILES = 1 << 22, 100_000
#: Lines of METADATA and WHEEL that are looked at.
HEADER_LINES = 5_000
#: Characters of a requirement, and parentheses in it: packaging's parser calls itself for each. Python itself refuses to read
#: numbers of more than 4,300 digits. Real requirements stay below 500 characters and 10 parentheses.
REQUIREMENT_LENGTH, REQUIREMENT_PARENTHESES = 4_000, 50
#: Characters of names and versions, which become ids, and words of commands to type; those of the package index stay under 100.
NAME_LENGTH = 128
#: Bytes of a TensorFlow plugin that is compared with its recorded hash; Apple's takes 5 MB.
HASHED_PLUGIN_SIZE = 32 << 20

#: Files in the folder of one compiled file that is inspected: its libraries may be among them.
FILES_BESIDE = 2000

#: Folders that are looked through for environments below a given one: two seconds; a project with its dependencies has 5,000.
SEARCHED_FOR_ENVIRONMENTS = 20_000
#: The same for wheels, where folders that hold a wheel or are named by a hash do not count for that: a mirror of ten thousand
#: wheels in folders by hash has 20,000. And wheels that are looked at; an item each takes some kilobytes.
SEARCHED_FOR_WHEELS, WHEELS_BELOW = 400_000, 100_000
#: Folders nested in each other there; ``opt/conda/envs/x`` of an image, ``.tox/py311`` of a project.
ENVIRONMENT_DEPTH = 8
#: Environments below one folder that are inspected; a home folder may hold hundreds.
ENVIRONMENTS_BELOW = 50

#: Seconds of work on several environments that are still to be done, from which on other cores are asked to help: a child
#: takes a fifth of a second to start.
SIDE_BY_SIDE_SECONDS = 1.0

# Mach-O images. Of 2,988 real files the largest had 10.4 KB of load commands and 2 slices.

#: Bytes of one slice's load commands.
MACHO_COMMANDS_SIZE = 1 << 20
#: Slices of one fat file.
FAT_SLICES = 64
#: Blobs in one code signature; real ones hold a handful.
SIGNATURE_BLOBS = 256

# Symbols of Mach-O images: real ones need some thousands, with names of some kilobytes at most.

#: Undefined symbols of one image.
UNDEFINED_SYMBOLS = 1 << 17
#: Bytes of a symbol's name.
SYMBOL_NAME_SIZE = 1 << 14
#: Bytes of one symbol table.
SYMBOL_TABLE_SIZE = 1 << 28
#: Bytes of a symbol table, and of its strings, that are read at once where most of it is of interest; Qt's largest have 3 MB.
SYMBOLS_READ_SIZE = 8 << 20
#: Bytes of one node of an export trie; 255 edges with C++ names of some kilobytes each stay below.
TRIE_NODE_SIZE = 1 << 20
#: Times its own size that a walk through a trie may read; an honest trie is a tree, of which no byte is read twice.
TRIE_WALKS = 4
#: Nodes of one walk, some hundred bytes each; ten thousand names of PyTorch's largest library lead through 30,000.
TRIE_VISITS = 200_000
#: Steps for one name that take none of its characters: old linkers wrote a few edges with empty labels.
TRIE_EMPTY_STEPS = 64
#: Bytes of a trie that is read at once where many names are looked up; with 20 MB TensorFlow's is read in blocks.
TRIE_READ_SIZE = 4 << 20
#: Blocks of 5 KiB kept of one trie.
TRIE_BLOCKS = 512
#: Missing symbols listed of one image: a file that misses hundreds is not judged better by the next one.
MISSING_SYMBOLS = 256
#: Symbols looked up between distributions: a second or two. An environment with PySide6, torch and 80 more looks up 33,000.
PAIRED_SYMBOLS = 200_000
#: Bytes of their names; those 33,000 take 2 MB.
SYMBOL_NAMES_SIZE = 16 << 20
#: Symbols of which the names are held at once: with all of a large environment the peak is 2 MB higher. A library that is
#: needed by files of two turns is read twice.
PAIRED_AT_ONCE = 8_192

# Linking of Mach-O images; of real ones the largest had 94 load commands of all kinds.

#: Images that load each other in a chain; real chains stay under 10.
LOADER_CHAIN = 64
#: Rpaths of one image.
IMAGE_RPATHS = 128
#: Libraries that one image links to.
IMAGE_LIBRARIES = 1024

# ELF files.

#: Real files have about a dozen; the kernel refuses tables of more than 64 KiB.
ELF_PROGRAM_HEADERS = 1024
#: Real files have 20 to 100 entries; the largest programs link a few hundred libraries.
ELF_DYNAMIC_ENTRIES = 4096
#: Versions that one file asks for (a few dozen at most) or defines (up to about 150: libstdc++, glibc).
ELF_VERSIONS = 4096
#: Bytes of a path, or of a name that may be one: PATH_MAX, longer than any that the loader would open.
PATH_LENGTH = 4096

#: Bytes of the names of sections; real ones take some hundred.
SECTION_NAMES_SIZE = 1 << 16

# Symbols of ELF files.

#: Symbols of one file; the largest libraries of real wheels (PyTorch, LLVM) export about 150,000.
ELF_SYMBOLS = 1_000_000
#: Bytes of a symbol's name; C++ names take kilobytes.
ELF_SYMBOL_NAME_SIZE = 1 << 20
#: Symbols in one chain of a hash table: linkers make a bucket for every two to four.
ELF_HASH_CHAIN = 10_000
#: Bytes of a table that is read at once; of larger ones only what a look-up touches.
ELF_TABLE_SIZE = 32 << 20
#: Bytes of one table of relocations; read for symbols that seem to be missing only.
ELF_RELOCATIONS_SIZE = 64 << 20
#: Names to remember with their library, about 100 bytes each.
REMEMBERED_EXPORTERS = 100_000
#: Look-ups of one name in one library, and what it takes to open a library counted as some of them: ten seconds or so. An
#: environment of 630 files takes 110,000.
ELF_LOOK_UPS = 4_000_000
#: Times the size of its string table that the names of one file may take together. Linkers let names share their tails; a
#: table made for it lets a million names share one of a megabyte.
ELF_NAMES_SHARE = 4

# Linking of ELF files.

#: Images in one process; the largest real ones (Qt, PyTorch with CUDA) have about a hundred.
PROCESS_IMAGES = 2048
#: Folders searched for one library; real files name a handful.
SEARCHED_FOLDERS = 256
#: Bytes of ``/etc/ld.so.cache`` or a list of folders; 100 KB on real systems.
LOADER_FILE_SIZE = 16 << 20
#: Entries of ``/etc/ld.so.cache``; systems have some hundred to a few thousand.
LOADER_CACHE_ENTRIES = 100_000

# Modules that are searched for the texts of numpy's C API, the smallest first, until one tells; nearly always the first does.

#: Modules of one distribution.
NUMPY_MODULES = 24
#: Bytes of them; scikit-learn's 24 smallest have 4 MB, OpenCV's only one has 75.
NUMPY_MODULES_SIZE = 96 << 20
#: Of those that refuse the installed numpy: modules whose imports are looked for, which takes a second in a large package.
NUMPY_ASKED = 2

# Python files, which are searched for what a package does with its binaries.

#: Files of one package; PyTorch has 2,500.
PYTHON_FILES = 5000
#: Bytes read of each; of the modules of 60 popular packages one is longer, with PyTorch's own tests.
PYTHON_FILE_SIZE = 1 << 20
#: Words and marks of one that is parsed: each becomes up to two kilobytes in memory, and with 200,000 in a chain Python 3.10
#: ends. Files of 200 KB have so many.
PYTHON_TOKENS = 40_000
#: Bytes of them that are kept to be searched again: a package with a hundred broken files is asked about each.
PYTHON_TEXTS_SIZE = 16 << 20
#: Python files of one environment that are parsed for their imports, 10 ms each: only where a module cannot be loaded.
PYTHON_TREES = 1500
#: Bytes of them that are parsed, a megabyte in about half a second.
PYTHON_PARSED_SIZE = 12 << 20
#: Times that one of the Python files of an environment is searched for a name, a few microseconds each. A file that was not
#: kept has to be read again: that counts for so many, and for one more with each KB.
PYTHON_LOOKS, PYTHON_REREAD_LOOKS = 2_000_000, 20
#: Compiled files that a RECORD names and nobody found: so many of one project are looked for, and of so many its own files are
#: asked whether they import them: one that they do not go on without is enough.
LOST_FILES, LOST_FILES_ASKED = 200, 8
#: Files of one package, and bytes of them, that are read for what importing it surely imports; only where a package that it
#: requires is not installed. TensorFlow comes to protobuf in its 35th file, and few popular packages go further.
SURELY_IMPORTED_FILES, SURELY_IMPORTED_SIZE = 60, 1 << 19
#: Bytes of those of all packages of one environment: a megabyte takes up to half a second.
SURELY_IMPORTED_IN_ALL = 16 << 20
#: Characters of a module's name that is put together at run time.
MODULE_NAME_LENGTH = 512
#: Statements behind a ``try`` that are asked whether they raise after all.
STATEMENTS_BEHIND_TRY = 100
#: How many modules deep it is asked whether what imports a module is itself imported inside ``try``.
IMPORT_CHAIN = 3

# Zip archives and wheels.

#: Bytes of the central directory. TensorFlow's 18,886 members take 2.6 MB; zipfile makes ten times as much of it in memory.
ZIP_DIRECTORY_SIZE = 12 << 20
#: Members, 600 bytes of memory each.
ZIP_MEMBERS = 100_000
#: First bytes of a deflated member that are kept: header, load commands, and the first pages, which signatures cover.
MEMBER_PREFIX_SIZE = 64 << 10
#: Bytes kept before the furthest point reached in a member. The signature of a 600 MB file takes 5 MB.
MEMBER_WINDOW_SIZE = 8 << 20
#: Times that a member may be inflated over before its layout is taken for hostile.
MEMBER_PASSES = 4
#: Compressed bytes of a wheel's members that are inflated to their end, the smallest first; of the rest only headers are read.
#: A second of CPU inflates about 100 MB; TensorFlow for macOS has 81 MB beside its main library.
WHEEL_COMPRESSED_SIZE = 96 << 20
#: The same in inflated bytes, for archives that compress absurdly well.
WHEEL_INFLATED_SIZE = 512 << 20
#: Bytes of METADATA in a wheel; of 60 popular ones the largest has 142 KB with its description.
WHEEL_METADATA_SIZE = 1 << 20
#: Characters of a tag, which is a part of the name of a file.
TAG_LENGTH = 255
#: Tags that a WHEEL file, or a wheel's file name, stands for: dots separate what is to be combined; real ones have some dozen.
WHEEL_TAGS = 1_000

# Lock files.

#: Bytes; real locks stay under 10 MB, and a parsed one takes about ten times its size in memory.
LOCK_FILE_SIZE = 16 << 20
#: Keys and values in it, a hundred bytes each; a lock of 10 MB has 300,000.
LOCK_VALUES = 600_000
#: Parts of a dotted key: tomllib takes time and memory by the square of them, 1.6 GB for 20,000. Real keys have three.
LOCK_KEY_PARTS = 32
#: Combinations of tags that the name of one locked wheel stands for; real ones have some dozen at most.
LOCKED_WHEEL_TAGS = 128
#: Walks until conflicting extras are settled: each adds at least one name, and real locks need two.
LOCK_WALKS = 20
#: Edges followed, and packages compared for them, in all walks together; the locks of the largest applications take some ten
#: thousand.
LOCK_EDGES = 400_000
#: Other versions of a package that are compared with one; real locks hold two or three.
LOCK_VERSIONS = 32

# Reports.

#: Characters of an id; longer ones are cut, and told apart by a hash: a lock file may call a package anything.
ID_LENGTH = 400
#: Characters of a sentence; longer ones are cut: text from files may be of any length.
SENTENCE_LENGTH = 600
#: Characters of what to type: a dozen packages in one command, or three long paths; half a command is worse than none.
REMEDY_LENGTH = 4000
#: Characters of the sentence that ends a run: it may list every path that was asked for.
USAGE_ERROR_LENGTH = 5000
#: Characters of a symbol in a sentence; C++ names can take kilobytes.
SHOWN_SYMBOL_LENGTH = 120
#: Paths named of those where a loader looked for one library; real files are looked for in a dozen.
SHOWN_TRIED = 64
#: Bytes of one report that is merged; an environment of 1,600 files takes 2 MB, a mirror of 10,000 wheels some hundred.
MERGED_REPORT_SIZE = 512 << 20
#: Annotations of one kind and step that GitHub shows.
GITHUB_ANNOTATIONS = 10
#: Rows of a step summary, which may take 1 MiB; a row stays below 5 KB.
GITHUB_ROWS = 100

# The allow-list.

#: Characters of a line: its pattern takes time by the square of them.
ALLOW_LINE_LENGTH = 1_000
#: Lines on subjects that are not here for which the nearest subject is looked for: each is compared with every one.
ALLOW_LINE_HINTS = 10

#: Bytes read of a system's musl for its version; it has some 700,000.
MUSL_SIZE = 4 << 20

# Accelerators.

#: Rows of a benchmark's square matrices; one of float32 then takes 17 GB.
MATRIX_ROWS = 65536
#: Seconds that may be asked for as a deadline: Python waits threading.TIMEOUT_MAX at most, and nobody a week for a probe.
DEADLINE_SECONDS = 7 * 24 * 3600
#: Bytes kept of what a child writes: so many of the beginning, where causes stand, and as many of the end.
#: Of its stack at a crash the beginning only.
CHILD_OUTPUT_SIZE = 32 << 10
#: Bytes read of a child's report, which has some kilobytes.
CHILD_REPORT_SIZE = 1 << 20
#: Seconds that a killed child (one stuck in a driver, say) and its open pipes are waited for.
KILLED_CHILD_SECONDS = 5.0
#: Seconds past the deadline that another process's probe is waited for: its child's killing, and a busy machine.
OTHER_PROBE_SECONDS = 60.0
