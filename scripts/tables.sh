#!/bin/bash
# tables.sh - makes the reference pages of docs/ from the tables. `--check` says which are not as the tables are.
#
# A page is a small C program that includes its table once per section, so what a row means is never parsed here.
set -eu
cd "$(dirname "$0")/.."
check=${1-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# page FILE TITLE TABLE: a page of docs; standard input is C that includes the table and prints its rows
page() {
	local out=docs/$1 title=$2 table=$3
	[ -e "$table" ] || return 0
	{
		echo '#include <stdio.h>'
		echo '#include <string.h>'
		# a | would end a cell of the page
		echo 'static void cell(const char *s) { for (; *s; s++) { if (*s == 124) putchar(92); putchar(*s); } }'
		echo 'static void code(const char *s) { if (!*s) return; putchar(96); cell(s); putchar(96); }'
		echo 'static const char *last = "";'
		echo 'static void next(void) { printf("|"); }'
		echo 'static void word(const char *s) { printf(" "); cell(s); printf(" |"); }'
		echo 'static void name(const char *s) { printf(" "); code(s); printf(" |"); }'
		echo 'static void number(long n, const char *form) { printf(" "); printf(form, n); printf(" |"); }'
		echo 'static void group(const char *s) { if (strcmp(s, last)) printf("| **%s** |||\n", s); last = s; }'
		echo 'int main(void) { (void)cell; (void)code; (void)next; (void)word; (void)name; (void)number; (void)group;'
		printf 'printf("%%s\\n", "# %s\\n\\nMade from `%s` by `make docs`; do not edit.\\n");\n' "$title" "$table"
		cat
		echo 'return 0; }'
	} >"$work/page.c"
	gcc -I. -w -o "$work/page" "$work/page.c"
	"$work/page" >"$work/page.md"
	if [ "$check" ]; then
		cmp -s "$work/page.md" "$out" || { echo "$out is not what $table says: make docs"; status=1; }
	else
		mv "$work/page.md" "$out"
	fi
}

page options.md "Options" core/options.def <<'C'
puts("| option | default | meaning |\n|---|---|---|");
#define OPTION(n, argument, preset, f, help) next(); name(*argument ? "-" n " " argument : "-" n); word(preset); word(help); puts("");
#include "core/options.def"
C
page console.md "Console commands" repl/commands.def <<'C'
puts("| command | short | meaning |\n|---|---|---|");
#define COMMAND(n, alias, a, r, f, g, usage, help) group(g); next(); name(*usage ? n " " usage : n); name(alias); word(help); puts("");
#include "repl/commands.def"
puts("\n## Topics of `info`\n\n| topic | short | meaning |\n|---|---|---|");
#define INFO(n, alias, a, f, usage, help) next(); name(*usage ? n " " usage : n); name(alias); word(help); puts("");
#include "repl/infos.def"
puts("\n## Kinds of `explain`\n\n| kind | short | meaning |\n|---|---|---|");
#define EXPLAIN(n, alias, a, f, usage, help) next(); name(*usage ? n " " usage : n); name(alias); word(help); puts("");
#include "repl/explains.def"
puts("\n## Examples\n\n| line | what it does |\n|---|---|");
#define EXAMPLE(command, line, text) next(); name(line); word(text); puts("");
#include "repl/examples.def"
puts("\n## Settings: `set NAME VALUE`, `show NAME`\n\n| setting | values | meaning |\n|---|---|---|");
#define SETTING(n, f, values, help) next(); name(n); name(values); word(help); puts("");
#include "repl/settings.def"
C
page exits.md "Exits: ways out of translated code" core/bt/exits.def <<'C'
puts("| exit | meaning |\n|---|---|");
#define EXIT(n, text) next(); name(#n); word(text); puts("");
#include "core/bt/exits.def"
puts("\n# Stops: why the guest stands\n\nMade from `core/cpu/stops.def`. The number is the signal that gdb is told; 0: the guest has ended.\n\n| stop | signal | meaning |\n|---|---|---|");
#define STOP(n, sig, text) next(); name(#n); number(sig, "%ld"); word(text); puts("");
#include "core/cpu/stops.def"
C
page devices.md "Devices" core/dev/devices.def <<'C'
puts("| device | chip | irq | what it is |\n|---|---|---|---|");
#define DEVICE(id, chip, base, irq, apic, text) next(); name(#id); word(#chip); irq < 0 ? word("") : number(irq, "%ld"); word(text); puts("");
#define PORTS(id, first, count, width)
#define MMIO(id, base, len)
#include "core/dev/devices.def"
#undef DEVICE
#undef PORTS
#undef MMIO
puts("\n## Ports\n\n| device | first | ports | widest access |\n|---|---|---|---|");
#define DEVICE(id, chip, base, irq, apic, text)
#define PORTS(id, first, count, width) next(); name(#id); number(first, "%lxh"); number(count, "%ld"); number(width, "%ld"); puts("");
#define MMIO(id, base, len)
#include "core/dev/devices.def"
#undef DEVICE
#undef PORTS
#undef MMIO
puts("\n## Memory\n\n| device | at | length |\n|---|---|---|");
#define DEVICE(id, chip, base, irq, apic, text)
#define PORTS(id, first, count, width)
#define MMIO(id, base, len) next(); name(#id); number(base, "%lxh"); number(len, "%lxh"); puts("");
#include "core/dev/devices.def"
C
page vmi-calls.md "VMI calls" vmi/calls.def <<'C'
puts("How they are made and what they mean is in [vmi.md](vmi.md). An argument is where it is (a register, or so far above the\nreturn address), its type and its name. Answer: what a relocation query says.\n");
puts("| number | call | answer | arguments | result | natively | meaning |\n|---|---|---|---|---|---|---|");
#define CALL(n, call, answer, how, native, args, result, meaning) next(); number(n, "%ld"); name(#call); word(#answer); name(args); name(result); name(native); word(meaning); puts("");
#include "vmi/calls.def"
C
page gdb-packets.md "Packets of gdb's remote protocol" gdbstub/packets.def <<'C'
puts("What they are for, by example, is in [gdb.md](gdb.md). The word is what `qSupported` says.\n");
puts("| packet | word | meaning |\n|---|---|---|");
#define PACKET(prefix, form, fn, w, text) next(); name(prefix); name(w); word(text); puts("");
#include "gdbstub/packets.def"
C
page cpuid.md "CPUID features" core/op/features.def <<'C'
puts("| feature | leaf | register | bit |\n|---|---|---|---|");
#define FEATURE(n, N, leaf, reg, bit, host) next(); name(#n); number(leaf, "%lxh"); word(#reg); number(bit, "%ld"); puts("");
#include "core/op/features.def"
C
page events.md "Trace events" trace/events.def <<'C'
puts("How they are recorded and read is in [tracing.md](tracing.md). Every event begins with `icount` (guest instructions since\nstart), `eip`, `cr3` and `cpl`. Groups are what `trace start` takes; `all` is all of them but `stacks`.\n");
puts("| event | group | fields | meaning |\n|---|---|---|---|");
static const char *comma;
void field(const char *n, const char *kind, const char *text) { printf("%s`%s` %s: ", comma, n, kind); cell(text); comma = ";<br>"; }
#define X32(n, text) field(#n, "hex", text);
#define X64(n, text) field(#n, "hex", text);
#define U8(n, text) field(#n, "number", text);
#define U16(n, text) field(#n, "number", text);
#define U32(n, text) field(#n, "number", text);
#define U64(n, text) field(#n, "number", text);
#define LIST(list, n, text) field(#n, "word of " #list, text);
#define STR(n, text) field(#n, "text", text);
#define WORDS(n, most, text) field(#n, "list of hex", text);
#define HIDDEN(n)
#define EVENT(provider, n, g, fields, text) next(); name("vitrine_" #provider ":" #n); word(#g); comma = " "; fields printf(" |"); word(text); puts("");
#include "trace/events.def"
puts("\n## Calls\n\nEach VMI call has an event of its own, group `calls`, when it begins: `caller` (return address) and its arguments\nby the names of [vmi-calls.md](vmi-calls.md), such as `vitrine_vmi:SetPxE` with `pte`, `at`, `flags`. An argument that has\nthe name of a field which every event has begins with `arg_`.\n");
puts("## Words\n\n| list | words |\n|---|---|");
static const char *list = "";
void one(const char *l, const char *w) { if (strcmp(l, list)) printf("%s| %s | ", *list ? " |\n" : "", l); else printf(", "); list = l; printf("%s", w); }
#define WORD(l, w, value) one(#l, #w);
#include "trace/lists.def"
puts(" |\n\n`call` is a row of `vmi/calls.def`, `exception` of `core/cpu/exceptions.def`, `stop` of `core/cpu/stops.def`, by its name.");
C
page sandbox-calls.md "System calls of the locked machine" core/sandbox/calls.def <<'C'
puts("Why there is a sandbox, and what it promises, is in [security.md](security.md). A call that is not here ends the process\nwith status 5. `broker`: the broker does it, or refuses. `refuse`, `absent`: it fails with EPERM, ENOSYS, and the process goes\non. Of rows with the same name one must fit; `ARG(n, v)`: argument n is v; `NOT(n, v)`: it is not; `BELOW(n, v)`: it is less; `BITS(n, m, v)`: its\nbits m are v; `SELF` is the machine's own process.\n");
puts("| call | | limits | why |\n|---|---|---|---|");
#define ALLOW "allow"
#define BROKER "broker"
#define REFUSE "refuse"
#define ABSENT "absent"
#define CALL(n, what, reason, ...) next(); name(#n); word(what); name(#__VA_ARGS__); word(reason); puts("");
#include "core/sandbox/calls.def"
C
exit $status
