"""Eight numbers at once: a numba type for a vector of eight doubles, and what one does with it.

Plain numba loops over eight scenarios are vectorised or not as LLVM pleases. Here every operation
is one vector instruction (two or four on machines with narrower registers), lane by lane the same:
what happens in one lane cannot depend on the others.

Arrays are C-contiguous, float64. Of a flat one ``load(a, i)`` takes elements 8 i to 8 i + 7. One
of shape (number, 1) holds what all lanes share: there it takes element i for every lane.
"""

# Code generators take whatever numba hands them: their types are numba's own affair.
# ruff: noqa: ANN401, ARG001
# mypy: ignore-errors

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from lodeline.solver.machine_code import kept

__all__ = ["WIDTH", "any_greater", "at", "entry", "exp", "fma", "inlined", "inner", "inside",
           "load", "load_rows", "log", "magnitude", "maximum", "minimum", "negative",
           "select_greater", "splat", "store", "store_rows"]  # fmt: skip

# Kernels own no memory. Without this numba would count references to every array at every use:
# two locked instructions each, which took more time than the arithmetic.
inner = njit(_nrt=False)
"""Decorator of a compiled function that others call."""
inlined = njit(forceinline=True, _nrt=False)
"""Decorator of a compiled function that becomes part of its callers."""
entry: Any = kept(nogil=True, _nrt=False)
"""Decorator of a compiled function that Python calls; it and all that it calls are kept on disk."""

WIDTH = 8
"""Scenarios side by side: one register of 512 bits."""

_DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)
_INTEGERS = ir.VectorType(ir.IntType(64), WIDTH)


class LanesType(types.Type):
    """Type of a vector of eight doubles inside compiled functions."""

    def __init__(self) -> None:
        super().__init__(name="Lanes8")


lanes = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _DOUBLES)


def _operator(function: Callable[..., Any], instruction: str) -> None:
    """Give vectors one of Python's arithmetic operators."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if not kws and len(args) == 2 and all(isinstance(a, LanesType) for a in args):
                return signature(lanes, lanes, lanes)
            return None

    @lower_builtin(function, lanes, lanes)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)


for _function, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _operator(_function, _instruction)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    first = builder.mul(index, ir.Constant(index.type, WIDTH))
    return builder.bitcast(builder.gep(data, [first]), _DOUBLES.as_pointer())


@intrinsic
def at(typingctx: Any, array: Any, index: Any) -> Any:
    """Return one element of a contiguous array, at an index that is known not to be negative."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = context.cast(builder, args[1], sig.args[1], types.intp)
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        value = builder.load(builder.gep(data, [place]))
        return context.cast(builder, value, sig.args[0].dtype, sig.return_type)

    wide = types.intp if isinstance(array.dtype, types.Integer) else array.dtype
    return wide(array, index), codegen


