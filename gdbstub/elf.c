/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ELF32 file of up to eight sections:
 *
 *	.text  .symtab  .strtab  .debug_abbrev  .debug_info  .debug_frame
 *	.shstrtab
 *
 * DWARF 4: one unit, a subprogram per function, its arguments in registers
 * or at a distance from esp as they are at the function's first instruction,
 * and one call frame description for all: nothing has been pushed. */
#include "gdbstub/elf.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { SECTIONS = 8 };

struct section {
	const char *name;
	u32 type, flags, addr, link, info, align, entry, size, offset;
	struct buf bytes;
};

static void u8_to(struct buf *b, unsigned v)
{
	buf_byte(b, (char)v);
}

static void u32_to(struct buf *b, u32 v)
{
	buf_append(b, &v, 4);
}

static void string_to(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s) + 1);
}

/* ---- symbols ---- */

static void make_symbols(const struct elf_image *im, struct buf *table,
			 struct buf *names)
{
	Elf32_Sym none = {0};

	buf_append(table, &none, sizeof(none));
	buf_byte(names, '\0');
	for (size_t i = 0; i < im->count; i++) {
		const struct elf_function *f = &im->functions[i];
		Elf32_Sym s = {
			.st_name = (Elf32_Word)names->len,
			.st_value = f->addr,
			.st_size = f->len,
			.st_info = ELF32_ST_INFO(STB_GLOBAL, STT_FUNC),
			.st_shndx = 1,
		};

		string_to(names, f->name);
		buf_append(table, &s, sizeof(s));
	}
}

/* ---- DWARF ---- */

enum {
	DW_UNIT = 1,
	DW_BASE,
	DW_POINTER,
	DW_FUNCTION,
	DW_PROCEDURE,
	DW_ARGUMENT
};

/* Tags, attributes and forms of DWARF 4, section 7.5. */
static void make_abbreviations(struct buf *b)
{
	static const char rows[] =
		/* 1, unit: name, producer, language, low_pc, high_pc */
		"\1\x11\1\x03\x08\x25\x08\x13\x0b\x11\x01\x12\x06\0\0"
		/* 2, base type: name, byte_size, encoding */
		"\2\x24\0\x03\x08\x0b\x0b\x3e\x0b\0\0"
		/* 3, pointer to nothing known: byte_size */
		"\3\x0f\0\x0b\x0b\0\0"
		/* 4, subprogram: external, name, prototyped, low_pc, high_pc,
		 * frame_base, type */
		"\4\x2e\1\x3f\x19\x03\x08\x27\x19\x11\x01\x12\x06\x40\x18"
		"\x49\x13\0\0"
		/* 5, the same without a type */
		"\5\x2e\1\x3f\x19\x03\x08\x27\x19\x11\x01\x12\x06\x40\x18\0\0"
		/* 6, formal parameter: name, type, location */
		"\6\x05\0\x03\x08\x49\x13\x02\x18\0\0";

	_Static_assert(DW_UNIT == 1 && DW_ARGUMENT == 6, "rows by number");
	buf_append(b, rows, sizeof(rows)); /* the last zero ends them */
}

