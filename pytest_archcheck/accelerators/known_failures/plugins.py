"""Device plugins of TensorFlow and JAX."""

from __future__ import annotations

from pytest_archcheck.accelerators.known_failures.row import JAX, TENSORFLOW, row

_PAIR = "{without_plugin} gives the CPU back; for Metal install a pair that loads: {metal_pair}"

ROWS = (
    row(
        r"platform is already registered with name",
        "one plugin folder is reached under two names (a symbolic link), or two plugins bring the same platform",
        "keep one tensorflow-plugins folder on sys.path, in the user site too, and one plugin in it; which there are: pytest "
        "archcheck",
        "TensorFlow 2.15 to 2.21: tensorflow/python/framework/load_library.py loads every folder it reaches",
    ),
    row(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so.{0,400}Referenced from:[^\n]*libmetal_plugin"
        r"|libmetal_plugin.{0,2000}Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "tensorflow-metal was built for TensorFlow 2.19 or older",
        _PAIR,
        "the install names in the wheels of TensorFlow 2.20.0 and tensorflow-metal 1.2.0",
        "plugin-incompatible",
    ),
    row(
        r"Library not loaded: @rpath/_pywrap_tensorflow_internal\.so",
        "files of several TensorFlow distributions (tensorflow, tensorflow-macos) are mixed, or half removed",
        "{uninstall} tensorflow tensorflow-macos && {install} {pinned}",
        "dyld: the library that TensorFlow 2.12 to 2.19 link to in their own folder",
    ),
    row(
        r"_OBJC_CLASS_\$_MPSGraphRandomOpDescriptor",
        "this macOS is older than 12.3, which tensorflow-metal needs",
        "update macOS to 12.3 or newer, or get the CPU back: {without_plugin}",
        "the undefined symbols of tensorflow-metal 0.5.0; Apple's MPSGraph has the class since macOS 12.3",
    ),
    row(
        r"libmetal_plugin.{0,2000}(Symbol not found|symbol not found in flat namespace)"
        r"|(Symbol not found|symbol not found in flat namespace).{0,400}libmetal_plugin",
        "this tensorflow-metal does not fit this TensorFlow",
        _PAIR,
        f"{TENSORFLOW}81987; the symbols of both wheels",
        "plugin-incompatible",
    ),
    row(
        r"Mismatched PJRT plugin PJRT API version",
        "the JAX plugin (jax-metal, say) speaks another version of the PJRT API than jaxlib: the message has both",
        "jaxlib 0.4.34 and later bear another minor version, unless ENABLE_PJRT_COMPATIBILITY=0 is set: unset it, or for "
        "jax-metal {install} jax==0.5.0 jaxlib==0.5.0; or get the CPU back: {without_plugin}, or for one run JAX_PLATFORMS=cpu",
        f"{JAX}21383; a plugin of our own in jaxlib 0.4.26 to 0.7.0",
        "plugin-incompatible",
    ),
    row(
        r"default_memory_space is not supported",
        "jax-metal 0.1.1 lacks what jaxlib 0.5.1 and later ask of a plugin",
        "{install} jax==0.5.0 jaxlib==0.5.0, the newest that it was seen to serve; or get the CPU back: {without_plugin}",
        f"{JAX}27062; patrick-kidger/diffrax issue 659 (jaxlib 0.6.2; 0.5.0 works)",
        "plugin-incompatible",
    ),
    row(
        r"CPU Factory not registered",
        "TF_ENABLED_DEVICE_TYPES is set and leaves out the CPU, which TensorFlow cannot do without",
        "run without it: env -u TF_ENABLED_DEVICE_TYPES pytest archcheck",
        "TensorFlow 2.21 with TF_ENABLED_DEVICE_TYPES=GPU; its core/common_runtime/device_factory.cc",
        "import-failed",
    ),
    row(
        r"could not find registered (?:platform with id|compiler for platform METAL)",
        "XLA has no compiler for the METAL platform",
        "compile with jit_compile=False, and use a legacy Keras optimizer",
        f"{TENSORFLOW}58988; tlkh/tf-metal-experiments issue 19; NVlabs/sionna issue 78",
    ),
)
