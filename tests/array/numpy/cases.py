"""Writes `cases.json`: what NumPy and dask.array answer, for `numpy.rs` to compare ours with.

    python3 -m venv venv && venv/bin/pip install numpy "dask[array]" && venv/bin/python cases.py

Each function below gets a module, `np` or `da`, and the inputs; it is called with both, and both must agree. `dask=False`
marks what dask.array has not. Elements are text, one after the other in C order, so that nothing is rounded on the way; a complex
number is two, with a comma.
"""

import json
import pathlib
import warnings

import dask.array as da
import numpy as np

warnings.simplefilter("ignore")

# Ours have no u64: sums of `u8` are `i64`.
NAMES = {
    "bool": "bool", "uint8": "u8", "int32": "i32", "int64": "i64", "uint64": "i64",
    "float32": "f32", "float64": "f64", "complex128": "Complex64",
}  # fmt: skip
DTYPES = {"bool": "?", "u8": "u1", "i32": "i4", "i64": "i8", "f32": "f4", "f64": "f8", "Complex64": "c16"}
CASES = []


class Given:
    """An array in chunks."""

    def __init__(self, values, dtype, chunks):
        self.plain = np.asarray(values, dtype=DTYPES[dtype])
        self.chunks = da.core.normalize_chunks(chunks, self.plain.shape)

    def chunked(self):
        return da.from_array(self.plain, chunks=self.chunks)


def text(value):
    if isinstance(value, np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, np.complexfloating):
        return f"{float(value.real)!r},{float(value.imag)!r}"
    if isinstance(value, np.floating):
        # The shortest that gives the same again in its own type.
        return np.format_float_scientific(value, trim="-") if np.isfinite(value) else str(value)
    return str(int(value))


def written(array):
    array = np.asarray(array)
    elements = " ".join(text(value) for value in array.ravel())
    return {"dtype": NAMES[array.dtype.name], "shape": list(array.shape), "elements": elements}


def agree(one, other):
    one, other = np.asarray(one), np.asarray(other)
    if one.dtype != other.dtype or one.shape != other.shape:
        return False
    if one.dtype.kind in "fc":
        finite = np.abs(one[np.isfinite(one)])
        tolerance = 1e-5 if one.dtype == np.float32 else 1e-13
        # Sums of products cancel.
        absolute = 1e-15 * finite.max() if finite.size and finite.max() < 1e6 else 0
        return np.allclose(one, other, rtol=tolerance, atol=absolute, equal_nan=True)
    return np.array_equal(one, other)


def case(operation, what, inputs, function, *, dask=True, **parameters):
    """One case. `what` makes the name unique."""
    expected = function(np, *[given.plain for given in inputs])
    name = f"{operation}: {what}"
    if dask:
        lazy = function(da, *[given.chunked() for given in inputs])
        found = lazy.compute() if hasattr(lazy, "compute") else lazy
        assert agree(expected, found), (name, expected, found)
    write(name, operation, inputs, written(expected), parameters)


def refused(operation, what, inputs, error, function, raises=(ValueError, TypeError), **parameters):
    """One that NumPy refuses as well. `error` is the variant of ours."""
    name = f"{operation}: {what}"
    try:
        function(np, *[given.plain for given in inputs])
    except raises:
        write(name, operation, inputs, {"error": error}, parameters)
    else:
        raise AssertionError(f"{name} is not refused")


def write(name, operation, inputs, expected, parameters):
    arrays = [written(given.plain) | {"chunks": [list(axis) for axis in given.chunks]} for given in inputs]
    CASES.append(
        {"name": name, "operation": operation, "parameters": parameters, "inputs": arrays, "expected": expected}
    )


def scalar(value, dtype):
    return {"dtype": dtype, "elements": text(np.asarray(value, DTYPES[dtype])[()])}


# --- inputs ---

RANDOM = np.random.default_rng(20)


def decimals(shape, low=-10.0, high=10.0):
    return np.round(RANDOM.uniform(low, high, shape), 3)


