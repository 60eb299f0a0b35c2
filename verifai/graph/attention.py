"""ONNX's Attention, written out: the scores once, for all query heads of a key head together."""

from __future__ import annotations

import numpy as np

from verifai.graph.expand import Body, rule


@rule("Attention")
def attention(body: Body) -> None:
    """``softmax(scale Q K^T + mask) V``, with heads in three axes or four, and grouped queries.

    Masks hide by minus infinity, as the standard says; ``masks.py`` brings them near.

    A soft cap is applied before masks, as from operator set 25 on; with older ones, where releases
    of the standard differ, it is written out where there is no mask.

    Raises:
        ValueError: a soft cap and a mask before operator set 25, padding by lengths, or another
            debug output than the bare scores and the shares.
    """
    wanted = [*body.outputs, "", "", ""][:4]
    given = [*body.inputs, "", "", "", ""][:7]
    left, right = (
        int(body.attributes.get(f"{side}_window_size", -1)) for side in ("left", "right")
    )
    causal, cap = body.attributes.get("is_causal"), body.attributes.get("softcap")
    if given[6] or (cap and body.opset < 25 and (causal or given[3])):
        raise ValueError("padding by lengths, or a soft cap and a mask")
    debug = body.attributes.get("qk_matmul_output_mode", 0) if wanted[3] else None
    if debug not in (None, 0, 3):
        raise ValueError("another debug output")
    flat = len(body.shape) == 3
    query_heads = int(body.attributes["q_num_heads"]) if flat else body.shape[1]
    key_shape = body.shapes[given[1]]
    heads = int(body.attributes["kv_num_heads"]) if flat else key_shape[1]
    group = query_heads // heads
    q, k, v = given[:3]
    if flat:
        q, k, v = (_split(body, x, n) for x, n in ((q, query_heads), (k, heads), (v, heads)))
    width = body.shape[-1] // query_heads if flat else body.shape[-1]
    batch, length, total = body.shape[0], body.shape[-2], key_shape[-2]
    past = body.shapes[given[4]][2] if given[4] else 0
    if past:
        k, v = (body.add("Concat", [old, x], axis=2) for old, x in ((given[4], k), (given[5], v)))
    total += past
    for x, output in ((k, wanted[1]), (v, wanted[2])):
        if output:
            body.add("Identity", [x], output)
    if group > 1:  # a matrix of a group's queries meets the same keys
        q = body.reshaped(q, (batch, heads, group, length, width))
        k, v = (body.unsqueezed(x, 2) for x in (k, v))
    axes = [*range(3 if group > 1 else 2), *((4, 3) if group > 1 else (3, 2))]
    scores = body.add("MatMul", [q, body.add("Transpose", [k], perm=axes)])
    scale = body.constant(body.attributes.get("scale", width**-0.5))
    scores = body.add("Mul", [scores, scale])
    every = (batch, query_heads, length, total)
    if debug == 0:
        body.reshaped(scores, every, wanted[3])
    if cap:
        limit = body.constant(cap)
        level = body.add("Tanh", [body.add("Div", [scores, limit])])
        scores = body.add("Mul", [level, limit])
    distance = np.arange(length)[:, np.newaxis] + past - np.arange(total)
    hidden = (distance < 0) & bool(causal)
    hidden |= (distance > left) & (left >= 0) | (-distance > right) & (right >= 0)
    if hidden.any():
        scores = body.add("Add", [scores, body.constant(np.where(hidden, -np.inf, 0.0))])
    if given[3]:
        scores = body.add("Add", [scores, _bias(body, given[3], total, heads, group)])
    shares = body.add("Softmax", [scores], axis=-1)
    # a query that sees nothing gets nothing
    if (given[3] or hidden.all(axis=1).any()) and body.opset >= 9:
        empty = body.add("IsNaN", [shares])
        shares = body.add("Where", [empty, body.constant(0.0), shares])
    if debug == 3:
        body.reshaped(shares, every, wanted[3])
    result = body.add("MatMul", [shares, v], None if flat or group > 1 else body.outputs[0])
    each = body.shapes[given[2]][-1] // (heads if flat else 1)
    if group > 1:
        shape = (batch, query_heads, length, each)
        result = body.reshaped(result, shape, None if flat else body.outputs[0])
    if flat:
        turned = body.add("Transpose", [result], perm=[0, 2, 1, 3])
        body.reshaped(turned, (batch, length, query_heads * each), body.outputs[0])


def _split(body: Body, x: str, heads: int) -> str:
    batch, length, width = body.shapes[x]
    split = body.reshaped(x, (batch, length, heads, width // heads))
    return body.add("Transpose", [split], perm=[0, 2, 1, 3])


def _bias(body: Body, mask: str, total: int, heads: int, group: int) -> str:
    """The mask as what is added to the scores, in their axes."""
    shape = body.shapes[mask]
    if body.is_boolean(mask):
        hide, keep = body.constant(-np.inf), body.constant(0.0)
        mask = body.add("Where", [mask, keep, hide])
    if (short := total - shape[-1]) and shape[-1] > 1:
        pads = body.constant([0] * (2 * len(shape) - 1) + [short], np.int64)
        mask = body.add("Pad", [mask, pads, body.constant(-np.inf)])
        shape = (*shape[:-1], total)
    if group > 1 and len(shape) > 2:
        own = (1, 1) if shape[-3] == 1 else (heads, group)
        mask = body.reshaped(mask, (*shape[:-3], *own, *shape[-2:]))
    return mask
