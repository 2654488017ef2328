"""The calls of each operation of a program, as a script makes them."""

from __future__ import annotations

from collections.abc import Callable

from conformance.kinds.programs.arguments import BASE_ROW, PLACED, WEIGHTS
from conformance.kinds.programs.operations import Operation
from conformance.kinds.programs.operations.adapters import Add, Put, Train, Wrap
from conformance.kinds.programs.operations.base import MergeAndUnload, Reload, Resize, Unload
from conformance.kinds.programs.operations.batches import Mixed
from conformance.kinds.programs.operations.combining import Delete, Merge, Unmerge, Weighted
from conformance.kinds.programs.operations.files import Load, Native, Reopen
from conformance.kinds.programs.operations.native import NativeAdd
from conformance.kinds.programs.operations.switching import Activate, Disable, Enable, Set, Without
from conformance.kinds.programs.operations.whole import Cast, Copy
from conformance.kinds.programs.program import Program
from conformance.kinds.programs.state import Placed, State
from conformance.reproducer.code import call, literal
from conformance.reproducer.writing import Writing


def _config(program: Program, one: Placed) -> str:
    writing, place = Writing(program.base), PLACED[one.placement]
    family = writing.family
    roles: dict[str, tuple[str, ...]] = {
        "embedding": (writing.embedding,),
        "head": (writing.head,),
    }
    roles |= {role: names for role in ("attention", "mlp") if (names := family.roles[role])}

    def short(role: str) -> list[str]:
        names = roles[role] if role in roles else roles["mlp"]
        return list(dict.fromkeys(name.rpartition(".")[2] for name in names))

    targets = [name for role in place.target for name in short(role)]
    arguments = {
        "task_type": '"CAUSAL_LM"',
        "r": str(one.rank),
        "lora_alpha": str(one.alpha),
        "target_modules": literal(targets),
    }
    if place.save:
        arguments["modules_to_save"] = literal([n for role in place.save for n in short(role)])
    rows = list(one.rows)
    if place.tokens:
        ends = {short(end)[0]: rows for end in ("embedding", "head")}
        arguments["trainable_token_indices"] = literal(rows if place.tokens == "list" else ends)
    if one.dora:
        arguments["use_dora"] = "True"
    if program.ensure:
        arguments["ensure_weight_tying"] = "True"
    return f"config = {call('LoraConfig', arguments)}"


def _put(program: Program, before: State, taken: Put) -> list[str]:
    one, name = taken.placed(before), taken.name
    cast = "" if program.autocast else ", autocast_adapter_dtype=False"
    alone = "alone"
    put = [
        f'alone = get_peft_model(copy.deepcopy(base), copy.deepcopy(config), "{name}"{cast})',
        f'model.add_adapter("{name}", config{cast})',
    ]
    if not before.wrapped:
        alone = "model"
        put = ["base = copy.deepcopy(model)", "begin(base)"]
        put += [f'model = get_peft_model(model, config, "{name}"{cast})']
    values = f"{one.alpha / one.rank}, {literal(list(one.rows))}"
    return [_config(program, one), *put, f'give_values(model, {alone}, "{name}", {values})']


def _train(_: Program, before: State, taken: Train) -> list[str]:
    # one after the other, as the suite does: two Parameters may lie over one storage
    made = {"sgd": "SGD(trained(model), lr=0.1", "adamw": "AdamW(trained(model), lr=0.02"}
    reads = [f'read(model, "{name}")' for name in before.active]
    return [
        f"train(model, torch.optim.{made[taken.optimizer]}, foreach=False), {taken.count})",
        *reads,
    ]


def _weighted(_: Program, before: State, taken: Weighted) -> list[str]:
    name, names, how = taken.name, taken.names, taken.how
    weights = list(WEIGHTS[: len(names)])
    more = "".join(f", {key}={value}" for key, value in taken.more(before).items())
    given = f'{literal(list(names))}, {literal(weights)}, "{name}"'
    reference = f"{literal(name)}, {literal(list(names))}, {literal(weights)}"
    return [
        f'model.add_weighted_adapter({given}, combination_type="{how}"{more})',
        f"weigh({reference}, linear={how == 'linear'})",
        f'check_model("the weighted sum", model, {literal(list(before.counted))})',
        f'read(model, "{name}")  # other factors may have the same product',
    ]


def _save(names: str, folder: str) -> str:
    return f'model.save_pretrained(work / "{folder}", selected_adapters={names})'


def _load(_: Program, before: State, taken: Load) -> list[str]:
    source, name = taken.source, taken.name
    folder = f"saved {len(before.names)} {source} {name}"
    loaded = f'folder_of(work / "{folder}", "{source}"), "{name}", torch_device="cpu"'
    return [
        f"{_save(literal([source]), folder)}\nmodel.load_adapter({loaded})",
        f'same_as("{source}", "{name}")',
    ]


def _reopen(_: Program, before: State, taken: Reopen) -> list[str]:
    first, *others = (one.name for one in taken.order(before))
    lines = ["work = Path(tempfile.mkdtemp(dir=work))"]
    folder = f'folder_of(work / "all", "{first}")'
    if taken.way == "auto":
        lines += [
            'base.save_pretrained(work / "base")',
            "for config in model.peft_config.values():",
            '    config.base_model_name_or_path = os.fspath(work / "base")',
        ]
        dtype = f"dtype=torch.{before.dtype}"
        loader = f"AutoPeftModelForCausalLM.from_pretrained({folder}, "
        loaded = f'{loader}adapter_name="{first}", is_trainable=True, {dtype})'
    else:
        loader = f"PeftModel.from_pretrained(copy.deepcopy(base), {folder}, "
        loaded = f'{loader}adapter_name="{first}", is_trainable=True, torch_device="cpu")'
    lines += [_save(literal(list(before.names)), "all"), f"model = {loaded}"]
    return [
        *lines,
        *(
            f'model.load_adapter(folder_of(work / "all", "{name}"), "{name}", torch_device="cpu")'
            for name in others
        ),
    ]