INF, NAN = np.inf, np.nan
A = Given(decimals((3, 4)), "f64", ((2, 1), (3, 1)))
B = Given(decimals((4,)), "f64", ((2, 2),))
COLUMN = Given(decimals((3, 1)), "f64", ((1, 2), (1,)))
POSITIVE = Given(decimals((2, 5), 0.01, 20.0), "f64", ((1, 1), (2, 3)))
UNIT = Given(decimals((7,), -1.0, 1.0), "f64", ((3, 0, 4),))
CUBE = Given(decimals((3, 4, 5)), "f64", ((2, 1), (4,), (2, 2, 1)))
SIX = Given(decimals((2, 1, 2, 3, 1, 2)), "f64", 2)
SPECIAL = Given([NAN, INF, -INF, 0.0, -0.0, 1.5, -2.5, 1e300, 1e-300], "f64", ((4, 5),))
OTHERS = Given([1.0, -INF, INF, 0.0, 3.0, NAN, 0.0, 1e300, -1e-300], "f64", ((3, 3, 3),))
HOLES = Given([[1.0, NAN, 3.0], [-2.0, 5.0, -INF], [7.0, 0.0, 2.0]], "f64", ((1, 2), (2, 1)))
NOTHING = Given(np.zeros((0, 3)), "f64", ((0,), (2, 1)))
POINT = Given(2.5, "f64", ())
SINGLE = Given([[0.25, -1.5, 3.0], [10.75, -0.5, 2.0]], "f32", ((1, 1), (2, 1)))
BYTES = Given([[0, 1, 2, 3], [127, 128, 254, 255], [200, 100, 17, 5]], "u8", ((1, 2), (3, 1)))
BYTES_ROW = Given([3, 250, 7, 0], "u8", ((4,),))
INTS = Given([[7, -7, 7, -7], [0, 5, -5, 2147483647], [-2147483648, 3, -1, 9]], "i32", ((2, 1), (2, 2)))
INTS_ROW = Given([3, 3, -3, -1], "i32", ((1, 3),))
DIVISORS = Given([[3, 3, -3, -3], [5, 0, 0, -1], [-1, -2, 4, -9]], "i32", ((3,), (4,)))
LONGS = Given([[9, -9, 2**62, -(2**63)], [2**63 - 1, 0, -1, 4]], "i64", ((1, 1), (1, 3)))
LONGS_OTHER = Given([[2, 2, 4, -1], [1, 0, -3, 3]], "i64", ((2,), (2, 2)))
SMALL = Given([[3, -1, 4, 1, 5], [-9, 2, 6, 5, 3]], "i64", ((1, 1), (2, 2, 1)))
EXPONENTS = Given([0, 1, 2, 3, 7], "i64", ((5,),))
TRUTH = Given([[True, False, True], [False, False, True]], "bool", ((1, 1), (3,)))
TRUTH_ROW = Given([True, True, False], "bool", ((1, 2),))
COMPLEX = Given([[1 + 2j, -3 + 0.5j, 4j], [-1 - 1j, 2.0, 0.25 - 8j]], "Complex64", ((1, 1), (2, 1)))
COMPLEX_ROW = Given([2 - 1j, 0.5 + 3j, -1 + 1j], "Complex64", ((2, 1),))
COMPLEX_LARGE = Given([1e200 + 1e200j, 1e-200 - 2e-200j, 3 + 4j, 0, complex(INF, 1)], "Complex64", ((2, 3),))
COMPLEX_BELOW = Given([2e200 - 1e200j, 1e-200 + 1e-200j, 0, 0, 2], "Complex64", ((5,),))

ARITHMETIC = {
    "add": lambda xp, x, y: x + y,
    "subtract": lambda xp, x, y: x - y,
    "multiply": lambda xp, x, y: x * y,
    "divide": lambda xp, x, y: x / y,
    "floor_divide": lambda xp, x, y: x // y,
    "remainder": lambda xp, x, y: x % y,
    "minimum": lambda xp, x, y: xp.minimum(x, y),
    "maximum": lambda xp, x, y: xp.maximum(x, y),
    "hypot": lambda xp, x, y: xp.hypot(x, y),
    "arctan2": lambda xp, x, y: xp.arctan2(x, y),
    "power": lambda xp, x, y: x**y,
    "and": lambda xp, x, y: x & y,
    "or": lambda xp, x, y: x | y,
    "xor": lambda xp, x, y: x ^ y,
}
COMPARISONS = {
    "eq": lambda xp, x, y: x == y,
    "ne": lambda xp, x, y: x != y,
    "lt": lambda xp, x, y: x < y,
    "le": lambda xp, x, y: x <= y,
    "gt": lambda xp, x, y: x > y,
    "ge": lambda xp, x, y: x >= y,
}


def pair(operation, what, left, right, **options):
    case(operation, what, [left, right], (ARITHMETIC | COMPARISONS)[operation], **options)


def pairs():
    for operation in ["add", "subtract", "multiply", "divide", "floor_divide", "remainder", "minimum", "maximum"]:
        pair(operation, "broadcast", A, B)
        pair(operation, "NaN and infinity", SPECIAL, OTHERS)
        pair(operation, "whole numbers and zeros", INTS, DIVISORS)
        pair(operation, "long extremes", LONGS, LONGS_OTHER)
        if operation != "divide":
            # Its quotients are float32 for bytes; ours are f64.
            pair(operation, "bytes wrap", BYTES, BYTES_ROW)
        pair(operation, "singles", SINGLE, SINGLE)
    for operation in ["hypot", "arctan2"]:
        pair(operation, "broadcast", A, COLUMN)
        pair(operation, "NaN and infinity", SPECIAL, OTHERS)
        pair(operation, "whole numbers", SMALL, EXPONENTS)
    for operation in ["add", "subtract", "multiply", "divide", "minimum", "maximum"]:
        pair(operation, "complex", COMPLEX, COMPLEX_ROW)
    pair("divide", "complex extremes", COMPLEX_LARGE, COMPLEX_BELOW)
    zeros = Given([0, 0, 0, 0], "Complex64", 2)
    pair("power", "of complex zero", zeros, Given([1 + 1j, 0, 3, 0.5], "Complex64", 3))
    pair("power", "broadcast", POSITIVE, Given([0.5, 2.0, -1.0, 0.0, 3.25], "f64", 2))
    pair("power", "NaN and infinity", SPECIAL, OTHERS)
    pair("power", "whole numbers", SMALL, EXPONENTS)
    pair("power", "bytes wrap", BYTES, Given([1, 2, 3, 8], "u8", 2))
    pair("power", "complex", COMPLEX, COMPLEX_ROW)
    pair("power", "complex to whole", COMPLEX, Given([2, 0, -3], "Complex64", 2))
    for operation in ["and", "or", "xor"]:
        pair(operation, "truth", TRUTH, TRUTH_ROW)
        pair(operation, "whole numbers", SMALL, EXPONENTS)
        pair(operation, "bytes", BYTES, BYTES_ROW)
    for operation in ["add", "multiply", "minimum", "maximum"]:
        pair(operation, "truth", TRUTH, TRUTH_ROW)
    complex_nan = [
        Given([complex(1, NAN), complex(NAN, 1), 2, complex(2, 1)], "Complex64", 3),
        Given([2, 2, complex(3, NAN), complex(2, NAN)], "Complex64", 2),
    ]
    for operation in COMPARISONS:
        pair(operation, "NaN and infinity", SPECIAL, OTHERS)
        pair(operation, "whole numbers", INTS, DIVISORS)
        pair(operation, "complex", COMPLEX, COMPLEX_ROW)
        pair(operation, "truth", TRUTH, TRUTH_ROW)
        pair(operation, "complex NaN", *complex_nan)
    for operation in ["add", "multiply", "lt", "maximum"]:
        pair(operation, "bytes and ints", BYTES, INTS_ROW)
        pair(operation, "ints and singles", Given([[1], [-2]], "i32", 1), SINGLE)
        pair(operation, "truth and longs", TRUTH, Given([5, -1, 0], "i64", 2))
        pair(operation, "longs and floats", Given([[1], [2], [-3]], "i64", 2), A)
        pair(operation, "singles and floats", SINGLE, Given([1.5, -2.0, 0.25], "f64", 2))
        pair(operation, "bytes and singles", Given([1, 2, 255], "u8", 2), SINGLE)
        pair(operation, "truth and floats", TRUTH, Given([0.5, -1.0, 0.0], "f64", 1))
    for operation in ["add", "multiply"]:
        pair(operation, "floats and complex", Given([0.5, -1.0, 3.0], "f64", 1), COMPLEX)
        pair(operation, "longs and complex", Given([2, -1, 3], "i64", 2), COMPLEX)
    pair("add", "six axes", SIX, Given(decimals((3, 1, 2)), "f64", 2))
    pair("add", "no elements", NOTHING, Given([1.0, 2.0, 3.0], "f64", 2))
    pair("add", "without axes", POINT, A)
    pair("multiply", "row by column", COLUMN, B)
    refused("add", "shapes differ", [A, Given([1.0, 2.0], "f64", 1)], "Broadcast", ARITHMETIC["add"])
    refused("add", "nothing and two", [NOTHING, Given(np.ones((2, 3)), "f64", 1)], "Broadcast", ARITHMETIC["add"])
    refused("lt", "shapes differ", [A, COLUMN_OF_FOUR], "Broadcast", COMPARISONS["lt"])
    refused("subtract", "truth", [TRUTH, TRUTH], "Unsupported", ARITHMETIC["subtract"])
    refused("and", "floats", [A, A], "Unsupported", ARITHMETIC["and"])
    refused("floor_divide", "complex", [COMPLEX, COMPLEX], "Unsupported", ARITHMETIC["floor_divide"])
    refused("remainder", "complex", [COMPLEX, COMPLEX], "Unsupported", ARITHMETIC["remainder"])


