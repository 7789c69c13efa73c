# Vitrine's one Makefile.  `make help` lists what it can do; MODE=debug or MODE=asan builds beside the release.
#
# Sources are found, not listed: a new .c file below a room is built.  trace/provider*.c alone go into the LTTng
# provider, a shared object that the program opens only when it traces.  Tests are found too: see tests/run.sh.

CC := gcc
CLANG := clang
MODE ?= $(or $(filter asan debug,$(MAKECMDGOALS)),release)
PREFIX ?= /usr/local
N ?= 2000000

BUILD := build$(if $(filter-out release,$(MODE)),/$(MODE))
B := $(BUILD)
FLAGS_release := -O2
FLAGS_debug := -Og -DDEBUG
FLAGS_asan := -O1 -DDEBUG -fsanitize=address,undefined -fno-omit-frame-pointer -Wno-format-truncation
WARN := -Wall -Wextra -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes $(if $(WERROR)$(CI),-Werror)
CFLAGS := -std=gnu11 -g $(FLAGS_$(MODE)) $(WARN) -D_GNU_SOURCE -I. $(EXTRA)
LDFLAGS := $(filter -fsanitize%,$(FLAGS_$(MODE)))
LIBS := -lreadline -lbfd -lopcodes -lseccomp -ldl -lm -lpthread

