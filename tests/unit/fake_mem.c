/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One MiB that is linear and physical at once.  A page is present and
 * writable unless fake_page() said otherwise; supervisor writes obey the
 * latter as with CR0.WP.  The page at FAKE_DEVICE is not plain memory and
 * counts its accesses. */
#include "tests/unit/fake_mem.h"

#include "core/mem/mem.h"

#include <string.h>

u8 fake_ram[FAKE_SIZE];
unsigned fake_device_accesses, fake_device_size;
u64 fake_allowance, fake_extra;
static bool absent[FAKE_SIZE / GUEST_PAGE], read_only[FAKE_SIZE / GUEST_PAGE];

void fake_page(gla_t lin, bool present, bool writable)
{
	absent[lin / GUEST_PAGE] = !present;
	read_only[lin / GUEST_PAGE] = !writable;
}

bool mem_translate(struct cpu *c, gla_t lin, unsigned access, gpa_t *gpa)
{
	unsigned page = lin / GUEST_PAGE;
	bool write = access & MEM_WRITE;
	bool user = !(access & MEM_SYSTEM) && (c->cpl == 3 || access & MEM_USER);
	u32 error = (write ? PF_W : 0) | (user ? PF_U : 0);

	if (page >= ARRAY_LEN(absent) || absent[page])
		return cpu_raise_pf(c, lin, error);
	if (write && read_only[page])
		return cpu_raise_pf(c, lin, error | PF_P);
	*gpa = lin;
	return true;
}

bool mem_translate_range(struct cpu *c, gla_t lin, unsigned len,
			 unsigned access)
{
	gla_t last = lin + (len - 1);
	gpa_t gpa;

	return mem_translate(c, lin, access, &gpa) &&
	       (last / GUEST_PAGE == lin / GUEST_PAGE ||
		mem_translate(c, last & ~(GUEST_PAGE - 1), access, &gpa));
}

static bool walk(struct cpu *c, gla_t lin, unsigned len, unsigned access)
{
	if (lin / GUEST_PAGE == FAKE_DEVICE / GUEST_PAGE) {
		fake_device_accesses++;
		fake_device_size = len;
	}
	return mem_translate_range(c, lin, len, access);
}

bool mem_lin_read(struct cpu *c, gla_t lin, void *buf, unsigned len,
		  unsigned access)
{
	if (!walk(c, lin, len, access))
		return false;
	memcpy(buf, fake_ram + lin, len);
	return true;
}

bool mem_lin_write(struct cpu *c, gla_t lin, const void *buf, unsigned len,
		   unsigned access)
{
	if (!walk(c, lin, len, access | MEM_WRITE))
		return false;
	memmove(fake_ram + lin, buf, len);
	return true;
}

bool mem_align_check(struct cpu *c, gla_t lin, unsigned len)
{
	(void)c;
	(void)lin;
	(void)len;
	return true;
}

bool mem_seg_check(struct cpu *c, unsigned seg, u32 off, unsigned len,
		   unsigned access, gla_t *lin)
{
	const struct seg *s = &c->seg[seg];

	*lin = s->base + off;
	if (s->attr && off + len - 1 >= off && off + len - 1 <= s->limit &&
	    (!(access & MEM_WRITE) || !(s->attr & SEG_CODE)))
		return true;
	return cpu_raise(c, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
}

bool mem_read(struct cpu *c, unsigned seg, u32 off, void *buf, unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_READ, &lin) &&
	       mem_lin_read(c, lin, buf, len, MEM_READ);
}

bool mem_write(struct cpu *c, unsigned seg, u32 off, const void *buf,
	       unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_WRITE, &lin) &&
	       mem_lin_write(c, lin, buf, len, MEM_WRITE);
}

bool mem_check_write(struct cpu *c, unsigned seg, u32 off, unsigned len)
{
	gla_t lin;

	return mem_seg_check(c, seg, off, len, MEM_WRITE, &lin) &&
	       walk(c, lin, len, MEM_WRITE);
}

void *mem_host_ptr(struct cpu *c, gla_t lin, unsigned len, unsigned access)
{
	unsigned page = lin / GUEST_PAGE;

	(void)c;
	if (page == FAKE_DEVICE / GUEST_PAGE || page >= ARRAY_LEN(absent) ||
	    absent[page] || (read_only[page] && (access & MEM_WRITE)) ||
	    (lin + len - 1) / GUEST_PAGE != page)
		return NULL;
	return fake_ram + lin;
}

static u64 age;

const u64 *mem_reach_age(const struct mem *m)
{
	(void)m;
	return &age;
}

void mem_phys_read(struct mem *m, gpa_t gpa, void *buf, u64 len)
{
	(void)m;
	memcpy(buf, fake_ram + gpa, len);
}