static int register_number(const char *name)
{
	static const char names[][4] = {"eax", "ecx", "edx", "ebx",
					"esp", "ebp", "esi", "edi"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return -1;
}

/* DW_OP_reg0 + n, or DW_OP_breg4 and a distance. */
static void location(struct buf *b, const char *where)
{
	unsigned distance;
	int number = register_number(where);

	if (number >= 0) {
		u8_to(b, 1);
		u8_to(b, 0x50 + (unsigned)number);
		return;
	}
	sscanf(where, "+%u", &distance);
	u8_to(b, 2);
	u8_to(b, 0x74);
	u8_to(b, distance & 0x3f); /* one byte of SLEB128 */
}

struct types {
	u32 number, pointer; /* offsets in the unit */
};

static void arguments(struct buf *b, const char *args, const struct types *t)
{
	char where[8], type[12], name[20];
	int len;

	for (; sscanf(args, " %7[^:]:%11[^:]:%19s%n", where, type, name,
		      &len) == 3;
	     args += len) {
		u8_to(b, DW_ARGUMENT);
		string_to(b, name);
		u32_to(b, strcmp(type, "va") ? t->number : t->pointer);
		location(b, where);
	}
}

static void function(struct buf *b, const struct elf_function *f,
		     const struct types *t)
{
	bool has_type = !strncmp(f->result, "eax:", 4);

	u8_to(b, has_type ? DW_FUNCTION : DW_PROCEDURE);
	string_to(b, f->name);
	u32_to(b, f->addr);
	u32_to(b, f->len);
	u8_to(b, 1);
	u8_to(b, 0x9c); /* DW_OP_call_frame_cfa */
	if (has_type)
		u32_to(b, t->number);
	arguments(b, f->args, t);
	u8_to(b, 0);
}

static void make_info(const struct elf_image *im, struct buf *b)
{
	struct types t;
	u32 len;

	u32_to(b, 0); /* length, below */
	u8_to(b, 4);  /* version */
	u8_to(b, 0);
	u32_to(b, 0); /* of abbreviations */
	u8_to(b, 4);  /* bytes of an address */
	u8_to(b, DW_UNIT);
	string_to(b, im->name);
	string_to(b, "Vitrine");
	u8_to(b, 0x0c); /* C99 */
	u32_to(b, im->base);
	u32_to(b, im->len);
	t.number = (u32)b->len;
	u8_to(b, DW_BASE);
	string_to(b, "unsigned int");
	u8_to(b, 4);
	u8_to(b, 7); /* unsigned */
	t.pointer = (u32)b->len;
	u8_to(b, DW_POINTER);
	u8_to(b, 4);
	for (size_t i = 0; i < im->count; i++)
		function(b, &im->functions[i], &t);
	u8_to(b, 0);
	len = (u32)b->len - 4;
	memcpy(b->data, &len, 4);
}

static void pad(struct buf *b, size_t from)
{
	u32 len;

	while ((b->len - from) % 4)
		u8_to(b, 0); /* DW_CFA_nop */
	len = (u32)(b->len - from - 4);
	memcpy(b->data + from, &len, 4);
}

/* The frame begins above the return address: CFA = esp + 4. */
void frames_begin(struct buf *b)
{
	static const u8 cie[] = {
		0xff, 0xff, 0xff, 0xff, 1, 0, /* version 1, no augmentation */
		1,    0x7c, 8,                /* factors 1, -4; eip */
		0x0c, 4,    4,                /* DW_CFA_def_cfa esp + 4 */
		0x88, 1,                      /* DW_CFA_offset eip: CFA - 4 */
	};

	u32_to(b, 0);
	buf_append(b, cie, sizeof(cie));
	pad(b, 0);
}

size_t frames_begin_entry(u32 addr, u32 len, struct buf *b)
{
	size_t entry = b->len;

	u32_to(b, 0);
	u32_to(b, 0); /* the CIE */
	u32_to(b, addr);
	u32_to(b, len);
	return entry;
}

void frames_end_entry(size_t entry, struct buf *b)
{
	pad(b, entry);
}

static void make_frames(const struct elf_image *im, struct buf *b)
{
	frames_begin(b);
	frames_end_entry(frames_begin_entry(im->base, im->len, b), b);
}

/* ---- the file ---- */

static void lay_out(struct section *s, u32 at)
{
	for (unsigned i = 1; i < SECTIONS; i++) {
		at = (at + 15) & ~15u;
		s[i].offset = at;
		if (s[i].type != SHT_NOBITS) {
			s[i].size = (u32)s[i].bytes.len;
			at += s[i].size;
		}
	}
}

static void write_header(const struct elf_image *im, u32 sections_at,
			 struct buf *out)
{
	Elf32_Ehdr h = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = im->is_shared ? ET_DYN : ET_EXEC,
		.e_machine = EM_386,
		.e_version = EV_CURRENT,
		.e_entry = im->base,
		.e_phoff = sizeof(h),
		.e_shoff = sections_at,
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
		.e_shentsize = sizeof(Elf32_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = SECTIONS - 1,
	};

	buf_append(out, &h, sizeof(h));
}

static void write_segment(const struct elf_image *im, const struct section *s,
			  struct buf *out)
{
	Elf32_Phdr p = {
		.p_type = PT_LOAD,
		.p_offset = s[1].offset,
		.p_vaddr = im->base,
		.p_paddr = im->base,
		.p_filesz = im->code ? im->len : 0,
		.p_memsz = im->len,
		.p_flags = PF_R | PF_X,
		.p_align = 16,
	};

	buf_append(out, &p, sizeof(p));
}

static void write_sections(struct section *s, struct buf *out)
{
	u32 names = 1; /* offsets into .shstrtab, in the order of sections */

	for (unsigned i = 0; i < SECTIONS; i++) {
		Elf32_Shdr h = {
			.sh_name = i ? names : 0,
			.sh_type = s[i].type,
			.sh_flags = s[i].flags,
			.sh_addr = s[i].addr,
			.sh_offset = s[i].offset,
			.sh_size = s[i].size,
			.sh_link = s[i].link,
			.sh_info = s[i].info,
			.sh_addralign = s[i].align,
			.sh_entsize = s[i].entry,
		};

		buf_append(out, &h, sizeof(h));
		names += i ? (u32)strlen(s[i].name) + 1 : 0;
	}
}

static void pad_to(struct buf *out, u32 at)
{
	while (out->len < at)
		buf_byte(out, '\0');
}

void elf_make(const struct elf_image *im, struct buf *out)
{
	struct section s[SECTIONS] = {
		{.name = ""},
		{".text", im->code ? SHT_PROGBITS : SHT_NOBITS,
		 SHF_ALLOC | SHF_EXECINSTR, im->base, .align = 16,
		 .size = im->len},
		{".symtab", SHT_SYMTAB, .link = 3, .info = 1, .align = 4,
		 .entry = sizeof(Elf32_Sym)},
		{".strtab", SHT_STRTAB, .align = 1},
		{".debug_abbrev", SHT_PROGBITS, .align = 1},
		{".debug_info", SHT_PROGBITS, .align = 1},
		{".debug_frame", SHT_PROGBITS, .align = 4},
		{".shstrtab", SHT_STRTAB, .align = 1},
	};
	u32 end;

	if (im->code)
		buf_append(&s[1].bytes, im->code, im->len);
	make_symbols(im, &s[2].bytes, &s[3].bytes);
	if (im->has_debug) {
		make_abbreviations(&s[4].bytes);
		make_info(im, &s[5].bytes);
		make_frames(im, &s[6].bytes);
	} else if (im->frames) {
		buf_append(&s[6].bytes, im->frames->data, im->frames->len);
	}
	buf_byte(&s[7].bytes, '\0');
	for (unsigned i = 1; i < SECTIONS; i++)
		string_to(&s[7].bytes, s[i].name);
	lay_out(s, sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr));
	end = (s[7].offset + s[7].size + 15) & ~15u;
	write_header(im, end, out);
	write_segment(im, s, out);
	for (unsigned i = 1; i < SECTIONS; i++) {
		pad_to(out, s[i].offset);
		if (s[i].bytes.len)
			buf_append(out, s[i].bytes.data, s[i].bytes.len);
		buf_free(&s[i].bytes);
	}
	pad_to(out, end);
	write_sections(s, out);
}
