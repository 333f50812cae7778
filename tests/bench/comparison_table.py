"""The tables of compare_pytorch.py, in markdown."""
import textwrap
from statistics import median

# The least ratios that are aimed at: how much longer the others take, by precision and a word of the case's name; the
# first word that fits counts. memory: the most that ours may take of our f32.
AIMS = {
    "f32": {"step/quickstart": {"eager": 2.0, "compile": 1.1}, "": {"eager": 1.2, "compile": 1.1}},
    "bf16": {
        "conv_autoencoder": {"eager": 1.4, "our f32": 1.8, "memory": .7},
        "step/S2": {"eager": 1.4, "compile": 1.2, "our f32": 1.8, "memory": .7},
        "step/B4": {"eager": 1.4, "compile": 1.2, "our f32": 1.8, "memory": .7},
        "step/": {"eager": 1.4, "compile": 1.2, "memory": .7},
        "sample/": {"our f32": 1.6},
    },
}


def side(case, name):
    """A side's measurements, one a round; empty when it did not take part."""
    return [r[name] for r in case["rounds"] if name in r]


def seconds(case, name):
    return median(m["seconds"] for m in side(case, name))


def show_time(case, name):
    if not side(case, name):
        return "-"
    milliseconds = seconds(case, name) * 1e3
    return f"{milliseconds:,.0f} ms" if milliseconds >= 100 else f"{milliseconds:.3g} ms"


def ratios_to(case, rival, name="ours"):
    """How much longer the rival takes, a round each. Rounds that something disturbed are left out when there are
    others."""
    rounds = [r for r in case["rounds"] if rival in r]
    rounds = [r for r in rounds if r[rival]["clean"] and r[name]["clean"]] or rounds
    return [r[rival]["seconds"] / r[name]["seconds"] for r in rounds]


def show_ratio(case, rival, name="ours"):
    """The median of the rounds' ratios, and their spread."""
    ratios = ratios_to(case, rival, name)
    if not ratios:
        return "-"
    return f"**{median(ratios):.2f}** ({min(ratios):.2f}..{max(ratios):.2f})"


def memory(case, name, key="system_peak"):
    return max((m[key] for m in side(case, name)), default=0) * 1e-6


def show_memory(case):
    ours, eager = memory(case, "ours"), memory(case, "eager")
    if not ours or not eager:
        return "-"
    return f"{ours:,.0f} MB, {eager:,.0f} MB: {ours / eager:.2f}"


def show_memory_of_f32(case):
    ours, f32 = memory(case, "ours"), memory(case, "our f32")
    return f"{ours / f32:.2f}" if ours and f32 else "-"


def missed(case, precision):
    """What a case misses: "our f32 1.62 < 1.8" and the like."""
    aims = next((aims for word, aims in AIMS[precision].items() if word in case["name"]), {})
    found = []
    for rival, aim in aims.items():
        if rival == "memory":
            ours, f32 = memory(case, "ours"), memory(case, "our f32")
            if f32 and ours > aim * f32:
                found.append(f"memory {ours / f32:.2f} > {aim}")
        elif ratios_to(case, rival) and median(ratios_to(case, rival)) < aim:
            found.append(f"{rival} {median(ratios_to(case, rival)):.2f} < {aim}")
    return found


def last_line(cases, precision):
    lines = [f"{case['name']} ({', '.join(found)})" for case in cases if (found := missed(case, precision))]
    return "All cases reach their aims." if not lines else "Short of their aims: " + "; ".join(lines) + "."


def show_share(case):
    shares = [m["share_of_peak"] for m in side(case, "ours") if "share_of_peak" in m]
    return f"{100 * median(shares):.0f} %" if shares else "-"


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def rival_table(cases, with_memory):
    """Ours beside PyTorch's; no column for what nobody measured."""
    columns = [("case", lambda c: f"`{c['name']}`"), ("ours", lambda c: show_time(c, "ours"))]
    modes = [mode for mode in ("eager", "compile") if any(side(c, mode) for c in cases)]
    columns += [(mode, lambda c, mode=mode: show_time(c, mode)) for mode in modes]
    columns += [(f"{mode} / ours", lambda c, mode=mode: show_ratio(c, mode)) for mode in modes]
    if any(side(c, "our f32") for c in cases):
        columns.append(("our f32", lambda c: show_time(c, "our f32")))
        columns.append(("our f32 / ours", lambda c: show_ratio(c, "our f32")))
    columns.append(("our share of peak", show_share))
    if with_memory:
        columns.append(("peak memory ours, eager: ratio", show_memory))
    if with_memory and any(side(c, "our f32") for c in cases):
        columns.append(("of our f32", show_memory_of_f32))
    return table([name for name, _ in columns], [[show(c) for _, show in columns] for c in cases])


def int8_table(cases):
    rows = [[f"`{c['name']}`", show_time(c, "ours"), show_time(c, "f32"), show_ratio(c, "f32")] for c in cases]
    return table(["case", "int8", "f32", "f32 / int8"], rows)


def markdown(report):
    settings, machine = report["settings"], report.get("machine", {})
    int8 = [c for c in report["cases"] if side(c, "f32")]
    precision = settings.get("precision", "f32")
    models = [c for c in report["cases"] if c["name"].startswith(("step/", "sample/"))]
    kernels = [c for c in report["cases"] if c not in int8 and c not in models and side(c, "eager")]
    alone = [c for c in report["cases"] if c not in int8 + models + kernels]
    about = (f"Products in {precision}. PyTorch {settings['torch']} with {settings['allocator']}, "
             f"{settings['threads']} threads each; ours with "
             f"{machine.get('gemm', '?')}, peak {machine.get('peak_gflops', 0):.0f} GFLOP/s. Times are medians of the "
             "rounds; ratios are taken within a round, above 1 where ours is faster: median, smallest and largest. The "
             "peak is that of f32.")
    text = textwrap.fill(about, 120, break_on_hyphens=False) + "\n\n"
    if models:
        text += rival_table(models, with_memory=True) + "\n"
    if int8:
        text += int8_table(int8) + "\n"
    if kernels:
        text += rival_table(kernels, with_memory=False) + "\n"
    if alone:
        text += "Without a counterpart: " + ", ".join(f"`{c['name']}` {show_time(c, 'ours')}" for c in alone) + ".\n"
    if models:
        text = text.rstrip() + "\n\n" + textwrap.fill(last_line(models, precision), 120, break_on_hyphens=False)
    return text.rstrip() + "\n"
