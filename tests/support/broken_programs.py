"""Programs that go wrong upstream, by what goes wrong in them."""

from __future__ import annotations

from conformance.kinds.programs.parsing import parse_program

_LINES = """
merging-a-part-drops-the-rest Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'other', 'body', 2, 2), ('activate', ('default', 'other')), ('merge', ('default',))))
deleting-the-active-parts-the-layers Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'both-bodies', 2, 2), ('add', 'other', 'mlp', 2, 2), ('add', 'fault', 'body', 2, 2), ('delete', 'default')))
deleting-the-active-leaves-its-name Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'target:both', 2, 2), ('add', 'other', 'body', 2, 2), ('delete', 'default')))
merging-by-name-takes-the-active-module Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'save:head', 2, 2), ('add', 'other', 'save:head', 2, 2), ('merge_and_unload', ('other',))))
merging-by-name-takes-the-active-tie Program(device='cpu', tied=True, ensure=False, steps=(('wrap', 'default', 'save:both', 2, 2), ('add', 'other', 'body', 2, 2), ('set', 'other'), ('merge_and_unload', ('default',))))
a-weighted-sum-freezes-longer-names Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default_0', 'body', 2, 2), ('add', 'other', 'body', 2, 2), ('weighted', 'default', ('default_0', 'other'), 'cat')))
added-while-disabled-is-on Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('disable',), ('add', 'other', 'mlp', 2, 2), ('set', 'other')))
merging-names-without-tokens-fails Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'tokens:list', 2, 2), ('add', 'other', 'mlp', 2, 2), ('merge', ('other',))))
saving-names-without-tokens-fails Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'tokens:list', 2, 2), ('add', 'other', 'mlp', 2, 2), ('load', 'other', 'fault')))
merged-tokens-stay-merged Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'tokens:list', 2, 2), ('merge', ()), ('add', 'other', 'tokens:list', 2, 2), ('set', 'other')))
merged-tokens-stay-merged-and-clash Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'tokens:list', 2, 2), ('merge', ()), ('add', 'default_0', 'tokens:list', 2, 2), ('merge_and_unload', ('default_0',))))
added-tokens-are-on-at-once Program(device='cpu', tied=True, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'other', 'tokens:list', 2, 2)))
unload-keeps-what-is-merged Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('merge', ()), ('unload',)))
casting-lets-frozen-rows-train Program(device='cpu', tied=False, ensure=False, dtype='float16', steps=(('wrap', 'default', 'body', 2, 2), ('add', 'other', 'target:embedding', 2, 2)))
loading-casts-and-lets-frozen-rows-train Program(device='cpu', tied=True, ensure=False, dtype='float16', autocast=False, steps=(('wrap', 'default', 'target:both', 2, 2), ('load', 'default', 'other')))
another-ensured-adapter-comes-untied Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'save:both', 2, 2), ('add', 'other', 'save:both', 2, 2)))
another-ensured-adapter-lacks-its-head Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'save:both', 2, 2), ('load', 'default', 'other')))
ensured-lora-is-held-twice Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'target:both', 2, 2), ('train', 'sgd', 1)))
a-name-of-pefts-freezes-the-active Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('load', 'default', 'weight')))
a-name-of-pefts-loads-other-values Program(device='cpu', tied=False, ensure=False, family='mixtral', steps=(('wrap', 'default', 'body', 2, 2), ('load', 'default', 'weight')))
a-name-of-pefts-mixes-what-is-saved Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'lora_A', 'body', 2, 2), ('native', 'default')))
a-name-of-pefts-mixes-what-is-loaded Program(device='cpu', tied=False, ensure=False, family='mixtral', steps=(('wrap', 'default', 'body', 2, 2), ('add', 'weight', 'body', 2, 2), ('reopen', 'peft')))
a-name-of-pefts-loses-saved-modules-when-saved Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'weight', 'save:head', 2, 2), ('reopen', 'peft')))
an-adapter-is-saved-with-what-is-merged Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'target:embedding', 2, 2), ('merge', ()), ('load', 'default', 'other')))
deleting-the-last-set-leaves-its-name Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'other', 'mlp', 2, 2), ('add', 'fault', 'mlp', 2, 2), ('activate', ('other', 'fault')), ('delete', 'default')))
deleting-beside-several-is-half-done Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('add', 'other', 'mlp', 2, 2), ('add', 'fault', 'save:embedding', 2, 2), ('activate', ('default', 'other')), ('delete', 'fault')))
merged-tokens-stay-merged-and-do-not-train Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'tokens:list', 2, 2), ('merge', ()), ('set', 'default'), ('train', 'sgd', 1)))
a-refused-activation-is-half-done Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'save:head', 2, 2), ('add', 'other', 'save:both', 2, 2), ('activate', ('default', 'other'))))
ensured-lora-cannot-be-copied Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'target:both', 2, 2), ('copy',)))
casting-ensured-lora-unties-it Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'target:both', 2, 2), ('cast', 'float64')))
ensured-lora-is-merged-twice Program(device='cpu', tied=True, ensure=True, steps=(('wrap', 'default', 'target:both', 2, 2), ('merge', ())))
a-refused-batch-leaves-its-hooks Program(device='cpu', tied=False, ensure=False, steps=(('wrap', 'default', 'body', 2, 2), ('merge', ()), ('mixed', ('default', '__base__'), 'forward')))
"""  # noqa: E501  a program is one line
BROKEN = {
    name: parse_program(text)
    for name, text in (line.split(" ", 1) for line in _LINES.strip().splitlines())
}
