/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The other side of the seam: calls to a hypervisor, by VMware's Virtual
 * Machine Interface (VMI), version 3.
 *
 * The hypervisor shows itself by an option ROM with a signature of its own.
 * We call the ROM once to begin, and once for each operation to ask: is there
 * a routine for it, and where?  Those routines then take the places of the
 * native ones in `pv`.  Most fit as they are, because the members of that
 * table follow VMI's conventions; the others get a few lines of glue.
 *
 * iret and sysexit are not in any table, since at that point no register is
 * free to call through.  So the instructions themselves are overwritten, with
 * calls: their places in entry.S have room for that.
 *
 * Whoever wants to see the calls asks for counting: then each goes through
 * two instructions of ours, written at run time, that add one to a counter and
 * jump to the routine.
 */
#include "kernel.h"

enum { ROM_FIRST = 0xC0000, ROM_LAST = 0xDF800, ROM_STEP = 0x800 };
enum { ROM_SIGNATURE = 0xAA55, VMI_SIGNATURE = 0x696D5663, API_MAJOR = 3 };
enum { ANSWER_NONE, ANSWER_CALL, ANSWER_JUMP, ANSWER_NOP };
enum { OPCODE_CALL = 0xE8, OPCODE_JUMP = 0xE9 };
#define OUR_TOP 0xFC000000u	/* nothing of ours is above, see paging.c */

/* The start of the ROM.  The two entry points are code. */
struct __attribute__((packed)) vmi_rom {
	u16 rom_signature;
	u8 length;		/* of 512 bytes each */
	u8 bios_entry[4], unused0;
	u32 vmi_signature;
	u8 minor, major;
	u8 jump_slots, unused1;
	u32 top;		/* the first address that is not ours; or 0 */
	u16 unused2;
	u16 license, pci_header, pnp_header;	/* offsets of those */
	u8 unused3[0x80 - 0x1C];
	u8 init[8];
	u8 get_routine[8];
};

struct __attribute__((packed)) pnp_header {
	u8 unused[14];
	u16 maker, product;	/* offsets of strings in the ROM, or 0 */
};

/*
 * What we call: VMI's number and name, and the member of pv that it is where
 * it fits without glue.
 */
#define CALLS \
	CALL(0, CPUID, NULL) \
	CALL(1, WRMSR, &pv.write_msr) \
	CALL(3, SetGDT, &pv.load_gdt) \
	CALL(5, SetIDT, &pv.load_idt) \
	CALL(6, SetTR, &pv.load_tr) \
	CALL(11, WriteGDTEntry, &pv.write_gdt) \
	CALL(13, WriteIDTEntry, &pv.write_idt) \
	CALL(14, UpdateKernelStack, &pv.set_kernel_stack) \
	CALL(15, SetCR0, &pv.write_cr0) \
	CALL(17, SetCR3, &pv.load_cr3) \
	CALL(18, SetCR4, &pv.write_cr4) \
	CALL(19, GetCR0, &pv.read_cr0) \
	CALL(20, GetCR2, &pv.read_cr2) \
	CALL(21, GetCR3, &pv.read_cr3) \
	CALL(22, GetCR4, &pv.read_cr4) \
	CALL(27, RDTSC, &pv.read_tsc) \
	CALL(28, CLTS, &pv.clear_ts) \
	CALL(29, EnableInterrupts, &pv.sti) \
	CALL(30, DisableInterrupts, &pv.cli) \
	CALL(31, GetInterruptMask, &pv.save_flags) \
	CALL(32, SetInterruptMask, &pv.restore_flags) \
	CALL(33, IRET, NULL) \
	CALL(34, SYSEXIT, NULL) \
	CALL(35, Halt, &pv.halt) \
	CALL(36, Reboot, &pv.reboot) \
	CALL(37, Shutdown, &pv.shutdown) \
	CALL(38, SetPxE, &pv.set_pte) \
	CALL(40, UpdatePxE, &pv.pte_changed) \
	CALL(44, AllocatePage, NULL) \
	CALL(45, ReleasePage, NULL) \
	CALL(46, InvalPage, &pv.invlpg) \
	CALL(47, FlushTLB, &pv.flush_tlb) \
	CALL(48, SetLinearMapping, NULL) \
	CALL(50, INB, &pv.in8) \
	CALL(56, OUTB, &pv.out8) \
	CALL(57, OUTW, &pv.out16) \
	CALL(65, IODelay, &pv.io_delay) \
	CALL(66, GetCycleFrequency, &pv.cycles_per_second) \
	CALL(67, GetCycleCounter, NULL) \
	CALL(68, SetAlarm, NULL) \
	CALL(70, GetWallclockTime, &pv.wall_clock) \
	CALL(73, SetLazyMode, &pv.batch)

