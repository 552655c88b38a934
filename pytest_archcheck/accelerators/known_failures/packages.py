"""Packages that do not fit each other."""

from __future__ import annotations

from pytest_archcheck.accelerators.known_failures.row import GITHUB, JAX, TENSORFLOW, row

_REQUIREMENTS = "put right what it requires: {install} {pinned}"

ROWS = (
    row(
        r"compiled using NumPy 1\.x cannot be run in\s+NumPy 2|_ARRAY_API not found",
        "a package was built for NumPy 1 and NumPy 2 is installed",
        "with Python up to 3.12: {install} 'numpy<2' {pinned}; or a newer build of the package whose module is last in the "
        "stack",
        "NumPy 2.0's own text (numpy/_core/_multiarray_umath); NumPy 2.0 migration guide",
    ),
    row(
        r"module compiled against (?:ABI|API) version (?:0x)?[0-9a-f]+ but this version of numpy is"
        r"|numpy\.core\.(?:_?multiarray\w*|umath) failed to import",
        "numpy is older than the one that a package was built with; or there are two of them and the older one is found first",
        "to tell: python -c 'import numpy; print(numpy.__version__, numpy.__file__)'; older: {upgrade} numpy{keep}; another "
        "folder than this environment's: take it out of PYTHONPATH",
        f"{TENSORFLOW}57106; tensorflow/tensorflow issue 559",
    ),
    row(
        r"numpy\.(?:ndarray|dtype|ufunc) size changed",
        "a package was built for another NumPy than the one that is installed",
        "the stack names the package: install it again, {reinstall} and its name; if its wheel wants a newer NumPy: {upgrade} "
        "numpy{keep}",
        f"{GITHUB}scikit-image/scikit-image/issues/5270; Cython's own text",
    ),
    row(
        r"`np\.\w+` was removed in the NumPy 2\.0 release",
        "TensorFlow 2.17 and older, or another package, use names that NumPy 2 no longer has",
        "with Python up to 3.12: {install} 'numpy<2' {pinned}; or a newer release of the package that the stack names last",
        f"{GITHUB}roboflow/rf-detr/issues/1061 (TensorFlow); mbakker7/ttim issue 65; NumPy's own text",
    ),
    row(
        r"module 'numpy' has no attribute '(?:object|bool|int|float|complex|str|typeDict)'",
        "TensorFlow 2.8 and older, or another package, use names that NumPy 1.24 took away",
        "if the stack ends in tensorflow/: {install} 'numpy<1.24' {pinned}; else a newer release of the package that it names "
        "last",
        f"{TENSORFLOW}62832; NumPy 1.24 release notes",
    ),
    row(
        r"Descriptors cannot (?:not )?be created directly",
        "protobuf 4 or later is installed and generated code of an older one is imported: TensorFlow 2.9 and older, or "
        "another package",
        "if the stack ends in tensorflow/: {install} 'protobuf<3.21' {pinned}; else a newer release of the package whose "
        "_pb2.py file the stack names last",
        "protobuf 4's own text (google/protobuf/descriptor.py)",
    ),
    row(
        r"cannot import name '(?:builder|runtime_version)' from 'google\.protobuf",
        "protobuf is older than the one that made the generated code, or an older copy is found first",
        "{upgrade} protobuf{keep}; if it is new enough (python -c 'import google.protobuf as p; print(p.__version__, "
        "p.__file__)'), another folder hides it: take that out of PYTHONPATH, or reinstall protobuf",
        f"{GITHUB}protocolbuffers/protobuf/issues/9778; Comfy-Org/ComfyUI issue 6515",
    ),
    row(
        r"(?:incompatible|mismatched) Protobuf Gencode/Runtime",
        "generated code and protobuf do not fit: the message has both versions, and the runtime must have the same major "
        "version and not be older",
        "{install} 'protobuf>=GENCODE' {pinned}, with the gencode version of the message; where pip refuses, a release of the "
        "package that the message's .proto file belongs to which fits this protobuf",
        f"{GITHUB}a2aproject/a2a-python/issues/192; https://protobuf.dev/support/cross-version-runtime-guarantee",
    ),
    row(
        r"'MessageFactory' object has no attribute 'GetPrototype'",
        "protobuf 6 took away what TensorFlow 2.19 and older (or another package) call",
        "{install} 'protobuf<6' {pinned}",
        f"{TENSORFLOW}109469; tensorflow/tensorflow issue 94030",
    ),
    row(
        r"Another metric with the same name already exists",
        "two copies of Keras are loaded: keras and keras-nightly, or a keras of another version than TensorFlow's",
        f"{{uninstall}} keras-nightly if it is there; {_REQUIREMENTS}",
        f"{TENSORFLOW}51592; google-research/scenic issue 216; ageron/handson-ml2 issue 501",
    ),
    row(
        r"cannot import name 'dtensor|has no attribute '__internal__'|'tensorflow\.compat\.v2\.__internal__' has no attribute"
        r"|cannot import name '\w+' from 'keras(?:\.\w+)*'|No module named 'keras\.(?:engine|api\._v\d|src\.\w+)",
        "Keras and TensorFlow are of different ages: a keras of another release than this TensorFlow's is installed",
        f"{_REQUIREMENTS}, which brings its keras too",
        f"{TENSORFLOW}56298; tensorflow/models issue 10025",
    ),
    row(
        r"currently installed version of Keras is Keras 3|requires? Keras 2|Keras 2.{0,80}TF_USE_LEGACY_KERAS",
        "TensorFlow 2.16 and later bring Keras 3, and a package (transformers, say) still wants Keras 2",
        "{install} --no-deps 'tf-keras==2.N.*', with the N of {pinned}, and set TF_USE_LEGACY_KERAS=1; without --no-deps it "
        "brings a tensorflow of its own where that is another distribution",
        f"{GITHUB}huggingface/transformers/issues/36410; huggingface/transformers issue 34761",
    ),
    row(
        r"No module named 'tensorflow\.python[\w.]*'|'tensorflow' is not a package",
        "tensorflow is half removed, or a file or folder named tensorflow of the project hides it",
        "to tell: python -c 'import importlib.util as u; print(u.find_spec(\"tensorflow\"))'; in your project: rename that "
        "file; in site-packages: {again}",
        f"{GITHUB}dhasl002/custom_3d_unet/issues/2; tensorflow/tensorflow issue 34722",
    ),
    row(
        r"module 'tensorflow' has no attribute",
        "tensorflow is half removed (a folder without its __init__.py is left), or a file tensorflow.py of the project hides "
        "it",
        "to tell: python -c 'import tensorflow; print(tensorflow.__path__, tensorflow.__file__)'; in your project: rename "
        "that file; in site-packages, or None: {again}",
        f"{TENSORFLOW}60333; matterport/Mask_RCNN issue 795",
    ),
    row(
        r"jaxlib version \S+ is newer than and incompatible with jax version",
        "jaxlib is newer than jax, which takes none that is newer than itself",
        "{install} {pinned} 'jaxlib<={version}'",
        f"{JAX}17638; octo-models/octo issue 125",
        "import-failed",
    ),
    row(
        r"HDF5 library version mismatched error",
        "h5py runs with another HDF5 library than it was built with: conda's or Homebrew's is found first",
        "all from one source: {pip} --upgrade h5py, or {conda_update} h5py hdf5 where conda installed it; LD_LIBRARY_PATH and "
        "DYLD_LIBRARY_PATH may put another one first",
        f"{GITHUB}h5py/h5py/issues/853; h5py/h5py issue 1898 (conda)",
    ),
)
