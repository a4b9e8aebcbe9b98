"""Stands in for TensorFlow in a Rasa that answers: docs/adr/0026.

Rasa imports TensorFlow to define its neural components, and our pipeline has none of them: 350 MB and half of its start
for nothing. Here every name asked of it is an empty class, which may be inherited from and named in annotations, and
nothing more: whoever calls one is told. Training has the real one.

Runs under Rasa's Python (3.10) with the standard library only.
"""

import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

STOOD_IN_FOR = ("tensorflow", "tensorflow_addons", "keras")


class TensorFlowAbsent(ImportError):
    """A component that needs TensorFlow was put to work in a Rasa that answers without it."""


class _Named(type):
    """The class of every name: it may be a base, a part of an annotation, or a namespace of further names."""

    def __getattr__(cls, name: str) -> Any:
        return _stand_in(cls.__module__, name)

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        raise TensorFlowAbsent(
            f"{cls.__name__} is not there: this Rasa runs without TensorFlow. Use a pipeline of its own components "
            "(config.yml), or start Rasa without launcher/light on its path."
        )

    def __or__(cls, _other: Any) -> Any:
        return cls

    __ror__ = __getitem__ = __or__


class _Package(ModuleType):
    """A module that has whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        return _stand_in(self.__name__, name)


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        is_ours = name.partition(".")[0] in STOOD_IN_FOR
        return ModuleSpec(name, self, is_package=True) if is_ours else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Package(spec.name)

    def exec_module(self, _module: ModuleType) -> None:
        pass


def _stand_in(place: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Named(name, (), {"__module__": place})


sys.meta_path.insert(0, _Finder())
sys.modules[__name__].__class__ = _Package