enum vmi_call {
#define CALL(number, name, member) VMI_##name = number,
	CALLS
#undef CALL
	VMI_CALLS
};

static const struct {
	const char *name;
	void *member;		/* of any function type: they are all words */
} calls[VMI_CALLS] = {
#define CALL(number, name, member) [number] = { #name, member },
	CALLS
#undef CALL
};

static bool active, counting;
static u32 routine[VMI_CALLS];	/* in the ROM; 0 where it has none */
static u8 answers[VMI_CALLS];
static u32 target[VMI_CALLS];	/* the routine, or the counter before it */
static u32 counts[HYPERVISOR_CALLS];

/* incl counts[n]; jmp routine.  On a page of its own: code and data in one
 * make translators and caches unhappy. */
struct __attribute__((packed, aligned(16))) counter {
	u8 inc[2];
	u32 *count;
	u8 jmp;
	u32 distance;
};
static struct counter counters_of_calls[VMI_CALLS]
	__attribute__((aligned(PAGE_SIZE)));

_Static_assert((int)VMI_CALLS <= (int)HYPERVISOR_CALLS, "abi.h");

#define AS(type, call) ((type)target[VMI_##call])

/* ---- glue ---- */

/* CPUID answers in registers. */
static void vmi_cpuid(u32 leaf, struct cpuid_result *result)
{
	__asm__ volatile("call *%4"
			 : "=a"(result->eax), "=b"(result->ebx),
			   "=c"(result->ecx), "=d"(result->edx)
			 : "m"(target[VMI_CPUID]), "0"(leaf), "2"(0)
			 : "memory", "cc");
}

/* VMI speaks of pages by number.  A new directory already holds the kernel's
 * half, which is why it is announced as a clone. */
enum { PAGE_CLONE = 0x20 };

static void vmi_table_made(u32 frame, u32 kind)
{
	typedef pv_call void allocate(u32, u32, u32, u32, u32);
	u32 kernel = virt_to_phys(kernel_directory);
	u32 first = PAGE_OFFSET >> 22;

	if (kind == PV_DIRECTORY && frame != kernel)
		AS(allocate *, AllocatePage)(frame / PAGE_SIZE,
			kind | PAGE_CLONE | PV_ZEROED, kernel / PAGE_SIZE,
			first, 1024 - first);
	else
		AS(allocate *, AllocatePage)(frame / PAGE_SIZE, kind, 0, 0, 0);
}

static void vmi_table_gone(u32 frame, u32 kind)
{
	typedef pv_call void release(u32, u32);

	AS(release *, ReleasePage)(frame / PAGE_SIZE, kind);
}

static void vmi_direct_map(u32 pages)
{
	typedef pv_call void map(u32, u32, u32, u32);

	AS(map *, SetLinearMapping)(0, PAGE_OFFSET, pages, 0);
}

/* An alarm at each tick, on the line of the timer chip, which is told to be
 * silent. */
static void vmi_start_timer(u32 ticks_per_second)
{
	enum { REAL = 0, PERIODIC = 0x100, PIT_COMMAND = 0x43,
	       PIT_SILENT = 0x3A };
	typedef pv_call u64 cycles(u32);
	typedef pv_call void alarm(u32, u64, u64);
	u64 period = divide_u64(pv.cycles_per_second(), ticks_per_second,
				NULL);

	out8(PIT_COMMAND, PIT_SILENT);
	AS(alarm *, SetAlarm)(REAL | PERIODIC,
			      AS(cycles *, GetCycleCounter)(REAL) + period,
			      period);
}

static void fill_glue(void)
{
	if (target[VMI_CPUID])
		pv.cpuid = vmi_cpuid;
	if (target[VMI_AllocatePage] && target[VMI_ReleasePage]) {
		pv.table_made = vmi_table_made;
		pv.table_gone = vmi_table_gone;
	}
	if (target[VMI_SetLinearMapping])
		pv.direct_map = vmi_direct_map;
	if (target[VMI_GetCycleFrequency] && target[VMI_GetCycleCounter] &&
	    target[VMI_SetAlarm])
		pv.start_timer = vmi_start_timer;
}

/* ---- filling in ---- */

static pv_call void do_nothing(void)
{
}

static void patch_site(u8 *site, enum vmi_call call)
{
	u32 distance = target[call] - (u32)site - 5;

	if (answers[call] != ANSWER_CALL && answers[call] != ANSWER_JUMP)
		return;		/* it stays the instruction that it is */
	site[0] = answers[call] == ANSWER_CALL ? OPCODE_CALL : OPCODE_JUMP;
	memcpy(site + 1, &distance, sizeof(distance));
}

