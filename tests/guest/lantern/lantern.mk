# SPDX-License-Identifier: GPL-3.0-or-later
# lantern, the teaching kernel.  Included by the top Makefile; also works alone:
#     make -f tests/guest/lantern/lantern.mk BUILD=/tmp/b /tmp/b/lantern.elf

BUILD ?= build
LANTERN_DIR := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
LANTERN_OUT := $(BUILD)/lantern
LANTERN_CC ?= gcc

# -mno-* keeps the compiler out of registers that the kernel does not save.
LANTERN_CFLAGS := -m32 -march=i586 -std=gnu11 -ffreestanding -fno-pic -fno-pie \
	-nostdlib -mno-sse -mno-mmx -fno-stack-protector -O2 -g \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls \
	-fcf-protection=none -fno-asynchronous-unwind-tables \
	-Wall -Wextra -MMD -MP -I$(LANTERN_DIR)
LANTERN_LINK := $(LANTERN_CC) -m32 -nostdlib -static -no-pie \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack

LANTERN_COMMON := $(wildcard $(LANTERN_DIR)/common/*.c)
LANTERN_SOURCES := $(wildcard $(LANTERN_DIR)/*.c $(LANTERN_DIR)/*.S) \
	$(LANTERN_COMMON)
LANTERN_OBJECTS := $(LANTERN_SOURCES:$(LANTERN_DIR)/%=$(LANTERN_OUT)/%.o)

# What every program is linked with; the others are programs.
LANTERN_LIBRARY := $(LANTERN_OUT)/user/start.S.o $(LANTERN_OUT)/user/lib.c.o \
	$(LANTERN_COMMON:$(LANTERN_DIR)/%=$(LANTERN_OUT)/%.o)
LANTERN_PROGRAMS := $(filter-out lib compute, \
	$(basename $(notdir $(wildcard $(LANTERN_DIR)/user/*.c))))
LANTERN_STRIPPED := $(LANTERN_PROGRAMS:%=$(LANTERN_OUT)/files/%)
LANTERN_TEXTS := $(patsubst $(LANTERN_DIR)/files/%,$(LANTERN_OUT)/files/%, \
	$(wildcard $(LANTERN_DIR)/files/*))

$(BUILD)/lantern.elf: $(LANTERN_OBJECTS) $(LANTERN_DIR)/link.ld
	@echo "  link $@"; $(LANTERN_LINK) -T $(LANTERN_DIR)/link.ld -o $@ $(LANTERN_OBJECTS)

$(LANTERN_OUT)/%.o: $(LANTERN_DIR)/% $(LANTERN_DIR)/lantern.mk
	@mkdir -p $(@D); echo "  cc -m32 $<"; $(LANTERN_CC) $(LANTERN_CFLAGS) -c -o $@ $<

$(LANTERN_OUT)/archive.S.o: $(LANTERN_OUT)/files.tar
$(LANTERN_OUT)/archive.S.o: LANTERN_CFLAGS += \
	-DARCHIVE='"$(LANTERN_OUT)/files.tar"'

$(LANTERN_OUT)/user/bench.elf: $(LANTERN_OUT)/user/compute.c.o
$(LANTERN_OUT)/user/%.elf: $(LANTERN_OUT)/user/%.c.o $(LANTERN_LIBRARY) \
		$(LANTERN_DIR)/user/user.ld
	@echo "  link $@"; $(LANTERN_LINK) -T $(LANTERN_DIR)/user/user.ld -o $@ $(filter %.o,$^)

$(LANTERN_OUT)/files/%: $(LANTERN_OUT)/user/%.elf
	@mkdir -p $(@D); strip -s -o $@ $<

$(LANTERN_OUT)/files/%: $(LANTERN_DIR)/files/%
	@mkdir -p $(@D); cp $< $@

# Names, times and owners are fixed: the same sources make the same image.
$(LANTERN_OUT)/files.tar: $(LANTERN_STRIPPED) $(LANTERN_TEXTS)
	@echo "  pack $@"; tar --format=ustar --mtime=@0 --owner=0 --group=0 --numeric-owner \
		--mode=0644 -C $(LANTERN_OUT)/files -cf $@ \
		$(sort $(notdir $(LANTERN_STRIPPED) $(LANTERN_TEXTS)))

.SECONDARY: $(LANTERN_LIBRARY) $(LANTERN_PROGRAMS:%=$(LANTERN_OUT)/user/%.elf) \
	$(LANTERN_PROGRAMS:%=$(LANTERN_OUT)/user/%.c.o)

-include $(LANTERN_OBJECTS:.o=.d) $(wildcard $(LANTERN_OUT)/user/*.d)
