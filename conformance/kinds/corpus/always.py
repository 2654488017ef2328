"""Cases that every corpus has: what versions in a row have read in another way.

The names of GPT-NeoX's head, Gemma 2's softcapping, rotary settings, experts, Mamba's tie, and what
``ensure_weight_tying`` meant in each PEFT.
"""

from __future__ import annotations

from conformance.core.case import Case

ALWAYS = (
    Case(tied=True, ensure=False, placement="body", family="gemma2"),
    Case(tied=False, ensure=False, placement="target:head", family="gpt-neox"),
    Case(tied=False, ensure=False, placement="target:both", family="gpt-neox"),
    Case(tied=True, ensure=False, placement="body", family="gpt-neox"),
    Case(tied=True, ensure=False, placement="body", family="gemma3-text"),
    Case(tied=False, ensure=False, placement="body", family="gpt-neox", base="loaded-untied"),
    Case(tied=True, ensure=False, placement="save:embedding", family="gpt-neox", base="loaded"),
    Case(tied=True, ensure=False, placement="body", family="mamba"),
    Case(tied=True, ensure=False, placement="body", family="qwen3-moe"),
    Case(tied=True, ensure=False, placement="body", family="mixtral"),
    Case(tied=True, ensure=False, placement="tokens:same"),
    Case(tied=True, ensure=True, placement="target:head"),
    Case(tied=True, ensure=True, placement="target:embedding"),
    Case(tied=True, ensure=True, placement="target:embedding", low_cpu_mem_usage=True),
    Case(tied=True, ensure=True, placement="save:both"),
    Case(tied=True, ensure=True, placement="save:embedding", writing="paths"),
    Case(
        tied=True,
        ensure=True,
        placement="save:embedding",
        writing="paths",
        save_embedding_layers="yes",
    ),
    Case(tied=True, ensure=True, placement="target:head+save:embedding", writing="paths"),
    Case(tied=True, ensure=True, placement="tokens:different"),
    Case(tied=False, ensure=True, placement="target:head"),
    Case(tied=False, ensure=True, placement="target:embedding"),
    Case(tied=False, ensure=True, placement="target:head", low_cpu_mem_usage=True),
    Case(tied=False, ensure=True, placement="target:embedding", low_cpu_mem_usage=True),
    Case(tied=False, ensure=True, placement="save:both"),
    Case(tied=False, ensure=True, placement="save:both", family="phi", low_cpu_mem_usage=True),
    Case(tied=False, ensure=True, placement="save:embedding", writing="paths"),
    Case(
        tied=False,
        ensure=True,
        placement="save:embedding",
        writing="paths",
        save_embedding_layers="yes",
    ),
    Case(tied=False, ensure=True, placement="target:head+save:embedding", writing="paths"),
    Case(tied=False, ensure=True, placement="tokens:embedding+target:head"),
    Case(tied=False, ensure=True, placement="save:embedding", family="phi"),
    Case(tied=False, ensure=True, placement="save:both", family="phi"),
    Case(tied=False, ensure=False, placement="target:embedding", family="gemma3-text"),
)