static void set_target(enum vmi_call call)
{
	struct counter *counter = &counters_of_calls[call];

	if (answers[call] == ANSWER_NOP)
		target[call] = (u32)do_nothing;
	else
		target[call] = routine[call];
	if (counting && target[call]) {
		*counter = (struct counter){
			.inc = { 0xFF, 0x05 }, .count = &counts[call],
			.jmp = OPCODE_JUMP,
			.distance = target[call] - (u32)(counter + 1) + 5,
		};
		target[call] = (u32)counter;
	}
	if (target[call] && calls[call].member)
		memcpy(calls[call].member, &target[call], sizeof(u32));
}

/* With interrupts off: an iret must not meet half a call. */
static void fill(void)
{
	extern u8 pv_site_iret[], pv_site_sysexit[];

	for (u32 i = 0; i < VMI_CALLS; i++)
		if (calls[i].name)
			set_target(i);
	fill_glue();
	patch_site(pv_site_iret, VMI_IRET);
	patch_site(pv_site_sysexit, VMI_SYSEXIT);
}

/* ---- finding ---- */

static bool is_rom(const struct vmi_rom *rom)
{
	const u8 *bytes = (const u8 *)rom;
	const char *license = (const char *)bytes + rom->license;
	u8 sum = 0;

	if (rom->rom_signature != ROM_SIGNATURE ||
	    rom->vmi_signature != VMI_SIGNATURE)
		return false;
	for (u32 i = 0; i < rom->length * 512u; i++)
		sum += bytes[i];
	return !sum && rom->major == API_MAJOR && rom->license &&
	       (!strcmp(license, "GPL") || !strcmp(license, "GPL v2"));
}

static const struct vmi_rom *find_rom(void)
{
	for (u32 at = ROM_FIRST; at <= ROM_LAST; at += ROM_STEP)
		if (is_rom(phys_to_virt(at)))
			return phys_to_virt(at);
	return NULL;
}

static const char *rom_text(const struct vmi_rom *rom, u32 offset)
{
	return offset ? (const char *)rom + offset : "unknown";
}

static void take_name(const struct vmi_rom *rom)
{
	static const struct pnp_header none;
	static char name[48];
	const struct pnp_header *pnp = rom->pnp_header ?
		(const void *)((const u8 *)rom + rom->pnp_header) : &none;

	format_text(name, sizeof(name), "%s %s, VMI %u.%u",
		    rom_text(rom, pnp->maker), rom_text(rom, pnp->product),
		    (u32)rom->major, (u32)rom->minor);
	pv.name = name;
}

static void ask(const struct vmi_rom *rom)
{
	typedef pv_call u64 get_routine(u32 call);

	for (u32 i = 0; i < VMI_CALLS; i++) {
		u64 answer;

		if (!calls[i].name)
			continue;
		answer = ((get_routine *)(u32)rom->get_routine)(i);
		answers[i] = (u8)(answer >> 32);
		if (answers[i] == ANSWER_CALL || answers[i] == ANSWER_JUMP)
			routine[i] = (u32)answer;
	}
}

/*
 * Interrupts are off, paging is on, and the tables that the processor uses
 * are ours: that is what the interface wants at this moment.  From vmi_init
 * on the kernel may find itself in another ring.
 */
void vmi_start(void)
{
	typedef pv_call u32 init(void);
	const struct vmi_rom *rom = find_rom();

	if (!rom || find_text(command_line, "novmi") ||
	    (rom->top && rom->top < OUR_TOP))
		return;
	if (((init *)(u32)rom->init)()) {
		printk("lantern: the VMI ROM failed to initialize\n");
		return;
	}
	active = true;
	take_name(rom);
	ask(rom);
	fill();
	/* Once more, now that somebody listens. */
	segments_init();
	traps_init();
}

/* ---- looking ---- */

static int set_counting(bool on)
{
	u32 flags = interrupts_off();

	if (on)
		memset(counts, 0, sizeof(counts));
	counting = on;
	fill();
	pv_patch();
	interrupts_restore(flags);
	return 0;
}

static int tell_name(u32 index, void *to)
{
	char name[NAME_LENGTH] = "";

	if (index >= HYPERVISOR_CALLS)
		return -E_INVAL;
	if (index < VMI_CALLS && routine[index])
		copy_text(name, calls[index].name, NAME_LENGTH);
	return copy_to_user(to, name, sizeof(name));
}

int sys_hypervisor(u32 what, u32 index, void *to)
{
	if (!active)
		return -E_NOSYS;
	switch (what) {
	case HYPERVISOR_COUNT:
		return set_counting(index);
	case HYPERVISOR_COUNTS:
		return copy_to_user(to, counts, sizeof(counts));
	case HYPERVISOR_NAME:
		return tell_name(index, to);
	}
	return -E_INVAL;
}
