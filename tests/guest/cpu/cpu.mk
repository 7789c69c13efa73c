# SPDX-License-Identifier: GPL-3.0-or-later
# The guests of tests/guest/cpu: one image a behaviour, each NAME.c with the runtime.  Included by the top Makefile.

CPU_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
CPU_CFLAGS := -m32 -march=i686 -std=gnu11 -O1 -g -ffreestanding -fno-pic -fno-stack-protector -fcf-protection=none \
	-mgeneral-regs-only -fno-asynchronous-unwind-tables -fno-toplevel-reorder -Wall -Wextra -nostdlib -static -no-pie \
	-Wl,--build-id=none -Wl,-n,--no-warn-rwx-segments -Wl,-Ttext=0x100000,--section-start=.frag=0x188000
CPU_GUEST := $(patsubst $(CPU_DIR)/%.c,$(B)/guest/cpu/%.elf,$(filter-out %/rt.c,$(wildcard $(CPU_DIR)/*.c)))

$(B)/guest/cpu/%.elf: $(CPU_DIR)/%.c $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $(CPU_DIR)/rt.h
	@mkdir -p $(@D); echo "  guest $<"; $(CC) $(CPU_CFLAGS) -o $@ $(CPU_DIR)/rt.S $(CPU_DIR)/rt.c $<
