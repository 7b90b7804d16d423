"""Resizing in a graph, as Pillow does it to the bit: bicubic, antialiased, uint8 between passes.

ONNX's own `Resize` has the same filter, but finds its weights with half as many digits: values
that differ by 1 of 255 then make scores of real images differ by 0.002.
"""

from typing import Any

import PIL

from mlff_cli.system.extras import extra_module
from mlff_cli.system.onnx_runtime import EXTRA

OPSET, IR_VERSION = 20, 10
"""Of ONNX's operators, the first with GELU, and of its files; ONNX Runtime 1.18 reads both."""

DOMAIN = "mlff"
"""Of the function below, until it is written out."""

ROWS_MAY_BE_FIRST = 13
"""The version of Pillow from which rows are resized first where their number shrinks the most."""

NEVER = 2**31
"""Rows too many for any image: older versions of Pillow always begin with the columns."""

PASS = """
<domain: "mlff", opset_import: ["" : 20]>
one_pass (image, new) => (resized)
{
    zero = Constant <value = double {0.0}> ()
    half = Constant <value = double {0.5}> ()
    one = Constant <value = double {1.0}> ()
    two = Constant <value = double {2.0}> ()
    first_place = Constant <value_int = 0> ()
    next_place = Constant <value_int = 1> ()
    along_taps = Constant <value_ints = [1]> ()
    start = Constant <value_ints = [0]> ()

    old = Shape <start = 3, end = 4> (image)
    length = Cast <to = 11> (old)
    new_length = Cast <to = 11> (new)
    scale = Div (length, new_length)
    widening = Max (scale, one)
    narrowing = Div (one, widening)
    support = Mul (widening, two)

    new_scalar = Squeeze (new)
    places = Range (first_place, new_scalar, next_place)
    places_column = Unsqueeze (places, along_taps)
    places_double = Cast <to = 11> (places_column)
    middles = Add (places_double, half)
    centre = Mul (middles, scale)

    lowest = Sub (centre, support)
    lowest_up = Add (lowest, half)
    lowest_whole = Floor (lowest_up)
    begin = Max (lowest_whole, zero)
    highest = Add (centre, support)
    highest_up = Add (highest, half)
    highest_whole = Floor (highest_up)
    end = Min (highest_whole, length)

    reach_one_side = Ceil (support)
    reach = Mul (reach_one_side, two)
    tap_count_double = Add (reach, one)
    tap_count = Cast <to = 7> (tap_count_double)
    tap_count_scalar = Squeeze (tap_count)
    taps = Range (first_place, tap_count_scalar, next_place)
    taps_double = Cast <to = 11> (taps)
    at = Add (begin, taps_double)

    from_centre = Sub (at, centre)
    from_centre_middle = Add (from_centre, half)
    signed = Mul (from_centre_middle, narrowing)
    x = Abs (signed)
    c15 = Constant <value = double {1.5}> ()
    c25 = Constant <value = double {2.5}> ()
    near_1 = Mul (x, c15)
    near_2 = Sub (near_1, c25)
    near_3 = Mul (near_2, x)
    near_4 = Mul (near_3, x)
    near = Add (near_4, one)
    c5 = Constant <value = double {5.0}> ()
    c8 = Constant <value = double {8.0}> ()
    c4 = Constant <value = double {4.0}> ()
    minus_half = Constant <value = double {-0.5}> ()
    far_1 = Sub (x, c5)
    far_2 = Mul (far_1, x)
    far_3 = Add (far_2, c8)
    far_4 = Mul (far_3, x)
    far_5 = Sub (far_4, c4)
    far = Mul (far_5, minus_half)
    is_near = Less (x, one)
    is_far = Less (x, two)
    far_or_zero = Where (is_far, far, zero)
    bicubic = Where (is_near, near, far_or_zero)
    is_inside = Less (at, end)
    weight = Where (is_inside, bicubic, zero)
    total = ReduceSum (weight, along_taps)
    share = Div (weight, total)

    unit = Constant <value = double {4194304.0}> ()
    is_negative = Less (share, zero)
    away_from_zero = Where (is_negative, minus_half, half)
    units = Mul (share, unit)
    units_rounding = Add (units, away_from_zero)
    units_whole = Cast <to = 7> (units_rounding)
    units_double = Cast <to = 11> (units_whole)

    columns = Add (old, tap_count)
    table_shape = Concat <axis = 0> (new, columns)
    empty = ConstantOfShape <value = double[1] {0.0}> (table_shape)
    at_place = Cast <to = 7> (at)
    filled = ScatterElements <axis = 1> (empty, at_place, units_double)
    rows_of_weights = Slice (filled, start, old, along_taps)
    weights = Transpose <perm = [1, 0]> (rows_of_weights)

    values = Cast <to = 11> (image)
    sums = MatMul (values, weights)
    greys = Div (sums, unit)
    greys_up = Add (greys, half)
    whole = Floor (greys_up)
    white = Constant <value = double {255.0}> ()
    clipped = Clip (whole, zero, white)
    resized = Cast <to = 2> (clipped)
}
"""
"""A pass over the last axis of uint8 images (B, 3, R, N), which gets a new length [M].

Weights are multiples of 1 / 2**22, so that sums of doubles are exact; each is a sum over few taps
around the centre of a place, and all stand in one table (N, M).
"""

