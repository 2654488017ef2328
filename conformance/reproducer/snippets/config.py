"""Scripts about configs."""

from __future__ import annotations

from conformance.reproducer.code import text
from conformance.reproducer.snippets import pieces
from conformance.reproducer.snippets.snippet import snippet
from conformance.reproducer.writing import Writing


@snippet("config-tells-the-truth")
def config_tells_the_truth(w: Writing) -> str:
    return text(
        w.base,
        f"model = {w.wrap}",
        'check_flags("base", base)',
        'check_flags("wrapped", model)',
        w.train,
        'check_flags("trained", model)',
        f"merged = {w.merge()}",
        'check_flags("merged", merged)',
        pieces.save_and_reload(w),
        'check_flags("reloaded", reloaded)',
        pieces.saved_flags(w),
    )


@snippet("caller-config-is-untouched")
def caller_config_is_untouched(w: Writing) -> str:
    target = "small" if w.case.grown else "base"
    precision = "" if w.case.autocast else ", autocast_adapter_dtype=False"
    return text(
        w.base,
        f"passed = {w.lora_arguments}",
        f"""
        as_passed = copy.deepcopy(passed)
        config = LoraConfig(**passed)
        before = copy.deepcopy(config.to_dict())
        get_peft_model(copy.deepcopy({target}), config{precision})
        for field, value in as_passed.items():
            found = passed[field]
            check(f"the argument {{field}}", found == value, f"{{value}} and {{found}}")
        bookkeeping = ("base_model_name_or_path", "inference_mode", "auto_mapping", "peft_version")
        for field, value in before.items():
            found = config.to_dict()[field]
            if field not in bookkeeping and found != value:
                check(f"config.{{field}}", False, f"it was {{value}} and is {{found}}")
        """,
    )


@snippet("adapter-config-round-trips")
def adapter_config_round_trips(w: Writing) -> str:
    precision = "" if w.case.autocast else ", autocast_adapter_dtype=False"
    return text(
        w.adapted,
        w.save_adapter,
        f"""
        config = PeftConfig.from_pretrained(work / "adapter")
        config.inference_mode = False  # PEFT saves True
        again = get_peft_model(copy.deepcopy(base), config{precision})
        was, now = kinds(model), kinds(again)
        for name in sorted({{*was, *now}}):
            if was.get(name) != now.get(name):
                check(f"{{name}} is as before", False, f"{{was.get(name)}} and {{now.get(name)}}")
        one, other = trainable(model), trainable(again)
        check("the same parameters train", one == other, ", ".join(sorted(one ^ other)))
        groups = [", ".join(sorted(group)) for group in shared(model) ^ shared(again)]
        check("the same parameters are tied", not groups, "; ".join(groups))
        """,
    )


@snippet("saved-config-says-what-was-trained")
def saved_config_says_what_was_trained(w: Writing) -> str:
    return text(
        w.adapted,
        w.save_adapter,
        """
        def plain(value):
            if isinstance(value, (set, frozenset, list, tuple)):
                return sorted((plain(one) for one in value), key=str)
            if isinstance(value, dict):
                return {str(key): plain(one) for key, one in value.items()}
            return getattr(value, "value", value)

        wrapped = model.peft_config["default"].to_dict()
        saved = json.loads((work / "adapter" / "adapter_config.json").read_text())
        bookkeeping = {"base_model_name_or_path", "inference_mode", "auto_mapping", "peft_version"}
        for field in sorted({*wrapped} & {*saved} - bookkeeping):
            was, now = plain(wrapped[field]), plain(saved[field])
            check(f"config.{field} is saved", was == now, f"{was} and {now}")
        check("inference_mode is saved as True", saved["inference_mode"] is True, "it is not")
        named = saved.get("auto_mapping")
        if saved["task_type"] is not None:
            check("a task is all that is needed", named is None, f"auto_mapping is {named}")
        elif "auto_mapping" in saved:
            name = named and named["base_model_class"]
            check("auto_mapping names the base", name == type(base).__name__, f"{named}")
        """,
    )