ROOMS := $(wildcard core vmi gdbstub trace repl)
SRC := $(sort $(shell find $(ROOMS) -name '*.c' -o -name '*.S'))
PROVIDER := $(filter trace/provider%.c,$(SRC))
OBJ := $(patsubst %,$(B)/obj/%.o,$(basename $(filter-out $(PROVIDER),$(SRC))))
CORE := $(filter-out $(B)/obj/core/main.o,$(OBJ))
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/*_test.c))
FUZZ := $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
GUEST := $(patsubst tests/guest/%.S,$(B)/guest/%.elf,$(wildcard tests/guest/*.S))

.PHONY: test-faults all run check help linux bench bench-full bench-check bench-vmi bench-gdb bench-trace asan debug install fuzz fmt docs diff tour floors rebase clean deps soak lint check-asan check-checked check-chaos
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.PRECIOUS: $(B)/obj/%.o build/fuzz/obj/%.o

all: $(B)/vitrine $(if $(PROVIDER),$(B)/vitrine-trace.so) $(B)/lantern.elf ## build everything that runs

run: $(B)/vitrine $(if $(PROVIDER),$(B)/vitrine-trace.so) $(B)/lantern.elf ## install what is missing, build, boot the teaching kernel with the console
	@if [ -t 0 ]; then exec $(B)/vitrine -kernel $(B)/lantern.elf; \
	else exec $(B)/vitrine -batch -kernel $(B)/lantern.elf -append tour; fi

check: all $(UNIT) $(GUEST) $$(CPU_GUEST) ## install what is missing, build, run the whole suite (T=word runs the tests named so)
	@B=$(B) CC="$(CC)" CLANG="$(CLANG)" CFLAGS="$(CFLAGS)" LOG="$(LOG)" TRANSLATOR="$(TRANSLATOR)" SLOW="$(SLOW)" tests/run.sh $(T)

check-asan: ## the suite with the program built with sanitizers (T=word); hours
	@$(MAKE) --no-print-directory check MODE=asan SLOW=12

check-checked: ## the suite with every invariant checked all the time (T=word)
	@$(MAKE) --no-print-directory check LOG=build/log-checked TRANSLATOR=check=$(or $(CHECK),1000) SLOW=6

check-chaos: ## the suite with all happening at random that must not matter (SEED=1, T=word)
	@$(MAKE) --no-print-directory check LOG=build/log-chaos TRANSLATOR=chaos=$(or $(SEED),1),check=$(or $(CHECK),5000),code=2097152 SLOW=12

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' Makefile

linux: $(B)/vitrine ## fetch Debian's i386 kernel and busybox and boot them to a shell (FLAVOUR=686 or 686-pae); without a terminal to a few commands
	@export ENGINE=$${ENGINE:-$(B)/vitrine}; if [ -t 0 ]; then exec scripts/linux.sh boot; \
	else APPEND="$${APPEND-vitrine.run=\"uname -a; ps; free\"}" exec scripts/linux.sh boot -batch -no-reboot; fi

bench: all $(B)/guest/ring.elf ## measure native, translated and QEMU's TCG side by side, and the bars (W=word runs the workloads named so)
	@tests/bench/bench.py $(W)

bench-full: all $(B)/guest/ring.elf ## the same with more rounds, rows and machines, VMI and all bars: half an hour
	@tests/bench/bench.py --full $(W)

bench-check: all ## compare counts and times of lantern's benchmarks with the recorded ones, fail if worse (RECORD=1 accepts them)
	@tests/bench/check.py --vitrine $(B)/vitrine --lantern $(B)/lantern.elf $(if $(RECORD),--record) $(W)

bench-vmi: all ## measure the same guest with VMI and without (VMI_LINUX="KERNEL INITRD" also measures that kernel; W=row)
	@VMI_LINUX="$(VMI_LINUX)" tests/bench/vmi.py --vitrine $(B)/vitrine --lantern $(B)/lantern.elf $(W)

bench-gdb: all ## measure the gdb stub beside QEMU's, packet by packet
	@tests/bench/gdb.py

bench-trace: all build/bench/trace_loop ## measure what a trace event costs, beside LTTng alone
	@tests/bench/trace.py --vitrine $(B)/vitrine --lantern $(B)/lantern.elf $(W)

asan: all ## build with sanitizers into build/asan
debug: all ## build for a debugger into build/debug

fuzz: $(FUZZ) ## run every fuzzer for T seconds (60) with ASan and UBSan; executions and coverage of each
	@tests/fuzz/run.sh $(or $(T),60)

test-faults: all $(B)/guest/stage.elf ## make every system call and allocation of the machine fail, one at a time (W="save gdb" chooses)
	@B=$(B) /usr/bin/python3 tests/faults/faults.py $(W)
	@$(if $(W),,B=$(B) /usr/bin/python3 tests/faults/faults.py --every 4 trace)

soak: $(B)/vitrine ## boot Debian's kernel N times (200), save it at N/10 moments; a day of work (HOURS=24), attached to N*50 times: hours
	@scripts/linux.sh fetch && export VITRINE=$(B)/vitrine; n=$(if $(filter file,$(origin N)),200,$(N)); \
	python3 tests/linux/soak.py boots $$n && python3 tests/linux/soak.py saved $$((n / 10)) && \
	python3 tests/linux/day.py --hours $(or $(HOURS),24) --attach $$((n * 50))

diff: $(B)/vitrine ## compare N random instructions with this machine's CPU (N=2000000 SEED=1), or with RING=0 N groups of supervisor work with QEMU
	@$(if $(filter 0,$(RING)),tests/diff/ring0.sh $(or $(SEED),1) $(if $(filter file,$(origin N)),300,$(N)) $(MODES),\
	rm -rf build/diff/cover; mkdir -p build/diff/cover; \
	tests/diff/run.sh $(or $(SEED),1) $$(($(N) * 4 / 5)) && tests/diff/run.sh $(or $(SEED),1) $$(($(N) / 5)) rows && \
	tests/diff/cover.sh build/diff/cover)

fmt: ## lay out the C sources by .clang-format
	@find $(ROOMS) tests -name '*.[ch]' | xargs clang-format -i

docs: ## make the reference pages from the tables
	@scripts/tables.sh

tour: ## print the marked passages of the sources in telling order
	@find $(ROOMS) -name '*.[chS]' | xargs awk -f scripts/tour.awk

lint: deps $$(CALLS) ## static analysis: cppcheck and clang-tidy (.clang-tidy), both without a finding (F="FILE..." looks at these)
	@B=$(B) scripts/lint.sh $(F)

floors: ## check that every file includes only its own room and those above it
	@find $(ROOMS) -name '*.[chS]' | sort | xargs awk -f scripts/floors.awk core/floors

rebase: all ## accept what the golden, console and gdb tests print now; then read the diff
	@REBASE=1 B=$(B) tests/run.sh golden repl gdb

ANALYSES := vmi-freq bt-report compare mmu-report irq-latency flame vmi-timeline
install: all ## install program, manual page, completion and scripts (PREFIX=/usr/local DESTDIR=)
	install -D -m 755 $(B)/vitrine $(DESTDIR)$(PREFIX)/bin/vitrine
	install -D -m 644 $(B)/lantern.elf $(DESTDIR)$(PREFIX)/share/vitrine/lantern.elf
	install -D -m 644 docs/vitrine.1 $(DESTDIR)$(PREFIX)/share/man/man1/vitrine.1
	install -D -m 644 scripts/vitrine.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/vitrine
	$(if $(PROVIDER),install -D -m 755 $(B)/vitrine-trace.so $(DESTDIR)$(PREFIX)/lib/vitrine/vitrine-trace.so)
	for s in $(ANALYSES); do install -D -m 755 scripts/$$s $(DESTDIR)$(PREFIX)/share/vitrine/scripts/$$s; done
	install -D -m 644 scripts/tracecompass/vitrine.xml $(DESTDIR)$(PREFIX)/share/vitrine/scripts/tracecompass/vitrine.xml
	for s in scripts/*.py; do install -D -m 644 $$s $(DESTDIR)$(PREFIX)/share/vitrine/$$s; done

clean: ## remove what was built, but not what was fetched
	rm -rf build/obj build/gen build/unit build/guest build/log build/debug build/asan build/fuzz build/diff \
	build/vitrine build/vitrine-trace.so build/lantern* build/bench/run

# What `run` and `check` need from Debian's packages is there before the first file is compiled.
GOAL := $(filter run check test-faults bench bench-full bench-check bench-vmi bench-gdb bench-trace diff lint,$(MAKECMDGOALS))
deps:
	@scripts/install-deps.sh $(GOAL)
ifneq ($(GOAL),)
$(OBJ) $(UNIT) $(GUEST) $(B)/lantern.elf $(B)/vitrine: | deps
endif

$(B)/vitrine: $(OBJ)
	@echo "  link $@"; $(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

# What the preprocessor cannot make of the tables for LTTng is made by a program.
LISTS := $(B)/gen/generated.def
$(LISTS): scripts/trace-lists.c trace/lists.def vmi/calls.def core/cpu/exceptions.def core/cpu/stops.def core/bt/exits.def
	@mkdir -p $(@D); echo "  make $@"; $(CC) -I. -o $(B)/gen/trace-lists $< && $(B)/gen/trace-lists >$@
$(patsubst %.c,$(B)/obj/%.o,$(PROVIDER)): $(LISTS)

# Names of system calls, to say which one the sandbox has stopped.
CALLS := $(B)/gen/syscalls.def
$(CALLS):
	@mkdir -p $(@D); echo "  make $@"; echo '#include <sys/syscall.h>' | $(CC) -E -dM - | \
	sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' >$@
$(B)/obj/core/sandbox/filter.o build/fuzz/obj/core/sandbox/filter.o: $(CALLS)
$(B)/obj/core/sandbox/filter.o build/fuzz/obj/core/sandbox/filter.o: CFLAGS += -I$(B)/gen

$(B)/vitrine-trace.so: $(patsubst %.c,$(B)/obj/%.o,$(PROVIDER))
	@echo "  link $@"; $(CC) $(LDFLAGS) -shared -o $@ $^ -llttng-ust -ldl

# The guest's SSE and x87 registers may be live while these rooms run, so their C code must not touch them.
LIVE := core/op/%.o core/cpu/%.o core/mem/%.o core/bt/%.o core/dev/%.o core/vm/%.o vmi/%.o trace/emit.o
$(addprefix $(B)/obj/,$(LIVE)): CFLAGS += -mgeneral-regs-only
$(B)/obj/trace/provider%.o: CFLAGS += -fPIC -I$(B)/gen -Wno-missing-prototypes -Wno-strict-prototypes

$(B)/obj/%.o: %.c
	@mkdir -p $(@D); echo "  cc $<"; $(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/obj/%.o: %.S
	@mkdir -p $(@D); echo "  as $<"; $(CC) -g -I. -MMD -MP -c -o $@ $<

# A unit test links what its `/* LINK: file.o file.c */` line names, or all of the program but main.
# TRACE() is everywhere.
traced = $(if $(1),$(1) trace/emit)
linked = $(or $(patsubst %,$(B)/obj/%.o,$(call traced,$(basename $(shell sed -n 's,.*/\* LINK: *\(.*[^ ]\) *\*/.*,\1,p' $(1))))),$(CORE))
$(B)/unit/%: $(B)/obj/tests/unit/%.o $$(call linked,tests/unit/$$*.c)
	@mkdir -p $(@D); echo "  link $@"; $(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LIBS)

build/bench/trace_loop: $(B)/obj/tests/bench/trace_loop.o $(CORE) $(B)/vitrine-trace.so
	@mkdir -p $(@D); ln -sf ../vitrine-trace.so build/bench/; echo "  link $@"; $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBS)

# The same for fuzzers, all of it with clang's sanitizers.
# What runs between guest instructions may count, but call nobody.
FUZZ_CFLAGS = $(filter-out -fsanitize% -DDEBUG,$(CFLAGS)) -fsanitize=address,undefined $(COVERAGE)
COVERAGE := -fsanitize=fuzzer-no-link
$(addprefix build/fuzz/obj/core/,op/%.o cpu/%.o mem/%.o bt/%.o): COVERAGE := -fsanitize-coverage=inline-8bit-counters,pc-table
$(addprefix build/fuzz/obj/,$(LIVE)): CFLAGS += -mgeneral-regs-only
build/fuzz/obj/%.o: %.c
	@mkdir -p $(@D); echo "  clang $<"; $(CLANG) $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<
build/fuzz/obj/%.o: %.S
	@mkdir -p $(@D); $(CLANG) -g -I. -MMD -MP -c -o $@ $<
build/fuzz/%: build/fuzz/obj/tests/fuzz/%.o $$(subst $(B)/obj/,build/fuzz/obj/,$$(call linked,tests/fuzz/$$*.c))
	@echo "  link $@"; $(CLANG) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

# One behaviour each, flat and free-standing, entered by multiboot.
$(B)/guest/%.elf: tests/guest/%.S $(wildcard tests/guest/*.h tests/guest/*.ld)
	@mkdir -p $(@D); $(CC) -m32 -g -nostdlib -static -no-pie -Itests/guest -I. -Wl,--build-id=none -Wl,-n,--no-warn-rwx-segments -Wl,-Ttext=0x100000 -o $@ $<

-include tests/guest/lantern/lantern.mk tests/guest/cpu/cpu.mk
-include $(shell find $(B)/obj build/fuzz/obj -name '*.d' 2>/dev/null)