COLUMN_OF_FOUR = Given(decimals((4, 1)), "f64", 2)


def number(operation, what, array, value, dtype, side="right", **options):
    plain = {"i64": int, "f64": float, "Complex64": complex, "bool": bool}[dtype](value)
    function = (ARITHMETIC | COMPARISONS)[operation]
    turned = (lambda xp, x: function(xp, x, plain)) if side == "right" else (lambda xp, x: function(xp, plain, x))
    case(operation + "_scalar", what, [array], turned, scalar=scalar(value, dtype), side=side, **options)


def numbers():
    for side in ["left", "right"]:
        for operation in ["add", "subtract", "multiply", "divide", "remainder"]:
            number(operation, f"float {side} of floats", A, 2.5, "f64", side)
            number(operation, f"whole {side} of longs", SMALL, -3, "i64", side)
        number("subtract", f"whole {side} of bytes", BYTES, 7, "i64", side)
        number("multiply", f"float {side} of ints", INTS, 0.5, "f64", side)
        number("multiply", f"float {side} of singles", SINGLE, 0.1, "f64", side)
        number("add", f"complex {side} of floats", B, 1 - 2j, "Complex64", side)
        number("add", f"whole {side} of truth", TRUTH, 3, "i64", side)
        number("add", f"float {side} of truth", TRUTH, 1.5, "f64", side)
        number("subtract", f"complex {side} of complex", COMPLEX, 2j, "Complex64", side)
    for operation in ["minimum", "maximum"]:
        number(operation, "NaN and infinity", SPECIAL, 1.0, "f64")
        number(operation, "whole", SMALL, 3, "i64")
    number("power", "square", A, 2, "i64")
    number("power", "root of longs", Given([4, 9, 2], "i64", 2), 0.5, "f64")
    number("power", "whole", SMALL, 3, "i64")
    number("power", "by float", POSITIVE, -1.5, "f64")
    number("floor_divide", "by tenths", Given([-1.0, 1.0, 0.3, 7.25, INF, -0.0], "f64", 4), 0.1, "f64")
    number("floor_divide", "by infinity", Given([-1.0, 1.0, 0.0, INF, NAN], "f64", 4), INF, "f64")
    number("floor_divide", "by minus infinity", Given([-1.0, 1.0, 0.0, INF], "f64", 4), -INF, "f64")
    number("floor_divide", "by zero", Given([-1.0, 1.0, 0.0], "f64", 2), 0.0, "f64")
    number("floor_divide", "whole by zero", SMALL, 0, "i64")
    number("floor_divide", "whole", SMALL, -4, "i64")
    number("remainder", "by infinity", Given([-1.0, 1.0, 0.0, INF], "f64", 4), INF, "f64")
    number("remainder", "by zero", Given([-1.0, 1.0, 0.0], "f64", 2), 0.0, "f64")
    number("remainder", "whole by zero", SMALL, 0, "i64")
    for operation in COMPARISONS:
        number(operation, "floats", SPECIAL, 1.5, "f64")
        number(operation, "whole", SMALL, 3, "i64")
    number("lt", "whole numbers and a float", SMALL, 3.5, "f64")
    number("eq", "bytes", BYTES, 255, "i64")
    too_large = dict(scalar=scalar(300, "i64"), side="right")
    refused("add_scalar", "300 is no byte", [BYTES], "OutOfRange", lambda xp, x: x + 300, OverflowError, **too_large)


