"""OpenVINO: a graph computed on Intel's processors, and the version that computes it."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from mlff_cli.errors import UserError
from mlff_cli.system.extras import extra_module

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTRA = "openvino"


@cache
def openvino_version() -> str:
    """Return the version that is installed, without loading it.

    Raises:
        UserError: It is missing.
    """
    try:
        return version("openvino")
    except PackageNotFoundError:
        return str(extra_module("openvino", EXTRA).__version__)


class OpenVinoSession:
    """A graph with one input, compiled once for each shape that comes; in fp32, not bf16."""

    def __init__(self, content: bytes, name: str, threads: int = 0) -> None:
        """Read an ONNX file's bytes; `threads` to compute with, 0: as many as there are cores.

        Raises:
            UserError: OpenVINO is missing, or these are no bytes of a graph that it can run.
        """
        self._core: Any = extra_module("openvino", EXTRA).Core()
        self._content, self._name = content, name
        self._options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
        }
        self._compiled: dict[tuple[int, ...], Any] = {}
        self._model()

    def run(self, names: list[str], given: "dict[str, NDArray[Any]]") -> "list[NDArray[Any]]":
        """Return the outputs of these names; `given` names the input."""
        ((name, array),) = given.items()
        if array.shape not in self._compiled:
            model = self._model()
            model.reshape({name: list(array.shape)})
            self._compiled[array.shape] = self._core.compile_model(model, "CPU", self._options)
        compiled = self._compiled[array.shape]
        found = compiled(array)
        return [found[compiled.output(name)].copy() for name in names]

    def _model(self) -> Any:
        try:
            return self._core.read_model(self._content)
        except RuntimeError as error:
            reason = (str(error).strip().splitlines() or [repr(error)])[-1]
            raise UserError(f"{self._name}: cannot be loaded by OpenVINO ({reason})") from error
