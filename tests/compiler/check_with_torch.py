#!/usr/bin/env python3
"""Computes every case of a file that torch_test.cpp wrote with torch, in double precision, and compares values
and gradients. Prints how many operations were compared; fails on any difference and on any operation that the
table below does not have."""
import json
import sys

import torch
import torch.nn.functional as F

# Constants of the gradient rules (1 / n, 2 / root pi, epsilon) are fp32 numbers: 6e-8 of themselves.
TOLERANCE = 1e-6


def number(x):
    return x if x.is_floating_point() else x.double()


def windows(a, dims):
    """Padding of [c, ...] by (all beginnings, all ends) as torch.nn.functional.pad wants it."""
    pads = a["pads"]
    return [p for d in reversed(range(dims)) for p in (pads[d], pads[d + dims])]


def conv(a, x, w):
    dims = x.dim() - 2
    convolution = [F.conv1d, F.conv2d, F.conv3d][dims - 1]
    return convolution(F.pad(x, windows(a, dims)), w, stride=a["strides"], dilation=a["dilations"],
                       groups=a.get("group", 1))


def unfolded(a, x, fill):
    """[n, c, out..., kernel...]: what each window of the padded image sees."""
    dims = x.dim() - 2
    x = F.pad(x, windows(a, dims), value=fill)
    for d in range(dims):
        dilation = a.get("dilations", [1] * dims)[d]
        reach = dilation * (a["kernel"][d] - 1) + 1
        x = x.unfold(2 + d, reach, a["strides"][d])[..., ::dilation]
    return x


def max_pool(a, x):
    dims = x.dim() - 2
    return unfolded(a, x, -torch.inf).amax(tuple(range(-dims, 0)))


def average_pool(a, x):
    dims = tuple(range(2 - x.dim(), 0))
    counted = torch.ones_like(x) if not a.get("include_pad") else None
    total = unfolded(a, x, 0).sum(dims)
    return total / (unfolded(a, counted, 0).sum(dims) if counted is not None else torch.tensor(a["kernel"]).prod())


def matmul(a, x, y):
    return (x.mT if a.get("trans_a") else x) @ (y.mT if a.get("trans_b") else y)


def sliced(a, shape):
    """The index of what a slice reads."""
    return tuple(slice(start, start + step * size, step)
                 for start, size, step in zip(a["starts"], shape, a["steps"]))


def embed(a, x):
    y = torch.full(a["shape"], a.get("value", 0.0), dtype=x.dtype)
    y[sliced(a, x.shape)] = x
    return y


def gather(a, table, index):
    rows = table[index.clamp(min=0)]
    return torch.where((index >= 0).reshape(index.shape + (1,) * (table.dim() - 1)), rows, torch.zeros_like(rows))


def embedding_bag(a, table, index):
    """torch's own, which has a list of all lookups and where each bag begins: some bags may be empty."""
    bags = [bag[bag >= 0] for bag in index.reshape(-1, index.shape[-1])]
    begins = torch.tensor([0] + [len(bag) for bag in bags]).cumsum(0)[:-1]
    sums = F.embedding_bag(torch.cat(bags), table, begins.to(index.dtype), mode="sum")
    return sums.reshape(index.shape[:-1] + table.shape[1:])


def weighted_bag(a, table, index, weights):
    """torch's own: per_sample_weights."""
    lists = [(bag[bag >= 0], w[bag >= 0]) for bag, w in
             zip(index.reshape(-1, index.shape[-1]), weights.reshape(-1, index.shape[-1]))]
    begins = torch.tensor([0] + [len(bag) for bag, _ in lists]).cumsum(0)[:-1]
    sums = F.embedding_bag(torch.cat([bag for bag, _ in lists]), table, begins.to(index.dtype), mode="sum",
                           per_sample_weights=torch.cat([w for _, w in lists]))
    return sums.reshape(index.shape[:-1] + table.shape[1:])


def quantised_bag(a, table, index):
    tail = table[:, -8:].to(torch.int8).contiguous().view(torch.float32).to(torch.float64)
    return embedding_bag(a, table[:, :-8].to(torch.float64) * tail[:, :1] + tail[:, 1:], index)


