"""Architectures of the package ``transformers``, as it gives them, from export to verification."""

from __future__ import annotations

from typing import Any

import pytest

import verifai
from tests.needs import skip_without
from verifai.graph import build, fidelity

skip_without("onnx", "onnxruntime", "onnxscript", "torch", "transformers")

pytestmark = pytest.mark.slow

TOKENS, WIDTH = 10, 32
COMMON = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
TEXT = {**COMMON, "vocab_size": 100, "max_position_embeddings": 32}
#: By class: the class of its configuration, and what that is given.
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "BertModel": ("BertConfig", TEXT),
    "DistilBertModel": (
        "DistilBertConfig",
        {"dim": WIDTH, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, "vocab_size": 100},
    ),
    "GPT2Model": ("GPT2Config", {"n_embd": WIDTH, "n_layer": 2, "n_head": 4, "vocab_size": 100}),
    "LlamaModel": ("LlamaConfig", {**TEXT, "num_key_value_heads": 2}),
    "ViTModel": ("ViTConfig", {**COMMON, "image_size": 32, "patch_size": 8}),
    "WhisperEncoder": (
        "WhisperConfig",
        {
            "d_model": WIDTH,
            "encoder_layers": 2,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64,
            "num_mel_bins": 16,
            "max_source_positions": 8,
        },
    ),
}
#: Of the range of each output.
WORST = {"ViTModel": 1e-2}


def module(name: str, attention: str) -> Any:
    import torch
    import transformers

    config, values = ARCHITECTURES[name]
    torch.manual_seed(0)
    where = transformers
    if name == "WhisperEncoder":
        from transformers.models.whisper import modeling_whisper as where
    made = getattr(transformers, config)(**values, attn_implementation=attention)
    return getattr(where, name)(made).eval()


def sample(name: str, seed: int) -> dict[str, Any]:
    """Inputs by name; of text, vectors of tokens, the last ones of which are padding."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    if name == "ViTModel":
        return {"pixel_values": torch.rand(1, 3, 32, 32, generator=generator)}
    if name == "WhisperEncoder":
        return {"input_features": torch.rand(1, 16, 16, generator=generator)}
    kept = TOKENS - 3 if not seed else int(torch.randint(2, TOKENS + 1, (1,), generator=generator))
    return {
        "inputs_embeds": torch.randn(1, TOKENS, WIDTH, generator=generator).clamp(-3, 3),
        "attention_mask": (torch.arange(TOKENS) < kept).long()[None],
    }


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_compiles_and_is_precise(name: str, attention: str) -> None:
    made = verifai.export(module(name, attention), sample(name, 0))
    assert made.inputs[0].name in sample(name, 0)
    arrays = [tuple(x.numpy() for x in sample(name, seed).values()) for seed in range(1, 21)]
    graph = build(made, arrays[:14])
    found = fidelity(graph, made, arrays[14:])
    assert found.relative_error <= WORST.get(name, 1e-3)


def test_one_is_proved() -> None:
    made = verifai.export(module("DistilBertModel", "sdpa"), sample("DistilBertModel", 0))
    arrays = [tuple(x.numpy() for x in sample("DistilBertModel", s).values()) for s in range(1, 9)]
    key, verifying = verifai.setup(verifai.compile(made, arrays))
    assert verifai.verify(verifai.prove(key, arrays[0]), verifying)
