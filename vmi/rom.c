/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option ROM, built from calls.def.
 *
 *	000  option ROM header with the VMI fields	(BIOS boot specification)
 *	020  PCI data structure
 *	040  PnP expansion header
 *	080  vmi_init, 088 get_reloc: called in place
 *	090  strings
 *	100  stubs, 16 bytes a call
 *
 * A stub is one instruction that no processor has (UD1 with an absolute
 * operand, the call's number) and a RET, so the ROM runs wherever it is
 * mapped.  The instruction means something only while it is read from here
 * (call.c). */
#include "vmi/vmi_priv.h"

#include <string.h>

enum {
	PCI_AT = 0x20,
	PNP_AT = 0x40,
	INIT_AT = 0x80,
	RELOC_AT = 0x88,
	STRINGS_AT = 0x90,
	STUBS_AT = 0x100,
	API_MAJOR = 3,
	API_MINOR = 0,
};

static const u8 answers[VMI_CALLS] = {
#define REL ANSWER_REL
#define NOP ANSWER_NOP
#define NONE ANSWER_NONE
#define CALL(number, name, answer, how, native, args, result, meaning) \
	[number] = (answer),
#include "vmi/calls.def"
};

static u32 stub_offset(u32 number)
{
	return STUBS_AT + number * VMI_STUB_LEN;
}

gpa_t vmi_stub(unsigned number)
{
	return ROM_BASE + stub_offset(number);
}

enum answer rom_answer(u32 number, u32 *offset)
{
	if (number >= VMI_CALLS)
		return ANSWER_NONE;
	*offset = stub_offset(number);
	return answers[number];
}

static void put(u8 *at, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (u8)(value >> (8 * i));
}

/* Appends a string; its offset. */
static u32 put_string(u8 *image, u32 *next, const char *text)
{
	u32 at = *next;

	memcpy(image + at, text, strlen(text) + 1);
	*next += (u32)strlen(text) + 1;
	return at;
}

static void put_stub(u8 *at, u32 number)
{
	static const u8 ud1[] = { 0x0f, 0xb9, 0x05 }; /* ud1 number, %eax */

	memcpy(at, ud1, sizeof(ud1));
	put(at + 3, number, 4);
	at[7] = 0xc3; /* ret */
}

static void put_headers(u8 *image)
{
	static const u8 start[] = { 0x55, 0xaa, ROM_LEN / 512, 0xcb }; /* retf */
	u32 next = STRINGS_AT;
	u8 *pci = image + PCI_AT, *pnp = image + PNP_AT;

	memcpy(image, start, sizeof(start));
	memcpy(image + 0x08, "cVmi", 4);
	image[0x0c] = API_MINOR;
	image[0x0d] = API_MAJOR;
	image[0x0e] = 2; /* jump slots */
	put(image + 0x10, 0, 4); /* no address space is taken away */
	put(image + 0x16, put_string(image, &next, "GPL"), 2);
	put(image + 0x18, PCI_AT, 2);
	put(image + 0x1a, PNP_AT, 2);

	memcpy(pci, "PCIR", 4);
	put(pci + 0x04, 0x15ad, 2); /* the numbers kernels know */
	put(pci + 0x06, 0x0801, 2);
	put(pci + 0x0a, 24, 2);
	put(pci + 0x0d, 0x050000, 3); /* memory controller */
	put(pci + 0x10, ROM_LEN / 512, 2);
	put(pci + 0x12, 0x0100, 2); /* ROM version 1.0 */
	pci[0x15] = 0x80; /* last image */

	memcpy(pnp, "$PnP", 4);
	pnp[0x04] = 1;
	pnp[0x05] = 2; /* times 16 bytes */
	put(pnp + 0x0e, put_string(image, &next, "Vitrine"), 2);
	put(pnp + 0x10, put_string(image, &next, "Virtual Machine Interface"), 2);
}

static u8 sum(const u8 *at, u32 len)
{
	u8 s = 0;

	for (u32 i = 0; i < len; i++)
		s = (u8)(s + at[i]);
	return s;
}

void rom_build(u8 *image)
{
	memset(image, 0, ROM_LEN);
	put_headers(image);
	put_stub(image + INIT_AT, CALL_INIT);
	put_stub(image + RELOC_AT, CALL_GET_RELOC);
	for (u32 n = 0; n < VMI_CALLS; n++) {
		memset(image + stub_offset(n), 0xcc, VMI_STUB_LEN);
		put_stub(image + stub_offset(n), n);
	}
	image[PNP_AT + 0x09] = (u8)-sum(image + PNP_AT, 32);
	image[ROM_LEN - 1] = (u8)-sum(image, ROM_LEN - 1);
}
