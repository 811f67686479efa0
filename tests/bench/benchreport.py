"""What came out: medians, spreads and ratios, as Markdown and as JSON."""

import json
import os
import platform
import statistics
import time

from benchtarget import DIRECT, FLOOR, HAPROXY, PGBOUNCER, PGWEIR

# What a figure is called in a table, and how it is shown.
FIGURES = {
    "cpu_us": ("CPU us per query", "{:.1f}"),
    "per_s": ("queries/s", "{:.0f}"),
    "mean_us": ("mean us", "{:.1f}"),
    "p50_us": ("p50 us", "{:.0f}"),
    "p99_us": ("p99 us", "{:.0f}"),
    "calls": ("system calls per query", "{:.2f}"),
    "mb_per_s": ("MB/s", "{:.0f}"),
    "cpu_s_per_gb": ("CPU s per GB", "{:.2f}"),
    "idle_kib": ("KiB per idle client", "{:.2f}"),
    "alone_cpu_us": ("CPU us per query before they came", "{:.1f}"),
    "connect_us": ("CPU us per connection", "{:.0f}"),
    "connects_per_s": ("connections/s", "{:.0f}"),
    "other_p99_us": ("p99 us of the others", "{:.0f}"),
    "logins_per_s": ("logins/s", "{:.0f}"),
    "login_p50_us": ("p50 us of a login", "{:.0f}"),
    "login_p99_us": ("p99 us of a login", "{:.0f}"),
    "before_p50_us": ("p50 us of the others before", "{:.0f}"),
    "during_p50_us": ("p50 us of the others during it", "{:.0f}"),
    "before_p99_us": ("p99 us of the others before", "{:.0f}"),
    "during_p99_us": ("p99 us of the others during it", "{:.0f}"),
    "jain": ("Jain's index", "{:.3f}"),
    "of_ideal": ("of the ideal", "{:.3f}"),
    "max_us": ("longest us", "{:.0f}"),
}


class Results:
    """Every figure of every run: rows[scenario][target][figure] = [values]; why not, in missing."""

    def __init__(self):
        self.rows = {}
        self.titles = {}
        self.missing = {}
        self.calls = {}

    def add(self, scenario, title, target, figures):
        self.titles[scenario] = title
        row = self.rows.setdefault(scenario, {}).setdefault(target, {})
        for name, value in figures.items():
            row.setdefault(name, []).append(value)

    def miss(self, scenario, title, target, why):
        self.titles[scenario] = title
        self.rows.setdefault(scenario, {}).setdefault(target, {})
        self.missing.setdefault(scenario, {})[target] = why

    def median(self, scenario, target, figure):
        values = self.rows.get(scenario, {}).get(target, {}).get(figure)
        return statistics.median(values) if values else None

    def ratios(self, scenario, figure, target, other):
        """Of each round by itself: its runs follow each other within seconds, and meet the same machine."""
        mine, theirs = (self.rows.get(scenario, {}).get(t, {}).get(figure, []) for t in (target, other))
        return [a / b for a, b in zip(mine, theirs) if b]


# What is aimed at: a figure of one pgweir against another target's, on the same work.
#   scenario, figure, pgweir's variant, the other, at most (or at least, where negative)
AIMS = [
    ("simple-64", "cpu_us", PGWEIR, PGBOUNCER, 0.75),
    ("simple-64", "cpu_us", PGWEIR, HAPROXY, 1.15),
    ("extended-64", "cpu_us", PGWEIR, PGBOUNCER, 0.75),
    ("prepared-64", "cpu_us", PGWEIR, HAPROXY, 1.13),  # 0.65 of PgBouncer 1.25, which has it
    ("prepared-64", "cpu_us", PGWEIR, PGBOUNCER, 0.65),
    ("names-64", "cpu_us", PGWEIR, PGBOUNCER, 0.6),
    ("simple-1", "mean_us", PGWEIR, PGBOUNCER, 1.0),
    ("tls-simple-64", "cpu_us", PGWEIR, PGBOUNCER, 0.8),
    ("stream", "cpu_s_per_gb", PGWEIR, PGBOUNCER, 0.14),
    ("stream", "mb_per_s", PGWEIR, PGBOUNCER, -5.0),
    ("copy-in", "cpu_s_per_gb", PGWEIR, PGBOUNCER, 0.18),
    ("tls-stream", "cpu_s_per_gb", PGWEIR, PGBOUNCER, 0.27),
    ("tls-stream", "cpu_s_per_gb", PGWEIR, HAPROXY, 0.86),
    ("beside", "other_p99_us", PGWEIR, PGBOUNCER, 1.0),
    ("beside", "mb_per_s", PGWEIR, PGBOUNCER, -5.0),
    ("idle", "idle_kib", PGWEIR, PGBOUNCER, 1.0),
    ("storm-scram", "connect_us", PGWEIR, PGBOUNCER, 0.9),
    ("storm-tls", "connect_us", PGWEIR, PGBOUNCER, 0.8),
    ("storm-resumed", "connect_us", PGWEIR, PGBOUNCER, 0.8),
    ("storm-offered", "during_p99_us", PGWEIR, PGBOUNCER, 1.0),
    ("queue", "per_s", PGWEIR, PGBOUNCER, -1.0),
    ("workers", "cpu_us", "pgweir workers=2", PGWEIR, 1.05),
    ("workers", "cpu_us", "pgweir workers=4", PGWEIR, 1.05),
    ("auto", "cpu_us", "pgweir pool_mode=auto", PGWEIR, 1.03),
    ("auto-prepared", "cpu_us", "pgweir pool_mode=auto", PGWEIR, 1.03),
]
AIMED_VALUES = [
    ("simple-64", "calls", 4.3),
    ("extended-64", "calls", 4.3),
    ("prepared-64", "calls", 4.3),
    ("names-64", "calls", 4.5),
    ("idle", "idle_kib", 0.8),
    ("stream", "cpu_s_per_gb", 0.4),
    ("copy-in", "cpu_s_per_gb", 0.5),
    ("tls-stream", "cpu_s_per_gb", 0.95),
    ("queue", "jain", -0.99),
]