def _native(_: Program, before: State, taken: Native) -> list[str]:
    name = taken.name
    folder = f"native {len(before.names)} {name}"
    return [
        _save(literal([name]), folder),
        "other = copy.deepcopy(base)",
        f'other.load_adapter(folder_of(work / "{folder}", "{name}"), adapter_name="{name}")',
        f'check_model("loaded by transformers", other, ["{name}"])',
    ]


def _mixed(_: Program, before: State, taken: Mixed) -> list[str]:
    names, generates = literal(list(taken.names)), taken.way == "generate"
    off = not before.enabled
    rows = literal([[] if off or name == BASE_ROW else [name] for name in taken.names])
    return [f'check_rows("mixed", model, {names}, {rows}, generates={generates})']


def _native_add(program: Program, before: State, taken: NativeAdd) -> list[str]:
    lines = ["other = copy.deepcopy(base)"]
    for name in taken.names:
        (one,) = before.named(name)
        lines += [
            _config(program, one),
            f'again = native(other, config, "{name}", base, work)',
            f'check_model("added by transformers", other, ["{name}"])',
            f'check_model("saved and loaded by transformers", again, ["{name}"])',
        ]
    first = taken.names[0]
    return [
        *lines,
        f'set_adapter(other, "{first}")',
        f'check_model("set by transformers", other, ["{first}"])',
    ]


def _resize(program: Program, before: State, taken: Resize) -> list[str]:
    count = taken.count
    rows = program.base.vocab + before.rows + count
    ends = [Writing(program.base).head, Writing(program.base).embedding]
    lines = [f"model.resize_token_embeddings({rows}, mean_resizing=False)"]
    if before.wrapped:
        lines.append(f"base.resize_token_embeddings({rows}, mean_resizing=False)")
    models = "(model, base)" if before.wrapped else "(model,)"
    return [
        *lines,
        f"for one in {models}:  # the new rows get values",
        f"    for name in {literal(ends)}:",
        "        for kind, tensor in dict(named(one)).items():",
        '            if re.fullmatch(re.escape(name) + r"(\\.base_layer)?\\.(weight|bias)", kind):',
        f'                new = values(f"{{name}} {rows}", tensor.shape).to(tensor)',
        f"                tensor.data[-{count}:] = 0.2 * new[-{count}:]",
        "for name, now in named(model).items():",
        "    if name in BASE and now.shape != BASE[name].shape:",
        "        BASE[name] = torch.cat([BASE[name], taken(now)[len(BASE[name]):]])",
        f"begin({'base' if before.wrapped else 'model'})",
    ]


def _cast(_: Program, before: State, taken: Cast) -> list[str]:
    base = "base" if before.wrapped else "model"
    return [f"cast(model, {base}, torch.{taken.dtype})"]


def _by_name(names: tuple[str, ...]) -> str:
    """The argument that names what is merged, where anything is named."""
    return f"adapter_names={literal(list(names))}" if names else ""


def _merge(_: Program, __: State, taken: Merge) -> list[str]:
    return [f"model.merge_adapter({_by_name(taken.names)})"]


def _delete(_: Program, __: State, taken: Delete) -> list[str]:
    name = taken.name
    return [
        f'model.delete_adapter("{name}")',
        f'del ADAPTERS["{name}"], SCALING["{name}"], ROWS["{name}"]',
    ]


def _merge_and_unload(_: Program, before: State, taken: MergeAndUnload) -> list[str]:
    return [
        f"model = model.merge_and_unload({_by_name(taken.names)})",
        f"rebase({literal(list(taken.taken(before)))})",
        "begin(model)",
    ]


def _reload(_: Program, before: State, taken: Reload) -> list[str]:
    wanted = taken.precision(before)
    return [
        "work = Path(tempfile.mkdtemp(dir=work))",
        'model.save_pretrained(work / "plain")',
        f'model = AutoModelForCausalLM.from_pretrained(work / "plain", dtype=torch.{wanted})',
        f"BASE.update({{n: taken(one.to(torch.{wanted})) for n, one in BASE.items()}})",
        "begin(model)",
    ]


def _simple(*lines: str) -> Callable[..., list[str]]:
    """Calls of an operation, with its arguments by name."""

    def written(_: Program, __: State, taken: Operation) -> list[str]:
        given = {name: literal(_listed(value)) for name, value in vars(taken).items()}
        return [line.format(**given) for line in lines]

    return written


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


CALLS: dict[type[Operation], Callable[..., list[str]]] = {
    Wrap: _put,
    Add: _put,
    Train: _train,
    Set: _simple("model.set_adapter({name})"),
    Activate: _simple("model.base_model.set_adapter({names})"),
    Disable: _simple("model.base_model.disable_adapter_layers()"),
    Enable: _simple("model.base_model.enable_adapter_layers()"),
    Without: _simple('with model.disable_adapter():\n    check_model("disabled", model, [])'),
    Merge: _merge,
    Unmerge: _simple("model.unmerge_adapter()"),
    Delete: _delete,
    Weighted: _weighted,
    Load: _load,
    Reopen: _reopen,
    Native: _native,
    Mixed: _mixed,
    Copy: _simple("model = copied(model)"),
    Cast: _cast,
    NativeAdd: _native_add,
    Resize: _resize,
    MergeAndUnload: _merge_and_unload,
    Unload: _simple("model = model.unload()", "rebase([])", "begin(model)"),
    Reload: _reload,
}
"""Every operation as a script writes it."""