FLOATS = ["sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos"]
FLOATS += ["arctan", "sinh", "cosh", "tanh", "reciprocal"]
SAME = ["sign", "square", "floor", "ceil", "round", "trunc", "conj", "negative", "absolute"]
TESTS = ["isnan", "isinf", "isfinite"]


def one(operation, what, array, **options):
    case(operation, what, [array], lambda xp, x: getattr(xp, operation)(x), **options)


def functions():
    whole = Given(np.arange(1, 6), "i64", 2)
    for operation in FLOATS:
        one(operation, "floats", UNIT if operation.startswith("arc") else POSITIVE)
        one(operation, "NaN and infinity", SPECIAL)
        if operation != "reciprocal":
            # NumPy's is of whole numbers; ours is f64.
            one(operation, "whole numbers", Given([-1, 0, 1], "i64", 2) if operation.startswith("arc") else whole)
    for operation in ["sqrt", "exp", "log", "sin", "tanh"]:
        one(operation, "singles", SINGLE)
    for operation in ["sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "tanh", "reciprocal"]:
        one(operation, "complex", COMPLEX)
    for operation in ["log", "sqrt"]:
        one(operation, "complex extremes", Given([1e200 + 1e200j, -4, 3 + 4j, 1e-200j], "Complex64", 3))
    for operation in ["exp", "log", "sqrt", "tanh"]:
        one(operation, "complex infinity", Given([INF, -INF, complex(1, INF)], "Complex64", 3))
    one("tanh", "complex extremes", Given([1000 + 1j, -1000 + 1j, 400 - 2j, 0], "Complex64", 3))
    one("tan", "complex extremes", Given([1 + 1000j, 1 - 1000j, 0], "Complex64", 3))
    one("reciprocal", "complex extremes", Given([1e200 + 1e200j, 1e-200 - 1e-200j, 2], "Complex64", 3))
    one("square", "complex", COMPLEX)
    one("conj", "complex", COMPLEX)
    one("negative", "complex", COMPLEX)
    for operation in SAME:
        one(operation, "floats", Given([[-2.5, -0.5, 0.5], [1.5, 2.5, 3.2]], "f64", 2))
        one(operation, "NaN and infinity", SPECIAL)
        one(operation, "longs", LONGS)
    for operation in ["negative", "square", "absolute", "sign"]:
        one(operation, "bytes", BYTES)
        one(operation, "ints", INTS)
    one("absolute", "complex", COMPLEX)
    one("absolute", "complex extremes", COMPLEX_LARGE)
    for part in ["real", "imag"]:
        case(part, "complex", [COMPLEX], lambda xp, x: getattr(x, part))
    for operation in TESTS:
        one(operation, "NaN and infinity", SPECIAL)
        one(operation, "ints", INTS)
        one(operation, "complex", Given([complex(NAN, 1), complex(1, NAN), complex(INF, NAN), 1j], "Complex64", 3))
    for what, array in [("truth", TRUTH), ("longs", LONGS), ("bytes", BYTES)]:
        case("invert", what, [array], lambda xp, x: ~x)
    refused("negative", "truth", [TRUTH], "Unsupported", lambda xp, x: -x)
    refused("invert", "floats", [A], "Unsupported", lambda xp, x: ~x)
    refused("floor", "complex", [COMPLEX], "Unsupported", lambda xp, x: xp.floor(x))
    refused("cbrt", "complex", [COMPLEX], "Unsupported", lambda xp, x: xp.cbrt(x))


def conversions():
    floats = Given([[-2.75, -0.5, 0.0], [0.5, 99.9, 127.0]], "f64", 2)
    wide = Given([0, 1, -1, 300, -300, 2**31, -(2**31) - 1, 2**40 + 7, 2**63 - 1], "i64", 4)
    sources = {"floats": floats, "longs": wide, "truth": TRUTH, "bytes": BYTES, "ints": INTS, "singles": SINGLE}
    for what, array in sources.items():
        for dtype in DTYPES:
            if NAMES[array.plain.dtype.name] != dtype and not (what == "singles" and dtype == "u8"):
                convert = lambda xp, x: x.astype(DTYPES[dtype])
                case("cast", f"{what} to {dtype}", [array], convert, dtype=dtype)
    for dtype in ["f64", "bool"]:
        case("cast", f"complex to {dtype}", [COMPLEX], lambda xp, x: x.astype(DTYPES[dtype]), dtype=dtype)
    case("cast", "NaN to bool", [SPECIAL], lambda xp, x: x.astype("?"), dtype="bool")
    case("cast", "NaN to f32", [SPECIAL], lambda xp, x: x.astype("f4"), dtype="f32")
    for what, array, low, high, dtype in [
        ("floats", A, -2.5, 4.0, "f64"), ("NaN and infinity", SPECIAL, -1.0, 2.0, "f64"), ("longs", SMALL, 0, 4, "i64"),
        ("bounds the wrong way round", SMALL, 4, 1, "i64"), ("NaN as a bound", B, NAN, 2.0, "f64"),
    ]:  # fmt: skip
        bounds = {"low": scalar(low, dtype), "high": scalar(high, dtype)}
        case("clip", what, [array], lambda xp, x: xp.clip(x, low, high), **bounds)
    case("where", "broadcast", [TRUTH, Given(decimals((2, 1)), "f64", 1), SINGLE], lambda xp, c, x, y: xp.where(c, x, y))
    case("where", "longs and floats", [TRUTH_ROW, Given([1, 2, 3], "i64", 2), Given([0.5, NAN, INF], "f64", 1)],
         lambda xp, c, x, y: xp.where(c, x, y))  # fmt: skip
    case("where", "bytes and ints", [TRUTH_ROW, Given([1, 2, 3], "u8", 2), Given([-1, -2, -3], "i32", 1)],
         lambda xp, c, x, y: xp.where(c, x, y))  # fmt: skip
    case("where", "complex", [TRUTH, COMPLEX, COMPLEX_ROW], lambda xp, c, x, y: xp.where(c, x, y))
    refused("where", "shapes differ", [TRUTH, A, A], "Broadcast", lambda xp, c, x, y: xp.where(c, x, y))


def reduced(operation, what, array, axes=None, keepdims=False, **options):
    axis = tuple(axes) if isinstance(axes, list) else axes
    ddof = {"ddof": options["ddof"]} if "ddof" in options else {}
    function = lambda xp, x: getattr(xp, operation)(x, axis=axis, keepdims=keepdims, **ddof)
    given = axes if isinstance(axes, list) or axes is None else [axes]
    case(operation, what, [array], function, axes=given, keepdims=keepdims, **options)


def reductions():
    for operation in ["sum", "prod", "mean", "min", "max", "any", "all"]:
        reduced(operation, "all", CUBE)
        reduced(operation, "first axis", CUBE, 0)
        reduced(operation, "last axis kept", CUBE, -1, True)
        reduced(operation, "two axes", CUBE, [0, 2])
        reduced(operation, "NaN", HOLES, 0)
        reduced(operation, "longs", SMALL, 1)
        reduced(operation, "bytes", BYTES, 0)
        reduced(operation, "ints", INTS)
        reduced(operation, "singles", SINGLE, 1)
        if operation not in ["min", "max"]:
            reduced(operation, "truth", TRUTH, 0)
            reduced(operation, "nothing", NOTHING, 0, dask=operation != "mean")
            reduced(operation, "nothing at all", NOTHING, dask=operation != "mean")
        reduced(operation, "complex", COMPLEX, 0)
        reduced(operation, "no axes of it", A, [])
        reduced(operation, "without axes", POINT)
        reduced(operation, "six axes", SIX, [0, 3, -1], True)
    for operation in ["min", "max"]:
        reduced(operation, "truth", TRUTH, 0)
        reduced(operation, "nothing is left", NOTHING, 1, dask=False)
        function = lambda xp, x: getattr(xp, operation)(x, axis=0)
        refused(operation, "of nothing", [NOTHING], "Empty", function, axes=[0], keepdims=False)
        refused(operation, "of nothing at all", [NOTHING], "Empty", lambda xp, x: getattr(xp, operation)(x), axes=None,
                keepdims=False)  # fmt: skip
    for operation in ["var", "std"]:
        for ddof in [0.0, 1.0]:
            reduced(operation, f"all, ddof {ddof}", CUBE, ddof=ddof)
            reduced(operation, f"first axis, ddof {ddof}", CUBE, 0, ddof=ddof)
            reduced(operation, f"two axes kept, ddof {ddof}", CUBE, [1, 2], True, ddof=ddof)
            reduced(operation, f"longs, ddof {ddof}", SMALL, 1, ddof=ddof)
        reduced(operation, "far from zero", Given(1e3 + decimals((40,)), "f64", 7), ddof=0.0)
        reduced(operation, "NaN", HOLES, 1, ddof=0.0)
        reduced(operation, "complex", COMPLEX, 0, ddof=0.0, dask=False)
        reduced(operation, "truth", TRUTH, 1, ddof=0.0)
        reduced(operation, "more ddof than elements", COMPLEX_PARTS, 1, ddof=3.0, dask=False)
        reduced(operation, "nothing", NOTHING, 0, ddof=0.0, dask=False)
    for operation in ["argmin", "argmax"]:
        ties = Given([[3, 1, 3, 1], [1, 3, 0, 3]], "i64", ((1, 1), (1, 2, 1)))
        for what, array in [("floats", A), ("ties", ties), ("NaN", HOLES), ("truth", TRUTH), ("bytes", BYTES)]:
            reduced(operation, f"{what}, all", array, dask=what != "NaN")
            reduced(operation, f"{what}, first axis", array, 0, dask=what != "NaN")
            reduced(operation, f"{what}, last axis kept", array, -1, True, dask=what != "NaN")
        reduced(operation, "complex", COMPLEX, 1, dask=False)
        reduced(operation, "three axes", CUBE, 1)
        refused(operation, "of nothing", [NOTHING], "Empty", lambda xp, x: getattr(xp, operation)(x, axis=0), axes=[0],
                keepdims=False)  # fmt: skip
    refused("sum", "no such axis", [A], "Axis", lambda xp, x: xp.sum(x, axis=2), axes=[2], keepdims=False)
    refused("sum", "an axis twice", [A], "RepeatedAxis", lambda xp, x: xp.sum(x, axis=(0, -2)), axes=[0, -2], keepdims=False)
    refused("mean", "no such axis from the end", [A], "Axis", lambda xp, x: xp.mean(x, axis=-3), axes=[-3], keepdims=True)


COMPLEX_PARTS = Given([[1.0, 2.0], [4.0, 4.0]], "f64", 1)


def along():
    for what, array, axis in [
        ("floats", A, 0), ("last axis", CUBE, -1), ("middle axis", CUBE, 1), ("NaN and infinity", SPECIAL, 0),
        ("longs wrap", LONGS, 1), ("bytes", BYTES, 0), ("ints", INTS, 1), ("truth", TRUTH, 1), ("singles", SINGLE, 0),
        ("complex", COMPLEX, 1), ("nothing", NOTHING, 0), ("empty chunks", UNIT, 0),
    ]:  # fmt: skip
        case("cumsum", what, [array], lambda xp, x: xp.cumsum(x, axis=axis), dask=what != "empty chunks", axis=axis)
    refused("cumsum", "no such axis", [A], "Axis", lambda xp, x: xp.cumsum(x, axis=2), axis=2)
    for what, array, q, axis, keepdims in [
        ("median", A, 0.5, 0, False), ("least", A, 0.0, 1, False), ("largest kept", A, 1.0, -1, True),
        ("between", CUBE, 0.37, 2, False), ("middle axis", CUBE, 0.9, 1, True), ("longs", SMALL, 0.25, 1, False),
        ("bytes", BYTES, 0.6, 0, False), ("singles", SINGLE, 0.5, 1, False),
        ("NaN", Given([[1.0, NAN], [2.0, 3.0]], "f64", 1), 0.5, 0, False), ("one element", B_ONE, 0.3, 0, False),
    ]:  # fmt: skip
        function = lambda xp, x: np.quantile(x, q, axis=axis, keepdims=keepdims)
        case("quantile", what, [array], function, dask=False, q=q, axis=axis, keepdims=keepdims)
    parameters = {"axis": 0, "keepdims": False}
    refused("quantile", "above one", [A], "Parameter", lambda xp, x: xp.quantile(x, 1.5, axis=0), q=1.5, **parameters)
    refused("quantile", "complex", [COMPLEX], "Unsupported", lambda xp, x: xp.quantile(x, 0.5, axis=0), q=0.5, **parameters)
    refused("quantile", "of nothing", [NOTHING], "Empty", lambda xp, x: xp.quantile(x, 0.5, axis=0), IndexError, q=0.5,
            **parameters)  # fmt: skip


B_ONE = Given([4.5], "f64", 1)


def creation():
    for start, stop, step in [(0, 10, 3), (10, -3, -4), (5, 5, 1), (0, -5, 2), (-7, 8, 5), (3, 4, 100)]:
        parameters = {"start": start, "stop": stop, "step": step, "chunks": 2}
        case("arange", f"{start} to {stop} by {step}", [], lambda xp: xp.arange(start, stop, step), dtype="i64", **parameters)
    for start, stop, step in [(0.0, 1.0, 0.1), (1.0, -1.0, -0.3), (0.5, 10.0, 1.25), (2.0, 2.0, 1.0)]:
        parameters = {"start": start, "stop": stop, "step": step, "chunks": 3}
        case("arange", f"{start} to {stop} by {step}", [], lambda xp: xp.arange(start, stop, step), dtype="f64", **parameters)
    refused("arange", "by nothing", [], "Parameter", lambda xp: xp.arange(0, 5, 0), ZeroDivisionError, dtype="i64", start=0,
            stop=5, step=0, chunks=1)  # fmt: skip
    for start, stop, count in [(0.0, 1.0, 7), (-3.0, 8.5, 10), (2.0, 2.0, 3), (5.0, -5.0, 4), (1.0, 2.0, 1), (1.0, 2.0, 0)]:
        function = lambda xp: xp.linspace(start, stop, count)
        case("linspace", f"{start} to {stop}, {count}", [], function, dask=count > 1, start=start, stop=stop, count=count,
             chunks=3)  # fmt: skip
    for shape in [[], [3], [2, 0, 3], [2, 1, 3, 1, 2, 2]]:
        case("zeros", str(shape), [], lambda xp: xp.zeros(shape), shape=shape, chunks=2)
        case("ones", str(shape), [], lambda xp: xp.ones(shape), shape=shape, chunks=2)
    for dtype, value in [("bool", True), ("u8", 255), ("i32", -7), ("i64", 2**62), ("f32", 0.1), ("Complex64", 1 - 2j)]:
        function = lambda xp: xp.full((2, 3), value, dtype=DTYPES[dtype])
        case("full", dtype, [], function, shape=[2, 3], chunks=2, scalar=scalar(value, dtype))


def sliced(x, items):
    """As `ndarray` has it: a negative step goes through a range from its end."""
    first = tuple(
        None if item == "new" else item if isinstance(item, int) else slice(item[0], item[1], max(item[2], 1))
        if item[2] > 0 else slice(item[0], item[1])
        for item in items
    )  # fmt: skip
    kept = [item for item in items if not isinstance(item, int)]
    second = tuple(slice(None, None, item[2]) if item != "new" and item[2] < 0 else slice(None) for item in kept)
    return x[first][second]


def indexing():
    for what, array, items in [
        ("ranges", CUBE, [[0, 2, 1], [1, None, 1], [-3, -1, 1]]), ("steps", CUBE, [[0, None, 2], [1, None, 2], [0, None, 3]]),
        ("backwards", CUBE, [[0, None, -1], [1, 4, -2], [0, None, -1]]), ("indices", CUBE, [1, [0, None, 1], -1]),
        ("all indices", CUBE, [2, -4, 3]), ("new axes", A, ["new", [0, 2, 1], "new", [0, None, -1]]),
        ("nothing", A, [[1, 1, 1]]), ("fewer than axes", CUBE, [[1, 3, 1]]), ("truth", TRUTH, [[0, None, -1], 0]),
        ("complex", COMPLEX, [[0, None, 1], [0, None, 2]]), ("bytes", BYTES, [[1, None, 1], [0, None, -2]]),
    ]:  # fmt: skip
        case("slice", what, [array], lambda xp, x: sliced(x, items), items=items)
    refused("slice", "an index outside", [A], "Index", lambda xp, x: x[3], IndexError, items=[3])
    refused("slice", "more than axes", [B], "Axis", lambda xp, x: x[0, 0], IndexError, items=[0, 0])
    for what, array, indices, axis in [
        ("in order", CUBE, [0, 2, 3], 1), ("in disorder and again", CUBE, [4, 0, 0, -1, 2], 2), ("first axis", SMALL, [1, 1, 0], 0),
        ("none", A, [], 1), ("bytes", BYTES, [3, 0], -1), ("truth", TRUTH, [2, 0, 1], 1),
    ]:  # fmt: skip
        case("take", what, [array], lambda xp, x: xp.take(x, np.asarray(indices, int), axis=axis), indices=indices, axis=axis)
    refused("take", "outside", [A], "Index", lambda xp, x: xp.take(x, [0, 4], axis=1), IndexError, indices=[0, 4], axis=1)
    for what, array, mask, axis in [
        ("some", CUBE, [True, False, False, True], 1), ("none", A, [False] * 3, 0), ("all", SMALL, [True] * 5, -1),
    ]:  # fmt: skip
        case("compress", what, [array], lambda xp, x: xp.compress(np.asarray(mask), x, axis=axis), mask=mask, axis=axis)


# Shapes that dask.array does not reach in one step.
DASK_CANNOT = ["nothing", "across the chunks", "to a table"]


def shapes():
    for what, array in [("matrix", A), ("cube", CUBE), ("row", B), ("six axes", SIX), ("nothing", NOTHING), ("point", POINT)]:
        case("transpose", what, [array], lambda xp, x: xp.transpose(x))
    case("permute", "cube", [CUBE], lambda xp, x: xp.transpose(x, (2, 0, 1)), axes=[2, 0, 1])
    case("permute", "from the end", [CUBE], lambda xp, x: xp.transpose(x, (-1, 1, 0)), axes=[-1, 1, 0])
    refused("permute", "an axis twice", [A], "RepeatedAxis", lambda xp, x: xp.transpose(x, (0, 0)), axes=[0, 0])
    refused("permute", "no such axis", [A], "Axis", lambda xp, x: xp.transpose(x, (0, 2)), axes=[0, 2])
    for one, other in [(0, 2), (-1, 1)]:
        case("swap_axes", f"{one} and {other}", [CUBE], lambda xp, x: xp.swapaxes(x, one, other), one=one, other=other)
    for what, array, shape in [
        ("to a row", CUBE, [-1]), ("to a table", CUBE, [6, 10]), ("to a table of the rest", CUBE, [12, -1]),
        ("to more axes", CUBE, [3, 2, 2, 5]), ("row to cube", Given(np.arange(24), "i64", 5), [2, 3, 4]),
        ("across the chunks", SMALL, [5, 2]), ("nothing", NOTHING, [3, 0]), ("point to six axes", POINT, [1] * 6),
    ]:  # fmt: skip
        case("reshape", what, [array], lambda xp, x: xp.reshape(x, shape), dask=what not in DASK_CANNOT, shape=shape)
    refused("reshape", "too few", [A], "Shapes", lambda xp, x: xp.reshape(x, (5, 2)), shape=[5, 2])
    refused("reshape", "no whole rest", [A], "Parameter", lambda xp, x: xp.reshape(x, (5, -1)), shape=[5, -1])
    case("ravel", "cube", [CUBE], lambda xp, x: xp.ravel(x))
    for axis in [0, 1, -1, -3]:
        case("expand_dims", f"at {axis}", [A], lambda xp, x: xp.expand_dims(x, axis), axis=axis)
    case("squeeze", "six axes", [SIX], lambda xp, x: xp.squeeze(x))
    case("flip", "an axis", [CUBE], lambda xp, x: xp.flip(x, 1), axis=1)
    case("broadcast_to", "column", [COLUMN], lambda xp, x: xp.broadcast_to(x, (2, 3, 4)), shape=[2, 3, 4])
    case("broadcast_to", "point", [POINT], lambda xp, x: xp.broadcast_to(x, (2, 0)), dask=False, shape=[2, 0])
    refused("broadcast_to", "a row", [B], "Broadcast", lambda xp, x: xp.broadcast_to(x, (4, 3)), shape=[4, 3])
    for axis in [0, 1, -1]:
        other = Given(decimals((3, 4) if axis == 0 else (3, 2)), "f64", 2)
        function = lambda xp, x, y: xp.concatenate([x, y], axis=axis)
        case("concatenate", f"along {axis}", [A, other], function, axis=axis)
        case("stack", f"at {axis}", [A, A], lambda xp, x, y: xp.stack([x, y], axis=axis), axis=axis)
    case("concatenate", "bytes and nothing", [BYTES, Given(np.zeros((0, 4)), "u8", 1)],
         lambda xp, x, y: xp.concatenate([x, y]), axis=0)  # fmt: skip
    refused("concatenate", "shapes differ", [A, COLUMN], "Shapes", lambda xp, x, y: xp.concatenate([x, y]), axis=0)
    refused("stack", "shapes differ", [A, B], "Shapes", lambda xp, x, y: xp.stack([x, y]), axis=0)
    refused("stack", "no such axis", [A, A], "Axis", lambda xp, x, y: xp.stack([x, y], axis=4), axis=4)


def leaning(block):
    """Of each element, what is above it and twice what is to its right added. Margins have nothing."""
    result = np.zeros_like(block)
    result[1:, :-1] = block[1:, :-1] + block[:-1, :-1] + 2 * block[1:, 1:]
    return result


def around():
    modes = {"reflect": "symmetric", "periodic": "wrap", "nearest": "edge", "constant": "constant"}
    for boundary, mode in modes.items():
        for what, array in [("floats", A), ("longs", SMALL)]:
            fill = 3 if boundary == "constant" else boundary
            padded = {"constant_values": 3} if boundary == "constant" else {}
            def function(xp, x):
                if xp is da:
                    return da.map_overlap(leaning, x, depth=1, boundary=fill, dtype=x.dtype)
                return leaning(np.pad(x, 1, mode=mode, **padded))[1:-1, 1:-1]
            case("map_overlap", f"{what}, {boundary}", [array], function, boundary=boundary, fill=3)
    for what, array, shift, axis in [("forwards", CUBE, 2, 1), ("backwards", SMALL, -4, 1), ("round", B, 11, -1)]:
        case("roll", what, [array], lambda xp, x: xp.roll(x, shift, axis=axis), shift=shift, axis=axis)
    for what, array, counts in [("row", B, [3]), ("table", SMALL, [2, 3]), ("none of it", A, [0, 2])]:
        case("tile", what, [array], lambda xp, x: np.tile(x, counts), dask=False, counts=counts)
    for what, array, margins, value in [("table", A, [(1, 0), (2, 3)], 0.5), ("row", B, [(0, 2)], -1.0), ("no margin", A, [(0, 0)] * 2, 9.0)]:
        function = lambda xp, x: xp.pad(x, margins, mode="constant", constant_values=value)
        case("pad", what, [array], function, margins=[length for pair in margins for length in pair], value=value)


def products():
    dot = lambda xp, x, y: xp.dot(x, y)
    matmul = lambda xp, x, y: xp.matmul(x, y)
    wide = Given(decimals((4, 6)), "f64", ((1, 3), (4, 2)))
    batch = Given(decimals((2, 5, 3)), "f64", 2)
    for what, x, y in [
        ("matrices", A, wide), ("matrix and vector", A, B), ("vector and matrix", B, wide), ("vectors", B, B),
        ("longs", Given([[1, -2], [3, 2**62]], "i64", 1), Given([[4, 5, 6], [7, -8, 9]], "i64", 2)),
        ("complex", COMPLEX, Given([[1j, 2], [3 - 1j, 0], [0.5, 1 + 1j]], "Complex64", 2)),
        ("longs and floats", Given([[1, 2, 3]], "i64", 2), A), ("nothing between", Given(np.zeros((2, 0)), "f64", 1), NOTHING),
    ]:  # fmt: skip
        case("dot", what, [x, y], dot, dask=what != "nothing between")
        case("matmul", what, [x, y], matmul, dask=what != "nothing between")
    case("dot", "cube and matrix", [batch, A], dot)
    case("matmul", "batch and matrix", [batch, A], matmul)
    case("matmul", "batches", [batch, Given(decimals((4, 1, 3, 2)), "f64", 2)], matmul)
    refused("dot", "lengths differ", [A, A], "Shapes", dot)
    refused("matmul", "lengths differ", [A, A], "Shapes", matmul)
    refused("matmul", "a point", [A, POINT], "Shapes", matmul)
    other = Given(decimals((4, 3, 2)), "f64", 2)
    for what, left, right in [("one axis", [1], [0]), ("two axes", [0, 1], [1, 0]), ("from the end", [-3], [-2]), ("none", [], [])]:
        function = lambda xp, x, y: xp.tensordot(x, y, axes=(left, right))
        # Axes from the end are other axes in dask.array 2026.8.
        case("tensordot", what, [CUBE, other], function, dask=what in ["one axis", "two axes"], left=left, right=right)
    refused("tensordot", "lengths differ", [CUBE, other], "Shapes", lambda xp, x, y: xp.tensordot(x, y, axes=([0], [0])),
            left=[0], right=[0])  # fmt: skip
    square = Given([[4.0, 1.0, -2.0], [0.5, -3.0, 1.0], [2.0, 2.0, 7.0]], "f64", 2)
    for what, sides in [("one side", Given([1.0, -2.0, 3.5], "f64", 2)), ("two sides", Given(decimals((3, 2)), "f64", 1))]:
        case("solve", what, [square, sides], lambda xp, a, b: np.linalg.solve(a, b), dask=False)
    tall = Given(decimals((9, 3)), "f64", ((2, 4, 3), (3,)))
    case("singular_values", "tall", [tall], lambda xp, x: np.linalg.svd(x, compute_uv=False), dask=False)
    case("absolute_r", "tall", [tall], lambda xp, x: np.abs(np.linalg.qr(x)[1]), dask=False)


def counting():
    for what, array, bins, low, high in [
        ("floats", CUBE, 7, -10.0, 10.0), ("some are outside", CUBE, 4, -2.0, 3.5), ("on the edges", SMALL, 5, 0.0, 5.0),
        ("infinity", Given([INF, 1.0, -INF, 0.5, 0.25], "f64", 2), 3, 0.0, 1.0), ("bytes", BYTES, 4, 0.0, 255.0),
        ("no width", SMALL, 3, 5.0, 5.0), ("nothing", NOTHING, 2, 0.0, 1.0),
    ]:  # fmt: skip
        function = lambda xp, x: xp.histogram(x, bins=bins, range=(low, high))[0]
        case("histogram", what, [array], function, dask=what not in ["no width", "nothing"], bins=bins, low=low, high=high)
    edges = [-9.0, -1.0, -1.0, 0.5, 4.0]
    case("histogram_edges", "uneven", [CUBE], lambda xp, x: xp.histogram(x, bins=np.asarray(edges))[0], edges=edges)
    refused("histogram", "no bins", [A], "Parameter", lambda xp, x: xp.histogram(x, bins=0, range=(0, 1)), bins=0, low=0.0,
            high=1.0)  # fmt: skip


def main():
    sections = [creation, pairs, numbers, functions, conversions, reductions, along, indexing, shapes, around, products, counting]
    for section in sections:
        section()
    names = [case["name"] for case in CASES]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
    made_by = f"numpy {np.__version__}, dask {da.__name__ and __import__('dask').__version__}"
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text(f'{{"made_by":{json.dumps(made_by)},"cases":[\n{rows}\n]}}\n')
    print(f"{len(CASES)} cases, {path.stat().st_size} bytes")


main()