# Whose ratios stand below a scenario's figures.
COMPARED = [(PGWEIR, PGBOUNCER), (PGWEIR, HAPROXY), (PGWEIR, FLOOR), (FLOOR, PGBOUNCER)]


def order(targets):
    known = [DIRECT, FLOOR, HAPROXY, PGBOUNCER]
    return [t for t in known if t in targets] + sorted(t for t in targets if t not in known)


def cell(values, form, emphasis=""):
    if not values:
        return "–"
    text = form.format(statistics.median(values))
    low, high = form.format(min(values)), form.format(max(values))
    shown = f"{emphasis}{text}{emphasis}"
    return shown if low == high else f"{shown} ({low} to {high})"


def scenario_table(results, scenario):
    row = results.rows[scenario]
    figures = [f for f in FIGURES if any(f in row[t] for t in row)]
    lines = [f"### {results.titles[scenario]}", "", "| | " + " | ".join(FIGURES[f][0] for f in figures) + " |",
             "|---|" + "---|" * len(figures)]
    for target in order(row):
        why = results.missing.get(scenario, {}).get(target)
        cells = [cell(row[target].get(f), FIGURES[f][1]) for f in figures]
        if why and not row[target]:
            cells = [why] + [""] * (len(figures) - 1)
        lines.append(f"| {target} | " + " | ".join(cells) + " |")
    for mine, other in COMPARED:
        if mine in row and other in row:
            ratios = [results.ratios(scenario, f, mine, other) for f in figures]
            if any(ratios):
                lines.append(f"| {mine} / {other} | " + " | ".join(cell(r, "{:.2f}", "**") for r in ratios) + " |")
    for target, calls in results.calls.get(scenario, {}).items():
        named = ", ".join(f"{n} {c:.3f}" for n, c in sorted(calls.items(), key=lambda x: -x[1]) if c >= 0.001)
        lines.append(f"\n{target}: {named}")
    return lines + [""]


def verdict(value, bound):
    return "yes" if (value <= bound if bound > 0 else value >= -bound) else "**no**"


def aims_table(results):
    lines = ["| pgweir | against | ratio | aim | reached | the floor's ratio |", "|---|---|---|---|---|---|"]
    for scenario, figure, mine, other, bound in AIMS:
        ratios = results.ratios(scenario, figure, mine, other)
        why = results.missing.get(scenario, {}).get(other)
        who = "" if mine == PGWEIR else f" ({mine})"
        floor = cell(results.ratios(scenario, figure, FLOOR, other), "{:.2f}") if mine == PGWEIR else "–"
        if ratios or why:
            lines.append(f"| {results.titles[scenario]}{who}: {FIGURES[figure][0]} | {other} | {cell(ratios, '{:.2f}')} | "
                         f"{'at most' if bound > 0 else 'at least'} {abs(bound):g} | "
                         f"{verdict(statistics.median(ratios), bound) if ratios else f'{other}: {why}'} | {floor} |")
    for scenario, figure, bound in AIMED_VALUES:
        value = results.median(scenario, PGWEIR, figure)
        if value is not None:
            lines.append(f"| {results.titles[scenario]}: {FIGURES[figure][0]} | – | {value:.2f} | "
                         f"{'at most' if bound > 0 else 'at least'} {abs(bound):g} | {verdict(value, bound)} | – |")
    return lines + [""]


def machine():
    model = platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), model)
    except OSError:
        pass
    return {"cpus": os.cpu_count(), "cpu": model, "kernel": platform.release(),
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "load": os.getloadavg()[0]}


def write(results, versions, directory, stem):
    where = machine()
    lines = ["# pgweir measured", "",
             f"{where['date']}, {where['cpus']} CPUs ({where['cpu']}), Linux {where['kernel']}, load at the end "
             f"{where['load']:.1f}. " + "; ".join(f"{k}: {v}" for k, v in versions.items()) + ".", "",
             "Medians of runs that were interleaved over the targets, and of the ratios within each round; in brackets the least "
             "and the most. Only ratios carry over to another machine.", "", "## What is aimed at", ""]
    lines += aims_table(results) + ["## All scenarios", ""]
    for scenario in results.rows:
        lines += scenario_table(results, scenario)
    directory.mkdir(parents=True, exist_ok=True)
    markdown = directory / f"{stem}.md"
    markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / f"{stem}.json").write_text(json.dumps({
        "machine": where, "versions": versions, "titles": results.titles, "runs": results.rows, "missing": results.missing,
        "calls": results.calls}, indent=1) + "\n", encoding="utf-8")
    return markdown, "\n".join(lines)
