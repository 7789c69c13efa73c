# SPDX-License-Identifier: GPL-3.0-or-later
# The guests of tests/guest/cpu and tests/guest/vmi: one image a behaviour, each NAME.c with the runtime.  Included by the
# top Makefile.

CPU_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
VMI_DIR := $(patsubst %/cpu,%/vmi,$(CPU_DIR))
CPU_CFLAGS := -m32 -I. -march=i686 -std=gnu11 -O1 -g -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none \
	-mgeneral-regs-only -fno-asynchronous-unwind-tables -fno-toplevel-reorder -Wall -Wextra -nostdlib -static -no-pie \
	-Wl,--build-id=none -Wl,-n,--no-warn-rwx-segments -Wl,-Ttext=0x100000,--section-start=.frag=0x188000
CPU_GUEST := $(patsubst $(CPU_DIR)/%.c,$(B)/guest/cpu/%.elf,$(filter-out %/rt.c,$(wildcard $(CPU_DIR)/*.c))) \
	$(patsubst $(VMI_DIR)/%.c,$(B)/guest/vmi/%.elf,$(filter-out %/vmi.c,$(wildcard $(VMI_DIR)/*.c)))

$(B)/guest/cpu/%.elf: $(CPU_DIR)/%.c $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $(CPU_DIR)/rt.h
	@mkdir -p $(@D); echo "  guest $<"; $(CC) $(CPU_CFLAGS) -o $@ $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $<

$(B)/guest/vmi/%.elf: $(VMI_DIR)/%.c $(VMI_DIR)/vmi.c $(VMI_DIR)/vmi.h $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $(CPU_DIR)/rt.h
	@mkdir -p $(@D); echo "  guest $<"; $(CC) $(CPU_CFLAGS) -o $@ $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $(VMI_DIR)/vmi.c $<

$(B)/guest/ring.elf: tests/bench/ring.c $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $(CPU_DIR)/rt.h
	@mkdir -p $(@D); echo "  guest $<"; $(CC) $(CPU_CFLAGS) -o $@ $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $<

$(B)/guest/vmi/spaces_pae.elf: $(VMI_DIR)/spaces.c
