"""Chapter 1, Definition: a linear layer, the formula of softmax, and the prediction."""

from softmax_lab.torch._rows import as_dims, as_real


def linear(x, weight, bias=None):
    x, weight = as_real(x), as_real(weight, "weight")
    if weight.ndim != 2 or x.ndim == 0 or x.shape[-1] != weight.shape[1]:
        raise ValueError(
            f"x {tuple(x.shape)} and weight {tuple(weight.shape)} do not fit: "
            "x must be (..., N), weight (T, N)"
        )
    logits = x @ weight.T
    if bias is None:
        return logits
    bias = as_real(bias, "bias")
    if bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias has shape {tuple(bias.shape)}; weight asks for {tuple(weight.shape[:1])}"
        )
    return logits + bias


def naive_softmax(x, dim=-1):
    x = as_real(x)
    return x.exp() / x.exp().sum(as_dims(dim, x.ndim), keepdim=True)


def predict(logits, dim=-1):
    return as_real(logits, "logits").argmax(dim)