TWO_PASSES = """
resizing (uint8[batch,height,width,3] image) => (uint8[batch,3,new_height,new_width] resized)
{
    planes = Transpose <perm = [0, 3, 1, 2]> (image)
    sides = Shape <start = 1, end = 3> (image)
    less = Sub (sides, new_sides)
    fewer_rows, fewer_columns = Split <num_outputs = 2> (less)
    twice = Add (fewer_columns, fewer_columns)
    most = Max (twice, least)
    tall = Greater (fewer_rows, most)
    rows_first = Squeeze (tall)
    first_new = Where (tall, new_rows, new_columns)
    second_new = Where (tall, new_columns, new_rows)
    same_sides = Equal (less, nothing)
    same_numbers = Cast <to = 7> (same_sides)
    same_number = ReduceMin <keepdims = 0> (same_numbers)
    same = Cast <to = 9> (same_number)
    resized = If (same) <
        then_branch = as_it_is () => (uint8[b1,c1,h1,w1] unchanged)
            { unchanged = Identity (planes) },
        else_branch = in_two_passes () => (uint8[b2,c2,h2,w2] changed)
        {
            turned = If (rows_first) <
                then_branch = rows () => (uint8[b3,c3,h3,w3] by_rows)
                    { by_rows = Transpose <perm = [0, 1, 3, 2]> (planes) },
                else_branch = columns () => (uint8[b4,c4,h4,w4] by_columns)
                    { by_columns = Identity (planes) }
            >
            first = mlff.one_pass (turned, first_new)
            first_turned = Transpose <perm = [0, 1, 3, 2]> (first)
            second = mlff.one_pass (first_turned, second_new)
            changed = If (rows_first) <
                then_branch = rows_2 () => (uint8[b5,c5,h5,w5] right)
                    { right = Identity (second) },
                else_branch = columns_2 () => (uint8[b6,c6,h6,w6] turned_back)
                    { turned_back = Transpose <perm = [0, 1, 3, 2]> (second) }
            >
        }
    >
}
"""


def resizing(size: tuple[int, int]) -> Any:
    """Return a model that brings images (B, H, W, 3) to (B, 3, height, width), both uint8.

    Args:
        size: Height and width.
    """
    onnx = extra_module("onnx", EXTRA)
    parser, helper = extra_module("onnx.parser", EXTRA), onnx.helper
    version = int(PIL.__version__.partition(".")[0])
    constants = {
        "new_sides": list(size), "new_rows": [size[0]], "new_columns": [size[1]],
        "nothing": [0, 0], "least": [0 if version >= ROWS_MAY_BE_FIRST else NEVER],
    }  # fmt: skip
    graph = parser.parse_graph(TWO_PASSES)
    graph.initializer.extend(
        helper.make_tensor(name, onnx.TensorProto.INT64, [len(values)], values)
        for name, values in constants.items()
    )
    model = helper.make_model(
        graph,
        functions=[parser.parse_function(PASS)],
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)],
        ir_version=IR_VERSION,
    )
    written_out = extra_module("onnx.inliner", EXTRA).inline_local_functions(model)
    del written_out.opset_import[:]
    written_out.opset_import.extend([helper.make_opsetid("", OPSET)])
    return written_out