def _element(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


def _shuffle(builder: Any, a: Any, b: Any, places: list[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), places)
    return builder.shuffle_vector(a, b, mask)


def _splat(builder: Any, number: Any) -> Any:
    nothing = ir.Constant(_DOUBLES, ir.Undefined)
    one = builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
    return _shuffle(builder, one, nothing, [0] * WIDTH)


@intrinsic
def load(typingctx: Any, array: Any, index: Any) -> Any:
    """Return elements 8 i to 8 i + 7; of a shared array element i, in every lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = context.cast(builder, args[1], sig.args[1], types.intp)
        if array.ndim == 2:
            pointer = _element(context, builder, sig.args[0], args[0], place)
            return _splat(builder, builder.load(pointer))
        return builder.load(_pointer(context, builder, sig.args[0], args[0], place), align=8)

    return lanes(array, index), codegen


@intrinsic
def store(typingctx: Any, array: Any, index: Any, value: Any) -> Any:
    """Set elements 8 i to 8 i + 7; of a shared array element i, to the number of the first lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = context.cast(builder, args[1], sig.args[1], types.intp)
        if array.ndim == 2:
            first = builder.extract_element(args[2], ir.Constant(ir.IntType(32), 0))
            builder.store(first, _element(context, builder, sig.args[0], args[0], place))
        else:
            pointer = _pointer(context, builder, sig.args[0], args[0], place)
            builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(array, index, lanes), codegen


@intrinsic
def splat(typingctx: Any, value: Any) -> Any:
    """Return the same number in every lane."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _splat(builder, context.cast(builder, args[0], sig.args[0], types.float64))

    return lanes(value), codegen


def _transposed(builder: Any, rows: list[Any]) -> list[Any]:
    """Return eight vectors turned: the k-th holds the k-th number of each."""
    for step in (1, 2, 4):
        kept = [k if not k & step else k - step + WIDTH for k in range(WIDTH)]
        moved = [k + step if not k & step else k + WIDTH for k in range(WIDTH)]
        turned = list(rows)
        for k in range(WIDTH):
            if not k & step:
                pair = rows[k], rows[k + step]
                turned[k] = _shuffle(builder, *pair, kept)
                turned[k + step] = _shuffle(builder, *pair, moved)
        rows = turned
    return rows


@intrinsic
def store_rows(
    typingctx: Any, array: Any, first: Any, stride: Any, vectors: Any, places: Any, index: Any
) -> Any:
    """Set eight neighbours in each of eight rows from the vectors at `places` index to index + 7.

    `first` is the place of the first row's first element in the flat array, `stride` the length of
    a row.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kinds = sig.args
        start, step, begin = (
            context.cast(builder, args[k], kinds[k], types.intp) for k in (1, 2, 5)
        )
        rows = []
        for k in range(WIDTH):
            here = builder.add(begin, ir.Constant(begin.type, k))
            place = builder.load(_element(context, builder, kinds[4], args[4], here))
            place = context.cast(builder, place, kinds[4].dtype, types.intp)
            pointer = _pointer(context, builder, kinds[3], args[3], place)
            rows.append(builder.load(pointer, align=8))
        for k, row in enumerate(_transposed(builder, rows)):
            here = builder.add(start, builder.mul(step, ir.Constant(step.type, k)))
            pointer = _element(context, builder, kinds[0], args[0], here)
            builder.store(row, builder.bitcast(pointer, _DOUBLES.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(array, first, stride, vectors, places, index), codegen


@intrinsic
def load_rows(
    typingctx: Any, vectors: Any, places: Any, index: Any, array: Any, first: Any, stride: Any
) -> Any:
    """Set the vectors at `places` index to index + 7 from eight rows: `store_rows` turned round."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        kinds = sig.args
        begin, start, step = (
            context.cast(builder, args[k], kinds[k], types.intp) for k in (2, 4, 5)
        )
        rows = []
        for k in range(WIDTH):
            here = builder.add(start, builder.mul(step, ir.Constant(step.type, k)))
            pointer = _element(context, builder, kinds[3], args[3], here)
            pointer = builder.bitcast(pointer, _DOUBLES.as_pointer())
            rows.append(builder.load(pointer, align=8))
        for k, row in enumerate(_transposed(builder, rows)):
            here = builder.add(begin, ir.Constant(begin.type, k))
            place = builder.load(_element(context, builder, kinds[1], args[1], here))
            place = context.cast(builder, place, kinds[1].dtype, types.intp)
            builder.store(row, _pointer(context, builder, kinds[0], args[0], place), align=8)
        return context.get_dummy_value()

    return types.void(vectors, places, index, array, first, stride), codegen


def _call(builder: Any, name: str, args: Any) -> Any:
    kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * len(args))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64")
    return builder.call(function, args)


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a b + c, in one rounding where the machine can."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fmuladd", args)

    return lanes(lanes, lanes, lanes), codegen


@intrinsic
def magnitude(typingctx: Any, a: Any) -> Any:
    """Return |a|."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _call(builder, "fabs", args)

    return lanes(lanes), codegen


@intrinsic
def negative(typingctx: Any, a: Any) -> Any:
    """Return −a."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.fneg(args[0])

    return lanes(lanes), codegen


@intrinsic
def minimum(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the smaller; b where a is not a number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return lanes(lanes, lanes), codegen


@intrinsic
def maximum(typingctx: Any, a: Any, b: Any) -> Any:
    """Return the larger; b where a is not a number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return lanes(lanes, lanes), codegen


@intrinsic
def select_greater(typingctx: Any, a: Any, b: Any, yes: Any, no: Any) -> Any:
    """Return `yes` in lanes where a > b, else `no` (also where a or b is not a number)."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", args[0], args[1]), args[2], args[3])

    return lanes(lanes, lanes, lanes, lanes), codegen


@intrinsic
def inside(typingctx: Any, a: Any, low: Any, high: Any, yes: Any) -> Any:
    """Return `yes` where low < a < high, else zero."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        above = builder.fcmp_ordered(">", args[0], args[1])
        below = builder.fcmp_ordered("<", args[0], args[2])
        zero = ir.Constant(_DOUBLES, [0.0] * WIDTH)
        return builder.select(builder.and_(above, below), args[3], zero)

    return lanes(lanes, lanes, lanes, lanes), codegen


@intrinsic
def any_greater(typingctx: Any, a: Any, b: Any) -> Any:
    """Return whether a > b in any lane, as a Boolean."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(builder.fcmp_ordered(">", *args), ir.IntType(WIDTH))
        return builder.icmp_unsigned("!=", bits, ir.Constant(ir.IntType(WIDTH), 0))

    return types.boolean(lanes, lanes), codegen


# Exponential and logarithm without tables or branches: reduce the argument, then a polynomial.
# Accurate to about 2 units in the last place over the range that prices take.

_ROUND = 1.5 * 2.0**52
"""Adding this to a double leaves its nearest integer in the low bits."""
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_LOG2_E = 1.0 / math.log(2.0)
_EXP = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
_LOG = tuple(2.0 / (2 * k + 1) for k in range(10, 0, -1))
_HALF_ROOT_BITS = 0x3FE6A09E667F3BCD  # √½
_ONE_BITS = 0x3FF0000000000000
_ROUND_BITS = 0x4338000000000000


def _all(kind: Any, value: float) -> Any:
    return ir.Constant(kind, [value] * WIDTH)


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    return _call(builder, "fmuladd", [a, b, c])


def _polynomial(builder: Any, coefficients: tuple[float, ...], x: Any) -> Any:
    total = _all(_DOUBLES, coefficients[0])
    for coefficient in coefficients[1:]:
        total = _fma(builder, total, x, _all(_DOUBLES, coefficient))
    return total


@intrinsic
def exp(typingctx: Any, a: Any) -> Any:
    """Return e to the power a, for |a| below 700."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        (x,) = args
        shifted = _fma(builder, x, _all(_DOUBLES, _LOG2_E), _all(_DOUBLES, _ROUND))
        whole = builder.fsub(shifted, _all(_DOUBLES, _ROUND))
        rest = _fma(builder, whole, _all(_DOUBLES, -_LN2_HIGH), x)
        rest = _fma(builder, whole, _all(_DOUBLES, -_LN2_LOW), rest)
        bits = builder.bitcast(shifted, _INTEGERS)
        exponent = builder.shl(builder.add(bits, _all(_INTEGERS, 1023)), _all(_INTEGERS, 52))
        power = builder.bitcast(exponent, _DOUBLES)
        return builder.fmul(_polynomial(builder, _EXP, rest), power)

    return lanes(lanes), codegen


@intrinsic
def log(typingctx: Any, a: Any) -> Any:
    """Return the natural logarithm of a normal positive number."""

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _INTEGERS)
        above = builder.sub(bits, _all(_INTEGERS, _HALF_ROOT_BITS))
        whole = builder.ashr(above, _all(_INTEGERS, 52))
        mantissa = builder.sub(bits, builder.shl(whole, _all(_INTEGERS, 52)))
        m = builder.bitcast(mantissa, _DOUBLES)  # between √½ and √2
        count = builder.bitcast(builder.add(whole, _all(_INTEGERS, _ROUND_BITS)), _DOUBLES)
        count = builder.fsub(count, _all(_DOUBLES, _ROUND))
        one = _all(_DOUBLES, 1.0)
        s = builder.fdiv(builder.fsub(m, one), builder.fadd(m, one))
        square = builder.fmul(s, s)
        tail = builder.fmul(builder.fmul(_polynomial(builder, _LOG, square), square), s)
        part = _fma(builder, count, _all(_DOUBLES, _LN2_LOW), tail)
        part = builder.fadd(part, builder.fadd(s, s))
        return _fma(builder, count, _all(_DOUBLES, _LN2_HIGH), part)

    return lanes(lanes), codegen