def sort_lookups(a, lookups):
    flat = lookups.flatten()
    order = torch.where(flat < 0, a["rows"], flat).argsort(stable=True)
    return torch.stack((flat.clamp(min=-1)[order], order // a["share"]), 1)


def row_gradients(state, gradients, pairs):
    """The gradient of a whole table, by torch's own backward pass of an embedding."""
    rows, which = pairs[pairs[:, 0] >= 0].to(torch.int64).T
    table = torch.zeros((state.shape[0], gradients.shape[1]), dtype=gradients.dtype, requires_grad=True)
    F.embedding(rows, table).backward(gradients.detach()[which])
    return table.grad


def sgd_rows(a, table, gradients, pairs):
    stepped = table.detach().clone().requires_grad_()
    stepped.grad = row_gradients(table, gradients, pairs)
    torch.optim.SGD([stepped], a["lr"]).step()
    return stepped.detach()


def adagrad_sums(a, sums, gradients, pairs):
    return sums + row_gradients(sums, gradients, pairs).square().mean(1, keepdim=True)


def adagrad_rows(a, table, gradients, pairs, sums):
    """Row-wise: torch has the element-wise rule alone."""
    rate = a["lr"] / (adagrad_sums(a, sums, gradients, pairs).sqrt() + a["epsilon"])
    return table - rate * row_gradients(table, gradients, pairs)


def moment_rows(a, moment, gradients, pairs):
    rows = torch.unique(pairs[pairs[:, 0] >= 0][:, 0]).to(torch.int64)
    gradient = row_gradients(moment, gradients, pairs)
    moved = moment.detach().clone()
    moved[rows] = torch.lerp(moved, gradient.square() if a["square"] else gradient, a["share"])[rows]
    return moved


def adam_rows(a, table, gradients, pairs, mean, square, rate, root):
    m = moment_rows({"share": a["mean_share"], "square": 0}, mean, gradients, pairs)
    v = moment_rows({"share": a["square_share"], "square": 1}, square, gradients, pairs)
    rows = torch.unique(pairs[pairs[:, 0] >= 0][:, 0]).to(torch.int64)
    stepped = table.detach().clone()
    stepped[rows] += (rate * m / (v.sqrt() * root + a["epsilon"]))[rows]
    return stepped


def scatter_add(a, rows, index):
    chosen = index >= 0
    zeros = torch.zeros((a["rows"],) + rows.shape[1:], dtype=rows.dtype)
    return zeros.index_add(0, index[chosen], rows[chosen])


def layernorm(a, x, scale, bias):
    return F.layer_norm(x, x.shape[-1:], scale, bias, a["epsilon"])


def rmsnorm(a, x, scale):
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + a["epsilon"]) * scale


def gelu(a, x):
    return F.gelu(x, approximate="tanh" if a.get("tanh") else "none")


def reduce_prod(a, x):
    for axis in a["axes"]:
        x = x.prod(axis, keepdim=True)
    return x


def order(a, x):
    return torch.topk(x, a["k"], largest=not a.get("smallest")).indices


def scores(a, q, k):
    """scale q k^T with the heads of q shared out among those of k, and the causal mask."""
    k = k.repeat_interleave(q.shape[-3] // k.shape[-3], -3)
    s = a["scale"] * q @ k.mT
    if a.get("causal"):
        s = s.masked_fill(~torch.ones(s.shape[-2:], dtype=torch.bool).tril(), -torch.inf)
    return s


def heads(like, x):
    """Sums the heads of q that share one of k."""
    return x.reshape((like, x.shape[-3] // like) + x.shape[-2:]).sum(1)


def attention(a, q, k, v):
    return scores(a, q, k).softmax(-1) @ v.repeat_interleave(q.shape[-3] // v.shape[-3], -3)


def attention_lse(a, q, k):
    return scores(a, q, k).logsumexp(-1, keepdim=True)


def attention_dscores(a, q, k, v, dy, lse, delta):
    p = torch.exp(scores(a, q, k) - lse)
    dp = dy @ v.repeat_interleave(q.shape[-3] // v.shape[-3], -3).mT
    return (a["scale"] * p * (dp - delta)).mT


def attention_dv(a, q, k, dy, lse):
    return heads(k.shape[-3], torch.exp(scores(a, q, k) - lse).mT @ dy)


def attention_dk(a, dscores, q):
    return heads(a["heads"], dscores @ q)


def attention_dq(a, dscores, k):
    return dscores.mT @ k.repeat_interleave(dscores.shape[-3] // k.shape[-3], -3)


def mod(a, x, y):
    return torch.fmod(x, y) if a.get("truncated") else torch.remainder(x, y)


def unary(name):
    return lambda a, x: getattr(torch, name)(x)


TABLE = {
    "cast": lambda a, x: x.clone(),
    "max": lambda a, x, y: torch.maximum(x, y),
    "min": lambda a, x, y: torch.minimum(x, y),
    "is_nan": lambda a, x: torch.isnan(x),
    "is_inf": lambda a, x: torch.isinf(x),
    "silu": lambda a, x: F.silu(x),
    "gelu": gelu,
    "mod": mod,
    "select": lambda a, c, x, y: torch.where(c != 0, x, y),
    "keep": lambda a, x, y: torch.where(y != 0, x, -0.0),
    "is_class": lambda a, x: F.one_hot(x, a["classes"]),
    "reduce_sum": lambda a, x: x.sum(tuple(a["axes"]), keepdim=True),
    "reduce_max": lambda a, x: x.amax(tuple(a["axes"]), keepdim=True),
    "reduce_prod": reduce_prod,
    "arg_max": lambda a, x: x.argmax(-1, keepdim=True),
    "order": order,
    "matmul": matmul,
    "reshape": lambda a, x: x.reshape(a["shape"]),
    "exchange": lambda a, x: x,
    "transpose": lambda a, x: x.permute(a["perm"]),
    "slice": lambda a, x: x[sliced(a, a["sizes"])],
    "embed": embed,
    "concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "expand": lambda a, x: x.expand(a["shape"]),
    "gather": gather,
    "embedding_bag": embedding_bag,
    "pinned_bag": lambda a, table, cold, apart, pinned: (
        embedding_bag(a, table, cold) + embedding_bag(a, apart, pinned)),
    "weighted_bag": weighted_bag,
    "quantised_bag": quantised_bag,
    "weighted_rows": lambda a, x, w: x.repeat_interleave(len(w) // len(x), 0) * w[:, None],
    "sort_lookups": sort_lookups,
    "sgd_rows": sgd_rows,
    "adagrad_sums": adagrad_sums,
    "adagrad_rows": adagrad_rows,
    "moment_rows": moment_rows,
    "adam_rows": adam_rows,
    "scatter_add": scatter_add,
    "softmax": lambda a, x: x.softmax(-1),
    "layernorm": layernorm,
    "rmsnorm": rmsnorm,
    "cross_entropy": lambda a, x, labels: F.cross_entropy(x, labels),
    "mse": lambda a, x, y: F.mse_loss(x, y),
    "conv": conv,
    "max_pool": max_pool,
    "average_pool": average_pool,
    "attention": attention,
    "attention_lse": attention_lse,
    "attention_dscores": attention_dscores,
    "attention_dv": attention_dv,
    "attention_dk": attention_dk,
    "attention_dq": attention_dq,
}
for same_name in """reciprocal sqrt rsqrt exp log tanh erf sigmoid abs neg relu sin cos tan asin acos atan sinh cosh
                    asinh acosh atanh floor ceil round""".split():
    TABLE[same_name] = unary(same_name)
for same_name in "add sub mul div pow ge gt eq".split():
    TABLE[same_name] = (lambda f: lambda a, x, y: f(x, y))(getattr(torch, same_name))


def operand(stored):
    kind = torch.int64 if stored["integer"] else torch.float64
    return torch.tensor(stored["data"], dtype=torch.float64).to(kind).reshape(stored["shape"])


def difference(got, want):
    """Largest difference against the largest value wanted; infinite where shapes differ."""
    if got.shape != want.shape:
        return float("inf")
    worst, scale = (number(got) - want).abs().max().item(), want.abs().max().item()
    return worst / max(scale, 1e-30) if worst == worst else float("inf")


def check(case):
    """What differs, as lines of text."""
    inputs = [operand(x) for x in case["inputs"]]
    slopes = case["gradients"]
    for i in slopes["of"] if slopes else ():
        inputs[int(i)].requires_grad_()
    y = TABLE[case["op"]](case["attributes"], *inputs)
    pairs = [("value", operand(case["output"]).double(), y.detach())]
    if slopes:
        weights = torch.tensor(slopes["weights"], dtype=torch.float64).reshape(y.shape)
        (y * weights).sum().backward()
        for i, data in slopes["of"].items():
            x = inputs[int(i)]
            pairs.append((f"gradient of operand {i}", torch.tensor(data, dtype=torch.float64).reshape(x.shape), x.grad))
    return [f"{case['op']}{case['note']} {what}: off by {difference(got, number(want)):.2g} of the largest"
            for what, got, want in pairs if not difference(got, number(want)) < TOLERANCE]


def main():
    with open(sys.argv[1]) as file:
        cases = json.load(file)
    unknown = sorted({c["op"] for c in cases} - TABLE.keys())
    wrong = [f"{op}: no torch function in the table" for op in unknown]
    for case in cases:
        if case["op"] in TABLE:
            wrong += check(case)
    compared = {c["op"] for c in cases} & TABLE.keys()
    with_slope = {c["op"] for c in cases if c["gradients"]} & TABLE.keys()
    print(f"torch {torch.__version__}: {len(compared)} operations compared in {len(cases)} cases, "
          f"{len(with_slope)} of them with their gradients; {len(wrong)} differences")
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