void mem_flush_all(struct cpu *c)
{
	(void)c;
}
void mem_flush_cr3(struct cpu *c)
{
	(void)c;
}
bool mem_switch_cr3(struct cpu *c)
{
	(void)c;
	return false;
}
void mem_flush_page(struct cpu *c, gla_t lin)
{
	(void)c;
	(void)lin;
}

/* ---- the machine ---- */

u32 fake_get(gla_t lin, unsigned size)
{
	u32 value = 0;

	memcpy(&value, fake_ram + lin, size);
	return value;
}

void fake_put(gla_t lin, u32 value, unsigned size)
{
	memcpy(fake_ram + lin, &value, size);
}

void fake_desc(u16 sel, u32 base, u32 limit, unsigned attr)
{
	gla_t at = FAKE_GDT + (sel & ~7u);

	fake_put(at, (limit & 0xffff) | base << 16, 4);
	fake_put(at + 4, (base >> 16 & 0xff) | (attr & 0xff) << 8 |
			 (limit & 0xf0000) | (attr & 0xf00) << 12 |
			 (base & 0xff000000u), 4);
}

void fake_gate(gla_t lin, u16 sel, u32 off, unsigned access, unsigned count)
{
	fake_put(lin, (off & 0xffff) | (u32)sel << 16, 4);
	fake_put(lin + 4, (off & 0xffff0000u) | access << 8 | count, 4);
}

void fake_idt(unsigned vector, u16 sel, u32 off, unsigned access)
{
	fake_gate(FAKE_IDT + 8 * vector, sel, off, access, 0);
}

struct insn fake_insn(unsigned opcode, unsigned opsize)
{
	return (struct insn){ .opcode = opcode, .len = 2, .opsize = opsize,
			      .addrsize = 4, .base = REG_NONE,
			      .index = REG_NONE, .seg = SEG_DS };
}

static u64 allowance(void *vm)
{
	(void)vm;
	return fake_allowance;
}
static void done(void *vm, u64 extra)
{
	(void)vm;
	fake_extra += extra;
}

static void set_segments(struct cpu *c, u16 code, u16 data, unsigned dpl)
{
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i] = (struct seg){ .sel = i == SEG_CS ? code : data,
					  .attr = (i == SEG_CS ? 0xc9b : 0xc93) |
						  dpl << SEG_DPL_SHIFT,
					  .limit = 0xffffffffu };
	c->cpl = dpl;
}

static bool must_end(void *vm)
{
	(void)vm;
	return false;
}

void fake_machine(struct cpu *c)
{
	memset(fake_ram, 0, sizeof(fake_ram));
	memset(absent, 0, sizeof(absent));
	memset(read_only, 0, sizeof(read_only));
	memset(c, 0, sizeof(*c));
	fake_device_accesses = fake_device_size = 0;
	fake_allowance = 1u << 30;
	fake_extra = 0;
	op_hooks.rep_allowance = allowance;
	op_hooks.rep_done = done;
	op_hooks.rep_must_end = must_end;
	cpu_reset(c);
	c->cr0 = CR0_PE | CR0_NE | CR0_ET;
	c->gdtr = (struct dtable){ .base = FAKE_GDT, .limit = 0xff };
	c->idtr = (struct dtable){ .base = FAKE_IDT, .limit = 0x7ff };
	fake_desc(SEL_CODE0, 0, 0xfffff, 0xc9a);
	fake_desc(SEL_DATA0, 0, 0xfffff, 0xc92);
	fake_desc(SEL_CODE3, 0, 0xfffff, 0xcfa);
	fake_desc(SEL_DATA3, 0, 0xfffff, 0xcf2);
	fake_desc(SEL_TSS, FAKE_TSS, 103, 0x08b);
	fake_desc(SEL_TSS2, FAKE_TSS2, 103, 0x089);
	c->tr = (struct seg){ .sel = SEL_TSS, .attr = 0x8b, .base = FAKE_TSS,
			      .limit = 103 };
	c->ldtr = (struct seg){ .sel = 0 };
	fake_put(FAKE_TSS + 4, FAKE_STACK0, 4);
	fake_put(FAKE_TSS + 8, SEL_DATA0, 2);
	set_segments(c, SEL_CODE0, SEL_DATA0, 0);
	c->gpr[ESP] = FAKE_STACK0;
	c->eip = 0x10000;
}

void fake_enter_user(struct cpu *c)
{
	set_segments(c, SEL_CODE3, SEL_DATA3, 3);
	c->gpr[ESP] = FAKE_STACK3;
}

void fake_enter_vm86(struct cpu *c)
{
	cpu_set_eflags(c, EFL_VM | EFL_IF);
	for (unsigned i = 0; i < SEG_COUNT; i++)
		c->seg[i] = (struct seg){ .sel = 0x100 + i, .attr = 0xf3,
					  .base = (0x100 + i) << 4,
					  .limit = 0xffff };
	c->cpl = 3;
	c->gpr[ESP] = 0x2000;
	c->eip = 0x40;
}
