"""Functions of a user's program, for tasks that Rust submits."""

import numpy


def shown(*arguments, **keywords):
    """What arrived, as Python writes it."""
    text = ", ".join([repr(argument) for argument in arguments] + [f"{name}={value!r}" for name, value in keywords.items()])
    return text


def class_of(value):
    return f"{type(value).__module__}.{type(value).__name__}"


def same(value):
    return value


class Account:
    """No plain data."""

    def __init__(self, owner, balance=0):
        self.owner = owner
        self.balance = balance

    @staticmethod
    def opened(owner):
        return Account(owner)

    def deposited(self, amount):
        return Account(self.owner, self.balance + amount)

    def told(self):
        return f"{self.owner} has {self.balance}"


class Refused(Exception):
    """Its arguments are not those that it shows."""

    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code
        self.text = text

    def __str__(self):
        return f"{self.text} ({self.code})"


class Unpicklable(Exception):
    def __reduce__(self):
        raise TypeError("this exception stays where it is")


class Unloadable(Exception):
    """Can be sent, and not be made again: its constructor takes what it does not keep."""

    def __init__(self, first, *, needed):
        super().__init__(first)
        self.needed = needed


def refuse():
    raise Refused(7, "not today")


def raise_unpicklable():
    raise Unpicklable("cannot travel")


def raise_unloadable():
    raise Unloadable("cannot be made", needed=1)


def raise_local():
    class Local(Exception):
        pass

    raise Local("of a function")


def raise_from():
    try:
        {}["absent"]
    except KeyError as error:
        raise RuntimeError("on top") from error


def raise_during():
    try:
        1 / 0
    except ZeroDivisionError:
        raise ValueError("while handling")


def exits():
    raise SystemExit(3)


def results():
    """One of each kind."""
    return {
        "none": None,
        "true": True,
        "int": -5,
        "float": 1.5,
        "text": "h\u00e9",
        "bytes": b"\x00\xff",
        "list": [1, [2, []]],
        "tuple": (1, "a"),
        "set": {3},
        "dict": {1: "a", "b": 2},
    }


def big(exponent, sign=1):
    return sign * 2**exponent


def numpy_scalar(kind, value):
    return getattr(numpy, kind)(value)


def array(kind, layout):
    """The numbers from 0 to 5, in a shape of 2 x 3."""
    base = numpy.arange(6).reshape(2, 3).astype(kind)
    return {
        "c": base,
        "fortran": numpy.asfortranarray(base),
        "big": base.astype(numpy.dtype(kind).newbyteorder(">")),
        "big-fortran": numpy.asfortranarray(base.astype(numpy.dtype(kind).newbyteorder(">"))),
        "strided": numpy.repeat(numpy.repeat(base, 2, axis=0), 3, axis=1)[::2, ::3],
        "reversed": base[::-1, ::-1][::-1, ::-1],
        "transposed": numpy.ascontiguousarray(base.T).T,
        "read-only": numpy.frombuffer(base.tobytes(), dtype=kind).reshape(2, 3),
        "broadcast": numpy.broadcast_to(base[:1], (2, 3)),
    }[layout]


def described(array):
    return f"{type(array).__name__} {array.dtype} {array.shape} {array.flags.c_contiguous} {array.ravel().tolist()}"


def filled(count):
    return numpy.arange(count, dtype="f8")
